"""Attention from one packed batch to another: each piece of a text that is written to those of its source.

As in `attention.py` sequences are laid into rows, here pairs of them: a row holds some written texts and,
beside them, their sources, each at its own width, and a bias lets a text see its own source alone. No padding
but what is left over in a row.

Shapes: N written pieces, M of the sources, H = A heads × D; R rows of Q places that ask and K that are asked.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from litebert.model.attention import (
    drop,
    keeps,
    laid_out,
    product,
    softmax,
    softmax_slope,
    taken_back,
)
from litebert.model.dropout import Noise
from litebert.model.functions import applied
from litebert.model.packing import WIDTHS, Packed
from litebert.model.rounding import rounded


@dataclass(frozen=True, eq=False)
class Side:
    """One side of some rows: as in `packing.Tier`, the piece in each place, and each piece's place."""

    places: Tensor
    pieces: Tensor
    back: Tensor
    shape: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Meeting:
    """Rows of one pair of widths. bias: float32 [R, 1, Q, K], 0 for a piece of the own source, else -inf."""

    asking: Side
    asked: Side
    bias: Tensor


@dataclass(frozen=True, eq=False)
class Crossing:
    """Which written pieces meet which pieces of sources; worked out once for all layers."""

    written: Packed
    source: Packed
    meetings: tuple[Meeting, ...]


def crossing(written: Packed, source: Packed) -> Crossing:
    """Of two batches with the same sequences in the same order."""
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for i, pair in enumerate(zip(written.lengths, source.lengths, strict=True)):
        groups[_width(pair[0]), _width(pair[1])].append(i)
    starts = _starts(written.lengths), _starts(source.lengths)
    meetings = tuple(_meeting(members, widths, starts) for widths, members in sorted(groups.items()))
    return Crossing(written, source, meetings)


def attend_to(q: Tensor, kv: Tensor, over: Crossing, heads: int, noise: Noise | None = None) -> Tensor:
    """q [N, H], kv [M, 2H], keys and values side by side → what each written piece gathered [N, H]."""
    return applied(_AttendTo, q, kv, over, heads, noise)


def pointed(q: Tensor, k: Tensor, over: Crossing, aims: Tensor) -> Tensor:
    """How much of each piece's attention (one head, q [N, P] to k [M, P]) is on source pieces that are what
    it aims at (int64 [N]): [N], fp32. It is the probability of copying it (arXiv 1704.04368 §2.2)."""
    found, where = [], []
    for meeting in over.meetings:
        rows, width = meeting.asking.shape
        asking = q.index_select(0, meeting.asking.places).view(rows, width, -1)
        asked = k.index_select(0, meeting.asked.places).view(rows, meeting.asked.shape[1], -1)
        scores = torch.bmm(asking, asked.transpose(1, 2)).float() / math.sqrt(q.shape[1])
        weights = torch.softmax(scores + meeting.bias[:, 0], -1)
        aimed = aims[meeting.asking.places].view(rows, width, 1)
        there = over.source.ids[meeting.asked.places].view(rows, 1, -1)
        on_it = (weights * (aimed == there)).sum(-1).flatten()
        found.append(on_it.index_select(0, meeting.asking.back))
        where.append(meeting.asking.pieces)
    order = torch.empty(over.written.count, dtype=torch.int64)
    order[torch.cat(where)] = torch.arange(over.written.count)
    return torch.cat(found).index_select(0, order)


class _AttendTo(torch.autograd.Function):
    """q [N, H], kv [M, 2H] → [N, H], a meeting at a time; zeros for pieces of no sequence."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, kv: Tensor, over: Crossing, heads: int, noise: Noise | None) -> Tensor:
        out = torch.zeros_like(q)
        ctx.rate, ctx.kept, ctx.sources = noise.rate if noise else 0.0, [], len(kv)
        for meeting in over.meetings:
            (asking,) = laid_out(q, meeting.asking, 1, heads)
            k, v = laid_out(kv, meeting.asked, 2, heads)
            scale = 1 / math.sqrt(asking.shape[-1])
            weights = softmax(product(asking, k.transpose(-2, -1)), meeting.bias, scale)
            keep = _keeps(meeting, over, heads, noise) if noise else None
            gathered = product(drop(weights, keep, ctx.rate), v)
            out.index_copy_(0, meeting.asking.pieces, taken_back(gathered[None], meeting.asking))
            ctx.kept.append((meeting, asking, k, v, weights, keep))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        dq, dkv = torch.zeros_like(dout), dout.new_zeros(ctx.sources, 2 * dout.shape[1])
        for meeting, q, k, v, weights, keep in ctx.kept:
            (do,) = laid_out(dout, meeting.asking, 1, weights.shape[1], only_pieces=True)
            dweights = drop(product(do, v.transpose(-2, -1)), keep, ctx.rate)
            ds = softmax_slope(weights, dweights, 1 / math.sqrt(q.shape[-1]))
            used = drop(weights, keep, ctx.rate)
            dq.index_copy_(0, meeting.asking.pieces, taken_back(product(ds, k)[None], meeting.asking))
            parts = torch.stack((product(ds.transpose(-2, -1), q), product(used.transpose(-2, -1), do)))
            dkv.index_copy_(0, meeting.asked.pieces, taken_back(parts, meeting.asked))
        return dq, dkv, None, None, None


def _keeps(meeting: Meeting, over: Crossing, heads: int, noise: Noise) -> Tensor:
    keys = over.written.keys[meeting.asking.places].view(meeting.asking.shape)
    positions = over.source.positions[meeting.asked.places].view(meeting.asked.shape)
    return keeps(keys, positions, heads, noise)


def _width(length: int) -> int:
    return next((width for width in WIDTHS if width >= length), length)


def _starts(lengths: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def _meeting(
    members: list[int], widths: tuple[int, int], starts: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> Meeting:
    rows = _fill(members, widths, starts)
    rows += [[]] * (rounded(len(rows), steps=4, least=1) - len(rows))
    (asking, mine), (asked, theirs) = (_side(rows, w, s) for w, s in zip(widths, starts, strict=True))
    sees = (mine[:, :, None] == theirs[:, None, :]) & (mine[:, :, None] >= 0)
    sees[:, :, 0] |= mine < 0  # an empty place sees the first, so that no row of scores is empty
    bias = np.where(sees, np.float32(0), np.float32(-np.inf))[:, None]
    return Meeting(asking, asked, torch.from_numpy(bias))


def _side(rows: list[list[int]], width: int, starts: NDArray[np.int64]) -> tuple[Side, NDArray[np.int64]]:
    """A side, and which sequence owns each place [R, W], -1 for none."""
    places = np.zeros((len(rows), width), dtype=np.int64)
    owner = np.full((len(rows), width), -1, dtype=np.int64)
    for r, row in enumerate(rows):
        if row:
            held = np.concatenate([np.arange(starts[i], starts[i + 1]) for i in row])
            places[r, : len(held)] = held
            owner[r, : len(held)] = np.repeat(row, [starts[i + 1] - starts[i] for i in row])
    filled = np.flatnonzero(owner.ravel() >= 0)
    order = np.argsort(places.ravel()[filled], kind="stable")
    side = Side(
        places=torch.from_numpy(places.ravel()),
        pieces=torch.from_numpy(places.ravel()[filled][order]),
        back=torch.from_numpy(filled[order]),
        shape=places.shape,
    )
    return side, owner


def _fill(
    members: list[int], widths: tuple[int, int], starts: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> list[list[int]]:
    """First-fit decreasing, by what a pair takes of a row: each into the first with room on both sides."""
    mine, theirs = ([int(s[i + 1] - s[i]) for i in members] for s in starts)
    sizes = dict(zip(members, zip(mine, theirs, strict=True), strict=True))
    rows: list[list[int]] = []
    room: list[list[int]] = []
    for i in sorted(members, key=lambda i: -max(n / w for n, w in zip(sizes[i], widths, strict=True))):
        a, b = sizes[i]
        row = next((r for r, (x, y) in enumerate(room) if x >= a and y >= b), len(rows))
        if row == len(rows):
            rows.append([])
            room.append(list(widths))
        rows[row].append(i)
        room[row][0] -= a
        room[row][1] -= b
    return rows
