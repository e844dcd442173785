"""Units of the feed-forward net taken out.

As with heads: a unit goes from every application of its block, and is judged by all of them together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from litebert.compression.elimination import eliminated
from litebert.compression.heads import counted, whole
from litebert.compression.moments import Seen
from litebert.compression.subject import Subject
from litebert.model.config import EncoderConfig

_STEP = 32
"""Units are tried by multiples of this: so many numbers a processor takes at once."""


def apply(subject: Subject, keep: Sequence[int], seen: Seen) -> Subject:
    """With so many units in each feed-forward block, or one number for all of them. Raises `UsageError`."""
    config = subject.config
    counts = counted("units", keep, [config.units_of(block) for block in sorted(set(config.feedforward))])
    whole(config, "units")
    moments = seen.moments(subject)
    encoder = dict(subject.encoder)
    for block, count in enumerate(counts):
        at = f"feedforward.{block}."
        down = torch.cat([encoder[f"{at}down.weight"], encoder[f"{at}down.bias"][:, None]], 1)
        left, changed = eliminated(down, moments.inverse(f"{at}down"), 1, count)
        encoder |= dict(without(encoder, block, left))
        encoder[f"{at}down.weight"] = changed[:, left].float().contiguous()
        encoder[f"{at}down.bias"] = changed[:, -1].float().contiguous()
    return replace(subject, config=with_units(config, counts), encoder=encoder)


def ladder(subject: Subject) -> Iterator[Sequence[int]]:
    """How many to try to keep."""
    most = max(subject.config.units_of(block) for block in set(subject.config.feedforward))
    tried = (max(1, round(most * share / _STEP)) * _STEP for share in (0.75, 0.5, 0.375, 0.25, 0.125))
    yield from dict.fromkeys((count,) for count in tried if count < most)


def without(encoder: dict[str, Tensor], block: int, left: Sequence[int]) -> Iterator[tuple[str, Tensor]]:
    """The matrices of a block with those units alone, as they were; nothing is put right."""
    at = f"feedforward.{block}."
    for end in ("weight", "bias"):
        yield f"{at}up.{end}", encoder[f"{at}up.{end}"][left].contiguous()
    yield f"{at}down.weight", encoder[f"{at}down.weight"][:, left].contiguous()


def with_units(config: EncoderConfig, counts: Sequence[int]) -> EncoderConfig:
    """As `intermediate`, which others know, and block by block only where they differ."""
    own = () if len(set(counts)) == 1 else tuple(counts)
    return replace(config, intermediate=max(counts), block_units=own)
