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


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """One sequence as the encoder reads it, special pieces included.

    ids: int32 [n]; segments: int8 [n], 0 or 1; spans: int32 [n, 2] in characters of the text that the
    piece's segment came from, (0, 0) for a special piece; truncated: how many pieces were cut off.
    """

    ids: NDArray[np.int32]
    segments: NDArray[np.int8]
    spans: NDArray[np.int32]
    truncated: int = 0

    def __len__(self) -> int:
        return len(self.ids)
