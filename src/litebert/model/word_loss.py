"""Cross entropy of many rows against a whole vocabulary, with its gradient made in the same pass.

For a small model the scores against 20,000 words are the largest thing in a step. They are worked out once,
in the working precision, and turned in place into the gradient of the loss: there are no fp32 scores, no
logarithms of all of them, and no second softmax on the way back.

Shapes: M rows, E embedding, V vocabulary.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from litebert.model.functions import applied
from litebert.model.fusion import fused
from litebert.model.products import Product


class WordLoss(NamedTuple):
    """loss: the mean cross entropy, a scalar; hits: the share of rows whose word has the highest score."""

    loss: Tensor
    hits: Tensor


def word_loss(x: Tensor, words: Product, labels: Tensor) -> WordLoss:
    """x [M, E] against the word table `words` (E → V, with a bias); labels int64 [M], each below V. fp32."""
    needs = torch.is_grad_enabled() and (x.requires_grad or words.token is not None)
    with torch.no_grad():
        scores = words.forward(x)
        wanted = scores.gather(1, labels[:, None])
        highest = scores.amax(1, keepdim=True)
        sums = _sums(scores, highest)
        loss = (sums.log() + (highest.float() - wanted.float())).mean()
        hits = (wanted == highest).float().mean()
    if needs:
        loss = applied(_Loss, x, words.token, words, scores, highest, sums, labels, loss)
    return WordLoss(loss, hits)


class _Loss(torch.autograd.Function):
    """Hands on the loss that has been worked out; the way back makes the scores' gradient and multiplies."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        token: Tensor | None,
        words: Product,
        scores: Tensor,
        highest: Tensor,
        sums: Tensor,
        labels: Tensor,
        loss: Tensor,
    ) -> Tensor:
        ctx.words, ctx.trained = words, token is not None
        ctx.save_for_backward(x, scores, highest, sums, labels)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dloss: Tensor) -> tuple[Tensor | None, ...]:
        x, scores, highest, sums, labels = ctx.saved_tensors
        share = dloss / len(labels)
        dscores = _shares(scores, highest, share / sums)
        rows = torch.arange(len(labels), device=labels.device)
        dscores.index_put_((rows, labels), -share.to(dscores.dtype).expand(len(labels)), accumulate=True)
        dx = ctx.words.backward(dscores) if ctx.needs_input_grad[0] else None
        if not ctx.trained:
            return dx, *[None] * 7
        ctx.words.uses.add(x, dscores)
        return dx, dscores.new_empty(0, dtype=torch.float32), *[None] * 6


@fused
def _sums(scores: Tensor, highest: Tensor) -> Tensor:
    """[M, 1], of the exponentials."""
    return torch.exp(scores.float() - highest.float()).sum(1, keepdim=True)


@fused
def _shares(scores: Tensor, highest: Tensor, scale: Tensor) -> Tensor:
    """The exponentials, scaled: [M, V] in the scores' precision."""
    return (torch.exp(scores.float() - highest.float()) * scale).to(scores.dtype)
