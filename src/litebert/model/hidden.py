"""What an encoder knows of a batch, and what a head may ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from litebert.model.packing import Packed

Reads = Literal["first", "pieces", "memory", "nothing"]
"""What a head reads: only each sequence's first piece (so the last layer is worked out for those alone,
which is exact), or every piece; `memory` is every piece and those that fill the batch up, for a decoder that
attends to them; `nothing` leaves the layers out, for a decoder that stands alone."""


@dataclass(frozen=True, eq=False)
class Hidden:
    """The encoder's last states.

    first: [B, H], of each sequence's `[CLS]`; pooled: [B, H], `tanh(dense(first))`, which sentence order was
    pretrained through; pieces: [n, H], of the sequences' pieces (`batch.count`; as `memory`, of all N), or
    None where the head reads only `first`. Where it reads `memory` or `nothing`, first and pooled are empty.
    """

    batch: Packed
    first: Tensor
    pooled: Tensor
    pieces: Tensor | None
