"""A packed batch: one row of pieces, and where each sequence starts. No padding.

Everything but attention works on pieces and never meets padding. Attention alone needs to know
which pieces belong together: `Tier` lays the sequences into rows of one width, several to a row,
so that a batch of any lengths is a handful of dense products.

torch's products make code for each new shape that they meet, which takes longer than a product. So
the counts of pieces and of rows are rounded up, by a few per cent, to a few values (`rounded`); the pieces
that fill up belong to no sequence, are attended by nothing, and are cut off at the end.

Shapes: N pieces, those that fill up included; B sequences; R rows of W places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litebert.model.rounding import rounded
from litebert.text.encoding import Encoding

WIDTHS = (32, 64, 128, 256, 512)
"""Row widths. A sequence goes to the narrowest that holds it, since scores cost a width for each piece."""

ROW_STEP = 32
"""Rows that hold one sequence have a multiple of so many places: softmax is slow on what is left over."""

PLACES_BITS = 20
"""More places than a sequence can have are numbered by so many bits: (sample, place) is one number."""


@dataclass(frozen=True, eq=False)
class Tier:
    """The sequences of about one length, laid into rows of one width.

    places: int64 [R·W], the piece that stands in each place (an empty place repeats piece 0);
    pieces: int64 [n], which pieces of the batch are in this tier, ascending;
    back: int64 [n], for each of them its place;
    bias: float32 [R, 1, W, W], 0 where two places are pieces of one sequence (and, in a causal batch, the
    second is not after the first), else -inf (an empty place sees itself, so that no row of scores is empty).
    """

    places: Tensor
    pieces: Tensor
    back: Tensor
    bias: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and width."""
        return self.bias.shape[0], self.bias.shape[-1]


@dataclass(frozen=True, eq=False)
class Rows:
    """Neighbours of about one length, a sequence to a row: `held` of them, and rows that fill up.

    sequences: int64 [R], which stands in each row (those that fill up repeat the first); places: int64 [R·W],
    the piece in each place (an empty one repeats the sequence's last); longest: the most pieces of one,
    rounded up; back: int64 [n], where in [R·longest] each piece stands; bias: bf16 [R, 1, 1, W], 0 for pieces
    and -inf for empty places.
    """

    sequences: Tensor
    places: Tensor
    longest: int
    back: Tensor
    bias: Tensor
    held: int

    @property
    def count(self) -> int:
        return len(self.sequences)

    @property
    def width(self) -> int:
        return self.bias.shape[-1]


@dataclass(frozen=True, eq=False)
class Packed:
    """ids, segments, positions: int64 [N]; starts: int64 [B + 1]: sequence b is starts[b]:starts[b + 1].

    count: how many of the N pieces are of a sequence, the first ones; the others fill up.

    samples: int64 [B], the number of each sequence, by which dropout is drawn.

    causal: whether a piece attends only to itself and those before it, as in a text that is being written.
    """

    ids: Tensor
    segments: Tensor
    positions: Tensor
    starts: Tensor
    lengths: tuple[int, ...]
    samples: Tensor
    causal: bool = False

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def count(self) -> int:
        return sum(self.lengths)

    @cached_property
    def first(self) -> Tensor:
        """int64 [B]: where each sequence's first piece, `[CLS]`, stands."""
        return self.starts[:-1]

    @cached_property
    def keys(self) -> Tensor:
        """int64 [N], by which dropout is drawn: a function of the sample and the place in it alone, so that a
        sample meets the same dropout whatever batch, process or row it is in. What fills up has 0."""
        keys, lengths = torch.zeros_like(self.ids), self.starts.diff()
        owners = torch.repeat_interleave(self.first_keys, lengths, output_size=self.count)
        torch.add(owners, self.positions[: self.count], out=keys[: self.count])
        return keys

    @cached_property
    def first_keys(self) -> Tensor:
        """int64 [B]: the keys of the first pieces."""
        return self.samples << PLACES_BITS

    @cached_property
    def tiers(self) -> tuple[Tier, ...]:
        """How attention lays the sequences out; worked out once for all layers."""
        return tuple(_tiers(self.lengths, causal=self.causal))

    @cached_property
    def stretches(self) -> tuple[tuple[int, int, int], ...]:
        """Neighbours of one length: the first piece of the first, how many they are, and their length."""
        found: list[tuple[int, int, int]] = []
        start = 0
        for length, alike in groupby(self.lengths):
            count = sum(1 for _ in alike)
            found.append((start, count, length))
            start += count * length
        return tuple(found)

    @cached_property
    def rows(self) -> tuple[Rows, ...]:
        """Neighbours of about one length, laid a sequence to a row."""
        widths = (-(-length // ROW_STEP) * ROW_STEP for length in self.lengths)
        ends = np.cumsum([0, *(sum(1 for _ in alike) for _, alike in groupby(widths))])
        starts, lengths = self.starts.numpy(), np.array(self.lengths)
        return tuple(_in_rows(starts, lengths, *pair) for pair in pairwise(ends.tolist()))

    @cached_property
    def padded(self) -> tuple[Tensor, Tensor]:
        """The batch laid out a sequence to a row, for those few who need it so.

        places: int64 [B·W], the piece in each place (an empty place repeats the sequence's first);
        bias: float32 [B, W], 0 for a piece and -inf for an empty place.
        """
        columns = torch.arange(max(self.lengths), device=self.starts.device)
        real = columns < torch.tensor(self.lengths, device=self.starts.device)[:, None]
        places = self.first[:, None] + torch.where(real, columns, 0)
        return places.flatten(), torch.where(real, 0.0, -torch.inf)


def pack(encodings: Sequence[Encoding], samples: Sequence[int] | None = None) -> Packed:
    """One packed batch of the encodings, in their order. `samples` number them for dropout's draw."""
    numbers = np.arange(len(encodings)) if samples is None else np.asarray(samples, dtype=np.int64)
    return pack_flat(
        np.concatenate([e.ids for e in encodings]),
        np.concatenate([e.segments for e in encodings]),
        np.array([len(e) for e in encodings], dtype=np.int64),
        numbers,
    )


def pack_flat(
    ids: NDArray[np.integer[Any]],
    segments: NDArray[np.integer[Any]],
    lengths: NDArray[np.int64],
    samples: NDArray[np.int64],
    *,
    causal: bool = False,
) -> Packed:
    """ids, segments [n], with the lengths [B] of the sequences in them, and their numbers [B]."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    lengths.cumsum(out=starts[1:])
    # All in one piece of memory: for one short text, each call into numpy or torch is to be seen in its time.
    table = np.zeros((3, rounded(len(ids), steps=8, least=2)), dtype=np.int64)
    filled = table[:, : len(ids)]
    filled[0], filled[1] = ids, segments
    np.subtract(np.arange(len(ids)), starts[:-1].repeat(lengths), out=filled[2])
    ids_, segments_, positions_ = map(torch.from_numpy, table)
    return Packed(
        ids=ids_,
        segments=segments_,
        positions=positions_,
        samples=torch.from_numpy(samples),
        starts=torch.from_numpy(starts),
        lengths=tuple(lengths.tolist()),
        causal=causal,
    )


def _in_rows(starts: NDArray[np.int64], lengths: NDArray[np.int64], first: int, end: int) -> Rows:
    """Sequences `first` to before `end`."""
    held, most = end - first, int(lengths[first:end].max())
    sequences = np.full(rounded(held, steps=8, least=1), first)
    sequences[:held] = np.arange(first, end)
    longest, width = (-(-most // step) * step for step in (8, ROW_STEP))
    there = np.arange(width) < lengths[sequences, None]
    places = starts[sequences, None] + np.minimum(np.arange(width), lengths[sequences, None] - 1)
    return Rows(
        sequences=torch.from_numpy(sequences),
        places=torch.from_numpy(places.ravel()),
        longest=longest,
        back=torch.from_numpy(np.flatnonzero(there[:held, :longest])),
        bias=torch.from_numpy(np.where(there, np.float32(0), np.float32(-np.inf)))[:, None, None].bfloat16(),
        held=held,
    )


def _tiers(lengths: Sequence[int], *, causal: bool) -> list[Tier]:
    width_of = [next((w for w in WIDTHS if w >= n), n) for n in lengths]
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return [
        _lay([i for i, w in enumerate(width_of) if w == width], width, starts, causal=causal)
        for width in sorted(set(width_of))
    ]


def _lay(members: list[int], width: int, starts: NDArray[np.int64], *, causal: bool) -> Tier:
    rows = _fill(members, width, starts)
    rows += [[]] * (rounded(len(rows), steps=4, least=1) - len(rows))
    places = np.zeros((len(rows), width), dtype=np.int64)
    owner = np.full((len(rows), width), -1, dtype=np.int64)
    for r, row in enumerate(rows):
        if not row:
            break
        held = np.concatenate([np.arange(starts[i], starts[i + 1]) for i in row])
        places[r, : len(held)] = held
        owner[r, : len(held)] = np.repeat(row, [starts[i + 1] - starts[i] for i in row])
    filled = np.flatnonzero(owner.ravel() >= 0)
    order = np.argsort(places.ravel()[filled], kind="stable")
    together = (owner[:, :, None] == owner[:, None, :]) & (owner[:, :, None] >= 0)
    if causal:
        together &= np.tri(width, dtype=bool)
    together |= np.eye(width, dtype=bool)
    return Tier(
        places=torch.from_numpy(places.ravel()),
        pieces=torch.from_numpy(places.ravel()[filled][order]),
        back=torch.from_numpy(filled[order]),
        bias=torch.from_numpy(np.where(together, np.float32(0), np.float32(-np.inf))[:, None]),
    )


def _fill(members: list[int], width: int, starts: NDArray[np.int64]) -> list[list[int]]:
    """First-fit decreasing: longest first, each into the first row with room."""
    rows: list[list[int]] = []
    room: list[int] = []
    for i in sorted(members, key=lambda i: starts[i] - starts[i + 1]):
        length = int(starts[i + 1] - starts[i])
        row = next((r for r, free in enumerate(room) if free >= length), len(rows))
        if row == len(rows):
            rows.append([])
            room.append(width)
        rows[row].append(i)
        room[row] -= length
    return rows
