"""How likely each wanted piece is, by scores against a whole vocabulary.

For a small model the scores against all pieces are the largest thing in a step. They stay in the precision
that they come in, and the way back turns them into their gradient in one pass: there are no fp32 scores, no
logarithms of all of them, and no softmax beside them.

Shapes: N pieces, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from litebert.model.native import likelihood as native
from litebert.model.native.compiling import serves


class WordLoss(NamedTuple):
    """loss: the mean cross entropy, a scalar; hits: the share of rows whose word has the highest score."""

    loss: Tensor
    hits: Tensor


def word_loss(scores: Tensor, labels: Tensor) -> WordLoss:
    """scores [N or more, V], labels int64 [N], each below V; further rows fill up. Both fp32."""
    count, filled = len(labels), F.pad(labels, (0, len(scores) - len(labels)))
    own, _ = _likelihood(scores, filled)
    with torch.no_grad():
        hits = scores[:count].gather(1, labels[:, None])[:, 0] == scores[:count].amax(1)
    return WordLoss(-own[:count].mean(), hits.float().mean())


def logarithms(scores: Mapping[str, Tensor], aims: Tensor) -> tuple[Tensor, Tensor]:
    """By a decoder's scores: ln p of each aim (int64 [N]), copying included, and the mean of ln p over the
    vocabulary, which label smoothing takes (arXiv 1512.00567 §7): both fp32 [N]."""
    own, mean = _likelihood(scores["scores"], aims)
    if "gate" not in scores:
        return own, mean
    copied = scores["copied"].clamp(min=1e-9).log()
    return torch.logaddexp(F.logsigmoid(scores["gate"]) + own, F.logsigmoid(-scores["gate"]) + copied), mean


def _likelihood(scores: Tensor, aims: Tensor) -> tuple[Tensor, Tensor]:
    if serves(scores):
        return native.likelihood(scores, aims)
    return _Likelihood.apply(scores, aims)  # type: ignore[no-any-return, no-untyped-call]


class _Likelihood(torch.autograd.Function):
    """scores [N, V], aims [N] → ln p(aim) [N], mean ln p [N]."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, aims: Tensor) -> tuple[Tensor, Tensor]:
        highest = scores.amax(1, keepdim=True)
        sums, total = _sums(scores, highest)
        logarithm = sums.log() + highest.float()
        ctx.save_for_backward(scores, highest, sums, aims)
        own = scores.gather(1, aims[:, None]).float() - logarithm
        return own[:, 0], (total / scores.shape[1] - logarithm)[:, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, down: Tensor, dmean: Tensor) -> tuple[Tensor, None]:
        scores, highest, sums, aims = ctx.saved_tensors
        even = dmean[:, None] / scores.shape[1]
        dscores = _slope(scores, highest, (down + dmean)[:, None] / sums, even)
        rows = torch.arange(len(aims), device=aims.device)
        dscores.index_put_((rows, aims), down.to(dscores.dtype), accumulate=True)
        return dscores, None


def _sums(scores: Tensor, highest: Tensor) -> tuple[Tensor, Tensor]:
    """[N, 1] each: of the exponentials, and of the scores themselves."""
    x = scores.float()
    return torch.exp(x - highest.float()).sum(1, keepdim=True), x.sum(1, keepdim=True)


def _slope(scores: Tensor, highest: Tensor, scale: Tensor, even: Tensor) -> Tensor:
    return (even - torch.exp(scores.float() - highest.float()) * scale).to(scores.dtype)
