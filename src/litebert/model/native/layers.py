"""All layers of an encoder for one packed batch in one call (`layers.cpp`), where nothing is learnt.

Beside torch's operators, one after another, it saves what each call costs, which for one short text is half
of all, and what goes out of the cache in between. It is for processors that multiply by AVX-512; those with
AMX have something faster in torch, and are left to it.

Shapes: N pieces, those that fill up included; B sequences; H hidden.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from litebert.model.config import Activation, EncoderConfig
from litebert.model.eight_bits import Ranges, Step, whole_numbers
from litebert.model.native.compiling import library, pointer
from litebert.model.packing import Packed
from litebert.model.products import Linear

if TYPE_CHECKING:
    from litebert.model.blocks import Attention, FeedForward, Norm

PANEL = 32
"""Outputs that lie side by side."""
_NAMES = {torch.float32: "layers_float", torch.bfloat16: "layers_bf16", torch.int8: "layers_byte"}
_TOGETHER = {torch.float32: 1, torch.bfloat16: 2, torch.int8: 4}
"""Inputs that lie side by side: what one instruction takes together."""
_ACTIVATIONS: dict[Activation, int] = {"gelu_new": 0, "gelu": 1, "relu": 2}


class _Scale(ctypes.Structure):
    _fields_ = [("scale", ctypes.c_float), ("zero", ctypes.c_float)]


class _Matrix(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("weight", "bias", "scales", "sums")]


class _Attention(ctypes.Structure):
    _fields_ = [
        *((name, _Matrix) for name in ("query", "key", "value", "output")),
        ("weight", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
    ]


class _FeedForward(ctypes.Structure):
    _fields_ = [
        *((name, _Matrix) for name in ("up", "down")),
        ("weight", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
    ]


class _Layer(ctypes.Structure):
    _fields_ = [
        ("attention", ctypes.POINTER(_Attention)),
        ("feedforward", ctypes.POINTER(_FeedForward)),
        *((name, _Scale) for name in ("qkv", "output", "up", "down")),
    ]


class _Shape(ctypes.Structure):
    _fields_ = [
        *(
            (name, ctypes.c_int64)
            for name in (
                "pieces",
                "sequences",
                "layers",
                "hidden",
                "heads",
                "inside",
                "threads",
                "activation",
                "first",
            )
        ),
        ("epsilon", ctypes.c_float),
        ("starts", ctypes.c_void_p),
        ("each", ctypes.POINTER(_Layer)),
    ]


def serves(config: EncoderConfig, dtype: torch.dtype, device: torch.device) -> bool:
    """Whether this machine has the call for products in `dtype`, and it knows such an encoder."""
    return device.type == "cpu" and _knows(config, dtype) and hasattr(library(), _NAMES[dtype])


@cache
def _knows(config: EncoderConfig, dtype: torch.dtype) -> bool:
    """Worked out once: it is asked at every batch, and one short text is answered in half a millisecond."""
    plain = config.whole == config and config.activation in _ACTIVATIONS
    even = config.head_size % 2 == 0 and config.hidden % 4 == 0 and config.intermediate % 4 == 0
    amx = dtype is not torch.float32 and torch.cpu._is_amx_tile_supported()
    return plain and even and dtype in _NAMES and not amx


class Layers:
    """An encoder's blocks, packed for `dtype`, and the order in which they are applied.

    ranges: for int8, what reaches each matrix.
    """

    def __init__(
        self,
        attention: Sequence[Attention],
        feedforward: Sequence[FeedForward],
        config: EncoderConfig,
        dtype: torch.dtype,
        ranges: Ranges | None,
    ) -> None:
        self._dtype, self._config, self._ranges = dtype, config, ranges
        self._held: list[Any] = []
        """What the pointers lead to."""
        attentions = [self._attention(block) for block in attention]
        feeds = [self._feedforward(block) for block in feedforward]
        self._each = (_Layer * config.layers)()
        for number, (a, f) in enumerate(zip(config.attention, config.feedforward, strict=True), start=1):
            self._each[number - 1] = _Layer(
                ctypes.pointer(attentions[a]),
                ctypes.pointer(feeds[f]),
                self._scale(f"attention.{a}.qkv", number),
                self._scale(f"attention.{a}.output", number),
                self._scale(f"feedforward.{f}.up", number),
                self._scale(f"feedforward.{f}.down", number),
            )
        self._call = getattr(library(), _NAMES[dtype])
        self._call.restype = ctypes.c_bool

    def __call__(self, x: Tensor, batch: Packed, *, first: bool, begin: int, end: int) -> Tensor:
        """x [N, H] after `begin` layers → after `end`, fp32 [N, H]; of pieces of no sequence, zeros. first:
        of each sequence's first piece alone, [B, H], which spares the last layer the others.

        For several threads at once. Raises `MemoryError` where there is none for the states in between.
        """
        x, config = x.float().contiguous(), self._config
        out = x.new_empty(len(batch) if first else len(x), config.hidden)
        if not first:
            out[batch.count :] = 0
        shape = _Shape(
            batch.count,
            len(batch),
            end - begin,
            config.hidden,
            config.heads,
            config.intermediate,
            torch.get_num_threads(),
            _ACTIVATIONS[config.activation],
            first,
            config.norm_epsilon,
            pointer(batch.starts),
            ctypes.pointer(self._each[begin]),
        )
        if not self._call(ctypes.byref(shape), pointer(x), pointer(out)):
            raise MemoryError(f"there is no memory for a batch of {batch.count} pieces in one call")
        return out

    def _attention(self, block: Attention) -> _Attention:
        parts = (block.query, block.key, block.value, block.output)
        return _Attention(*map(self._matrix, parts), *self._norm(block.norm))

    def _feedforward(self, block: FeedForward) -> _FeedForward:
        return _FeedForward(*map(self._matrix, (block.up, block.down)), *self._norm(block.norm))

    def _norm(self, norm: Norm) -> tuple[ctypes.c_void_p, ctypes.c_void_p]:
        return self._pointer(_wide(norm.weight)), self._pointer(_wide(norm.bias))

    def _matrix(self, part: Linear) -> _Matrix:
        weight = part.weight.detach()
        bias = self._pointer(_wide(weight.new_zeros(len(weight)) if part.bias is None else part.bias))
        if self._dtype is not torch.int8:
            return _Matrix(self._pointer(panels(weight.to(self._dtype))), bias, None, None)
        whole, scales = whole_numbers(weight)
        sums = whole.sum(1, dtype=torch.float32)
        return _Matrix(
            self._pointer(panels(whole)), bias, self._pointer(_wide(scales)), self._pointer(_wide(sums))
        )

    def _scale(self, name: str, layer: int) -> _Scale:
        return _Scale(*(self._ranges.step(name, layer) if self._ranges is not None else Step(1.0, 0)))

    def _pointer(self, tensor: Tensor) -> ctypes.c_void_p:
        self._held.append(tensor)
        return pointer(tensor)


def panels(weight: Tensor) -> Tensor:
    """[out, in] → [out / 32, in / together, 32, together], filled up with zeros."""
    together = _TOGETHER[weight.dtype]
    outputs, inputs = weight.shape
    whole = F.pad(weight, (0, -inputs % together, 0, -outputs % PANEL))
    return whole.view(len(whole) // PANEL, PANEL, -1, together).transpose(1, 2).contiguous()


def _wide(numbers: Tensor) -> Tensor:
    """fp32 [n] filled up with zeros to whole panels."""
    return F.pad(numbers.detach().float(), (0, -len(numbers) % PANEL)).contiguous()
