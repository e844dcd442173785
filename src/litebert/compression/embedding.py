"""The word table with fewer numbers a piece.

ALBERT's norm stands at E, between the tables and the map E → H, so a table cannot simply be cut. What the
norm takes off, the mean over the E numbers, is taken off the tables beforehand. Those directions of the rest
stay that the map makes most of on real texts. They are laid where their own mean is zero, so that the norm at
the new E does to them what the old one did, but for what went. Then the map is fitted anew by least squares.
With E as it was, this is exact.

Shapes: n pieces of real texts, E and F numbers a piece before and after, H hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from litebert.compression.moments import Seen
from litebert.compression.subject import Subject, table_alone
from litebert.errors import UsageError
from litebert.model.packing import Packed

TABLES = ("words", "positions", "segments")


def apply(subject: Subject, width: int, seen: Seen) -> Subject:
    """With `width` numbers a piece. Raises `UsageError` for a model whose map E → H is of another kind."""
    config = subject.config
    table_alone(subject, "--embedding")
    if not config.factored or config.factor == "late":
        raise UsageError("--embedding is for ALBERT's own factorised embedding, which this model has not")
    if not 2 <= width <= config.embedding:
        raise UsageError(f"embedding must be from 2 to {config.embedding}, as it is, but is {width}")
    tables = [_centred(subject.encoder[f"embeddings.{name}.weight"]) for name in TABLES]
    rows = _rows(tables, seen.batches(subject))
    factor, norm = (_pair(subject, f"embeddings.{name}") for name in ("factor", "norm"))
    aims = F.linear(_normed(rows, config.norm_epsilon) * norm[0] + norm[1], *factor)
    turn = _directions(_normed(rows, config.norm_epsilon), factor[0] * norm[0], width - 1) @ _balanced(width)
    smaller = [table @ turn for table in tables]
    weight, bias = _fitted(_normed(rows @ turn, config.norm_epsilon), aims)
    changed = {f"embeddings.{name}.weight": t.float() for name, t in zip(TABLES, smaller, strict=True)}
    changed |= {"embeddings.factor.weight": weight.float(), "embeddings.factor.bias": bias.float()}
    changed |= {"embeddings.norm.weight": torch.ones(width), "embeddings.norm.bias": torch.zeros(width)}
    return replace(subject, config=replace(config, embedding=width), encoder={**subject.encoder, **changed})


def ladder(subject: Subject) -> Iterator[int]:
    """Which to try; none where there is nothing to be cut."""
    config = subject.config
    if config.factored and config.factor != "late" and not hasattr(subject.head, "meet"):
        yield from (int(config.embedding * share) for share in (0.75, 0.5, 0.375, 0.25))


def _pair(subject: Subject, name: str) -> tuple[Tensor, Tensor]:
    weight, bias = (subject.encoder[f"{name}.{end}"].double() for end in ("weight", "bias"))
    return weight, bias


def _centred(table: Tensor) -> Tensor:
    """Without the mean of each row, which the norm would take off."""
    table = table.double()
    return table - table.mean(1, keepdim=True)


def _rows(tables: list[Tensor], batches: Sequence[Packed]) -> Tensor:
    """[n, E]: what reaches the norm."""
    words, positions, segments = tables
    found = [
        words[b.ids[: b.count]] + positions[b.positions[: b.count]] + segments[b.segments[: b.count]]
        for b in batches
    ]
    return torch.cat(found)


def _normed(rows: Tensor, epsilon: float) -> Tensor:
    return F.layer_norm(rows, rows.shape[-1:], eps=epsilon)


def _directions(rows: Tensor, weight: Tensor, count: int) -> Tensor:
    """[E, count], orthonormal: what a map [H, E] makes most of, of rows [n, E] whose own means are zero."""
    covariance = torch.cov(rows.t())
    _, vectors = torch.linalg.eigh(weight @ covariance @ weight.t())
    wanted = _centred((weight.t() @ vectors.flip(1)[:, :count]).t()).t()
    return _orthonormal(wanted)


def _balanced(width: int) -> Tensor:
    """[width - 1, width]: an orthonormal basis of what has the mean zero."""
    ones, others = torch.ones(width, 1).double(), torch.eye(width, width - 1).double()
    return _orthonormal(torch.cat([ones, others], 1))[:, 1:].t()


def _orthonormal(columns: Tensor) -> Tensor:
    found: Tensor = torch.linalg.qr(columns)[0]
    return found


def _fitted(rows: Tensor, aims: Tensor) -> tuple[Tensor, Tensor]:
    """The map [H, F] and its bias [H] that come nearest to the aims [n, H]; a little ridge, for few texts."""
    rows = torch.cat([rows, rows.new_ones(len(rows), 1)], 1)
    square = rows.t() @ rows / len(rows)
    square.diagonal()[:-1].add_(1e-6)
    solved = torch.linalg.solve(square, rows.t() @ aims / len(rows)).t()
    return solved[:, :-1].contiguous(), solved[:, -1].contiguous()
