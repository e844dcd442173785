"""Attention where nothing is learnt, over neighbours of like length, for no table of scores is kept.

There are two ways. torch's fused kernel goes over stretches of sequences of one length, and reads each where
it lies: nothing is gathered, padded or masked. It works in fp32 inside, whatever comes in, but on chips with
AMX. So where bf16 is multiplied without that, plain products of bf16 are two to three times as fast: each
sequence of about one length is laid into a row, padded a little, and what pads is masked (`packing.Rows`).
One short sequence alone is taken as it lies, by products of fp32.

Shapes: N pieces, B sequences, H = A heads × D; R rows of Q queries and W keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from litebert.model.packing import Packed, Rows

_LONG = 64
"""Pieces from which a sequence alone is better multiplied in bf16, too."""


def attend(qkv: Tensor, batch: Packed, heads: int) -> Tensor:
    """qkv [N, 3H], queries, keys and values side by side → what each piece gathered [N, H]; any numbers for
    pieces of no sequence."""
    if qkv.dtype is torch.bfloat16 and not batch.causal and plain_is_faster():
        if len(batch) == 1 and len(qkv) < _LONG:
            return _alone(qkv.float().chunk(3, 1), batch, heads)
        return _joined([_gathered(qkv, rows, heads) for rows in batch.rows], len(qkv))
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
    if q.dtype is torch.bfloat16 and plain_is_faster():
        if len(batch) == 1 and len(kv) < _LONG:
            return _alone((q.float(), *kv.float().chunk(2, 1)), batch, heads)
        return _joined([_of_first(q, kv, rows, heads) for rows in batch.rows], len(q))
    width, done = q.shape[1], 0
    found: list[Tensor] = []
    for start, count, length in batch.stretches:
        rows = kv[start : start + count * length].view(count, length, 2, heads, width // heads)
        k, v = rows.permute(2, 0, 3, 1, 4)
        asked = q[done : done + count].view(count, heads, 1, width // heads)
        found.append(F.scaled_dot_product_attention(asked, k, v).reshape(count, width))
        done += count
    return _joined(found, len(q))


def _alone(qkv: Iterable[Tensor], batch: Packed, heads: int) -> Tensor:
    """fp32 q [Q, H], k and v [N, H] of the batch's one sequence, and what fills it up → bf16 [Q, H].

    The products are of fp32: they are so small that what oneDNN does around each in bf16 is most of its time.
    What lies between them is rounded where `_attended` rounds it, so that a text's answer alone is the one
    beside others: in int8, half a step of a sum would become a whole one.
    """
    q, k, v = (x.view(len(x), heads, -1).transpose(0, 1) for x in qkv)
    k, v = k[:, : batch.count], v[:, : batch.count]
    scores = torch.bmm(q, k.transpose(1, 2)).bfloat16().mul_(_scale(q.shape[-1]))
    weights = torch.softmax(scores, -1, dtype=torch.float32).bfloat16().float()
    return torch.bmm(weights, v).transpose(0, 1).to(torch.bfloat16).reshape(q.shape[1], -1)


def _gathered(qkv: Tensor, rows: Rows, heads: int) -> Tensor:
    """[N, 3H] → [n, H], for the n pieces of the rows' sequences."""
    d = qkv.shape[1] // (3 * heads)
    laid = qkv.index_select(0, rows.places).view(rows.count, rows.width, 3, heads, d).permute(2, 0, 3, 1, 4)
    k, v = laid[1:].contiguous().flatten(1, 2)
    out = _attended(laid[0, :, :, : rows.longest].flatten(0, 1), k, v, rows.bias, heads)
    out = out.view(rows.count, heads, rows.longest, d).transpose(1, 2)
    return out.reshape(rows.count * rows.longest, heads * d).index_select(0, rows.back)


def _of_first(q: Tensor, kv: Tensor, rows: Rows, heads: int) -> Tensor:
    """q [B, H], kv [N, 2H] → [b, H], for the b sequences of the rows."""
    d = q.shape[1] // heads
    laid = kv.index_select(0, rows.places).view(rows.count, rows.width, 2, heads, d).permute(2, 0, 3, 1, 4)
    k, v = laid.contiguous().flatten(1, 2)
    asked = q.index_select(0, rows.sequences).view(rows.count * heads, 1, d)
    return _attended(asked, k, v, rows.bias, heads).view(rows.count, heads * d)[: rows.held]


def _attended(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, heads: int) -> Tensor:
    """q [R·A, Q, D], k and v [R·A, W, D], bias [R, 1, 1, W] → [R·A, Q, D]."""
    scores = torch.bmm(q, k.transpose(1, 2))
    by_row = scores.view(len(bias), heads, *scores.shape[1:])
    torch.add(bias, by_row, alpha=_scale(q.shape[-1]), out=by_row)
    return torch.bmm(torch.softmax(scores, -1), v)


@cache
def _scale(width: int) -> float:
    """1 / √(a head's width), as bf16 has it: `torch.add` rounds its `alpha` so, and `mul` does not."""
    return float(torch.tensor(width**-0.5, dtype=torch.bfloat16))


@cache
def plain_is_faster() -> bool:
    """Whether products of bf16 are, than torch's fused attention, which takes them up where there is AMX."""
    return not torch.cpu._is_amx_tile_supported()


def _joined(found: list[Tensor], rows: int) -> Tensor:
    missing = rows - sum(map(len, found))
    if missing:
        found.append(found[0].new_zeros(missing, found[0].shape[1]))
    return torch.cat(found) if len(found) > 1 else found[0]
