"""Inputs → Outputs: encode, put like lengths together, run, decode, and give back in order.

An Input that cannot be answered becomes an `InputError` in its place; the others are answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from litebert.engine.runners import Runner, Schedules
from litebert.engine.windows import windows
from litebert.errors import InputError
from litebert.tasks.task import AT, Task
from litebert.text.encoding import Encoding
from litebert.text.tokenizer import Tokenizer

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")
Scores = Mapping[str, NDArray[np.float32]]
Cut = Callable[[Iterable[Any]], Iterable[list[Any]]]

BUDGET = 1024
"""Pieces in one batch, unless one sequence alone has more: what is between two products then stays in the
cache, and is still enough for a product to be at its fastest."""


class Predictor(Generic[InputT, OutputT]):
    """A task, its tokenizer and a runner, as one function of Inputs."""

    def __init__(self, runner: Runner, task: Task[InputT, OutputT], tokenizer: Tokenizer) -> None:
        self.runner, self.task, self.tokenizer = runner, task, tokenizer
        self._schedules = runner if isinstance(runner, Schedules) else None
        self.truncated = 0
        """Inputs of which something was cut off so far: they were over `task.max_pieces`."""

    def __call__(self, inputs: Iterable[InputT]) -> list[OutputT]:
        """An Output for each Input, in order. Raises the first `InputError`."""
        return [_good(output) for output in self.answers(inputs)]

    def answers(
        self, inputs: Iterable[InputT | InputError], cut: Cut = windows
    ) -> Iterator[OutputT | InputError]:
        """The same as a stream in constant memory, with errors in their places.

        cut: how much of the stream is answered together (`engine/windows.py`).
        """
        for window in cut(inputs):
            yield from self._window(window)

    def _window(self, inputs: Sequence[InputT | InputError]) -> Iterator[OutputT | InputError]:
        encoded = self._encoded(inputs)
        scores = iter(self.scores([e for many in encoded if not isinstance(many, InputError) for e in many]))
        for given, many in zip(inputs, encoded, strict=True):
            if isinstance(many, InputError):
                yield many
            elif not isinstance(given, InputError):
                yield self.task.decode(given, many, [next(scores) for _ in many])

    def encoded(self, inputs: Sequence[InputT]) -> list[Encoding]:
        """The encodings of all that have any, one Input's after another's."""
        return [e for many in self._encoded(inputs) if not isinstance(many, InputError) for e in many]

    def _encoded(self, inputs: Sequence[InputT | InputError]) -> list[list[Encoding] | InputError]:
        """The encodings of each Input, or why there are none."""
        encoded = iter(
            self.task.encode_many([i for i in inputs if not isinstance(i, InputError)], self.tokenizer)
        )
        whole = [given if isinstance(given, InputError) else next(encoded) for given in inputs]
        self.truncated += sum(any(e.truncated for e in m) for m in whole if not isinstance(m, InputError))
        return whole

    def scores(self, encodings: Sequence[Encoding]) -> list[Scores]:
        """What the runner makes of each, worked out in batches of like lengths, or in its own."""
        if self._schedules is not None:
            return list(map(self.task.keep, encodings, self._schedules.many(encodings)))
        found: list[Scores] = [{}] * len(encodings)
        for members in batches([len(e) for e in encodings]):
            batch = _packed(self.runner, [encodings[i] for i in members])
            rows = _split(self.runner(batch), batch.lengths)
            for i, scores in zip(members, rows, strict=True):
                found[i] = self.task.keep(encodings[i], scores)
        return found


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices by rising length, cut into batches of at most `BUDGET` pieces."""
    batch: list[int] = []
    pieces = 0
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and pieces + lengths[i] > BUDGET:
            yield batch
            batch, pieces = [], 0
        batch.append(i)
        pieces += lengths[i]
    if batch:
        yield batch


def _packed(runner: Runner, encodings: Sequence[Encoding]) -> Any:
    """As the runner wants it: one that has not its own way is given torch's tensors."""
    if hasattr(runner, "pack"):
        return runner.pack(encodings)
    from litebert.model.packing import pack

    return pack(encodings)


def _split(scores: Mapping[str, NDArray[Any]], lengths: Sequence[int]) -> list[Scores]:
    """Each sequence's own rows: one, one for each of its pieces, or one for each piece of it that the head
    was asked for. A sequence has at least two pieces, so that the count of rows tells the first two apart."""
    ends = list(accumulate(lengths))
    if AT in scores:
        return _of_pieces(scores, lengths, ends)
    split: list[dict[str, NDArray[Any]]] = [{} for _ in lengths]
    for name, rows in scores.items():
        whole = len(rows) == len(lengths)
        for i, (end, length) in enumerate(zip(ends, lengths, strict=True)):
            split[i][name] = rows[i] if whole else rows[end - length : end]
    return list(split)


def _of_pieces(
    scores: Mapping[str, NDArray[Any]], lengths: Sequence[int], ends: Sequence[int]
) -> list[Scores]:
    """The rows of some pieces by sequence; `AT` then counts from the sequence's first piece."""
    to = np.searchsorted(scores[AT], ends)
    split: list[Scores] = []
    for start, stop, end, length in zip([0, *to[:-1]], to, ends, lengths, strict=True):
        rows = {name: values[start:stop] for name, values in scores.items()}
        split.append({**rows, AT: rows[AT] - (end - length)})
    return split


def _good(output: OutputT | InputError) -> OutputT:
    if isinstance(output, InputError):
        raise output
    return output
