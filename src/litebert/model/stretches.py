"""Attention where nothing is learnt: torch's fused kernel, over stretches of sequences of one length.

A batch to be answered has its sequences by length, so a stretch is mostly many of them, and each is read
where it lies: nothing is gathered, padded or masked, and no table of scores is ever written. What trains
keeps its weights for the way back, which this does not (`attention.py`).

Shapes: N pieces, B sequences, H = A heads × D.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from litebert.model.packing import Packed


def attend(qkv: Tensor, batch: Packed, heads: int) -> Tensor:
    """qkv [N, 3H], queries, keys and values side by side → what each piece gathered [N, H]; zeros for pieces
    of no sequence."""
    width = qkv.shape[1] // 3
    found: list[Tensor] = []
    for start, count, length in batch.stretches:
        rows = qkv[start : start + count * length].view(count, length, 3, heads, width // heads)
        q, k, v = rows.permute(2, 0, 3, 1, 4)
        gathered = F.scaled_dot_product_attention(q, k, v, is_causal=batch.causal)
        found.append(gathered.transpose(1, 2).reshape(count * length, width))
    return _joined(found, len(qkv))


def attend_first(q: Tensor, kv: Tensor, batch: Packed, heads: int) -> Tensor:
    """Of each sequence's first piece alone: q [B, H], kv [N, 2H] → [B, H]."""
    width, done = q.shape[1], 0
    found: list[Tensor] = []
    for start, count, length in batch.stretches:
        rows = kv[start : start + count * length].view(count, length, 2, heads, width // heads)
        k, v = rows.permute(2, 0, 3, 1, 4)
        asked = q[done : done + count].view(count, heads, 1, width // heads)
        found.append(F.scaled_dot_product_attention(asked, k, v).reshape(count, width))
        done += count
    return _joined(found, len(q))


def _joined(found: list[Tensor], rows: int) -> Tensor:
    missing = rows - sum(map(len, found))
    if missing:
        found.append(found[0].new_zeros(missing, found[0].shape[1]))
    return torch.cat(found) if len(found) > 1 else found[0]
