"""Entities: the names of people, places, diseases, … in a text, none in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

from litebert.tasks import words
from litebert.tasks.spans import Span, SpanTask
from litebert.tasks.task import Record
from litebert.tasks.words import Words

COLUMNS = ("entities", "spans", "tags", "ner_tags", "label", "labels", "ner", "annotations", "实体", "标签")
"""The column names that mean entities, or the tags that spell them."""


@dataclass(frozen=True, slots=True)
class Entities(Record):
    """The entities of a text, in their order; there may be none."""

    entities: tuple[Span, ...]
    """Each with its label, where it stands, and its text."""


@final
@dataclass(frozen=True, kw_only=True)
class EntityTask(SpanTask[Words, Entities]):
    """Which names stand in this text, where, and of what type are they?"""

    name = "entities"
    Input = Words
    Output = Entities
    example: ClassVar = {"text": "Ann Smith lives in Paris."}
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {**words.COLUMNS, "entities": COLUMNS}
    answer = "entities"

    crf: bool = True
    """Whether it learns which tag comes after which, too, and the whole path at once (`crf.py`)."""

    def made(self, spans: tuple[Span, ...]) -> Entities:
        return Entities(spans)
