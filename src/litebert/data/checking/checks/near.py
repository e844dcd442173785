"""Texts that are nearly those of an earlier row, or of a row of the other file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from litebert.data.checking.check import Check, Study
from litebert.data.checking.checks.rows_seen import RowsSeen
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.row import Row, digest
from litebert.data.corpus import duplicates
from litebert.data.example import Place

MOST = 200_000
"""Texts that are compared with each other: each takes half a kilobyte."""


class Near(Check):
    """Whether the runs of five words in two texts are nearly the same, by MinHash (the extra `data`).

    Of texts that are the same but for case, marks and white space, those are. Each text counts once.
    """

    kinds: ClassVar[Mapping[str, Kind]] = {
        "near-duplicate": Kind("a text that is nearly that of an earlier row", "see whether one is enough"),
        "leak-near": Kind("a text that is nearly one of the other file", "drop it from one of them", True),
    }

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.signer, self.others = self._tools()
        self.seen, self.digests = RowsSeen(), set[int]()
        self.signatures: list[NDArray[np.uint32]] = []
        self.theirs: dict[int, int] = {}
        self.path = ""
        self.is_full = False

    def _tools(self) -> tuple[duplicates.Signer | None, duplicates.Seen | None]:
        threshold = self.study.settings.near_duplicates
        if threshold is None:
            self.study.unchecked.append("near duplicates were not looked for")
            return None, None
        try:
            return duplicates.Signer(), duplicates.Seen(threshold)
        except ImportError:
            self.study.unchecked.append(
                "near duplicates were not looked for, the exact ones alone: pip install 'litebert[data]'"
            )
            return None, None

    def other(self, row: Row) -> None:
        if self.signer is None or self.others is None or len(self.theirs) >= MOST:
            return
        key = digest(row.unit)
        if key not in self.theirs:
            self.path = row.place.path
            self.others.add(row.place.line, self.signer(row.unit))
            self.theirs[key] = row.place.line

    def row(self, row: Row) -> Iterator[Finding]:
        if self.signer is None or self.others is None:
            return
        key = digest(row.unit)
        if key in self.digests:
            return
        if len(self.digests) >= MOST:
            self._full()
            return
        signature = self.signer(row.unit)
        self.digests.add(key)
        self.seen.add(row, key)
        self.signatures.append(signature)
        if self.theirs and key not in self.theirs and (line := self.others.like(signature)) is not None:
            message = f"nearly the text of {Place(self.path, line)}"
            yield self.found("leak-near", row.place, message, number=row.number, drop=True)

    def end(self) -> Iterator[Finding]:
        threshold = self.study.settings.near_duplicates
        if not self.signatures or threshold is None:
            return
        everyone = np.arange(len(self.signatures), dtype=np.int64)
        for at, first in duplicates.near(np.stack(self.signatures), everyone, threshold).items():
            message = f"nearly the text of line {self.seen.lines[first]}"
            yield self.found("near-duplicate", self.seen.place(at), message, number=self.seen.numbers[at])

    def _full(self) -> None:
        if not self.is_full:
            self.study.unchecked.append(f"near duplicates were looked for among the first {MOST:,} texts")
        self.is_full = True
