"""Snappy, the compression of which a table's blocks may make use; reading only.

Source: google/snappy, format_description.txt.
"""

from __future__ import annotations

from litebert.errors import ModelError
from litebert.model.checkpoints.bundle.protobuf import read_bytes, read_varint


def decompress(data: bytes, limit: int) -> bytes:
    """The bytes that `data` stands for, at most `limit` of them.

    Raises `ModelError` if `data` is not Snappy's format, or announces more than `limit` bytes.
    """
    size, at = read_varint(data, 0)
    if size > limit:
        raise ModelError(f"a compressed block announces {size} bytes; at most {limit} are expected")
    plain = bytearray()
    while at < len(data):
        tag = data[at]
        piece, at = _literal(data, at + 1, tag) if tag & 3 == 0 else _copy(data, at + 1, tag, plain)
        plain += piece
        if len(plain) > size:
            raise ModelError(f"a compressed block holds more than the {size} bytes that it announces")
    if len(plain) < size:
        raise ModelError(f"a compressed block holds {len(plain)} of the {size} bytes that it announces")
    return bytes(plain)


def _literal(data: bytes, at: int, tag: int) -> tuple[bytes, int]:
    """Bytes that stand as they are; above 60 of them, the length follows in one to four bytes."""
    size = tag >> 2
    if size >= 60:
        size, at = _little_endian(data, at, size - 59)
    return read_bytes(data, at, size + 1)


def _copy(data: bytes, at: int, tag: int, plain: bytearray) -> tuple[bytes, int]:
    """Bytes that stood `back` bytes ago; they may run into the copy itself, which then repeats them."""
    if tag & 3 == 1:
        low, at = _little_endian(data, at, 1)
        size, back = (tag >> 2 & 7) + 4, tag >> 5 << 8 | low
    else:
        size = (tag >> 2) + 1
        back, at = _little_endian(data, at, 2 if tag & 3 == 2 else 4)
    if not 0 < back <= len(plain):
        raise ModelError(f"a compressed block copies from {back} bytes ago, but only {len(plain)} are there")
    start = len(plain) - back
    period = bytes(plain[start : start + size])
    return (period * (size // len(period) + 1))[:size], at


def _little_endian(data: bytes, at: int, size: int) -> tuple[int, int]:
    raw, at = read_bytes(data, at, size)
    return int.from_bytes(raw, "little"), at
