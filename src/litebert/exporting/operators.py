"""The few operators that an exported model is made of, as torch works them out.

Each is one node when a model is traced (`traced.py`), and has its ONNX form under the same name in
`lowering.py`: so one description of the model is what torch runs and what every file is made of.

Shapes: B sequences, W pieces, H = A heads × D, V pieces in the vocabulary, M gaps, C outputs, S starts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, cast

import torch
from torch import Tensor, fx
from torch.nn import functional as F

P = ParamSpec("P")

FAR = -1e9
"""Added to the scores of pieces that fill up; finite, for a row of nothing else must not become NaN."""


def operator(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """As it is for tensors; one node in a graph that is being traced."""

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        proxy = next((one for one in args if isinstance(one, fx.Proxy)), None)
        if proxy is None:
            return function(*args, **kwargs)
        made = proxy.tracer.create_proxy("call_function", called, cast(tuple[Any, ...], args), dict(kwargs))
        return cast(Tensor, made)

    return called


@operator
def product(x: Tensor, weight: Tensor) -> Tensor:
    """x [..., in], weight [in, out] → [..., out]. In int8 where that is asked for, in bf16 where it is so."""
    return x.to(weight.dtype) @ weight


@operator
def exact_product(x: Tensor, weight: Tensor) -> Tensor:
    """The same, in fp32 whatever is asked for: a head's last, whose few numbers are the answer."""
    return x @ weight


@operator
def table_product(x: Tensor, table: Tensor) -> Tensor:
    """x [M, E], table [V, E] → [M, V]. In int8 where that is asked for."""
    return x.to(table.dtype) @ table.t()


@operator
def lookup(table: Tensor, ids: Tensor) -> Tensor:
    """table [V, E], ids [B, W] → [B, W, E]. The table is in int8 where that is asked for."""
    return F.embedding(ids, table)


@operator
def exact_lookup(table: Tensor, ids: Tensor) -> Tensor:
    """The same, in fp32 whatever is asked for: a table of few rows."""
    return F.embedding(ids, table)


@operator
def beginning(table: Tensor, ids: Tensor) -> Tensor:
    """table [P, E], ids [B, W] → [W, E]: a row for each place."""
    return table[: ids.shape[1]]


@operator
def plus(x: Tensor, y: Tensor) -> Tensor:
    return x + y


@operator
def normed(x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], weight, bias, epsilon)


@operator
def gelu_new(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


@operator
def gelu(x: Tensor) -> Tensor:
    return F.gelu(x)


@operator
def relu(x: Tensor) -> Tensor:
    return torch.relu(x)


@operator
def tanh(x: Tensor) -> Tensor:
    return torch.tanh(x)


@operator
def far(mask: Tensor) -> Tensor:
    """mask int64 [B, W] → [B, 1, 1, W]: 0 for a piece, `FAR` for one that fills up."""
    return ((1 - mask).float() * FAR)[:, None, None]


@operator
def heads_of(x: Tensor, part: int, heads: int, hidden: int) -> Tensor:
    """x [B, W, 3H], queries, keys and values side by side → one of them, [B, A, W, D]."""
    own = x[..., part * hidden : (part + 1) * hidden]
    return own.reshape(x.shape[0], x.shape[1], heads, hidden // heads).transpose(1, 2)


@operator
def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, size: int) -> Tensor:
    """q [B, A, Q, D], k, v [B, A, W, D], bias [B, 1, 1, W] → [B, Q, H]. size: D."""
    scores = q @ k.transpose(-1, -2) * (1 / math.sqrt(size)) + bias
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(-2)


@operator
def first_place(x: Tensor, axis: int) -> Tensor:
    """The first of an axis, which stays, of length 1."""
    return x.narrow(axis, 0, 1)


@operator
def taken(x: Tensor, axis: int, index: int) -> Tensor:
    """One of an axis, which goes."""
    return x.select(axis, index)


@operator
def unit(x: Tensor) -> Tensor:
    """x [B, H], each of length 1."""
    return F.normalize(x, dim=1)


@operator
def mean_of(x: Tensor, mask: Tensor) -> Tensor:
    """x [B, W, H], mask int64 [B, W] → [B, H]."""
    weights = mask.float()[..., None]
    return (x * weights).sum(1) / weights.sum(1)


@operator
def greatest_of(x: Tensor, mask: Tensor) -> Tensor:
    """x [B, W, H], mask int64 [B, W] → [B, H]."""
    return torch.where(mask[..., None] > 0, x, -torch.inf).amax(1)


@operator
def at_places(x: Tensor, at: Tensor) -> Tensor:
    """x [B, W, H], at int64 [M], numbered through the flat batch → [M, H]."""
    return x.flatten(0, 1)[at]


@operator
def answerable(segments: Tensor, mask: Tensor) -> Tensor:
    """bool [B, W]: the pieces of the second text, without the last `[SEP]`, and `[CLS]`."""
    places = torch.arange(mask.shape[1], device=mask.device)
    inside = (segments == 1) & (places < mask.sum(1, keepdim=True) - 1)
    return inside | (places == 0)


@operator
def only(x: Tensor, allowed: Tensor) -> Tensor:
    """-inf where it is not allowed."""
    return torch.where(allowed, x, -torch.inf)


@operator
def log_softmax(x: Tensor) -> Tensor:
    """Over the second axis."""
    return x.log_softmax(1)


@operator
def expected(scores: Tensor, x: Tensor) -> Tensor:
    """The mean of x [B, W, H] under softmax(scores [B, W]): [B, H]."""
    return (scores.softmax(1)[:, None] @ x)[:, 0]


@operator
def beside(x: Tensor, y: Tensor) -> Tensor:
    """x, y [B, H] → [B, 2H]."""
    return torch.cat([x, y], 1)


@operator
def top_places(x: Tensor, count: int) -> Tensor:
    """x [B, W] → int64 [B, count], where the greatest are, greatest first."""
    return x.topk(count, dim=1).indices


@operator
def picked(x: Tensor, places: Tensor) -> Tensor:
    """x [B, W, H], places int64 [B, S] → [B, S, H]."""
    return x.gather(1, places[..., None].expand(-1, -1, x.shape[-1]))


@operator
def widened(x: Tensor, axis: int) -> Tensor:
    """With a further axis of length 1."""
    return x.unsqueeze(axis)
