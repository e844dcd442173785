"""Between two steps dev is answered with the weights as they are then, though matrices are kept packed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from litebert.model.config import EncoderConfig
from litebert.model.encoders import encoder_of
from litebert.model.encoders.albert import Encoder
from litebert.model.packing import pack
from litebert.text.encoding import Encoding
from litebert.training.optimizers import optimizer
from litebert.training.settings import TrainSettings

SMALL = {"vocabulary": 50, "embedding": 8, "hidden": 32, "heads": 2, "intermediate": 64, "positions": 16}
ORDER = (0, 0)


def _states(encoder: torch.nn.Module) -> Tensor:
    ids = np.arange(1, 9, dtype=np.int32)
    spans = np.zeros((len(ids), 2), dtype=np.int32)
    batch = pack([Encoding(ids=ids, segments=np.zeros_like(ids), spans=spans)])
    states: Tensor = encoder(batch).pieces
    return states


@pytest.mark.parametrize("factor", ["early", "late"])
@pytest.mark.parametrize("optimiser", ["adamw", "lamb", "muon", "sgd"])
def test_a_step_is_seen_by_the_next_judgement(factor: str, optimiser: str) -> None:
    torch.manual_seed(1)
    config = EncoderConfig(**SMALL, attention=ORDER, feedforward=ORDER, factor=factor)  # type: ignore[arg-type]
    trained = encoder_of(config).train()
    steps = optimizer(TrainSettings(optimizer=optimiser), trained)
    for _ in range(2):
        with torch.no_grad():
            _states(trained.eval())
        _states(trained.train()).square().sum().backward()
        steps.step(0.1)
        trained.zero_grad()
    fresh = Encoder(config).eval()
    fresh.load_state_dict(trained.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(_states(trained.eval()), _states(fresh))
