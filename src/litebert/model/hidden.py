"""What an encoder knows of a batch, and what a head may ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

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


def means(states: Tensor, batch: Packed) -> Hidden:
    """What an exit reads: the mean of each sequence's states, and in the pooler's place that mean normalised.

    A bag of words says more after few layers than `[CLS]`, which has hardly looked at them (performance.md).
    """
    lengths = torch.tensor(batch.lengths, device=states.device)
    owners = torch.repeat_interleave(torch.arange(len(batch), device=states.device), lengths)
    sums = states.new_zeros(len(batch), states.shape[1], dtype=torch.float32)
    mean = sums.index_add(0, owners, states[: batch.count].float()) / lengths[:, None]
    return Hidden(batch, mean, F.layer_norm(mean, mean.shape[1:]), None)
