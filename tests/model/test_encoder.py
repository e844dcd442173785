"""Packing, gradients and precision: whatever the batch, a sequence's answer is its own."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import LENGTHS, encoder, encodings, far, padded, small
from torch.nn import functional as F

from litebert.model.attention import attend, attend_first, keeps
from litebert.model.dropout import Draw, Noise
from litebert.model.encoders.albert import Encoder
from litebert.model.hidden import Hidden
from litebert.model.packing import Packed, pack
from litebert.model.products import Linear, stack

LENGTHS_ANY = st.lists(st.integers(1, 70), min_size=1, max_size=9)
ENCODER = encoder(small(attention=(0, 1, 0, 1), feedforward=(0, 0, 1, 1)))


def answer(body: Encoder, batch: Packed) -> Hidden:
    with torch.no_grad():
        return body(batch)


@settings(max_examples=12, deadline=None)
@given(LENGTHS_ANY, st.integers(0, 9))
def test_packed_is_as_each_alone(lengths: list[int], seed: int) -> None:
    together = encodings(lengths, seed=seed)
    hidden = answer(ENCODER, pack(together))
    alone = [answer(ENCODER, pack([one])) for one in together]
    assert far(hidden.pieces, torch.cat([one.pieces for one in alone])) < 1e-5
    assert far(hidden.pooled, torch.cat([one.pooled for one in alone])) < 1e-5


@settings(max_examples=12, deadline=None)
@given(LENGTHS_ANY)
def test_reading_the_first_pieces_alone_is_exact(lengths: list[int]) -> None:
    batch = pack(encodings(lengths))
    with torch.no_grad():
        whole, first = ENCODER(batch), ENCODER(batch, "first")
    assert first.pieces is None
    assert far(whole.first, first.first) < 1e-5
    assert far(whole.pooled, first.pooled) < 1e-5


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 600), min_size=1, max_size=20))
def test_tiers_hold_every_piece_once_and_mix_no_sequences(lengths: list[int]) -> None:
    batch = pack(encodings(lengths))
    owner = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    seen = torch.cat([tier.pieces for tier in batch.tiers])
    assert sorted(seen.tolist()) == list(range(sum(lengths)))
    for tier in batch.tiers:
        rows, width = tier.shape
        place = torch.full((rows * width,), -1)
        place[tier.back] = owner[tier.pieces]
        assert torch.equal(tier.places[tier.back], tier.pieces)
        place = place.view(rows, width)
        mine = (place[:, :, None] == place[:, None, :]) & (place >= 0)[:, :, None]
        assert torch.equal(tier.bias[:, 0] == 0, mine | torch.eye(width, dtype=torch.bool))


def test_a_sequence_longer_than_the_widest_row() -> None:
    body = encoder(small(positions=700))
    together = encodings((600, 5))
    hidden = answer(body, pack(together))
    assert far(hidden.pieces[:600], answer(body, pack(together[:1])).pieces) < 1e-5


@pytest.mark.parametrize("reads", ["pieces", "first"])
def test_gradients_are_those_of_plain_autograd(reads: str) -> None:
    """Of every parameter, against the same encoder written down anew with `torch.nn.functional` alone."""
    config = small(feedforward=(0, 1, 0, 1))
    body = encoder(config).train()
    got = _gradients(body, body(pack(encodings()), reads))
    wanted = _gradients(body, _plain(body))
    for name, gradient in wanted.items():
        assert far(got[name], gradient) <= 2e-5 * float(gradient.abs().max()) + 1e-6, name


def test_gradients_gather_over_several_batches_and_skip_what_is_frozen() -> None:
    body = encoder(small()).train()
    body.feedforward.requires_grad_(False)
    alone = [_gradients(body, body(pack([one]), "first")) for one in encodings((7, 20))]
    for one in encodings((7, 20)):
        _loss(body(pack([one]), "first")).backward()
    for name, parameter in body.named_parameters():
        if name.startswith("feedforward"):
            assert parameter.grad is None
        else:
            assert far(parameter.grad, alone[0][name] + alone[1][name]) < 1e-5


def _plain(body: Encoder) -> Hidden:
    """Post-norm ALBERT on a padded batch, as the paper has it."""
    config, batch = body.config, padded(encodings())
    ids, segments = batch["input_ids"], batch["token_type_ids"]
    at = torch.arange(ids.shape[1]).expand_as(ids)
    e = body.embeddings
    x = e.norm(e.words(ids) + e.positions(at) + e.segments(segments))
    x = F.linear(x, e.factor.weight, e.factor.bias)
    bias = torch.where(batch["attention_mask"].bool(), 0.0, -torch.inf)[:, None, None]
    for a, f in zip(config.attention, config.feedforward, strict=True):
        block = body.attention[a]
        q, k, v = (
            F.linear(x, m.weight, m.bias).unflatten(-1, (config.heads, -1)).transpose(1, 2)
            for m in (block.query, block.key, block.value)
        )
        weights = torch.softmax(q @ k.transpose(-1, -2) / config.head_size**0.5 + bias, -1)
        gathered = (weights @ v).transpose(1, 2).flatten(2)
        x = block.norm(x + F.linear(gathered, block.output.weight, block.output.bias))
        block = body.feedforward[f]
        y = F.gelu(F.linear(x, block.up.weight, block.up.bias), approximate="tanh")
        x = block.norm(x + F.linear(y, block.down.weight, block.down.bias))
    pooler = body.pooler.dense
    pooled = torch.tanh(F.linear(x[:, 0], pooler.weight, pooler.bias))
    return Hidden(pack(encodings()), x[:, 0], pooled, x[batch["attention_mask"].bool()])


def _loss(hidden: Hidden) -> torch.Tensor:
    """Different for every state, so that no gradient is nothing by symmetry."""
    parts = [hidden.pooled, hidden.first]
    return sum((part * torch.arange(part.numel()).view_as(part).sin()).sum() for part in parts)


def _gradients(body: Encoder, hidden: Hidden) -> dict[str, torch.Tensor]:
    named = {name: p for name, p in body.named_parameters() if p.requires_grad}
    gradients = torch.autograd.grad(_loss(hidden), list(named.values()))
    return dict(zip(named, gradients, strict=True))


@pytest.mark.parametrize("noise", [None, Noise(0.3, Draw(1, 2), 7)], ids=["plain", "dropout"])
def test_attention_and_its_gradient_are_those_of_plain_products(noise: Noise | None) -> None:
    heads, d = 3, 8
    batch = pack(encodings())
    qkv = torch.randn(sum(LENGTHS), 3 * heads * d, requires_grad=True)
    weigh = torch.randn(sum(LENGTHS), heads * d)
    out = attend(qkv, batch, heads, noise)
    wanted = torch.cat([_attended(qkv, batch, heads, noise, b) for b in range(len(batch))])
    assert far(out, wanted) < 1e-5
    (got,) = torch.autograd.grad((out * weigh).sum(), qkv)
    (plain,) = torch.autograd.grad((wanted * weigh).sum(), qkv)
    assert far(got, plain) < 1e-5
    h = heads * d
    first = attend_first(qkv[batch.first, :h], qkv[:, h:], batch, heads, noise)
    assert far(first, wanted[batch.first]) < 1e-5


def _attended(qkv: torch.Tensor, batch: Packed, heads: int, noise: Noise | None, b: int) -> torch.Tensor:
    """One sequence alone, by the textbook."""
    here = slice(int(batch.starts[b]), int(batch.starts[b + 1]))
    q, k, v = qkv[here].unflatten(1, (3, heads, -1)).permute(1, 2, 0, 3)
    weights = torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, -1)
    if noise is not None:
        keep = keeps(batch.keys[here][None], batch.positions[here][None], heads, noise)[0]
        assert 0 < keep.float().mean() <= 1
        weights = weights * keep / (1 - noise.rate)
    return (weights @ v).transpose(0, 1).flatten(1)


def test_a_product_used_often_has_one_gradient_the_sum_of_all() -> None:
    one, two = Linear(5, 3), Linear(5, 4, bias=True)
    for part in (one, two):
        torch.nn.init.normal_(part.weight)
    xs = [torch.randn(n, 5, requires_grad=True) for n in (1, 6, 2)]
    product = stack(one, two, dtype=torch.float32)
    leaves = [one.weight, one.bias, two.weight, two.bias, *xs]
    got = torch.autograd.grad(sum(product(x).sin().sum() for x in xs), leaves)
    plain = sum(
        torch.cat([F.linear(x, part.weight, part.bias) for part in (one, two)], 1).sin().sum() for x in xs
    )
    for a, b in zip(got, torch.autograd.grad(plain, leaves), strict=True):
        assert far(a, b) < 1e-5


def test_bf16_is_near_fp32() -> None:
    """States are normed to 1: the mean difference is under 1 %, and the largest of 60,000 under 15 %."""
    body = Encoder(small(hidden=312, heads=12, intermediate=1248, embedding=128)).eval()
    batch = pack(encodings())
    exact = answer(body, batch)
    body.dtype = torch.bfloat16
    rough = answer(body, batch)
    off = (exact.pieces - rough.pieces.float()).abs()
    assert 0 < float(off.mean()) < 0.01
    assert float(off.max()) < 0.15
    assert far(exact.pooled, rough.pooled) < 0.05
    assert rough.pooled.dtype == torch.float32


def test_bf16_gradients_point_where_fp32_ones_do() -> None:
    body = encoder(small(hidden=96, heads=3, intermediate=384)).train()
    exact = _gradients(body, body(pack(encodings()), "first"))
    body.dtype = torch.bfloat16
    rough = _gradients(body, body(pack(encodings()), "first"))
    one, other = (torch.cat([g.float().flatten() for g in side.values()]) for side in (exact, rough))
    assert all(gradient.dtype == torch.float32 for gradient in rough.values())
    assert float(F.cosine_similarity(one, other, dim=0)) > 0.995


def test_an_encoder_that_has_answered_can_be_copied_and_changed() -> None:
    body, batch = encoder(small()), pack(encodings())
    before = answer(body, batch).pieces
    twin = copy.deepcopy(body)
    assert far(answer(twin, batch).pieces, before) == 0
    other = encoder(small(), seed=1)
    for _ in range(2):  # the second time, the counts of writes are those of the first
        body.load_state_dict({k: t.clone() for k, t in other.state_dict().items()}, assign=True)
        assert far(answer(body, batch).pieces, answer(other, batch).pieces) == 0
        other = encoder(small(), seed=2)
    with torch.no_grad():
        twin.pooler.dense.weight.zero_()
        twin.attention[0].query.weight.mul_(0.5)
    assert far(answer(twin, batch).pieces, before) > 1e-3
