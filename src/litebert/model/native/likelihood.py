"""How likely each wanted piece is, in two passes over the scores; their gradient in one.

Shapes: N pieces, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from litebert.model.native.compiling import call


def likelihood(scores: Tensor, aims: Tensor) -> tuple[Tensor, Tensor]:
    """scores [N, V], aims int64 [N] → ln p(aim) and the mean of ln p over the vocabulary, fp32 [N] both."""
    return _Likelihood.apply(scores.contiguous(), aims.contiguous())  # type: ignore[no-any-return, no-untyped-call]


class _Likelihood(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor, aims: Tensor) -> tuple[Tensor, Tensor]:
        own, mean, highest, sums = torch.empty(4, len(scores), dtype=torch.float32)
        shape = *scores.shape, torch.get_num_threads()
        call("likelihood_forward", scores.dtype, *shape, scores, aims, own, mean, highest, sums)
        ctx.save_for_backward(scores, aims, highest, sums)
        return own, mean

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, down: Tensor, dmean: Tensor) -> tuple[Tensor, None]:
        scores, *others = ctx.saved_tensors
        dscores, slopes = torch.empty_like(scores), (down.contiguous(), dmean.contiguous())
        shape = *scores.shape, torch.get_num_threads()
        call("likelihood_backward", scores.dtype, *shape, scores, *others, *slopes, dscores)
        return dscores, None
