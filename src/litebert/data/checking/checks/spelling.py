"""Labels that differ by case, by white space, or by the width of their letters alone."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import ClassVar

from litebert.data.checking.check import Check, Study, shown
from litebert.data.checking.checks.balance import MOST
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.report import counted
from litebert.data.checking.row import Row
from litebert.data.example import Place

KEPT = 1_000
"""Rows of one spelling that are told apart; the commonest spelling has more, and needs none."""


class Spelling(Check):
    """Whether each label is spelt in one way. The commonest is taken for the right one."""

    kinds: ClassVar[Mapping[str, Kind]] = {
        "spelling": Kind(
            "a label that is another but for case, blanks or width", "spell it as the other", True
        )
    }

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.counts: Counter[str] = Counter()
        self.rows: dict[str, list[tuple[int, Place]]] = defaultdict(list)

    def row(self, row: Row) -> Iterator[Finding]:
        for label in self._raw(row):
            if label in self.counts or len(self.counts) < MOST:
                self.counts[label] += 1
                if len(self.rows[label]) < KEPT:
                    self.rows[label].append((row.number, row.place))
        yield from ()

    def _raw(self, row: Row) -> tuple[str, ...]:
        """The labels as they stand in the file."""
        cell = row.cells.get(self.study.columns.get("label", "")) if row.cells else None
        return (cell,) if isinstance(cell, str) and row.label is not None else row.labels

    def end(self) -> Iterator[Finding]:
        alike: dict[str, list[str]] = defaultdict(list)
        for label, _ in self.counts.most_common():
            alike[_plain(label)].append(label)
        column = self.study.columns.get("label")
        for spellings in alike.values():
            right = self._right(spellings)
            for other in spellings if len(spellings) > 1 else ():
                if other == right:
                    continue
                if self.counts[other] > KEPT:
                    self.study.unchecked.append(
                        f"of the {self.counts[other]:,} rows of the label {shown(other)}, the first {KEPT:,} "
                        "are named; check a repaired copy again"
                    )
                for number, place in self.rows[other]:
                    message = f"{shown(other)} should be {shown(right)}, as in {counted(self.counts[right])}"
                    cells = {column: right} if column else None
                    yield self.found("spelling", place, message, number=number, cells=cells)

    def _right(self, spellings: list[str]) -> str:
        """The commonest, blanks around it aside."""
        counts: Counter[str] = Counter()
        for spelling in spellings:
            counts[spelling.strip()] += self.counts[spelling]
        return max(counts, key=lambda spelling: (counts[spelling], self.counts[spelling]))


def _plain(label: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())
