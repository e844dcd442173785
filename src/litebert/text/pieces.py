"""What a tokenizer makes of one text."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """What a tokenizer makes of one text: no special pieces, nothing cut.

    ids: int32 [n]; spans: int32 [n, 2], each the `start` and exclusive `end` of a piece,
    in characters (code points) of the text as it was given, before any normalisation.
    Both are read-only.
    """

    ids: NDArray[np.int32]
    spans: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, start: int, end: int) -> Pieces:
        """The pieces `start` to `end` (exclusive); their spans stay those of the whole text."""
        return Pieces(self.ids[start:end], self.spans[start:end])

    def parts(self, edges: list[int]) -> list[Pieces]:
        """The pieces from each edge to the next."""
        ids, spans = self.ids, self.spans
        return [Pieces(ids[start:end], spans[start:end]) for start, end in pairwise(edges)]
