"""The torch model itself as a runner."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from litebert.engine.runners import at_rest
from litebert.model.model import Model
from litebert.model.packing import Packed


class Eager:
    """Runs `model` in `dtype`, without gradients; its packed weights are kept between calls.

    The model is left as it was found, so that training can go on after a look at dev. Several threads, and
    runners of other precisions, may ask one model at once.
    """

    def __init__(self, model: Model, dtype: torch.dtype = torch.float32) -> None:
        self.model, self.dtype = model, dtype

    def __call__(self, batch: Packed) -> Mapping[str, NDArray[np.float32]]:
        if self.model.training:
            with at_rest(self.model):
                return self(batch)
        with torch.inference_mode():
            return {name: _plain(scores) for name, scores in self.model(batch, dtype=self.dtype).items()}


def make(model: Model, _task: object, dtype: torch.dtype) -> Eager:
    """The runner for any task whose scores are worked out in one pass."""
    return Eager(model, dtype)


def _plain(scores: torch.Tensor) -> NDArray[np.float32]:
    """fp32, but for counts, which stay whole numbers."""
    return (scores.float() if scores.is_floating_point() else scores).numpy()
