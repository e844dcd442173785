"""Matrices as two thin ones, where that is fewer multiplications.

What comes out of a matrix on real texts lies mostly in few directions: those are kept, U (the eigenvectors of
W Cov(x) Wᵀ), and W becomes U (UᵀW). This is the best of that rank in the mean square of y (arXiv 2207.00112
has the same weighting by the diagonal alone); the mean of what is left out goes into the bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from litebert.compression.heads import whole
from litebert.compression.moments import Moments, Seen
from litebert.compression.subject import Subject
from litebert.errors import UsageError
from litebert.model.config import EncoderConfig, Ranks

_READS = ("query", "key", "value")


def apply(subject: Subject, rank: int, seen: Seen) -> Subject:
    """With each matrix of the blocks of that rank, if two thin ones are then smaller than it, else whole.
    Raises `UsageError` where none would be."""
    config = subject.config
    whole(config, "more ranks")
    ranks = worth(config, rank)
    if ranks == Ranks():
        raise UsageError(
            f"rank {rank} makes no matrix smaller: two thin ones have no fewer numbers than it from rank "
            f"{largest(config) + 1} on"
        )
    moments, encoder = seen.moments(subject), dict(subject.encoder)
    for block in sorted(set(config.attention)):
        at = f"attention.{block}."
        if ranks.qkv:
            encoder |= dict(_thinned(encoder, moments, at, "qkv", _READS, rank))
        if ranks.output:
            encoder |= dict(_thinned(encoder, moments, at, "output", ("output",), rank))
    for block in sorted(set(config.feedforward)):
        at = f"feedforward.{block}."
        for name in ("up", "down"):
            if getattr(ranks, name):
                encoder |= dict(_thinned(encoder, moments, at, name, (name,), rank))
    return replace(subject, config=replace(config, ranks=ranks), encoder=encoder)


def ladder(subject: Subject) -> Iterator[int]:
    """Which to try."""
    most = largest(subject.config)
    yield from dict.fromkeys(max(8, int(most * share) // 8 * 8) for share in (0.75, 0.5, 0.25) if most >= 16)


def worth(config: EncoderConfig, rank: int) -> Ranks:
    """That rank for each matrix that it makes smaller, in whatever block."""
    if rank < 1:
        raise UsageError(f"rank must be at least 1, but is {rank}")
    return Ranks(**{name: rank if rank <= most else 0 for name, most in _most(config).items()})


def largest(config: EncoderConfig) -> int:
    """The largest rank that makes a matrix smaller."""
    return max(_most(config).values())


def _most(config: EncoderConfig) -> dict[str, int]:
    """For each matrix, the largest rank with fewer numbers than it has: below m n / (m + n)."""
    h = config.hidden
    width = min(config.heads_of(block) for block in set(config.attention)) * config.head_size
    units = min(config.units_of(block) for block in set(config.feedforward))
    sizes = {"qkv": (3 * width, h), "output": (h, width), "up": (units, h), "down": (h, units)}
    return {name: (m * n - 1) // (m + n) for name, (m, n) in sizes.items()}


def _thinned(
    encoder: dict[str, Tensor], moments: Moments, at: str, name: str, parts: Sequence[str], rank: int
) -> Iterator[tuple[str, Tensor]]:
    """The matrices of `parts`, which read the same states, as two."""
    weight = torch.cat([encoder[f"{at}{part}.weight"] for part in parts]).double()
    means = moments.of(at + name)
    mean, square = means[-1, :-1], means[:-1, :-1]
    reached = weight @ (square - torch.outer(mean, mean)) @ weight.t()
    directions = torch.linalg.eigh(reached)[1][:, -rank:]
    inner = directions.t() @ weight
    lost = (weight - directions @ inner) @ mean
    yield f"{at}{name}_thin.weight", inner.float().contiguous()
    pairs = zip(parts, directions.chunk(len(parts)), lost.chunk(len(parts)), strict=True)
    for part, outer, missing in pairs:
        yield f"{at}{part}.weight", outer.float().contiguous()
        yield f"{at}{part}.bias", (encoder[f"{at}{part}.bias"].double() + missing).float()
