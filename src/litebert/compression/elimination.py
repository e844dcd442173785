"""Which columns of a matrix can be done without, and what the others must become to stand in for them.

y = W x is to stay what it was, in the mean square over real x. Taking column j out costs w_j² / [G⁻¹]_jj
where G is the mean of x xᵀ, if the others are put right by least squares; a group of columns costs likewise
(optimal brain surgeon, by groups: arXiv 2302.04089 §3.1). The cheapest go first, and then G⁻¹ is made anew.

Shapes: W [m, n], G [n, n], fp64; the last column, of the constant 1, is the bias and stays.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_ROUNDS = 64
"""In how many rounds all columns would go: some at once, where they are many."""


def eliminated(weight: Tensor, inverse: Tensor, size: int, keep: int) -> tuple[list[int], Tensor]:
    """The groups that stay, in order, and W [m, n] for them, with zeros in the columns that went.

    inverse: G⁻¹, left as it is. size: columns in a group, of which the matrix has (n - 1) / size. keep: how
    many groups stay.
    """
    weight, inverse = weight.double().clone(), inverse.clone()
    left = list(range((weight.shape[1] - 1) // size))
    at_once = max(1, len(left) // _ROUNDS)
    while len(left) > keep:
        costs = _costs(weight, inverse, left, size)
        going = [left[i] for i in costs.argsort()[: min(at_once, len(left) - keep)].tolist()]
        _take_out(weight, inverse, _columns(going, size))
        left = [group for group in left if group not in going]
    gone = torch.ones(weight.shape[1], dtype=torch.bool)
    gone[[*_columns(left, size).tolist(), -1]] = False
    weight[:, gone] = 0
    return left, weight


def _costs(weight: Tensor, inverse: Tensor, groups: Sequence[int], size: int) -> Tensor:
    """Of each group tr(W_g [G⁻¹]_gg⁻¹ W_gᵀ)."""
    columns = _columns(groups, size).view(-1, size)
    parts = weight[:, columns].transpose(0, 1)
    own = inverse[columns[:, :, None], columns[:, None, :]]
    costs: Tensor = (torch.linalg.solve(own, parts.transpose(1, 2)) * parts.transpose(1, 2)).sum((1, 2))
    return costs


def _take_out(weight: Tensor, inverse: Tensor, columns: Tensor) -> None:
    """Both, in place: the least squares of what is left, and the inverse without those columns."""
    reach = torch.linalg.solve(inverse[columns][:, columns], inverse[columns])
    weight -= weight[:, columns] @ reach
    inverse -= inverse[:, columns] @ reach


def _columns(groups: Sequence[int], size: int) -> Tensor:
    return (torch.tensor(groups)[:, None] * size + torch.arange(size)).flatten()
