"""What is kept of each row that went by: a few numbers, so that millions of rows fit into memory."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from litebert.data.checking.row import Row
from litebert.data.example import Place


class RowsSeen:
    """The number, the line and one 64-bit digest of each row: 24 bytes."""

    def __init__(self) -> None:
        self.numbers, self.lines, self.digests = array("q"), array("q"), array("Q")
        self.path = ""

    def add(self, row: Row, digest: int) -> None:
        self.path = row.place.path
        self.numbers.append(row.number)
        self.lines.append(row.place.line)
        self.digests.append(digest)

    def __len__(self) -> int:
        return len(self.digests)

    def place(self, at: int) -> Place:
        return Place(self.path, self.lines[at])

    def firsts(self) -> NDArray[np.int64]:
        """For each row the first of the same digest; its own place if it is the first. int64 [n]."""
        digests = np.frombuffer(self.digests, np.uint64) if self.digests else np.zeros(0, np.uint64)
        _, first, group = np.unique(digests, return_index=True, return_inverse=True)
        return first[group.reshape(-1)].astype(np.int64)
