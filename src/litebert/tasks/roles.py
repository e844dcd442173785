"""Semantic roles: who did what to whom, for one predicate of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, final

import numpy as np

from litebert.errors import InputError
from litebert.tasks import word_pieces, words
from litebert.tasks.rewording import Reworded, Spans
from litebert.tasks.spans import Span, SpanTask
from litebert.tasks.task import Record, caught
from litebert.tasks.words import Words, laid_out
from litebert.text.encoding import Encoding
from litebert.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Predicate(Words):
    """A text, or its tokens, with one of its predicates."""

    text: str | None = None
    """The text to read. May be left out where there are tokens."""
    tokens: tuple[str, ...] | None = None
    """The words of the text in order, where somebody has cut it; without a text they are joined."""
    predicate: int = field(kw_only=True)
    """The number of the predicate's token, from 0; of a text without tokens, of its first character."""


@dataclass(frozen=True, slots=True)
class Roles(Record):
    """The predicate's arguments, in the order of the text; there may be none."""

    roles: tuple[Span, ...]
    """Each with its role as its label, where it stands, and its text."""


@final
@dataclass(frozen=True, kw_only=True)
class RoleTask(SpanTask[Predicate, Roles]):
    """Which parts of this text play which roles for this predicate?"""

    name = "roles"
    Input = Predicate
    Output = Roles
    example: ClassVar = {"text": "Ann sold Bob a car.", "predicate": 4}
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **words.COLUMNS,
        "predicate": ("predicate", "verb", "target", "谓词"),
        "roles": ("roles", "arguments", "tags", "srl_tags", "label", "labels"),
    }
    formats: ClassVar[tuple[str, ...]] = ("propositions",)
    answer = "roles"

    def encode(self, given: Predicate, tokenizer: Tokenizer) -> list[Encoding]:
        """The predicate's pieces are of segment 1, by which the encoder knows it.

        Raises `InputError` for a predicate that the text does not have.
        """
        start, end = _place(given)
        rows = word_pieces.encode(given, tokenizer, self.max_pieces, self.on_long)
        return [_marked(row, start, end) for row in rows]

    def encode_many(
        self, given: Sequence[Predicate], tokenizer: Tokenizer
    ) -> list[list[Encoding] | InputError]:
        many = word_pieces.encode_many(given, tokenizer, self.max_pieces, self.on_long)
        return [
            rows if isinstance(rows, InputError) else caught(_mark, one, rows)
            for one, rows in zip(given, many, strict=True)
        ]

    def fixed(self, given: Predicate) -> Spans:
        return [_place(given)]

    def placed(self, given: Predicate, done: Reworded) -> Predicate:
        """The predicate has gone somewhere, too."""
        start, _ = _place(given)
        if given.tokens is None:
            return replace(super().placed(given, done), predicate=done.moved(given.predicate))
        _, bounds = laid_out(replace(given, text=done.text, tokens=done.words))
        found = int(np.flatnonzero(bounds[:, 0] == done.moved(start))[0])
        return replace(super().placed(given, done), predicate=found)

    def made(self, spans: tuple[Span, ...]) -> Roles:
        return Roles(spans)


def _mark(given: Predicate, rows: Sequence[Encoding]) -> list[Encoding]:
    start, end = _place(given)
    return [_marked(row, start, end) for row in rows]


def _marked(row: Encoding, start: int, end: int) -> Encoding:
    is_of_it = (row.spans[:, 0] < end) & (row.spans[:, 1] > start)
    return replace(row, segments=is_of_it.astype(np.int8))


def _place(given: Predicate) -> tuple[int, int]:
    """Where the predicate stands in the text."""
    _, bounds = laid_out(given)
    at = given.predicate
    if given.tokens is None:
        found = np.flatnonzero((bounds[:, 0] <= at) & (at < bounds[:, 1]))
    else:
        found = np.arange(len(bounds))[at : at + 1] if at >= 0 else np.array([], dtype=np.intp)
    if len(found) == 0:
        what = f"at character {at} no word" if given.tokens is None else f"no token {at}"
        raise InputError(f"the predicate: there is {what} in this text, counted from 0", code="predicate")
    start, end = bounds[found[0]].tolist()
    return start, end
