"""The loss against a whole vocabulary equals torch's cross entropy, gradients included."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from litebert.model.likelihood import word_loss
from litebert.model.products import Product


def parts(rows: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x, table, bias, labels."""
    drawn = torch.Generator().manual_seed(seed)
    x, table, bias = (torch.randn(n, generator=drawn) for n in ((rows, 16), (90, 16), (90,)))
    return x, table, bias, torch.randint(0, 90, (rows,), generator=drawn)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 70), st.integers(0, 5), st.floats(0.1, 3))
def test_as_cross_entropy(rows: int, seed: int, upstream: float) -> None:
    *leaves, labels = parts(rows, seed)
    for leaf in leaves:
        leaf.requires_grad_()
    ours, hits = word_loss(Product(leaves[1], leaves[2], torch.float32)(leaves[0]), labels)
    found = torch.autograd.grad(ours * upstream, leaves)
    scores = F.linear(*leaves)
    theirs = F.cross_entropy(scores, labels)
    torch.testing.assert_close(ours, theirs)
    for one, other in zip(found, torch.autograd.grad(theirs * upstream, leaves), strict=True):
        torch.testing.assert_close(one, other)
    assert float(hits) == float((scores.argmax(1) == labels).float().mean())


def test_without_gradients_it_needs_no_graph() -> None:
    x, table, bias, labels = parts(5, 0)
    with torch.no_grad():
        loss, _ = word_loss(Product(table, bias, torch.float32)(x), labels)
    assert not loss.requires_grad


def test_in_bf16_within_its_rounding() -> None:
    x, table, bias, labels = parts(200, 3)
    loss, _ = word_loss(Product(table, bias, torch.bfloat16)(x.bfloat16() / 4), labels)
    assert abs(float(loss - F.cross_entropy(F.linear(x / 4, table, bias), labels))) < 0.01
