"""A decoder as a runner: it writes from each sequence of a batch, and weighs texts that are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from litebert.engine.runners import at_rest
from litebert.engine.search import Begun, Found, search
from litebert.model.decoder import Decoder, aims, packed
from litebert.model.likelihood import logarithms
from litebert.model.model import Model
from litebert.model.packing import Packed
from litebert.model.stepping import Steps
from litebert.tasks.decoding import Decoding
from litebert.tasks.task import LENGTHS, Task
from litebert.tasks.writing import Writing as WritingTask

WRITTEN = "written"


class Writing:
    """Runs the encoder once and the decoder again and again, in `dtype`, without gradients.

    decoding: how to write. stops: whether the pieces written so far end the text. The model is left as it was
    found, so that training can go on after a look at dev. Raises `TypeError` for a model without a decoder.
    """

    def __init__(
        self,
        model: Model,
        dtype: torch.dtype,
        decoding: Decoding,
        stops: Callable[[Sequence[int]], bool] | None = None,
    ) -> None:
        if not isinstance(model.head, Decoder):
            raise TypeError(
                f"this runner writes with a decoder, but the model has a {type(model.head).__name__}"
            )
        self.model, self.decoder, self.dtype = model, model.head, dtype
        self.decoding, self.stops = decoding, stops

    def __call__(self, batch: Packed) -> Mapping[str, NDArray[np.float32]]:
        """`written` int64 [B, T], the pieces, -1 after the last; `probability` [B], ln p of the whole; and,
        if it copies, `copied` int64 [B, T], the place in the source that each piece would be copied from."""
        with at_rest(self.model), torch.inference_mode():
            hidden = self.model.encoder(batch, self.decoder.reads, self.dtype)
            beams = 1 if self.decoding.temperature else self.decoding.beams
            steps = Steps(self.decoder, hidden, beams, self.dtype)
            found = search(steps, list(map(self._begun, _sequences(batch))), self.decoding, self.stops)
        return _table(found, copies=self.decoder.plan.copies)

    def weigh(self, batch: Packed, targets: Mapping[str, torch.Tensor]) -> NDArray[np.float64]:
        """-ln p of what each sequence's targets say is written, its end included, float64 [B]."""
        ids, lengths = targets[WRITTEN], targets[WRITTEN + LENGTHS]
        with at_rest(self.model), torch.inference_mode():
            hidden = self.model.encoder(batch, self.decoder.reads, self.dtype)
            scores = self.decoder.follow(hidden, packed(batch, ids, lengths), self.dtype)
            likely, _ = logarithms({name: t.float() for name, t in scores.items()}, aims(targets))
        starts = np.concatenate([[0], np.cumsum(lengths.numpy())[:-1]])
        weights: NDArray[np.float64] = -np.add.reduceat(likely.double().numpy(), starts)
        return weights

    def _begun(self, source: NDArray[np.int64]) -> Begun:
        """A language model goes on from what it is given."""
        prefix = () if self.decoder.plan.crosses else tuple(source[1:-1].tolist())
        room = self.decoder.config.positions - 1
        most = min(len(prefix) + (self.decoding.most or room), room)
        return Begun(prefix[: room - 1], most, source.tobytes())


def make(model: Model, task: Task[object, object], dtype: torch.dtype) -> Writing:
    """The runner for a task that writes."""
    if not isinstance(task, WritingTask):
        raise TypeError(f"the task {task.name} does not say how it writes")
    words = task.stop

    def stops(ids: Sequence[int]) -> bool:
        text = task.spelled(ids)
        return any(word in text for word in words)

    return Writing(model, dtype, task.decoding, stops if words else None)


def _sequences(batch: Packed) -> list[NDArray[np.int64]]:
    ids = batch.ids[: batch.count].numpy()
    return np.split(ids, batch.starts[1:-1].numpy())


def _table(found: list[Found], *, copies: bool) -> dict[str, NDArray[np.float32]]:
    longest = max([len(one.ids) for one in found] + [1])
    table = {
        WRITTEN: np.array([[*one.ids, *[-1] * (longest - len(one.ids))] for one in found]),
        "probability": np.array([one.logarithm for one in found], np.float32),
    }
    if copies:
        table["copied"] = np.array([[*one.copied, *[0] * (longest - len(one.copied))] for one in found])
    return table
