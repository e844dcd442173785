"""Operations by the model's shape, and what a machine can do."""

from __future__ import annotations

import pytest
import torch

from litebert.model.config import EncoderConfig
from litebert.training.loop import Step
from litebert.training.stacking import Stacking
from litebert.training.utilisation import Utilisation, product_rate

CONFIG = EncoderConfig(
    vocabulary=100, embedding=8, hidden=16, heads=2, intermediate=32, attention=(0,) * 3, feedforward=(0,) * 3
)


def _step(number: int) -> Step:
    told = {"loss": 1.0, "parts": {}, "learning_rate": 1.0, "gradient_norm": 1.0, "skipped": False}
    return Step(step=number, attempt=0, epoch=0.0, samples=4, pieces=40, seconds=2.0, **told)


def test_operations_are_those_of_the_products() -> None:
    """By hand: each product's sizes, two operations each, one way there and two back."""
    layer = 4 * 16 * 16 + 2 * 16 * 32 + 2 * 10 * 16
    embedding, head = 8 * 16, 16 * 8 + 8 * 100
    utilisation = Utilisation(CONFIG, Stacking(), guesses=2.0, rate=1e6)
    assert utilisation.operations(_step(1), 3) == pytest.approx(6 * (3 * layer + embedding + 0.2 * head))
    assert utilisation(_step(1)) == pytest.approx(40 * utilisation.operations(_step(1), 3) / 2.0 / 1e6)


def test_layers_that_are_not_yet_applied_do_not_count() -> None:
    utilisation = Utilisation(CONFIG, Stacking(((1, 5),)), guesses=2.0, rate=1e6)
    assert (
        utilisation(_step(5)) < utilisation(_step(6)) == Utilisation(CONFIG, Stacking(), 2.0, 1e6)(_step(5))
    )


def test_a_machine_multiplies_and_nothing_is_drawn() -> None:
    before = torch.get_rng_state()
    assert 1e8 < product_rate(torch.float32) < 1e15
    assert torch.equal(before, torch.get_rng_state())
