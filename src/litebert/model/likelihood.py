"""How likely each wanted piece is, by a decoder's scores; the gradient is made in the same pass.

As in `word_loss.py`, the scores are never copied to fp32 nor kept beside a softmax: they are the largest
thing in a step. Unlike there, each row's likelihood is given by itself, so that it can be mixed with that of
copying.

Shapes: N pieces, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from litebert.model.fusion import fused


def logarithms(scores: Mapping[str, Tensor], aims: Tensor) -> tuple[Tensor, Tensor]:
    """ln p of each aim (int64 [N]), copying included, and the mean of ln p over the vocabulary, which label
    smoothing takes (arXiv 1512.00567 §7): both fp32 [N]."""
    own, mean = _Likelihood.apply(scores["scores"], aims)  # type: ignore[no-untyped-call]
    if "gate" not in scores:
        return own, mean
    copied = scores["copied"].clamp(min=1e-9).log()
    return torch.logaddexp(F.logsigmoid(scores["gate"]) + own, F.logsigmoid(-scores["gate"]) + copied), mean


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


@fused
def _sums(scores: Tensor, highest: Tensor) -> tuple[Tensor, Tensor]:
    """[N, 1] each: of the exponentials, and of the scores themselves."""
    x = scores.float()
    return torch.exp(x - highest.float()).sum(1, keepdim=True), x.sum(1, keepdim=True)


@fused
def _slope(scores: Tensor, highest: Tensor, scale: Tensor, even: Tensor) -> Tensor:
    return (even - torch.exp(scores.float() - highest.float()) * scale).to(scores.dtype)
