"""An encoder for one packed batch in one call (`layers.cpp`), where nothing is learnt.

Beside torch's operators, one after another, it saves what each call costs, which for one short text is half
of all, and what goes out of the cache in between. It is for processors that multiply by AVX-512 or AMX.

Shapes: N pieces, those that fill up included; B sequences; E embedding; H hidden.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from litebert.model.config import Activation, EncoderConfig, Ranks
from litebert.model.eight_bits import Ranges, Step, whole_numbers
from litebert.model.native.compiling import NO_MEMORY, UNKNOWN, library, pointer
from litebert.model.packing import Packed
from litebert.model.products import Linear, Watch

if TYPE_CHECKING:
    from litebert.model.blocks import Attention, Embeddings, FeedForward, Norm
    from litebert.model.encoders.albert import Encoder

PANEL = 32
"""Outputs that lie side by side."""
_NAMES = {torch.float32: "layers_float", torch.bfloat16: "layers_bf16", torch.int8: "layers_byte"}
_TOGETHER = {torch.float32: 1, torch.bfloat16: 2, torch.int8: 4}
"""Inputs that lie side by side: what one instruction takes together."""
_STEPS = 16
"""So many of these are a tile of AMX."""
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


class _Table(ctypes.Structure):
    _fields_ = [("rows", ctypes.c_void_p), ("count", ctypes.c_int64)]


class _Embedding(ctypes.Structure):
    _fields_ = [
        *((name, _Table) for name in ("words", "positions", "segments")),
        ("weight", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("factor", _Matrix),
        ("width", ctypes.c_int64),
        ("late", ctypes.c_int64),
    ]


_COUNTS = (
    "pieces",
    "sequences",
    "layers",
    "hidden",
    "heads",
    "depth",
    "inside",
    "threads",
    "activation",
    "first",
)
_PLACES = ("starts", "ids", "positions", "segments", "given", "out", "pooled")


class _Shape(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in _COUNTS),
        ("epsilon", ctypes.c_float),
        ("each", ctypes.c_void_p),
        ("embedding", ctypes.POINTER(_Embedding)),
        ("pooler", ctypes.POINTER(_Matrix)),
        *((name, ctypes.c_void_p) for name in _PLACES),
    ]


def serves(config: EncoderConfig, dtype: torch.dtype, device: torch.device) -> bool:
    """Whether this machine has the call for products in `dtype`, and it knows such an encoder."""
    return device.type == "cpu" and _knows(config, dtype) and hasattr(library(), _NAMES[dtype])


@cache
def _knows(config: EncoderConfig, dtype: torch.dtype) -> bool:
    """Worked out once: it is asked at every batch, and one short text is answered in half a millisecond."""
    known = config.ranks == Ranks() and config.activation in _ACTIVATIONS and dtype in _NAMES
    return known and config.head_size % 2 == 0 and config.hidden % 4 == 0


class Layers:
    """An encoder, packed for `dtype`.

    ranges: for int8, what reaches each matrix. Its calls are for several threads at once. They raise
    `MemoryError` where there is none for the states in between.
    """

    def __init__(self, encoder: Encoder, dtype: torch.dtype, ranges: Ranges | None) -> None:
        self._watch = Watch(encoder)
        self._dtype, self._ranges, self._config = dtype, ranges, encoder.config
        config = encoder.config
        self._heads = max(map(config.heads_of, config.attention))
        self._inside = -4 * (max(map(config.units_of, config.feedforward)) // -4)
        """Of blocks that were made smaller, the largest: the others get zeros in place of what they lack."""
        self._held: list[Any] = []
        """What the pointers lead to."""
        self._each = self._layers(encoder)
        self._embedding = ctypes.pointer(self._embeddings(encoder.embeddings))
        self._pooler = ctypes.pointer(self._matrix(encoder.pooler.dense, torch.float32))
        self._always = self._shape()
        self._call = getattr(library(), _NAMES[dtype])

    def stale(self, ranges: Ranges | None) -> bool:
        """Whether what was packed is no longer what the encoder has."""
        return ranges is not self._ranges or self._watch.changed()

    def answer(self, batch: Packed) -> tuple[Tensor, Tensor]:
        """Of each sequence's first piece its last state, and what the pooler makes of it, both fp32 [B, H].

        Raises `IndexError` for pieces, places and segments that the encoder has not.
        """
        first, pooled = (_floats(len(batch), self._config.hidden) for _ in range(2))
        shape = self._asked(batch, first, first=True)
        self._embedded(shape, batch)
        shape.pooler, shape.pooled = self._pooler, pooled.data_ptr()
        self._done(shape)
        return first, pooled

    def whole(self, batch: Packed) -> Tensor:
        """The last states of all pieces, fp32 [N, H]; of those that fill up, zeros. Raises as `answer`."""
        out = self._out(batch, len(batch.ids))
        shape = self._asked(batch, out, first=False)
        self._embedded(shape, batch)
        self._done(shape)
        return out

    def between(self, x: Tensor, batch: Packed, *, first: bool, begin: int, end: int) -> Tensor:
        """x [N, H] after `begin` layers → after `end`, fp32 [N, H]; of pieces of no sequence, zeros. first:
        of each sequence's first piece alone, [B, H], which spares the last layer the others."""
        x = x.float().contiguous()
        out = x.new_empty(len(batch), self._config.hidden) if first else self._out(batch, len(x))
        shape = self._asked(batch, out, first=first)
        shape.given, shape.layers = x.data_ptr(), end - begin
        shape.each = ctypes.addressof(self._each) + begin * ctypes.sizeof(_Layer)
        self._done(shape)
        return out

    def _out(self, batch: Packed, pieces: int) -> Tensor:
        out = _floats(pieces, self._config.hidden)
        out[batch.count :] = 0
        return out

    def _asked(self, batch: Packed, out: Tensor, *, first: bool) -> _Shape:
        """All layers for a batch. It holds no reference to the tensors that it points to."""
        shape = _Shape.from_buffer_copy(self._always)
        shape.pieces, shape.sequences, shape.first = batch.count, len(batch), first
        shape.threads = torch.get_num_threads()
        shape.starts, shape.out = batch.starts.data_ptr(), out.data_ptr()
        return shape

    def _embedded(self, shape: _Shape, batch: Packed) -> None:
        """From pieces on."""
        shape.embedding = self._embedding
        shape.ids, shape.positions, shape.segments = (
            numbers.data_ptr() for numbers in (batch.ids, batch.positions, batch.segments)
        )

    def _done(self, shape: _Shape) -> None:
        failed = self._call(ctypes.byref(shape))
        if failed == NO_MEMORY:
            raise MemoryError(f"there is no memory for a batch of {shape.pieces} pieces in one call")
        if failed == UNKNOWN:
            raise IndexError(f"a piece, its place or its segment is none that the encoder has: {self._sizes}")

    @property
    def _sizes(self) -> str:
        config = self._config
        return f"{config.vocabulary} pieces, {config.positions} places, {config.segments} segments"

    def _shape(self) -> _Shape:
        """What is the same for all batches."""
        config = self._config
        return _Shape(
            layers=config.layers,
            hidden=config.hidden,
            heads=self._heads,
            depth=config.head_size,
            inside=self._inside,
            activation=_ACTIVATIONS[config.activation],
            epsilon=config.norm_epsilon,
            each=ctypes.addressof(self._each),
        )

    def _layers(self, encoder: Encoder) -> ctypes.Array[_Layer]:
        config = self._config
        attentions = [self._attention(block) for block in encoder.attention]  # type: ignore[arg-type]
        feeds = [self._feedforward(block) for block in encoder.feedforward]  # type: ignore[arg-type]
        orders = enumerate(zip(config.attention, config.feedforward, strict=True), start=1)
        layers = (
            _Layer(
                ctypes.pointer(attentions[a]),
                ctypes.pointer(feeds[f]),
                self._scale(f"attention.{a}.qkv", number),
                self._scale(f"attention.{a}.output", number),
                self._scale(f"feedforward.{f}.up", number),
                self._scale(f"feedforward.{f}.down", number),
            )
            for number, (a, f) in orders
        )
        return (_Layer * config.layers)(*layers)

    def _embeddings(self, block: Embeddings) -> _Embedding:
        tables = (block.words, block.positions, block.segments)
        floats = torch.float32 if self._dtype is torch.float32 else torch.bfloat16
        factor = _Matrix() if block.factor is None else self._matrix(block.factor, floats)
        late = block.factor is not None and self._config.factor == "late"
        norm = self._norm(block.norm)
        return _Embedding(*map(self._table, tables), *norm, factor, self._config.embedding, late)

    def _table(self, table: nn.Embedding) -> _Table:
        """Where it lies: it is large, and of it few rows are read."""
        return _Table(self._pointer(table.weight.detach().float().contiguous()), len(table.weight))

    def _attention(self, block: Attention) -> _Attention:
        wide = self._heads * self._config.head_size
        parts = [self._matrix(part, outputs=wide) for part in (block.query, block.key, block.value)]
        return _Attention(*parts, self._matrix(block.output, inputs=wide), *self._norm(block.norm))

    def _feedforward(self, block: FeedForward) -> _FeedForward:
        up, down = self._matrix(block.up, outputs=self._inside), self._matrix(block.down, inputs=self._inside)
        return _FeedForward(up, down, *self._norm(block.norm))

    def _norm(self, norm: Norm) -> tuple[ctypes.c_void_p, ctypes.c_void_p]:
        return self._pointer(_wide(norm.weight)), self._pointer(_wide(norm.bias))

    def _matrix(
        self, part: Linear, dtype: torch.dtype | None = None, *, outputs: int = 0, inputs: int = 0
    ) -> _Matrix:
        """outputs, inputs: how many to have at least, with zeros."""
        weight, dtype = part.weight.detach(), dtype or self._dtype
        more = max(0, outputs - len(weight))
        weight = F.pad(weight, (0, max(0, inputs - weight.shape[1]), 0, more))
        bias = weight.new_zeros(len(weight)) if part.bias is None else F.pad(part.bias.detach(), (0, more))
        added = self._pointer(_wide(bias))
        if dtype is not torch.int8:
            return _Matrix(self._pointer(panels(weight.to(dtype))), added, None, None)
        whole, scales = whole_numbers(weight)
        sums = whole.sum(1, dtype=torch.float32)
        return _Matrix(
            self._pointer(panels(whole)), added, self._pointer(_wide(scales)), self._pointer(_wide(sums))
        )

    def _scale(self, name: str, layer: int) -> _Scale:
        return _Scale(*(self._ranges.step(name, layer) if self._ranges is not None else Step(1.0, 0)))

    def _pointer(self, tensor: Tensor) -> ctypes.c_void_p:
        self._held.append(tensor)
        return pointer(tensor)


def _floats(*shape: int) -> Tensor:
    """Room for what the call writes, whatever torch's defaults are."""
    return torch.empty(shape, dtype=torch.float32, device="cpu")


def panels(weight: Tensor) -> Tensor:
    """[out, in] → [out / 32, in / together, 32, together], filled up with zeros, inputs to whole tiles."""
    together = _TOGETHER[weight.dtype]
    outputs, inputs = weight.shape
    whole = F.pad(weight, (0, -inputs % (together * _STEPS), 0, -outputs % PANEL))
    return whole.view(len(whole) // PANEL, PANEL, -1, together).transpose(1, 2).contiguous()


def _wide(numbers: Tensor) -> Tensor:
    """fp32 [n] filled up with zeros to whole panels."""
    return F.pad(numbers.detach().float(), (0, -len(numbers) % PANEL)).contiguous()
