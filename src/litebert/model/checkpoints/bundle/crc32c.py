"""CRC-32C (Castagnoli), the checksum of TensorFlow's files, at some 500 MB/s in numpy alone.

A checksum is the remainder of a polynomial, the message, by another. Lay the message out in rows of `lanes`
words: the first row times x^(32 * lanes), added to the second, leaves a message that is one row shorter
and has the same remainder. So a long message is condensed to a single row, all lanes at once, and the
classic loop over bytes reads the little that is left.

The product by a fixed power of x is linear over bits: two look-ups by 16 bits each, and an exclusive or.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

POLYNOMIAL = 0x82F63B78
"""Castagnoli's, lowest power in the highest bit (RFC 3720, appendix B.4)."""
LANES = (8192, 256)
"""Words in a row, first pass and second: rows of 32 kB stay in the cache, the last row is 1 kB."""
MASK_DELTA = 0xA282EAD8


def crc32c(data: bytes | memoryview | NDArray[np.uint8]) -> int:
    """The checksum of `data`; an array must be contiguous.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    register, message = 0xFFFFFFFF, np.frombuffer(data, np.uint8)
    for lanes in LANES:
        register, message = _condense(register, message, lanes)
    return _by_bytes(register, message.tobytes()) ^ 0xFFFFFFFF


def mask(crc: int) -> int:
    """The form in which a file keeps the checksum of bytes that may hold checksums (LevelDB, crc32c.h)."""
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF


def unmask(masked: int) -> int:
    """The checksum of which `mask` made `masked`."""
    rotated = (masked - MASK_DELTA) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def _condense(register: int, message: NDArray[np.uint8], lanes: int) -> tuple[int, NDArray[np.uint8]]:
    """A shorter message, and the register to begin it with, of the same checksum."""
    width = 4 * lanes
    rows = len(message) // width
    if rows < 2:
        return register, message
    head = message[: rows * width].view("<u4").reshape(rows, lanes)
    row = head[0].copy()
    row[0] ^= register
    _fold(row, head[1:])
    return 0, np.concatenate([row.view(np.uint8), message[rows * width :]])


def _fold(row: NDArray[Any], others: NDArray[Any]) -> None:
    """Move `row` (uint32 `[lanes]`) on over each of `others` (`[rows, lanes]`), in place."""
    low, high = _shift(len(row))
    halves = row.view("<u2")
    index, shifted = np.empty(len(row), np.intp), np.empty_like(row)
    for other in others:
        index[:] = halves[0::2]
        low.take(index, out=shifted, mode="clip")  # "clip" takes without a buffer; no index is out of range
        index[:] = halves[1::2]
        high.take(index, out=row, mode="clip")
        row ^= shifted
        row ^= other


@cache
def _shift(lanes: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """What a word's low and high half become when multiplied by x^(32 * lanes): two tables of 65,536."""
    power = _by_bytes(1 << 31, bytes(4 * lanes))
    powers = [power]
    for _ in range(31):
        power = _times_x(power)
        powers.append(power)
    powers.reverse()
    return _sums(powers[:16]), _sums(powers[16:])


def _sums(values: list[int]) -> NDArray[Any]:
    """At each index, the sum (exclusive or) of the values whose bits it holds."""
    table = np.zeros(1, "<u4")
    for value in values:
        table = np.concatenate([table, table ^ np.uint32(value)])
    return table


def _times_x(value: int) -> int:
    return value >> 1 ^ (POLYNOMIAL if value & 1 else 0)


def _by_bytes(register: int, message: bytes) -> int:
    """The classic loop."""
    table = _byte_table()
    for byte in message:
        register = table[(register ^ byte) & 0xFF] ^ register >> 8
    return register


@cache
def _byte_table() -> list[int]:
    return [_times_x8(byte) for byte in range(256)]


def _times_x8(value: int) -> int:
    for _ in range(8):
        value = _times_x(value)
    return value
