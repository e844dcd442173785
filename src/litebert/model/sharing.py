"""Weights from one sharing plan to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from litebert.errors import ModelError
from litebert.model.config import EncoderConfig, Order

SHARED = ("attention", "feedforward")


@dataclass(frozen=True, eq=False)
class Converted:
    """The parameters in their new order, and what was averaged, in a sentence; empty if nothing was lost."""

    encoder: dict[str, Tensor]
    note: str


def convert_sharing(encoder: Mapping[str, Tensor], old: EncoderConfig, new: EncoderConfig) -> Converted:
    """The parameters of `Encoder(old)` as those of `Encoder(new)`, which may differ in the orders alone.

    A new block that stands where one old block stood is that block: tied → untied is exact. One that stands
    where several stood is the mean over the layers that it serves, which is not the same encoder. Raises
    `ModelError` for another number of layers, or other sizes.
    """
    _check(old, new)
    converted = {name: tensor for name, tensor in encoder.items() if name.split(".")[0] not in SHARED}
    averaged = {}
    for kind in SHARED:
        stood = _stood(getattr(old, kind), getattr(new, kind))
        converted |= {
            f"{kind}.{number}.{name}": _mean([encoder[f"{kind}.{one}.{name}"] for one in blocks])
            for number, blocks in stood.items()
            for name in _names(encoder, kind)
        }
        averaged[kind] = _averaged(encoder, kind, stood)
    return Converted(converted, _sentence(averaged))


def _stood(old: Order, new: Order) -> dict[int, list[int]]:
    """For each new block, the old block at each of the layers that it serves."""
    stood: dict[int, list[int]] = {number: [] for number in sorted(set(new))}
    for before, number in zip(old, new, strict=True):
        stood[number].append(before)
    return stood


def _mean(blocks: list[Tensor]) -> Tensor:
    """Of equal tensors that tensor, to the bit; else the mean, summed in fp64."""
    first, *others = blocks
    if all(other is first or torch.equal(other, first) for other in others):
        return first.detach().clone()
    return torch.stack([block.detach().double() for block in blocks]).mean(0).to(first.dtype)


def _names(encoder: Mapping[str, Tensor], kind: str) -> list[str]:
    """The parameters of one block: `query.weight`, …"""
    start = f"{kind}.0."
    return [name.removeprefix(start) for name in encoder if name.startswith(start)]


def _averaged(encoder: Mapping[str, Tensor], kind: str, stood: Mapping[int, list[int]]) -> tuple[int, int]:
    """How many blocks that differ went into how many."""
    mixed = [sorted(set(blocks)) for blocks in stood.values() if _differ(encoder, kind, set(blocks))]
    return len({one for blocks in mixed for one in blocks}), len(mixed)


def _differ(encoder: Mapping[str, Tensor], kind: str, blocks: set[int]) -> bool:
    first, *others = sorted(blocks)
    return any(
        not torch.equal(encoder[f"{kind}.{first}.{name}"], encoder[f"{kind}.{other}.{name}"])
        for other in others
        for name in _names(encoder, kind)
    )


def _sentence(averaged: Mapping[str, tuple[int, int]]) -> str:
    done = [f"{before} {kind} blocks into {after}" for kind, (before, after) in averaged.items() if after]
    if not done:
        return ""
    return (
        f"averaged {' and '.join(done)}: this is no longer the same encoder, and it needs training before "
        "its answers mean anything"
    )


def _check(old: EncoderConfig, new: EncoderConfig) -> None:
    if old.layers != new.layers:
        raise ModelError(
            f"the two plans must have the same number of layers, but have {old.layers} and {new.layers}"
        )
    same = replace(new, attention=old.attention, feedforward=old.feedforward)
    for name in vars(old):
        if getattr(same, name) != getattr(old, name):
            raise ModelError(
                f"only the orders may differ between the two plans, but {name} is {getattr(old, name)!r} and "
                f"{getattr(new, name)!r}"
            )
