"""Tables read and written: blocks, restarts, shared beginnings, order."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.errors import ModelError
from litebert.model.checkpoints.bundle import sstable
from litebert.model.checkpoints.bundle.crc32c import crc32c, mask
from litebert.model.checkpoints.bundle.protobuf import varint
from litebert.model.checkpoints.bundle.sstable import MAGIC, read_table, write_table

keys = st.one_of(st.binary(max_size=12), st.text("ab/", max_size=40).map(str.encode))


def sealed(block: bytes, compression: int = 0) -> bytes:
    """A block with its trailer."""
    body = block + bytes([compression])
    return body + mask(crc32c(body)).to_bytes(4, "little")


def block(*entries: bytes) -> bytes:
    return b"".join(entries) + struct.pack("<II", 0, 1)


def entry(shared: int, rest: bytes, value: bytes) -> bytes:
    return varint(shared) + varint(len(rest)) + varint(len(value)) + rest + value


def table(data_block: bytes, *places: tuple[int, int], compression: int = 0) -> bytes:
    """One data block, and an index that names it, or the places given."""
    stored = sealed(data_block, compression)
    places = places or ((0, len(data_block)),)
    index = block(*(entry(0, bytes([200 + at]), varint(a) + varint(b)) for at, (a, b) in enumerate(places)))
    footer = varint(0) + varint(0) + varint(len(stored)) + varint(len(index))
    return stored + sealed(index) + footer.ljust(40, b"\0") + MAGIC


@given(st.dictionaries(keys, st.binary(max_size=30), max_size=60), st.integers(1, 300))
def test_what_is_written_is_read(pairs: dict[bytes, bytes], block_size: int) -> None:
    ordered = sorted(pairs.items())
    assert list(read_table(write_table(ordered, block_size))) == ordered


@given(st.lists(keys, unique=True, min_size=2, max_size=40), st.integers(1, 60))
def test_index_keys_separate_the_blocks(names: list[bytes], block_size: int) -> None:
    """Without this, TensorFlow would look for a variable in the wrong block."""
    data = write_table([(name, b"value") for name in sorted(names)], block_size)
    bounds = index_bounds(data)
    for at, (bound, members) in enumerate(bounds):
        assert members[-1] <= bound
        if at + 1 < len(bounds):
            assert bound < bounds[at + 1][1][0]


def index_bounds(data: bytes) -> list[tuple[bytes, list[bytes]]]:
    """Each key of the index with the keys of its block."""
    found = []
    for bound, handle in sstable._read_block(data, *sstable._index_place(data)):
        offset, size, _ = sstable._place(handle, 0)
        found.append((bound, [key for key, _ in sstable._read_block(data, offset, size)]))
    return found


def test_a_compressed_block() -> None:
    plain = block(entry(0, b"k", b"v"))
    compressed = varint(len(plain)) + bytes([(len(plain) - 1) << 2]) + plain
    assert list(read_table(table(compressed, compression=1))) == [(b"k", b"v")]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "0 bytes, fewer than the 48"),
        (bytes(60), "last 8 bytes are not a table's"),
        (table(block(entry(0, b"b", b""), entry(0, b"a", b""))), "not in order"),
        (table(block(entry(0, b"a", b""), entry(1, b"", b""))), "not in order"),
        (table(block(entry(3, b"a", b""))), "shares 3 bytes with one of 0"),
        (table(block(entry(0, b"a" * 1025, b""))), "a name has 1025 bytes"),
        (table(block(varint(0) + varint(1 << 40) + varint(0))), "1099511627776 bytes are announced"),
        (table(block(entry(0, b"a", b"")), (0, 1 << 60)), "outside the file"),
        (table(block(entry(0, b"a", b"")), (1, 11)), "checksum is wrong"),
        (table(block(), (0, 8), (0, 8)), "starts inside the one before"),
        (table(b"\xff\xff\xff\xff"), "too short"),
        (table(b""), "too short"),
        (table(block(), compression=7), "unknown compression 7"),
    ],
)
def test_damage_is_said(data: bytes, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        list(read_table(data))
