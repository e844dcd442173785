"""Rows that stand in the other file, too: what is trained on must not be judged by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from litebert.data.checking.check import Check, Study
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.row import Row, digest
from litebert.data.example import Place


class Leakage(Check):
    """Whether a row's Input, case and white space aside, or its group alone (a passage), is in both files."""

    kinds: ClassVar[Mapping[str, Kind]] = {
        "leak": Kind("the Input is in the other file, too", "drop it from one of them", True),
        "leak-group": Kind(
            "the passage of the Input is in the other file, too", "keep all of a passage in one file", True
        ),
    }

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.given: dict[int, int] = {}
        self.groups: dict[int, int] = {}
        """Lines of the other file by digests: it is the smaller one, mostly."""
        self.path = ""

    def other(self, row: Row) -> None:
        self.path = row.place.path
        self.given.setdefault(row.given_digest, row.place.line)
        if row.is_of_group:
            self.groups.setdefault(digest(row.unit), row.place.line)

    def row(self, row: Row) -> Iterator[Finding]:
        if (line := self.given.get(row.given_digest)) is not None:
            yield self._leak("leak", row, line, "the same text")
        elif row.is_of_group and (line := self.groups.get(digest(row.unit))) is not None:
            yield self._leak("leak-group", row, line, "the same passage")

    def _leak(self, code: str, row: Row, line: int, what: str) -> Finding:
        message = f"{what} as {Place(self.path, line)}"
        return self.found(code, row.place, message, number=row.number, drop=True)

    def summary(self) -> dict[str, Any]:
        return {"held against": len(self.given)} if self.given else {}
