"""A packed batch as rows of one width, for runtimes that know no other, and their scores as of the pieces.

Runtimes prepare themselves anew for each shape, so widths and counts of rows are rounded up to a few
(`packing.rounded`). What fills up is masked and cut off again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from litebert.model.rounding import rounded
from litebert.tasks.task import AT
from litebert.text.encoding import Encoding

Rows = Literal["sequence", "piece", "at"]
"""What a score has a row for."""
Ints = NDArray[np.int64]
Run = Callable[[Mapping[str, Ints]], Sequence[NDArray[Any]]]
"""The tensors that go in, by name → those that come out, in order."""

_INPUTS = ("input_ids", "token_type_ids", "attention_mask")


class Pieces(Protocol):
    """What is read of a batch, which is `Flat` or a `packing.Packed`."""

    @property
    def ids(self) -> Any: ...
    @property
    def segments(self) -> Any: ...
    @property
    def lengths(self) -> tuple[int, ...]: ...


@dataclass(frozen=True, eq=False)
class Flat:
    """A packed batch without torch: ids, segments [N], one sequence after another."""

    ids: NDArray[np.int32]
    segments: NDArray[np.int8]
    lengths: tuple[int, ...]


class Shape(Protocol):
    """What must be known of a graph."""

    @property
    def inputs(self) -> tuple[str, ...]: ...
    @property
    def outputs(self) -> Mapping[str, Rows]: ...
    @property
    def positions(self) -> int: ...


@dataclass(frozen=True, eq=False)
class Padding:
    """`run` as a runner. mask: the id of `[MASK]`, for graphs that are told where the gaps are."""

    run: Run
    shape: Shape
    mask: int

    def pack(self, encodings: Sequence[Encoding]) -> Flat:
        """The batch that this runner is given by the predictor."""
        ids, segments = ([getattr(e, part) for e in encodings] for part in ("ids", "segments"))
        return Flat(np.concatenate(ids), np.concatenate(segments), tuple(map(len, encodings)))

    def __call__(self, batch: Pieces) -> Mapping[str, NDArray[np.float32]]:
        feed, real = padded(batch, self.shape.positions)
        gaps = np.flatnonzero(feed["input_ids"][real] == self.mask)
        if AT in self.shape.inputs:
            filled = rounded(len(gaps), steps=8, least=8) - len(gaps)
            feed = {**feed, AT: np.pad(np.flatnonzero(real)[gaps], (0, filled))}
        found = zip(self.shape.outputs.items(), self.run(feed), strict=True)
        scores = {name: _own(values, rows, batch, real, gaps) for (name, rows), values in found}
        return {**scores, AT: gaps} if AT in self.shape.inputs else scores  # type: ignore[dict-item]


def padded(batch: Pieces, positions: int) -> tuple[dict[str, Ints], NDArray[np.bool_]]:
    """The tensors by their names, int64 [rows, width], and which places are pieces of the batch."""
    lengths = np.array(batch.lengths)
    width = min(rounded(int(lengths.max()), steps=8, least=8), max(positions, int(lengths.max())))
    real = np.zeros((rounded(len(lengths), steps=4, least=1), width), dtype=np.bool_)
    real[: len(lengths)] = np.arange(width) < lengths[:, None]
    ids, segments = np.zeros((2, *real.shape), dtype=np.int64)
    count = int(lengths.sum())
    ids[real], segments[real] = (np.asarray(part[:count]) for part in (batch.ids, batch.segments))
    mask = real.astype(np.int64)
    mask[len(lengths) :, 0] = 1  # a row of nothing would be divided by its length
    return dict(zip(_INPUTS, (ids, segments, mask), strict=True)), real


def _own(
    values: NDArray[Any], rows: Rows, batch: Pieces, real: NDArray[np.bool_], gaps: Ints
) -> NDArray[np.float32]:
    """Without what fills up: a row for each sequence, each piece or each gap."""
    kept = (
        values[real] if rows == "piece" else values[: len(batch.lengths) if rows == "sequence" else len(gaps)]
    )
    return kept if kept.dtype.kind == "i" else kept.astype(np.float32, copy=False)
