"""CRC-32C against published vectors and against the definition, bit by bit."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.model.checkpoints.bundle.crc32c import LANES, crc32c, mask, unmask


def by_definition(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # this and the next three: RFC 3720, appendix B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_published_vectors(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


@given(st.binary(max_size=300))
def test_short_messages_have_the_sum_of_the_definition(data: bytes) -> None:
    assert crc32c(data) == by_definition(data)


@pytest.mark.parametrize("extra", [-1, 0, 1, 3, 1000])
@pytest.mark.parametrize("width", [2 * 4 * lanes for lanes in LANES])
def test_lengths_around_each_pass(width: int, extra: int) -> None:
    data = random.Random(width + extra).randbytes(width + extra)
    assert crc32c(data) == by_definition(data)


def test_a_long_message_at_an_odd_address() -> None:
    data = random.Random(0).randbytes(200_000)
    array = np.frombuffer(b"?" + data, np.uint8)[1:]
    assert crc32c(array) == crc32c(data) == by_definition(data)


@given(st.integers(0, 2**32 - 1))
def test_masking_is_undone(crc: int) -> None:
    assert unmask(mask(crc)) == crc
    assert mask(crc) != crc


def test_masking_as_leveldb_does() -> None:
    rotated = (0xE3069283 >> 15) | ((0xE3069283 << 17) & 0xFFFFFFFF)
    assert mask(0xE3069283) == (rotated + 0xA282EAD8) % 2**32
