"""Snappy against pyarrow's compressor, where it is installed, and against its format by hand."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.errors import ModelError
from litebert.model.checkpoints.bundle.snappy import decompress

LIMIT = 1 << 20


@pytest.mark.parametrize(
    ("compressed", "plain"),
    [
        (b"\x00", b""),
        (b"\x03\x08abc", b"abc"),
        (b"\x09\x08abc\x09\x03", b"abcabcabca"[:9]),  # copy of 6 from 3 ago, by one byte of offset
        (b"\x0a\x00a\x22\x01\x00", b"a" * 10),  # copy of 9 from 1 ago, by two bytes
        (b"\x06\x08xyz\x0b\x03\x00\x00\x00", b"xyzxyz"),  # copy of 3 from 3 ago, by four bytes
        (b"\x46\xf0\x45" + b"q" * 70, b"q" * 70),  # a literal whose length follows
    ],
)
def test_what_was_packed_by_hand_is_unpacked(compressed: bytes, plain: bytes) -> None:
    assert decompress(compressed, LIMIT) == plain


@given(
    st.lists(st.sampled_from([b"bert/", b"layer_", b"kernel", b"\x00\xff", b"0123456789" * 9])).map(b"".join)
)
def test_what_another_compresses(plain: bytes) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    assert decompress(pyarrow.compress(plain, codec="snappy", asbytes=True), LIMIT) == plain


@pytest.mark.parametrize(
    ("compressed", "complaint"),
    [
        (b"", "cut off"),
        (b"\xff\xff\xff\xff\x0f", "announces 4294967295 bytes"),
        (b"\x04\x08abc", "3 of the 4"),
        (b"\x02\x08abc", "more than the 2"),
        (b"\x03\x10abc", "5 bytes are announced where 3 are left"),
        (b"\x07\x08abc\x01\x04", "copies from 4 bytes ago"),
        (b"\x07\x08abc\x01\x00", "copies from 0 bytes ago"),
        (b"\x07\x08abc\x02\x03", "announced where 1"),
    ],
)
def test_damage_is_said(compressed: bytes, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        decompress(compressed, LIMIT)


@given(st.binary(max_size=100))
def test_no_bytes_break_it(data: bytes) -> None:
    with suppress(ModelError):
        assert len(decompress(data, 1000)) <= 1000
