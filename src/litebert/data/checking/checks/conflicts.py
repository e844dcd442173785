"""The same Input with another Output."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from litebert.data.checking.check import Check, Study, shown
from litebert.data.checking.checks.rows_seen import RowsSeen
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.row import Row

_KEPT = 1_000
"""Labels of which the names are kept, to be shown."""


class Conflicts(Check):
    """Whether an Input, case and white space aside, has always the same Output.

    Tasks that write may do so in several ways, so it is not serious for them.
    """

    kinds: ClassVar[Mapping[str, Kind]] = {
        "conflict": Kind("the Input of an earlier row with another Output", "decide, and drop one", True),
        "another": Kind("the Input of an earlier row with another text to write", "see that both are right"),
    }

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.seen, self.wanted = RowsSeen(), array("Q")
        self.names: dict[int, str] = {}

    def row(self, row: Row) -> Iterator[Finding]:
        self.seen.add(row, row.given_digest)
        self.wanted.append(row.wanted_digest)
        if len(self.names) < _KEPT and row.labels:
            self.names.setdefault(row.wanted_digest, ", ".join(row.labels))
        yield from ()

    def end(self) -> Iterator[Finding]:
        code = "another" if self.study.task.plain else "conflict"
        firsts = self.seen.firsts()
        wanted = np.frombuffer(self.wanted, np.uint64) if self.wanted else np.zeros(0, np.uint64)
        for at in np.flatnonzero(wanted != wanted[firsts]).tolist():
            first = int(firsts[at])
            message = f"the same text as in line {self.seen.lines[first]}, but {self._differs(at, first)}"
            yield self.found(code, self.seen.place(at), message, number=self.seen.numbers[at])

    def _differs(self, at: int, first: int) -> str:
        here, there = (self.names.get(self.wanted[one]) for one in (at, first))
        if here is None or there is None:
            return "with another answer"
        return f"{shown(here)} here and {shown(there)} there"
