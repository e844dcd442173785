"""A sorted table of keys and values in one file: LevelDB's SSTable, as TensorFlow writes it.

Data blocks, then an (empty) meta-index block, the index block, and a footer of 48 bytes. A block's entries
leave out what a key shares with the one before; each sixteenth key ("restart") is written whole. A block is
followed by its compression and its checksum. The index block has, for each data block, a key that is not
below its last and below the next block's first, and the place of the block.
Source: google/leveldb, doc/table_format.md; block size and restarts are TensorFlow's (table_options.h).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from litebert.errors import ModelError
from litebert.model.checkpoints.bundle.crc32c import crc32c, mask, unmask
from litebert.model.checkpoints.bundle.protobuf import read_bytes, read_varint, varint
from litebert.model.checkpoints.bundle.snappy import decompress

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
FOOTER_SIZE = 48
TRAILER_SIZE = 5
BLOCK_SIZE = 262_144
RESTART_INTERVAL = 16
KEY_LIMIT = 1024
"""Bytes in a key. Shared beginnings could otherwise make a small file expand without end."""
PLAIN_LIMIT = 1 << 24
"""Bytes in a block when decompressed."""

Pair = tuple[bytes, bytes]


def read_table(data: bytes) -> Iterator[Pair]:
    """All keys and values of a table, sorted.

    Raises `ModelError` at the first thing that is not as it must be; every block's checksum is looked at.
    """
    last: bytes | None = None
    end = 0
    for _, handle in _read_block(data, *_index_place(data)):
        offset, size, _ = _place(handle, 0)
        if offset < end:  # else a small file could name one block a million times
            raise ModelError(f"the block at byte {offset} starts inside the one before, which ends at {end}")
        end = offset + size
        for key, value in _read_block(data, offset, size):
            if last is not None and key <= last:
                raise ModelError("its keys are not in order")
            last = key
            yield key, value


def _index_place(data: bytes) -> tuple[int, int]:
    if len(data) < FOOTER_SIZE:
        raise ModelError(f"it has {len(data)} bytes, fewer than the {FOOTER_SIZE} of a table's footer")
    if not data.endswith(MAGIC):
        raise ModelError("it is cut short, or no TensorFlow V2 index: its last 8 bytes are not a table's")
    footer = data[-FOOTER_SIZE : -len(MAGIC)]
    *_, after_meta = _place(footer, 0)
    offset, size, _ = _place(footer, after_meta)
    return offset, size


def _place(data: bytes, at: int) -> tuple[int, int, int]:
    """A block's offset and size, and where the next thing in `data` starts."""
    offset, at = read_varint(data, at)
    size, at = read_varint(data, at)
    return offset, size, at


def _read_block(data: bytes, offset: int, size: int) -> Iterator[Pair]:
    plain = _block(data, offset, size)
    end = _end_of_entries(plain)
    key, at = b"", 0
    while at < end:
        shared, at = read_varint(plain, at)
        unshared, at = read_varint(plain, at)
        value_size, at = read_varint(plain, at)
        if shared > len(key):
            raise ModelError(f"a key shares {shared} bytes with one of {len(key)}")
        rest, at = read_bytes(plain, at, unshared)
        key = key[:shared] + rest
        if len(key) > KEY_LIMIT:
            raise ModelError(f"a name has {len(key)} bytes; at most {KEY_LIMIT} are expected")
        value, at = read_bytes(plain, at, value_size)
        yield key, value


def _block(data: bytes, offset: int, size: int) -> bytes:
    """A block's bytes, checked and decompressed."""
    if offset + size + TRAILER_SIZE > len(data) - FOOTER_SIZE:
        raise ModelError(f"a block of {size} bytes at byte {offset} would lie outside the file")
    end = offset + size
    stored = unmask(int.from_bytes(data[end + 1 : end + TRAILER_SIZE], "little"))
    if crc32c(data[offset : end + 1]) != stored:
        raise ModelError(f"the block at byte {offset} is damaged: its checksum is wrong")
    compression = data[end]
    if compression > 1:
        raise ModelError(f"the block at byte {offset} has the unknown compression {compression}")
    block = data[offset:end]
    return decompress(block, PLAIN_LIMIT) if compression else block


def _end_of_entries(block: bytes) -> int:
    """Where the list of restarts begins. It helps to search; who reads all does without."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    if len(block) < 4 or end < 0:
        raise ModelError("a block is too short for its list of restarts")
    return end


def write_table(pairs: Iterable[Pair], block_size: int = BLOCK_SIZE) -> bytes:
    """The bytes of a table of `pairs`, which must be sorted by key, each key once."""
    table = bytearray()
    index = _Block(restart_interval=1)
    block = _Block(RESTART_INTERVAL)
    full: bytes | None = None
    for key, value in pairs:
        if full is not None:
            index.add(_separator(block.last, key), full)
            block, full = _Block(RESTART_INTERVAL), None
        block.add(key, value)
        if block.size >= block_size:
            full = _append(table, block)
    if full is None:
        full = _append(table, block)
    footer = _append(table, _Block(restart_interval=1))
    index.add(_successor(block.last), full)
    footer += _append(table, index)
    return bytes(table) + footer.ljust(FOOTER_SIZE - len(MAGIC), b"\0") + MAGIC


class _Block:
    """A block as it grows."""

    def __init__(self, restart_interval: int) -> None:
        self.last = b""
        self._interval = restart_interval
        self._count = 0
        self._entries = bytearray()
        self._restarts = [0]

    def add(self, key: bytes, value: bytes) -> None:
        whole = self._count % self._interval == 0
        if whole and self._count:
            self._restarts.append(len(self._entries))
        shared = 0 if whole else _shared(self.last, key)
        rest = key[shared:]
        self._entries += varint(shared) + varint(len(rest)) + varint(len(value)) + rest + value
        self._count += 1
        self.last = key

    @property
    def size(self) -> int:
        return len(self._entries) + 4 * (len(self._restarts) + 1)

    def to_bytes(self) -> bytes:
        numbers = [*self._restarts, len(self._restarts)]
        return bytes(self._entries) + b"".join(number.to_bytes(4, "little") for number in numbers)


def _append(table: bytearray, block: _Block) -> bytes:
    """Put a block, uncompressed, at the end of `table`, and say where it is."""
    offset, body = len(table), block.to_bytes()
    table += body + b"\0" + mask(crc32c(body + b"\0")).to_bytes(4, "little")
    return varint(offset) + varint(len(body))


def _shared(left: bytes, right: bytes) -> int:
    """How many bytes two keys have in common at the start."""
    pairs = zip(left, right, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(left), len(right)))


def _separator(left: bytes, right: bytes) -> bytes:
    """A short key from `left` on, below `right` (LevelDB, FindShortestSeparator)."""
    at = _shared(left, right)
    if at < len(left) and at < len(right) and left[at] + 1 < right[at]:
        return left[:at] + bytes([left[at] + 1])
    return left


def _successor(key: bytes) -> bytes:
    """A short key that is not below `key` (LevelDB, FindShortSuccessor)."""
    for at, byte in enumerate(key):
        if byte != 0xFF:
            return key[:at] + bytes([byte + 1])
    return key
