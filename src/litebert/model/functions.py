"""torch's autograd functions, with types."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def applied(function: type[torch.autograd.Function], *arguments: Any) -> Tensor:
    """`function.apply(*arguments)`, which torch leaves untyped, for a function of one result."""
    return function.apply(*arguments)  # type: ignore[no-any-return, no-untyped-call]
