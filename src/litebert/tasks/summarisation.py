"""Summarisation: a long text becomes a short one, in new words (abstractive)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

from litebert.tasks.task import Record
from litebert.tasks.writing import TEXTS, Writing

DOCUMENTS = (
    "document",
    "source",
    "text",
    "article",
    "dialogue",
    "content",
    "abstract",
    "body",
    "正文",
    "文本",
)

DOCUMENT = {"document": "The boat was due on Monday. Nobody has seen it since. They will look for it again."}
"""One to try."""


@dataclass(frozen=True, slots=True)
class Document(Record):
    """A text to shorten."""

    document: str
    """The whole text: an article, an abstract, a dialogue."""


@final
@dataclass(frozen=True, kw_only=True)
class Summarisation(Writing[Document]):
    """What does this text say, in short?"""

    name = "summarisation"
    Input = Document
    example = DOCUMENT
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "document": DOCUMENTS,
        "text": ("summary", "target", "tldr", "highlights", "title", "摘要", "标题", *TEXTS),
        "references": ("references",),
    }
    plain = ("document", "text")
    best = "rougeL"

    copies: bool = True
    no_repeat: int = 3
