"""What stands in a bundle's index: for each variable its dtype, shape, place and checksum.

Source: tensorflow/core/protobuf/tensor_bundle.proto (BundleHeaderProto, BundleEntryProto),
tensor_shape.proto and types.proto.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from litebert.errors import ModelError
from litebert.model.checkpoints.bundle import protobuf
from litebert.model.checkpoints.bundle.crc32c import mask, unmask
from litebert.model.checkpoints.bundle.sstable import KEY_LIMIT, Pair, read_table, write_table

VARIABLE_LIMIT = 100_000
SHARD_LIMIT = 100_000
"""A shard's number has five digits in its file's name."""
RANK_LIMIT = 32
"""numpy's, before 2.0."""
SIZE_LIMIT = 1 << 62

DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    19: "float16",
    22: "uint32",
    23: "uint64",
}
"""TensorFlow's numbers for dtypes (types.proto); the rarer ones are called by their number."""
WIDTHS = {
    name: 2 if name == "bfloat16" else np.dtype(name).itemsize for name in DTYPES.values() if name != "string"
}
"""Bytes in one element, for the dtypes whose elements all have as many."""
_NUMBERS = {name: number for number, name in DTYPES.items()}
_PARTITIONED = " (a partitioned variable), which litebert does not read: save it whole"


@dataclass(frozen=True, slots=True)
class Entry:
    """One variable: `size` bytes from byte `offset` of shard `shard`, whose checksum is `crc32c`."""

    dtype: str
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc32c: int


@dataclass(frozen=True, slots=True)
class Index:
    """All variables of a checkpoint, sorted by name, and in how many data files they are."""

    entries: dict[str, Entry]
    shards: int


def decode(data: bytes) -> Index:
    """The index that an `.index` file's bytes hold.

    Raises `ModelError` (without the file's name) for anything that cannot be true of a whole checkpoint.
    """
    pairs = read_table(data)
    key, header = next(pairs, (b"?", b""))
    if key:
        raise ModelError("it has no header, so it is no index of a TensorFlow V2 checkpoint")
    shards = _shards(protobuf.read_message(header))
    entries: dict[str, Entry] = {}
    for key, value in pairs:
        name = _name(key)
        entries[name] = _entry(name, protobuf.read_message(value), shards)
        if len(entries) > VARIABLE_LIMIT:
            raise ModelError(f"it has more than {VARIABLE_LIMIT} variables")
    _refuse_overlap(entries)
    return Index(entries, shards)


def encode(index: Index) -> bytes:
    """The bytes of an `.index` file, as TensorFlow's own BundleWriter would write them."""
    return write_table(_pairs(index))


def check_name(name: str) -> bytes:
    """A variable's name as a key. Raises `ModelError` if a checkpoint cannot hold it."""
    try:
        key = name.encode()
    except UnicodeEncodeError:
        raise ModelError(f"the variable name {name!r} is not valid Unicode") from None
    if not key or key[0] == 0 or len(key) > KEY_LIMIT:
        raise ModelError(f"{name[:80]!r} is no variable name: 1 to {KEY_LIMIT} bytes, the first not zero")
    return key


def _shards(header: protobuf.Message) -> int:
    shards = protobuf.signed(header, 1)
    if not 0 < shards < SHARD_LIMIT:
        raise ModelError(f"its header announces {shards} data files")
    if protobuf.unsigned(header, 2):
        raise ModelError("it was written by a big-endian machine, which litebert does not read")
    for version in protobuf.messages(header, 3):
        if (needed := protobuf.signed(version, 2)) > 1:
            raise ModelError(f"it needs a reader of version {needed}; litebert reads version 1")
    return shards


def _name(key: bytes) -> str:
    if key[:1] == b"\0":
        raise ModelError(f"it holds a slice of a variable{_PARTITIONED}")
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise ModelError(f"the variable name {key[:80]!r} is not UTF-8") from None


def _entry(name: str, message: protobuf.Message, shards: int) -> Entry:
    if 7 in message:
        raise ModelError(f"{name!r} is stored in slices{_PARTITIONED}")
    number = protobuf.unsigned(message, 1)
    entry = Entry(
        dtype=DTYPES.get(number, f"dtype {number}"),
        shape=_shape(name, protobuf.messages(message, 2)),
        shard=protobuf.signed(message, 3),
        offset=protobuf.signed(message, 4),
        size=protobuf.signed(message, 5),
        crc32c=unmask(protobuf.unsigned(message, 6) & 0xFFFFFFFF),
    )
    _check(name, entry, shards)
    return entry


def _shape(name: str, shapes: list[protobuf.Message]) -> tuple[int, ...]:
    """The dimensions; none for a scalar, whose shape may be left out."""
    if any(protobuf.unsigned(shape, 3) for shape in shapes):
        raise ModelError(f"{name!r} has no known shape")
    return tuple(protobuf.signed(dim, 1) for shape in shapes for dim in protobuf.messages(shape, 2))


def _check(name: str, entry: Entry, shards: int) -> None:
    if len(entry.shape) > RANK_LIMIT or min(entry.shape, default=0) < 0:
        raise ModelError(f"{name!r} has the impossible shape {list(entry.shape[:RANK_LIMIT])}")
    if not 0 <= entry.shard < shards:
        raise ModelError(f"{name!r} is said to be in data file {entry.shard} of {shards}")
    if min(entry.offset, entry.size) < 0 or entry.offset + entry.size > SIZE_LIMIT:
        raise ModelError(f"{name!r} is said to take {entry.size} bytes at byte {entry.offset}")
    _check_size(name, entry)


def _check_size(name: str, entry: Entry) -> None:
    width = WIDTHS.get(entry.dtype)
    if width is None:  # strings tell their own length
        return
    if prod(max(dim, 1) for dim in entry.shape) * width > SIZE_LIMIT:
        raise ModelError(f"{name!r} has the impossible shape {list(entry.shape)}")
    if (expected := prod(entry.shape) * width) != entry.size:
        shape = list(entry.shape)
        raise ModelError(f"{name!r}, {entry.dtype} {shape}, takes {expected} bytes, not {entry.size}")


def _refuse_overlap(entries: dict[str, Entry]) -> None:
    """No two variables share a byte."""
    placed = sorted((entry.shard, entry.offset, name) for name, entry in entries.items() if entry.size)
    for (shard, offset, name), (next_shard, next_offset, next_name) in pairwise(placed):
        if shard == next_shard and offset + entries[name].size > next_offset:
            raise ModelError(f"{name!r} and {next_name!r} overlap in data file {shard}")


def _pairs(index: Index) -> Iterable[Pair]:
    version = protobuf.number_field(1, 1)
    yield b"", protobuf.number_field(1, index.shards) + protobuf.message_field(3, version)
    keyed = {check_name(name): entry for name, entry in index.entries.items()}
    for key in sorted(keyed):
        yield key, _encode_entry(keyed[key])


def _encode_entry(entry: Entry) -> bytes:
    dims = (protobuf.message_field(2, protobuf.number_field(1, dim)) for dim in entry.shape)
    return b"".join(
        [
            protobuf.number_field(1, _NUMBERS[entry.dtype]),
            protobuf.message_field(2, b"".join(dims)),
            protobuf.number_field(3, entry.shard),
            protobuf.number_field(4, entry.offset),
            protobuf.number_field(5, entry.size),
            protobuf.fixed32_field(6, mask(entry.crc32c)),
        ]
    )
