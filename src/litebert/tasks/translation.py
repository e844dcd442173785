"""Translation: a text in one language becomes one in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

from litebert.tasks.task import Record
from litebert.tasks.writing import TEXTS, Writing

SOURCES = ("source", "text", "sentence", "src", "input", "en", "english", "原文", "文本")


@dataclass(frozen=True, slots=True)
class Foreign(Record):
    """A text to translate."""

    source: str
    """The text in the language that is translated from."""


@final
@dataclass(frozen=True, kw_only=True)
class Translation(Writing[Foreign]):
    """What is this text in the other language?"""

    name = "translation"
    Input = Foreign
    example: ClassVar = {"source": "Where is my parcel?"}
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "source": SOURCES,
        "text": (*TEXTS, "tgt", "de", "fr", "zh", "german", "french", "chinese"),
        "references": ("references",),
    }
    plain = ("source", "text")
    best = "bleu"
