"""Blocks that were made smaller (`compression/`), as other graphs have them, and back.

A head that was taken out stands there as zeros in queries, keys, values and in what reads it; a unit
likewise, for every activation has 0 at 0. They change nothing, and training on leaves them zero: what would
change them is multiplied with what is zero. Two thin matrices stand there as their product.

Shapes: H hidden, A heads × D wide, I units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from litebert.model.config import EncoderConfig

Tensors = Mapping[str, Tensor]

_NEAR = 1e-5
"""How much of a matrix may be left over, of its largest number, for it to be a product of two thin ones."""
_READS = ("query", "key", "value")


class _OtherWeightsError(Exception):
    """What was zero, or of low rank, is so no longer."""


def widened(config: EncoderConfig, encoder: Tensors) -> tuple[EncoderConfig, Tensors]:
    """The same encoder, as `config.whole` has it. One that is whole is given back as it is."""
    if config == config.whole:
        return config, encoder
    blocks = dict(_wide_attention(config, encoder)) | dict(_wide_feedforward(config, encoder))
    others = {name: tensor for name, tensor in encoder.items() if not _in_block(name)}
    return config.whole, {**others, **blocks}


def narrowed(config: EncoderConfig, encoder: Tensors) -> dict[str, Tensor] | None:
    """The inverse: a whole encoder as that of `config`, or None if it has more in it than that can hold."""
    try:
        blocks = dict(_narrow_attention(config, encoder)) | dict(_narrow_feedforward(config, encoder))
    except _OtherWeightsError:
        return None
    return {**{name: tensor for name, tensor in encoder.items() if not _in_block(name)}, **blocks}


def _wide_attention(config: EncoderConfig, encoder: Tensors) -> Iterator[tuple[str, Tensor]]:
    for block in sorted(set(config.attention)):
        at = f"attention.{block}."
        for name in _READS:
            yield f"{at}{name}.weight", _filled(_product(encoder, at, name, "qkv_thin"), 0, config.hidden)
            yield f"{at}{name}.bias", _filled(encoder[f"{at}{name}.bias"], 0, config.hidden)
        yield f"{at}output.weight", _filled(_product(encoder, at, "output", "output_thin"), 1, config.hidden)
        yield from _unchanged(encoder, at, "output.bias")


def _wide_feedforward(config: EncoderConfig, encoder: Tensors) -> Iterator[tuple[str, Tensor]]:
    units = config.intermediate
    for block in sorted(set(config.feedforward)):
        at = f"feedforward.{block}."
        yield f"{at}up.weight", _filled(_product(encoder, at, "up", "up_thin"), 0, units)
        yield f"{at}up.bias", _filled(encoder[f"{at}up.bias"], 0, units)
        yield f"{at}down.weight", _filled(_product(encoder, at, "down", "down_thin"), 1, units)
        yield from _unchanged(encoder, at, "down.bias")


def _narrow_attention(config: EncoderConfig, encoder: Tensors) -> Iterator[tuple[str, Tensor]]:
    for block in sorted(set(config.attention)):
        at, width = f"attention.{block}.", config.heads_of(block) * config.head_size
        reads = torch.cat([_cut(encoder[f"{at}{name}.weight"], 0, width) for name in _READS])
        yield from _thinned(at, reads, config.ranks.qkv, "qkv_thin", _READS)
        for name in _READS:
            yield f"{at}{name}.bias", _cut(encoder[f"{at}{name}.bias"], 0, width)
        output = _cut(encoder[f"{at}output.weight"], 1, width)
        yield from _thinned(at, output, config.ranks.output, "output_thin", ("output",))
        yield from _unchanged(encoder, at, "output.bias")


def _narrow_feedforward(config: EncoderConfig, encoder: Tensors) -> Iterator[tuple[str, Tensor]]:
    for block in sorted(set(config.feedforward)):
        at, units = f"feedforward.{block}.", config.units_of(block)
        up = _cut(encoder[f"{at}up.weight"], 0, units)
        yield from _thinned(at, up, config.ranks.up, "up_thin", ("up",))
        yield f"{at}up.bias", _cut(encoder[f"{at}up.bias"], 0, units)
        down = _cut(encoder[f"{at}down.weight"], 1, units)
        yield from _thinned(at, down, config.ranks.down, "down_thin", ("down",))
        yield from _unchanged(encoder, at, "down.bias")


def _thinned(
    at: str, matrix: Tensor, rank: int, thin: str, names: tuple[str, ...]
) -> Iterator[tuple[str, Tensor]]:
    """A matrix that several read as one, by its names; as two of `rank` if there is one."""
    outer, inner = factors(matrix, rank) if rank else (matrix, None)
    if inner is not None:
        yield f"{at}{thin}.weight", inner
    for name, part in zip(names, outer.chunk(len(names)), strict=True):
        yield f"{at}{name}.weight", part.contiguous()


def factors(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """A matrix [m, n] of that rank as [m, rank] @ [rank, n], within rounding: by its singular vectors on the
    narrower side. Raises if it is of a higher one."""
    whole = matrix.double()
    if len(whole) > whole.shape[1]:
        inner, outer = factors(whole.t(), rank)
        return outer.t().contiguous(), inner.t().contiguous()
    outer = torch.linalg.eigh(whole @ whole.t())[1][:, -rank:]
    inner = outer.t() @ whole
    if float((whole - outer @ inner).abs().max()) > _NEAR * float(whole.abs().max()):
        raise _OtherWeightsError
    return outer.float().contiguous(), inner.float().contiguous()


def _product(encoder: Tensors, at: str, name: str, thin: str) -> Tensor:
    """The matrix, or the product of the two that stand for it."""
    weight, before = encoder[f"{at}{name}.weight"], encoder.get(f"{at}{thin}.weight")
    return weight if before is None else weight @ before


def _filled(tensor: Tensor, axis: int, size: int) -> Tensor:
    """With zeros at the end of an axis."""
    shape = list(tensor.shape)
    shape[axis] = size - shape[axis]
    return torch.cat([tensor, tensor.new_zeros(shape)], axis)


def _cut(tensor: Tensor, axis: int, size: int) -> Tensor:
    """Without the zeros there."""
    if tensor.narrow(axis, size, tensor.shape[axis] - size).any():
        raise _OtherWeightsError
    return tensor.narrow(axis, 0, size).contiguous()


def _unchanged(encoder: Tensors, at: str, *names: str) -> Iterator[tuple[str, Tensor]]:
    """What is as it was: biases after a block, and its norm."""
    for name in (*names, "norm.weight", "norm.bias"):
        yield at + name, encoder[at + name]


def _in_block(name: str) -> bool:
    return name.startswith(("attention.", "feedforward."))
