"""The decoder: what is written at once is what is written piece by piece; a step's cost; gradients."""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from litebert.model.config import EncoderConfig
from litebert.model.crossing import attend_to, crossing
from litebert.model.decoder import Decoder, DecoderPlan, aims, following, packed
from litebert.model.encoders.albert import Encoder
from litebert.model.likelihood import logarithms
from litebert.model.packing import Packed, pack_flat
from litebert.model.stepping import Steps

SIZES = EncoderConfig(
    vocabulary=60,
    embedding=16,
    hidden=32,
    heads=4,
    intermediate=64,
    attention=(0, 0, 0),
    feedforward=(0, 0, 0),
    positions=300,
    initial_std=0.2,
)
PLANS = {
    "joint": DecoderPlan(),
    "copies": DecoderPlan(copies=True),
    "shares": DecoderPlan(shares=True),
    "own vocabulary": DecoderPlan(vocabulary=50),
    "language model": DecoderPlan(crosses=False, shares=True),
}
SOURCES, TEXTS = (5, 40, 70, 9, 3), (7, 30, 4, 45, 1)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def made(plan: DecoderPlan, config: EncoderConfig = SIZES) -> tuple[Encoder, Decoder]:
    encoder, decoder = Encoder(config), Decoder(config, plan)
    decoder.meet(encoder)
    return encoder.eval(), decoder.eval()


def batch(lengths: tuple[int, ...], *, causal: bool = False, seed: int = 1) -> Packed:
    ids = np.random.default_rng(seed).integers(5, 50, sum(lengths))
    ids[np.cumsum((0, *lengths[:-1]))] = 2
    numbers = np.array(lengths, np.int64)
    return pack_flat(ids, np.full(len(ids), int(causal)), numbers, np.arange(len(lengths)), causal=causal)


def by_steps(encoder: Encoder, decoder: Decoder, source: Packed, written: Packed) -> Tensor:
    """ln p of what follows each written piece, worked out a piece at a time."""
    steps = Steps(decoder, encoder(source, decoder.reads))
    ends, starts = written.starts[1:], written.starts[:-1]
    every = torch.stack(
        [steps(written.ids[torch.minimum(starts + t, ends - 1)]) for t in range(max(written.lengths))], 1
    )
    after = following(written)
    pairs = enumerate(zip(starts.tolist(), ends.tolist(), strict=True))
    return torch.cat([every[b, torch.arange(end - start), after[start:end]] for b, (start, end) in pairs])


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_writing_by_steps_is_writing_at_once(plan: DecoderPlan) -> None:
    encoder, decoder = made(plan)
    source, written = batch(SOURCES), batch(TEXTS, causal=True, seed=2)
    with torch.no_grad():
        scores = decoder.follow(encoder(source, decoder.reads), written)
        at_once, _ = logarithms(scores, following(written)[: written.count])
        torch.testing.assert_close(by_steps(encoder, decoder, source, written), at_once, atol=1e-5, rtol=1e-5)


def test_no_piece_sees_what_follows_it_nor_another_source() -> None:
    encoder, decoder = made(DecoderPlan(copies=True))
    source, written = batch(SOURCES), batch(TEXTS, causal=True, seed=2)
    other = batch(TEXTS, causal=True, seed=2)
    other.ids[written.starts[1] + 20 : written.starts[2]] = 7
    far = batch(SOURCES)
    far.ids[source.starts[2] : source.starts[3]] = 8
    with torch.no_grad():
        one = decoder.follow(encoder(source, "memory"), written)["scores"]
        two = decoder.follow(encoder(source, "memory"), other)["scores"]
        three = decoder.follow(encoder(far, "memory"), written)["scores"]
    changed = (one - two).abs().amax(1) > 1e-6
    first = int(written.starts[1]) + 20
    assert not changed[:first].any() and changed[first] and not changed[int(written.starts[2]) :].any()
    moved = (one - three).abs().amax(1) > 1e-6
    owner = torch.repeat_interleave(torch.arange(5), torch.tensor(written.lengths))
    assert set(owner[moved].tolist()) == {2}


def test_crossing_attention_is_the_plain_one() -> None:
    """Forward and back, against torch's own attention of each pair by itself."""
    source, written = batch(SOURCES), batch(TEXTS, causal=True)
    q = torch.randn(len(written.ids), 8, requires_grad=True)
    kv = torch.randn(len(source.ids), 16, requires_grad=True)
    out = attend_to(q, kv, crossing(written, source), 2)[: written.count]
    plain = []
    for b in range(len(source)):
        a = q[written.starts[b] : written.starts[b + 1]].view(-1, 2, 4).transpose(0, 1)
        k, v = kv[source.starts[b] : source.starts[b + 1]].view(-1, 2, 2, 4).permute(1, 2, 0, 3)
        plain.append(F.scaled_dot_product_attention(a, k, v).transpose(0, 1).reshape(-1, 8))
    torch.testing.assert_close(out, torch.cat(plain), atol=1e-5, rtol=1e-5)
    weight = torch.randn_like(out)
    ours = torch.autograd.grad((out * weight).sum(), (q, kv))
    theirs = torch.autograd.grad((torch.cat(plain) * weight).sum(), (q, kv))
    for mine, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, right, atol=1e-5, rtol=1e-5)


def test_likelihoods_and_their_gradient_are_those_of_log_softmax() -> None:
    scores = torch.randn(7, 11, requires_grad=True)
    wanted = torch.randint(0, 11, (7,))
    weight = torch.randn(2, 7)
    own, mean = logarithms({"scores": scores}, wanted)
    plain = scores.log_softmax(1)
    right, even = plain.gather(1, wanted[:, None])[:, 0], plain.mean(1)
    torch.testing.assert_close(own, right)
    torch.testing.assert_close(mean, even)
    (ours,) = torch.autograd.grad((own * weight[0] + mean * weight[1]).sum(), scores)
    (theirs,) = torch.autograd.grad((right * weight[0] + even * weight[1]).sum(), scores)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_every_part_learns(plan: DecoderPlan) -> None:
    encoder, decoder = made(plan)
    source, written = batch(SOURCES), batch(TEXTS, causal=True, seed=2)
    scores = decoder.follow(encoder(source, decoder.reads), written)
    own, _ = logarithms(scores, following(written)[: written.count])
    own.mean().backward()  # type: ignore[no-untyped-call]
    still = [name for name, p in decoder.named_parameters() if p.grad is None or not p.grad.any()]
    # A softmax does not change when all its keys are moved alike.
    assert [name for name in still if not name.endswith("key.bias")] == []


def test_what_is_aimed_at_is_the_next_piece_and_then_the_end() -> None:
    targets = {"written": torch.tensor([2, 7, 8, 2, 9]), "written/lengths": torch.tensor([3, 2])}
    assert aims(targets).tolist() == [7, 8, 3, 9, 3]
    built = packed(batch((4, 6)), targets["written"], targets["written/lengths"])
    assert built.causal and built.lengths == (3, 2)
    assert following(built)[:5].tolist() == [7, 8, 3, 9, 3]


def test_a_step_costs_the_same_however_much_is_written() -> None:
    """Of what a step multiplies, only attention's two products over what is written may grow."""
    config = EncoderConfig(**{**vars(SIZES), "hidden": 64, "intermediate": 256})
    encoder, decoder = made(DecoderPlan(), config)
    steps = Steps(decoder, encoder(batch((8,) * 16), "memory"))
    ids = torch.full((16,), 9)
    counted = []
    with torch.inference_mode():
        for _ in range(250):
            with torch.profiler.profile(with_flops=True) as profile:
                steps(ids)
            rows = profile.key_averages()
            products = sum(e.flops for e in rows if "attention" not in e.key and "attn" not in e.key)
            counted.append(products)
            if len(counted) == 3:
                for _ in range(240 - steps.written):
                    steps(ids)
            if steps.written >= 243:
                break
    assert counted[0] > 0
    assert set(counted) == {counted[0]}


def test_a_late_step_is_about_as_quick_as_an_early_one() -> None:
    encoder, decoder = made(DecoderPlan())
    steps = Steps(decoder, encoder(batch((8,) * 4), "memory"))
    ids = torch.full((4,), 9)
    with torch.inference_mode():
        took = []
        for _ in range(280):
            begun = process_time()
            steps(ids)
            took.append(process_time() - begun)
    early, late = np.median(took[10:60]), np.median(took[220:270])
    # Working all of it out again would take several times as long; attention alone adds a little.
    assert late < 2.5 * early
