"""Plans into one another: tied to untied exactly, untied to tied by the mean."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import encoder, encodings, far, small
from torch import Tensor

from litebert.errors import ModelError
from litebert.model.config import EncoderConfig, Order
from litebert.model.encoders.albert import Encoder
from litebert.model.packing import pack
from litebert.model.sharing import convert_sharing


def answer(config: EncoderConfig, weights: dict[str, Tensor]) -> Tensor:
    body = Encoder(config).eval()
    body.load_state_dict(weights)
    with torch.no_grad():
        return body(pack(encodings())).pieces


def gapless(numbers: list[int]) -> Order:
    rank = {n: i for i, n in enumerate(sorted(set(numbers)))}
    return tuple(rank[n] for n in numbers)


ORDER = st.lists(st.integers(0, 4), min_size=5, max_size=5).map(gapless)


@settings(max_examples=10, deadline=None)
@given(ORDER, ORDER)
def test_any_plan_unties_exactly(attention: Order, feedforward: Order) -> None:
    """And so every order is what its copies would be."""
    config = small(attention=attention, feedforward=feedforward)
    weights = encoder(config).state_dict()
    untied = convert_sharing(weights, config, config.shared("none"))
    assert untied.note == ""
    assert far(answer(config.shared("none"), untied.encoder), answer(config, weights)) == 0
    back = convert_sharing(untied.encoder, config.shared("none"), config)
    assert back.note == ""
    assert all(torch.equal(back.encoder[name], tensor) for name, tensor in weights.items())


def test_tying_takes_the_mean_and_says_so() -> None:
    config = small().shared("none")
    weights = encoder(config).state_dict()
    tied = convert_sharing(weights, config, config.shared("attention"))
    assert "4 attention blocks into 1" in tied.note
    assert "feedforward" not in tied.note
    assert "no longer the same encoder" in tied.note
    mean = sum(weights[f"attention.{i}.query.weight"] for i in range(4)) / 4
    assert far(tied.encoder["attention.0.query.weight"], mean) < 1e-6
    assert torch.equal(tied.encoder["feedforward.2.up.bias"], weights["feedforward.2.up.bias"])
    assert answer(config.shared("attention"), tied.encoder).isfinite().all()


def test_a_block_weighs_as_often_as_it_is_applied() -> None:
    config = small(attention=(0, 0, 0, 1), feedforward=(0, 0, 1, 1))
    weights = encoder(config).state_dict()
    tied = convert_sharing(weights, config, config.shared("all"))
    one, other = (weights[f"attention.{i}.norm.weight"] for i in (0, 1))
    assert far(tied.encoder["attention.0.norm.weight"], 0.75 * one + 0.25 * other) < 1e-6
    assert "2 attention blocks into 1 and 2 feedforward blocks into 1" in tied.note


def test_the_given_weights_are_left_alone() -> None:
    config = small()
    weights = encoder(config).state_dict()
    untied = convert_sharing(weights, config, config.shared("none")).encoder
    untied["attention.0.query.weight"].zero_()
    untied["attention.1.query.weight"].fill_(1)
    assert weights["attention.0.query.weight"].abs().min() >= 0
    assert weights["attention.0.query.weight"].abs().max() > 0.1
    assert untied["attention.2.query.weight"].abs().max() > 0.1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"attention": (0,) * 3, "feedforward": (0,) * 3}, "number of layers"),
        ({"hidden": 48}, "hidden is 24 and 48"),
        ({"activation": "relu"}, "activation"),
    ],
)
def test_other_sizes_are_refused(change: dict[str, object], said: str) -> None:
    config = small()
    with pytest.raises(ModelError, match=said):
        convert_sharing(encoder(config).state_dict(), config, replace(config, **change))
