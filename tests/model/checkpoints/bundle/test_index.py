"""The index: real ones from Google and from brightmart, and ones that lie."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.errors import ModelError
from litebert.model.checkpoints.bundle import protobuf, read_index
from litebert.model.checkpoints.bundle.crc32c import crc32c
from litebert.model.checkpoints.bundle.index import Entry, Index, decode, encode
from litebert.model.checkpoints.bundle.sstable import read_table, write_table

REAL = {
    "google_albert_base_zh": "model.ckpt-best.index",
    "brightmart_albert_tiny_zh": "albert_model.ckpt.index",
}
DTYPES = {1: "float32", 9: "int64"}
ENTRY = Entry("float32", (2, 3), 0, 0, 24, 7)
INDEX = Index({"a": ENTRY, "b/c": replace(ENTRY, shape=(6,), offset=24)}, shards=1)


@pytest.mark.parametrize("folder", REAL)
def test_real_indices_say_what_their_variables_are(data_folder: Path, folder: str) -> None:
    place = data_folder / "albert_ckpt_index" / folder
    variables = json.loads((place / "variables.json").read_text())
    found = read_index(place / REAL[folder])
    assert list(found) == sorted(variables)
    for name, entry in found.items():
        said = variables[name]
        assert (entry.dtype, entry.shape) == (DTYPES[said["dtype"]], tuple(said["shape"]))
        assert (entry.shard, entry.offset, entry.size) == (0, said["offset"], said["size"])


@pytest.mark.parametrize("folder", REAL)
def test_real_indices_are_made_again_byte_for_byte(data_folder: Path, folder: str) -> None:
    """So what we write is what TensorFlow's own writer would have written."""
    original = (data_folder / "albert_ckpt_index" / folder / REAL[folder]).read_bytes()
    assert encode(decode(original)) == original


def test_a_real_checksum(data_folder: Path) -> None:
    """Google's exported step counter is 0: its checksum shows how TensorFlow forms and masks one."""
    entry = read_index(data_folder / "albert_ckpt_index" / "google_albert_base_zh")["global_step"]
    assert entry.crc32c == crc32c(bytes(8))


shapes = st.lists(st.integers(0, 50), max_size=4).map(tuple)
names = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.dictionaries(names, st.tuples(shapes, st.integers(0, 2**32 - 1)), max_size=20))
def test_what_is_encoded_is_decoded(variables: dict[str, tuple[tuple[int, ...], int]]) -> None:
    entries, offset = {}, 0
    for name, (shape, checksum) in variables.items():
        size = 8
        for dim in shape:
            size *= dim
        entries[name] = Entry("int64", shape, 0, offset, size, checksum)
        offset += size
    decoded = decode(encode(Index(entries, 1)))
    assert decoded.entries == entries
    assert list(decoded.entries) == sorted(entries, key=str.encode)


@pytest.mark.parametrize(
    ("entries", "shards", "complaint"),
    [
        ({"a": replace(ENTRY, shape=(2**64 - 2, 3))}, 1, r"'a' has the impossible shape \[-2, 3\]"),
        ({"a": replace(ENTRY, shape=(1,) * 33, size=4)}, 1, "impossible shape"),
        ({"a": replace(ENTRY, shape=(2**40, 2**40), size=24)}, 1, "impossible shape"),
        ({"a": replace(ENTRY, shape=(0, 2**62), size=0)}, 1, "impossible shape"),
        ({"a": replace(ENTRY, size=20)}, 1, r"'a', float32 \[2, 3\], takes 24 bytes, not 20"),
        ({"a": replace(ENTRY, shape=(2**40,), size=24)}, 1, "takes 4398046511104 bytes, not 24"),
        ({"a": replace(ENTRY, offset=2**64 - 8)}, 1, "24 bytes at byte -8"),
        ({"a": replace(ENTRY, offset=2**62)}, 1, "at byte 4611686018427387904"),
        ({"a": replace(ENTRY, shard=1)}, 1, "in data file 1 of 1"),
        ({"a": replace(ENTRY, shard=2**64 - 1)}, 1, "in data file -1 of 1"),
        ({"a": ENTRY, "b": replace(ENTRY, offset=23)}, 1, "'a' and 'b' overlap in data file 0"),
        ({"a": ENTRY}, 0, "announces 0 data files"),
        ({"a": ENTRY}, 100_000, "announces 100000 data files"),
    ],
)
def test_lies_are_refused(entries: dict[str, Entry], shards: int, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        decode(encode(Index(entries, shards)))


HEADER = protobuf.number_field(1, 1)
VERSION_2 = protobuf.message_field(3, protobuf.number_field(2, 2))
SLICE = protobuf.message_field(7, b"")
UNKNOWN_RANK = protobuf.message_field(2, protobuf.number_field(3, 1))


@pytest.mark.parametrize(
    ("pairs", "complaint"),
    [
        ([(b"a", b"")], "has no header"),
        ([], "has no header"),
        ([(b"", HEADER + protobuf.number_field(2, 1))], "big-endian"),
        ([(b"", HEADER + VERSION_2)], "reader of version 2"),
        ([(b"", HEADER), (b"\0bert", b"")], "partitioned variable"),
        ([(b"", HEADER), (b"bert", SLICE)], "'bert' is stored in slices"),
        ([(b"", HEADER), (b"bert", UNKNOWN_RANK)], "'bert' has no known shape"),
        ([(b"", HEADER), (b"\xff", b"")], "not UTF-8"),
    ],
)
def test_what_is_not_read_is_said(pairs: list[tuple[bytes, bytes]], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        decode(write_table(pairs))


@pytest.mark.parametrize("name", ["", "\0a", "a" * 1025, "\ud800"])
def test_names_that_no_checkpoint_can_hold(name: str) -> None:
    with pytest.raises(ModelError, match="variable name"):
        encode(Index({name: ENTRY}, 1))


@given(st.data())
def test_lies_with_right_checksums_break_nothing(data: st.DataObject) -> None:
    """Someone who edits the index and seals it again gets a complaint, or an index that could be true."""
    pairs = list(read_table(encode(INDEX)))
    at = data.draw(st.integers(0, len(pairs) - 1))
    value = bytearray(pairs[at][1])
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    pairs[at] = (pairs[at][0], bytes(value))
    try:
        found = decode(write_table(pairs))
    except ModelError:
        return
    assert set(found.entries) == set(INDEX.entries)
    assert all(0 <= entry.shard < found.shards and entry.size >= 0 for entry in found.entries.values())
