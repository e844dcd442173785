"""The wire format, against the examples of its specification (protobuf.dev, "Encoding")."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.errors import ModelError
from litebert.model.checkpoints.bundle import protobuf


def test_the_examples_of_the_specification() -> None:
    assert protobuf.read_message(b"\x08\x96\x01") == {1: [150]}
    assert protobuf.number_field(1, 150) == b"\x08\x96\x01"
    inner = protobuf.messages(protobuf.read_message(b"\x1a\x03\x08\x96\x01"), 3)
    assert inner == [{1: [150]}]
    assert protobuf.message_field(3, protobuf.number_field(1, 150)) == b"\x1a\x03\x08\x96\x01"
    minus_two = protobuf.read_message(b"\x08\xfe" + b"\xff" * 8 + b"\x01")
    assert protobuf.signed(minus_two, 1) == -2


def test_missing_fields_and_repeated_ones() -> None:
    message = protobuf.read_message(b"\x08\x01\x08\x02")
    assert protobuf.unsigned(message, 1) == 2  # the last one counts
    assert protobuf.unsigned(message, 9) == 0
    assert protobuf.messages(message, 9) == []
    assert protobuf.number_field(1, 0) == protobuf.fixed32_field(1, 0) == b""


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3))
def test_numbers_come_back(value: int, after: bytes) -> None:
    encoded = protobuf.varint(value)
    assert protobuf.read_varint(encoded + after, 0) == (value, len(encoded))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"\x80", "cut off"),
        (b"\x08" + b"\xff" * 10, "more than ten bytes"),
        (b"\x0a\x05ab", "5 bytes are announced where 2 are left"),
        (b"\x0d\x01\x02", "4 bytes are announced where 2 are left"),
        (b"\x0b", "unknown wire type 3"),
    ],
)
def test_damage_is_said(data: bytes, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        protobuf.read_message(data)


def test_a_value_of_the_wrong_kind() -> None:
    with pytest.raises(ModelError, match="bytes in the place of a number"):
        protobuf.unsigned({1: [b"x"]}, 1)
    with pytest.raises(ModelError, match="a number in the place of a message"):
        protobuf.messages({1: [5]}, 1)


@given(st.binary(max_size=60))
def test_no_bytes_break_it(data: bytes) -> None:
    try:
        message = protobuf.read_message(data)
    except ModelError:
        return
    assert sum(map(len, message.values())) <= len(data)
