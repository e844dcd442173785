"""Answering takes other roads than learning, and comes to the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.model.activations import ACTIVATIONS
from litebert.model.attention import attend, attend_first
from litebert.model.config import Activation, EncoderConfig
from litebert.model.encoders.albert import Encoder
from litebert.model.packing import Packed, pack_flat
from litebert.model.products import Linear, fuses_bias, stack

LENGTHS = st.lists(st.integers(1, 70), min_size=1, max_size=9)
HEADS, WIDTH = 3, 24


def batch_of(lengths: list[int], *, causal: bool = False) -> Packed:
    count = sum(lengths)
    ids = np.random.default_rng(0).integers(0, 60, count)
    return pack_flat(
        ids, np.zeros(count, np.int64), np.array(lengths), np.arange(len(lengths)), causal=causal
    )


@settings(max_examples=30, deadline=None)
@given(LENGTHS, st.booleans(), st.booleans())
def test_attention_by_stretches_is_attention_by_rows(lengths: list[int], causal: bool, sort: bool) -> None:
    batch = batch_of(sorted(lengths) if sort else lengths, causal=causal)
    qkv = torch.randn(len(batch.ids), 3 * WIDTH, generator=torch.Generator().manual_seed(1))
    learning = attend(qkv, batch, HEADS)
    with torch.no_grad():
        answering = attend(qkv, batch, HEADS)
    assert torch.allclose(learning, answering, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(LENGTHS)
def test_the_first_pieces_attend_alike(lengths: list[int]) -> None:
    batch = batch_of(lengths)
    q, kv = torch.randn(len(lengths), WIDTH), torch.randn(len(batch.ids), 2 * WIDTH)
    learning = attend_first(q, kv, batch, HEADS)
    with torch.no_grad():
        assert torch.allclose(learning, attend_first(q, kv, batch, HEADS), atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(LENGTHS, st.booleans(), st.booleans())
def test_both_ways_of_answering_in_bf16(lengths: list[int], sort: bool, plain: bool) -> None:
    """By plain products and by torch's fused kernel; each chip takes one. Fillers may hold anything."""
    batch = batch_of(sorted(lengths) if sort else lengths)
    qkv = torch.randn(len(batch.ids), 3 * WIDTH, generator=torch.Generator().manual_seed(1))
    q, kv = qkv[: len(lengths), :WIDTH], qkv[:, WIDTH:]
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        wanted, wanted_first = attend(qkv, batch, HEADS), attend_first(q, kv, batch, HEADS)
        patch.setattr("litebert.model.stretches.plain_is_faster", lambda: plain)
        found = attend(qkv.bfloat16(), batch, HEADS)
        first = attend_first(q.bfloat16(), kv.bfloat16(), batch, HEADS)
    assert found.isfinite().all()
    assert torch.allclose(found[: batch.count].float(), wanted[: batch.count], atol=0.05)
    assert torch.allclose(first.float(), wanted_first, atol=0.05)


@pytest.mark.parametrize("length", [1, 2, 7, 25, 40, 63])
def test_in_bf16_a_sequence_alone_is_attended_to_as_beside_others(length: int) -> None:
    """By other products, which are rounded at the same places; they may add up in another order."""
    others = batch_of([length, 5, 64, 1])
    torch.manual_seed(length)
    q, qkv = torch.randn(4, WIDTH).bfloat16(), torch.randn(len(others.ids), 3 * WIDTH).bfloat16()
    own, alone = qkv[:length], batch_of([length])
    filled = torch.cat([own, qkv.new_zeros(len(alone.ids) - length, 3 * WIDTH)])
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("litebert.model.stretches.plain_is_faster", lambda: True)
        beside = attend(qkv, others, HEADS)[:length], attend_first(q, qkv[:, WIDTH:], others, HEADS)[:1]
        found = attend(filled, alone, HEADS)[:length], attend_first(q[:1], filled[:, WIDTH:], alone, HEADS)
    for wanted, got in zip(beside, found, strict=True):
        assert (wanted != got).float().mean() < 0.02
        assert torch.allclose(wanted.float(), got.float(), rtol=2**-7, atol=2**-9)


def test_rows_hold_neighbours_of_about_one_length() -> None:
    rows = batch_of([3, 32, 33, 5]).rows
    assert [(r.held, r.longest, r.width) for r in rows] == [(2, 32, 32), (1, 40, 64), (1, 8, 32)]
    assert rows[0].back.tolist() == [0, 1, 2, *range(32, 64)]
    assert rows[1].places[:33].tolist() == list(range(35, 68)) and set(rows[1].places[33:].tolist()) == {67}
    assert rows[1].bias.flatten().tolist() == [0.0] * 33 + [-torch.inf] * 31


def test_written_weights_are_packed_anew() -> None:
    """Whatever way they are written: in place, in another's memory, or as another matrix altogether."""
    matrix, x = Linear(WIDTH, WIDTH), torch.randn(3, WIDTH)
    for change in (
        lambda: matrix.weight.detach().fill_(0.5),
        lambda: setattr(matrix.weight, "data", torch.ones(WIDTH, WIDTH)),
        lambda: setattr(matrix, "weight", torch.nn.Parameter(torch.eye(WIDTH))),
    ):
        change()
        with torch.inference_mode():
            kept = matrix.kept(torch.float32)
            assert kept is matrix.kept(torch.float32)
            assert torch.allclose(kept(x), x @ matrix.weight.t(), atol=1e-5)


def test_stretches_are_neighbours_of_one_length() -> None:
    assert batch_of([3, 3, 5, 3]).stretches == ((0, 2, 3), (6, 1, 5), (11, 1, 3))


@pytest.mark.parametrize("then", [None, *ACTIVATIONS])
@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-5), (torch.bfloat16, 0.1)])
def test_an_activation_in_the_products_own_pass(
    then: Activation | None, dtype: torch.dtype, near: float
) -> None:
    matrix, x = Linear(WIDTH, 40), torch.randn(17, WIDTH)
    torch.nn.init.normal_(matrix.weight, std=0.3)
    torch.nn.init.normal_(matrix.bias)
    plain = torch.nn.functional.linear(x, matrix.weight, matrix.bias)
    wanted = plain if then is None else ACTIVATIONS[then](plain)
    assert torch.allclose(stack(matrix, dtype=dtype, then=then)(x.to(dtype)).float(), wanted, atol=near)
    with torch.no_grad():
        fused = stack(matrix, dtype=dtype, then=then)(x.to(dtype))
    assert torch.allclose(fused.float(), wanted, atol=near)


def test_without_the_operators_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are private to torch; where they are missing the plain ones serve."""
    batch = batch_of([5, 5, 30])
    config = EncoderConfig(vocabulary=60, embedding=16, hidden=WIDTH, heads=HEADS, intermediate=40)
    body = Encoder(replace(config, attention=(0,) * 3, feedforward=(0,) * 3)).eval()
    with torch.no_grad():
        packed = body(batch, "first").pooled
        monkeypatch.setattr("litebert.model.products.fuses_bias", lambda *_: False)
        body._kept = None
        plain = body(batch, "first").pooled
    assert torch.allclose(packed, plain, atol=1e-5)


def test_this_machines_operators_are_found_out_about() -> None:
    assert fuses_bias(torch.float32, "cpu") == torch.backends.mkldnn.is_available()
    assert not fuses_bias(torch.float64, "cpu")
