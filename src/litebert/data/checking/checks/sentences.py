"""Sentences that stand in both files, in texts that are otherwise different."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from litebert.data.checking.check import Check, Study, shown
from litebert.data.checking.checks.parts import LEAST_BYTES, LEAST_WORDS
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.row import Row, digest
from litebert.data.corpus.duplicates import words_of
from litebert.data.corpus.sentences import split
from litebert.data.example import Place


class Sentences(Check):
    """Whether a text of several sentences shares one with a text of the other file."""

    kinds: ClassVar[Mapping[str, Kind]] = {
        "leak-sentence": Kind(
            "a sentence that is in the other file, too", "see whether it gives the answer away"
        )
    }

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.theirs: dict[int, int] = {}
        self.whole: set[int] = set()
        self.path = ""

    def other(self, row: Row) -> None:
        self.path = row.place.path
        self.whole.add(digest(row.unit))
        for sentence in _telling(row.unit):
            self.theirs.setdefault(digest(sentence), row.place.line)

    def row(self, row: Row) -> Iterator[Finding]:
        if not self.theirs or digest(row.unit) in self.whole:
            return
        for sentence in _telling(row.unit):
            if (line := self.theirs.get(digest(sentence))) is not None:
                message = f"{shown(sentence)} is also in {Place(self.path, line)}"
                yield self.found("leak-sentence", row.place, message, number=row.number)
                return


def _telling(text: str) -> Iterator[str]:
    """The sentences that are long enough to say something of their own."""
    for paragraph in text.splitlines():
        for sentence in split(paragraph):
            if len(sentence.encode("utf-8")) >= LEAST_BYTES and len(words_of(sentence)) >= LEAST_WORDS:
                yield sentence
