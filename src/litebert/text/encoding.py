"""Pieces of one text, and encodings of one or two texts: ids, segments and spans of characters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """What a tokenizer makes of one text: no special pieces, nothing cut.

    ids: int32 [n]; spans: int32 [n, 2], each the `start` and exclusive `end` of a piece,
    in characters (code points) of the text as it was given, before any normalisation.
    """

    ids: NDArray[np.int32]
    spans: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)
