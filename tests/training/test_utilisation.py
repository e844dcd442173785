"""Operations by the model's shape, and what a machine can do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from litebert.model.config import EncoderConfig, Ranks, published
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


def test_what_was_taken_out_does_not_count() -> None:
    """Of blocks with fewer heads and units, and of matrices in two thin ones, by hand."""
    blocks = {"attention": (0, 1, 0), "feedforward": (0, 0, 1)}
    smaller = replace(
        CONFIG, **blocks, block_heads=(2, 1), block_units=(32, 5), ranks=Ranks(qkv=3, output=0, up=4, down=0)
    )
    whole = 3 * (16 + 48) + 16 * 16 + 2 * 10 * 16
    half = 3 * (16 + 24) + 8 * 16 + 2 * 10 * 8
    wide, narrow = 4 * (16 + 32) + 32 * 16, 4 * (16 + 5) + 5 * 16
    layers = whole + wide, half + wide, whole + narrow
    assert [smaller.multiplications(layer, 10) for layer in range(3)] == list(layers)
    some, all = (Utilisation(smaller, Stacking(), 0.0, 1e6).operations(_step(1), n) for n in (2, 3))
    assert some == pytest.approx(6 * (sum(layers[:2]) + 8 * 16))
    assert all == pytest.approx(6 * (sum(layers) + 8 * 16))


@pytest.mark.parametrize("config", [CONFIG, published("lstm-tiny")])
def test_a_product_is_counted_as_often_as_its_numbers(config: EncoderConfig) -> None:
    """A layer's numbers but for its biases and norms."""
    more = replace(config, attention=tuple(range(9)), feedforward=tuple(range(9)))
    less = replace(config, attention=tuple(range(8)), feedforward=tuple(range(8)))
    h = config.hidden
    others = 8 * h if config.family == "lstm" else 3 * h + h + config.intermediate + h + 4 * h
    assert more.multiplications(0) == more.parameters - less.parameters - others


def test_without_a_map_from_the_embedding_none_counts() -> None:
    wide = replace(CONFIG, embedding=16)
    mapped = Utilisation(replace(wide, factor="always"), Stacking(), 0.0, 1e6).operations(_step(1), 1)
    assert mapped - Utilisation(wide, Stacking(), 0.0, 1e6).operations(_step(1), 1) == 6 * 16 * 16


def test_layers_that_are_not_yet_applied_do_not_count() -> None:
    utilisation = Utilisation(CONFIG, Stacking(((1, 5),)), guesses=2.0, rate=1e6)
    assert (
        utilisation(_step(5)) < utilisation(_step(6)) == Utilisation(CONFIG, Stacking(), 2.0, 1e6)(_step(5))
    )


def test_a_machine_multiplies_and_nothing_is_drawn() -> None:
    before = torch.get_rng_state()
    assert 1e8 < product_rate(torch.float32) < 1e15
    assert torch.equal(before, torch.get_rng_state())
