"""Dropout: drawn as often as it should be, in every place where Google draws it, and by the sample alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import encoder, encodings, far, small

from litebert.model import blocks
from litebert.model.blocks import FeedForward, Pass
from litebert.model.dropout import Draw, dropout, kept, numbers
from litebert.model.encoders.albert import Encoder
from litebert.model.packing import pack

SURE = 4.5
"""Standard deviations: seven in a million would be beyond by chance, and the draws are always the same."""


def training(**changes: float) -> Encoder:
    return encoder(small(**{"hidden_dropout": 0.3, "attention_dropout": 0.2, **changes})).train()


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5])
def test_elements_are_kept_at_the_rate_and_independently(rate: float) -> None:
    rows = Draw(seed=3, step=5).rows(torch.arange(800), site=9)
    keep = kept(rows[:, None], numbers(torch.arange(500)), rate).float()
    std = (rate * (1 - rate)) ** 0.5
    assert abs(keep.mean() - (1 - rate)) < SURE * std / keep.numel() ** 0.5
    for means, count in ((keep.mean(0), 800), (keep.mean(1), 500)):
        z = (means - (1 - rate)) / (std / count**0.5)
        assert z.abs().max() < 5
        assert 0.85 < z.std() < 1.15
    centred = (keep - keep.mean()) / std
    for one, other in ((centred[1:], centred[:-1]), (centred[:, 1:], centred[:, :-1])):
        assert abs(float((one * other).mean())) < SURE / one.numel() ** 0.5


def test_what_is_kept_is_scaled_and_what_is_not_is_nothing() -> None:
    out = dropout(torch.full((50, 40), 3.0), 0.25, Draw(1, 1).rows(torch.arange(50), 1))
    assert set(out.unique().tolist()) == {0.0, 4.0}


@pytest.mark.parametrize(
    "other",
    [Draw(1, 3), Draw(2, 2)],
    ids=["step", "seed"],
)
def test_another_step_or_seed_is_another_draw(other: Draw) -> None:
    keys, columns = torch.arange(200), numbers(torch.arange(200))
    same, *different = (
        kept(draw.rows(keys, site)[:, None], columns, 0.5)
        for draw, site in ((Draw(1, 2), 4), (other, 4), (Draw(1, 2), 5))
    )
    for keep in different:
        assert abs(float((keep == same).float().mean()) - 0.5) < SURE * 0.5 / 200


def test_the_feed_forward_nets_output_is_dropped() -> None:
    """As Google does and transformers does not (albert.md §4.1).

    With a net that gives 1000 everywhere, what is kept stands out after the norm.
    """
    config = small(hidden=240, hidden_dropout=0.3)
    block = FeedForward(config)
    with torch.no_grad():
        block.up.weight.zero_()
        block.down.weight.zero_()
        block.down.bias.fill_(1000)
    x = torch.randn(400, 240)
    keys = torch.arange(400)
    with torch.no_grad():
        out = block.prepare(Pass(torch.float32, Draw(1, 1)))(x, keys, 1)
    share = float((out > 0).float().mean())
    assert abs(share - 0.7) < SURE * (0.3 * 0.7 / out.numel()) ** 0.5
    with torch.no_grad():
        still = block.prepare(Pass(torch.float32))(x, keys, 1)
    assert far(still, block.norm(x + 1000)) < 1e-5


def test_every_place_draws_once_and_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embeddings, and in each layer the attention's output and the feed-forward net's."""
    drawn: list[torch.Tensor] = []

    def watched(x: torch.Tensor, rate: float, rows: torch.Tensor) -> torch.Tensor:
        assert rate == 0.3
        drawn.append(rows)
        return dropout(x, rate, rows)

    monkeypatch.setattr(blocks, "dropout", watched)
    batch = pack(encodings())
    training()(batch)
    assert len(drawn) == 1 + 2 * 4
    assert len({tuple(rows.tolist()) for rows in drawn}) == len(drawn)
    drawn.clear()
    training().eval()(batch)
    assert not drawn


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 70), min_size=2, max_size=7), st.data())
def test_a_sample_meets_the_same_dropout_in_any_batch(lengths: list[int], data: st.DataObject) -> None:
    body, together = training(), encodings(lengths)
    samples = data.draw(st.lists(st.integers(0, 2**40), min_size=len(lengths), max_size=len(lengths)))
    order = data.draw(st.permutations(range(len(lengths))))
    cut = data.draw(st.integers(1, len(lengths)))
    with torch.no_grad():
        whole = body(pack(together, samples)).pooled
        for part in (order[:cut], order[cut:]):
            if part:
                hidden = body(pack([together[i] for i in part], [samples[i] for i in part]))
                assert far(whole[part], hidden.pooled) < 1e-5


def test_reading_first_pieces_alone_meets_the_same_dropout() -> None:
    body, batch = training(), pack(encodings())
    with torch.no_grad():
        assert far(body(batch).first, body(batch, "first").first) < 1e-5


def changed(change: Callable[[Encoder], object]) -> float:
    body, batch = training(), pack(encodings())
    with torch.no_grad():
        before = body(batch).pooled
        change(body)
        return far(before, body(batch).pooled)


def test_the_draw_moves_with_the_step_and_samples_differ() -> None:
    assert changed(lambda body: body.eval().train()) == 0
    assert changed(lambda body: setattr(body, "draw", Draw(0, 1))) > 0.1
    one = encodings((20,)) * 2
    with torch.no_grad():
        twins = training()(pack(one, [1, 2])).pooled
        same = training()(pack(one, [1, 1])).pooled
    assert far(twins[0], twins[1]) > 0.1
    assert far(same[0], same[1]) < 1e-5


def test_on_average_attention_dropout_changes_nothing() -> None:
    """With values that are all alike, what is gathered is (what is kept of) 1: its mean over draws is 1."""
    from litebert.model.attention import attend
    from litebert.model.dropout import Noise

    batch = pack(encodings((60, 30)))
    qkv = torch.cat([torch.randn(90, 2 * 24), torch.ones(90, 24)], 1)
    sums = [attend(qkv, batch, 3, Noise(0.2, Draw(1, step), 4)).mean() for step in range(20)]
    assert abs(float(torch.stack(sums).mean()) - 1) < 0.01
    assert len({float(total) for total in sums}) == 20
    assert all(one != other for one, other in pairwise(sums))
