"""Attention heads taken out.

A head that is taken out of a shared block is taken out of every application of it: of ALBERT's one block, of
all twelve. Which can go is decided by what they add to the states over all applications, on real texts, and
what is left is put right by least squares (`elimination.py`). A head's width stays H / heads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from litebert.compression.elimination import eliminated
from litebert.compression.moments import Seen
from litebert.compression.subject import Subject
from litebert.errors import UsageError
from litebert.model.config import EncoderConfig, Ranks


def apply(subject: Subject, keep: Sequence[int], seen: Seen) -> Subject:
    """With so many heads in each attention block, or one number for all of them. Raises `UsageError`."""
    config = subject.config
    counts = counted("heads", keep, [config.heads_of(block) for block in sorted(set(config.attention))])
    whole(config, "heads")
    moments, size = seen.moments(subject), config.head_size
    encoder = dict(subject.encoder)
    for block, count in enumerate(counts):
        at = f"attention.{block}."
        output = torch.cat([encoder[f"{at}output.weight"], encoder[f"{at}output.bias"][:, None]], 1)
        left, changed = eliminated(output, moments.inverse(f"{at}output"), size, count)
        encoder |= dict(without(encoder, block, left, size))
        rows = rows_of(left, size)
        encoder[f"{at}output.weight"] = changed[:, rows].float().contiguous()
        encoder[f"{at}output.bias"] = changed[:, -1].float().contiguous()
    return replace(subject, config=with_heads(config, counts), encoder=encoder)


def ladder(subject: Subject) -> Iterator[Sequence[int]]:
    """How many to try to keep: three quarters, a half, … of what there is."""
    most = max(subject.config.heads_of(block) for block in set(subject.config.attention))
    yield from dict.fromkeys((max(1, round(most * share)),) for share in (0.75, 0.5, 0.25) if most > 1)


def without(
    encoder: dict[str, Tensor], block: int, left: Sequence[int], size: int
) -> Iterator[tuple[str, Tensor]]:
    """The matrices of a block with those heads alone, as they were; nothing is put right."""
    rows, at = rows_of(left, size), f"attention.{block}."
    for name in ("query", "key", "value"):
        for end in ("weight", "bias"):
            yield f"{at}{name}.{end}", encoder[f"{at}{name}.{end}"][rows].contiguous()
    yield f"{at}output.weight", encoder[f"{at}output.weight"][:, rows].contiguous()


def rows_of(groups: Sequence[int], size: int) -> Tensor:
    """The numbers of all rows of these heads."""
    return (torch.tensor(groups)[:, None] * size + torch.arange(size)).flatten()


def with_heads(config: EncoderConfig, counts: Sequence[int]) -> EncoderConfig:
    """Left out of the config where all blocks have all of them."""
    own = () if set(counts) == {config.heads} else tuple(counts)
    return replace(config, block_heads=own)


def counted(what: str, keep: Sequence[int], there: Sequence[int]) -> list[int]:
    """A number for each block. Raises `UsageError` for another number of them, or more than there are."""
    counts = list(keep) * len(there) if len(keep) == 1 else list(keep)
    if len(counts) != len(there):
        raise UsageError(
            f"{what} has {len(counts)} numbers, but the model has {len(there)} blocks of them: "
            "give one number for all, or one for each"
        )
    for count, most in zip(counts, there, strict=True):
        if not 1 <= count <= most:
            raise UsageError(f"{what} must be from 1 to {most}, as many as the block has, but is {count}")
    return counts


def whole(config: EncoderConfig, what: str) -> None:
    """Raises `UsageError` for a model whose matrices were made thin before."""
    if config.ranks != Ranks():
        raise UsageError(
            f"{what} cannot be taken out of a model with matrices of low rank; compress the one that it was "
            "made of, which can have both at once"
        )
