"""Rows that say what an earlier one says, answer and all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from litebert.data.checking.check import Check, Study
from litebert.data.checking.checks.rows_seen import RowsSeen
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.row import Row, digest


class Duplicates(Check):
    """Whether a row's Input and Output, case and white space aside, are those of an earlier one."""

    kinds: ClassVar[Mapping[str, Kind]] = {
        "duplicate": Kind("a row with the Input and the Output of an earlier one", "drop the later one")
    }

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.seen = RowsSeen()

    def row(self, row: Row) -> Iterator[Finding]:
        self.seen.add(row, digest((row.given_digest, row.wanted_digest)))
        yield from ()

    def end(self) -> Iterator[Finding]:
        firsts = self.seen.firsts()
        for at in np.flatnonzero(firsts != np.arange(len(firsts))).tolist():
            message = f"the same as line {self.seen.lines[firsts[at]]}"
            yield self.found(
                "duplicate", self.seen.place(at), message, number=self.seen.numbers[at], drop=True
            )
