"""Runners: `(packed batch) -> {name: scores}`. The engine knows nothing else of a model. One file each.

A task says by name which one works out its answers. A file has `make(model, task, dtype)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from litebert import names

if TYPE_CHECKING:
    import torch

    from litebert.model.model import Model
    from litebert.model.packing import Packed
    from litebert.tasks.task import Task
    from litebert.text.encoding import Encoding

Runner = Callable[["Packed"], Mapping[str, NDArray[np.float32]]]
"""Scores have a row for each sequence or for each piece, fp32."""


@runtime_checkable
class Schedules(Protocol):
    """A runner that makes its own batches of any number of sequences."""

    def __call__(self, batch: Packed) -> Mapping[str, NDArray[np.float32]]: ...

    def many(self, encodings: Sequence[Encoding]) -> list[Mapping[str, NDArray[np.float32]]]:
        """The scores of each, in order."""


@contextmanager
def at_rest(model: Model) -> Iterator[None]:
    """Within, the model answers, if it was being trained: then no other thread may ask it meanwhile."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def runner_for(model: Model, task: Task[Any, Any], dtype: torch.dtype) -> Runner:
    """The runner that a task asks for, with the torch model in it."""
    module = names.find("litebert.engine.runners", task.runner, "runner")
    return cast(Runner, module.make(model, task, dtype))
