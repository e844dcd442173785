"""Heads compute what `transformers`' do, and drop by counter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from litebert.model.config import EncoderConfig
from litebert.model.dropout import Draw
from litebert.model.encoders.albert import Encoder
from litebert.model.hidden import Hidden
from litebert.model.packing import pack
from litebert.tasks.heads import Choice, Pooled, Span, Tokens
from litebert.text.encoding import Encoding

CONFIG = EncoderConfig(
    vocabulary=50, embedding=8, hidden=16, heads=2, intermediate=32, classifier_dropout=0.5
)


def hidden(lengths: list[int], samples: list[int] | None = None, pieces: bool = True) -> Hidden:
    zeros = [
        Encoding(np.zeros(n, np.int32), np.zeros(n, np.int8), np.zeros((n, 2), np.int32)) for n in lengths
    ]
    batch = pack(zeros, samples)
    draw = torch.Generator().manual_seed(0)
    states = torch.randn(sum(lengths), CONFIG.hidden, generator=draw)
    first = states[batch.first]
    return Hidden(batch, first, torch.tanh(first), states if pieces else None)


def test_shapes_and_values() -> None:
    given = hidden([3, 2, 4])
    pooled, choice, tokens, span = Pooled(CONFIG, 5), Choice(CONFIG), Tokens(CONFIG, 7), Span(CONFIG)
    for head in (pooled, choice, tokens, span):
        head.eval()
    expected = given.pooled @ pooled.output.weight.T + pooled.output.bias
    torch.testing.assert_close(pooled(given)["logits"], expected)
    assert choice(given)["logits"].shape == (3, 1)
    assert tokens(given)["logits"].shape == (9, 7)
    assert given.pieces is not None
    both = given.pieces @ span.output.weight.T + span.output.bias
    torch.testing.assert_close(span(given)["start"], both[:, 0])
    torch.testing.assert_close(span(given)["end"], both[:, 1])


@pytest.mark.parametrize("head", [Pooled(CONFIG, 400), Tokens(CONFIG, 400), Span(CONFIG), Choice(CONFIG)])
def test_weights_start_as_published(head: nn.Module) -> None:
    weight, bias = head.output.weight, head.output.bias
    assert bias.abs().max() == 0
    assert weight.abs().max() <= 2 * CONFIG.initial_std
    if weight.numel() > 1000:
        assert weight.std().item() == pytest.approx(
            0.88 * CONFIG.initial_std, rel=0.05
        )  # cut at two deviations


def test_dropout_is_a_function_of_the_sample() -> None:
    head = Pooled(CONFIG, 4)
    head.draw = Draw(seed=1, step=2)
    alone, together = hidden([3], [7]), hidden([3, 5], [7, 8])
    torch.testing.assert_close(head(alone)["logits"][0], head(together)["logits"][0])
    head.draw = Draw(seed=1, step=3)
    assert not torch.equal(head(alone)["logits"], Pooled.forward(head.eval(), alone)["logits"])


def test_span_has_no_dropout_and_evaluation_none_at_all() -> None:
    span = Span(CONFIG).train()
    torch.testing.assert_close(span(hidden([4]))["start"], span.eval()(hidden([4]))["start"])
    pooled = Pooled(CONFIG, 2).eval()
    torch.testing.assert_close(pooled(hidden([4]))["logits"], pooled(hidden([4], [99]))["logits"])


def test_a_head_of_pieces_needs_pieces() -> None:
    with pytest.raises(TypeError, match="every piece"):
        Tokens(CONFIG, 2)(hidden([2], pieces=False))


def test_heads_read_a_real_encoder() -> None:
    encoder = Encoder(CONFIG).eval()
    ids = np.array([2, 9, 8, 3], np.int32)
    batch = pack([Encoding(ids, np.zeros(4, np.int8), np.zeros((4, 2), np.int32))] * 2)
    head = Pooled(CONFIG, 3).eval()
    with torch.no_grad():
        few, all_ = encoder(batch, "first"), encoder(batch, "pieces")
        torch.testing.assert_close(head(few)["logits"], head(all_)["logits"])
