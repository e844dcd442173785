"""Examples encoded once, as flat arrays, from which a batch is cut without work for each sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from litebert.data.examples import Example
from litebert.errors import DataError, InputError
from litebert.model.packing import Packed, pack_flat
from litebert.tasks.task import EXAMPLE, LENGTHS, Target, Task
from litebert.text.encoding import Encoding
from litebert.text.tokenizer import Tokenizer

Flat = NDArray[Any]
CHUNK = 4096
"""Examples that are encoded at once."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Some examples, ready for the model.

    targets: under each name a row for each sequence, or for each piece, in the packed order, and the number
    of each sequence's example among them (`EXAMPLE`); of lists the values one after another, and `LENGTHS`;
    examples: the numbers of the examples, as they were drawn.
    """

    packed: Packed
    targets: Mapping[str, torch.Tensor]
    examples: tuple[int, ...]
    whole: int
    """How many examples the batch has over all processes."""

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def pieces(self) -> int:
        return self.packed.count

    def split(self, most: int) -> Iterator[Batch]:
        """Batches of the examples in their order, as many as have at most so many pieces together; one that
        alone has more is alone. All targets must have a row for each sequence."""
        owners, lengths = self.targets[EXAMPLE].numpy(), np.array(self.packed.lengths)
        sizes = np.bincount(owners, weights=lengths, minlength=len(self)).astype(np.int64)
        first = 0
        while first < len(self):
            fit = int(np.searchsorted(sizes[first:].cumsum(), most, side="right"))
            last = first + max(1, fit)
            yield self._part(np.flatnonzero((first <= owners) & (owners < last)), first, last)
            first = last

    def _part(self, rows: NDArray[np.int64], first: int, last: int) -> Batch:
        """The examples from first to last, which have these sequences."""
        packed, starts = self.packed, self.packed.starts.numpy()
        pieces = spread(starts[rows], starts[rows + 1])
        ids, segments = packed.ids.numpy()[pieces], packed.segments.numpy()[pieces]
        targets = {name: values[torch.from_numpy(rows)] for name, values in self.targets.items()}
        targets[EXAMPLE] -= first
        lengths, samples = np.array(packed.lengths)[rows], packed.samples.numpy()[rows]
        return Batch(
            pack_flat(ids, segments, lengths, samples), targets, self.examples[first:last], self.whole
        )


@dataclass(frozen=True, eq=False)
class Encoded:
    """All sequences one after another; an example has one, or one for each window or choice.

    ids: int32 [N]; segments: int8 [N]; starts: int64 [S + 1], of the sequences in the pieces;
    firsts: int64 [E + 1], of the examples in the sequences; targets: [S, …] or, if piecewise, [N, …];
    lists: targets that are lists, one sequence's after another's, with where each begins, int64 [S + 1].
    """

    ids: Flat
    segments: Flat
    starts: Flat
    firsts: Flat
    targets: Mapping[str, Flat]
    piecewise: frozenset[str]
    lists: Mapping[str, tuple[Flat, Flat]]
    truncated: int
    """Examples of which something was cut off."""

    def __len__(self) -> int:
        return len(self.firsts) - 1

    @property
    def pieces(self) -> int:
        return len(self.ids)

    def epoch(self, number: int, order: NDArray[np.int64]) -> tuple[Encoded, NDArray[np.int64]]:  # noqa: ARG002
        """Itself, in that order: no epoch is different (`Epochs`)."""
        return self, order

    def batch(self, examples: NDArray[np.int64]) -> Batch:
        """The batch of these examples; within it the sequences stand by rising length."""
        sequences = spread(self.firsts[examples], self.firsts[examples + 1])
        lengths = self.starts[sequences + 1] - self.starts[sequences]
        order = np.argsort(lengths, kind="stable")
        sequences, lengths = sequences[order], lengths[order]
        pieces = spread(self.starts[sequences], self.starts[sequences + 1])
        targets = {
            name: torch.from_numpy(values[pieces if name in self.piecewise else sequences])
            for name, values in self.targets.items()
        }
        for name, (values, starts) in self.lists.items():
            listed = spread(starts[sequences], starts[sequences + 1])
            targets[name] = torch.from_numpy(values[listed])
            targets[name + LENGTHS] = torch.from_numpy(starts[sequences + 1] - starts[sequences])
        owners = np.repeat(np.arange(len(examples)), self.firsts[examples + 1] - self.firsts[examples])
        targets[EXAMPLE] = torch.from_numpy(owners[order])
        packed = pack_flat(self.ids[pieces], self.segments[pieces], lengths, sequences)
        return Batch(packed, targets, tuple(examples.tolist()), whole=len(examples))


def encode_all(task: Task[Any, Any], tokenizer: Tokenizer, examples: Sequence[Example[Any, Any]]) -> Encoded:
    """Encode every example. Raises `DataError` with its place for one that cannot be encoded."""
    many = [
        encodings
        for start in range(0, len(examples), CHUNK)
        for encodings in _encode(task, tokenizer, examples[start : start + CHUNK])
    ]
    flat = [encoding for encodings in many for encoding in encodings]
    rows = [
        row
        for example, encodings in zip(examples, many, strict=True)
        for row in task.targets(encodings, example.wanted)
    ]
    return Encoded(
        ids=np.concatenate([e.ids for e in flat]),
        segments=np.concatenate([e.segments for e in flat]),
        starts=_ends(len(e) for e in flat),
        firsts=_ends(len(encodings) for encodings in many),
        targets=_joined(rows, task.piecewise, task.lists),
        piecewise=task.piecewise,
        lists={name: _listed([row[name] for row in rows]) for name in task.lists if rows},
        truncated=sum(any(e.truncated for e in encodings) for encodings in many),
    )


def spread(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """All the numbers of the ranges, one range after another.

    >>> spread(np.array([0, 7]), np.array([2, 10]))
    array([0, 1, 7, 8, 9])
    """
    lengths = ends - starts
    before = np.cumsum(lengths) - lengths
    numbers: NDArray[np.int64] = np.arange(lengths.sum()) + np.repeat(starts - before, lengths)
    return numbers


def _encode(
    task: Task[Any, Any], tokenizer: Tokenizer, examples: Sequence[Example[Any, Any]]
) -> Iterator[list[Encoding]]:
    encoded = task.encode_many([example.given for example in examples], tokenizer)
    for example, encodings in zip(examples, encoded, strict=True):
        if isinstance(encodings, InputError):
            raise DataError(f"{example.place}: {encodings.message}", code=encodings.code)
        yield encodings


def _ends(lengths: Any) -> NDArray[np.int64]:
    ends: NDArray[np.int64] = np.cumsum([0, *lengths], dtype=np.int64)
    return ends


def _listed(lists: list[Flat]) -> tuple[Flat, Flat]:
    return np.concatenate(lists), _ends(map(len, lists))


def _joined(rows: list[Target], piecewise: frozenset[str], lists: frozenset[str]) -> dict[str, Flat]:
    joined = {
        name: (np.concatenate if name in piecewise else np.stack)([np.asarray(row[name]) for row in rows])
        for name in (rows[0] if rows else ())
        if name not in lists
    }
    return {
        name: values.astype(_PLAIN.get(values.dtype.kind, values.dtype)) for name, values in joined.items()
    }


_PLAIN = {"f": np.float32, "i": np.int64}
"""What losses take: numbers as fp32, classes as int64."""
