"""The wire format of protocol buffers, as much as a checkpoint's index needs.

Source: protobuf.dev, "Encoding". Readers raise `ModelError` for bytes that are not a message.
"""

from __future__ import annotations

from litebert.errors import ModelError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Message = dict[int, list[int | bytes]]
"""A message's values by field number, in the order in which they stand."""


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number, below 2^64, at byte `at`, and where the next thing starts."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ModelError("a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise ModelError("a number has more than ten bytes")


def read_bytes(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """The `size` bytes at `at`, and where the next thing starts."""
    if size > len(data) - at:
        raise ModelError(f"{size} bytes are announced where {len(data) - at} are left")
    return data[at : at + size], at + size


def read_message(data: bytes) -> Message:
    """All fields of one message."""
    message: Message = {}
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        value, at = _read_value(data, at, tag & 7)
        message.setdefault(tag >> 3, []).append(value)
    return message


def _read_value(data: bytes, at: int, wire: int) -> tuple[int | bytes, int]:
    if wire == VARINT:
        return read_varint(data, at)
    if wire == BYTES:
        size, at = read_varint(data, at)
        return read_bytes(data, at, size)
    if wire in (FIXED32, FIXED64):
        raw, at = read_bytes(data, at, 4 if wire == FIXED32 else 8)
        return int.from_bytes(raw, "little"), at
    raise ModelError(f"a field has the unknown wire type {wire}")


def unsigned(message: Message, field: int) -> int:
    """A number, 0 if it is not there; the last one counts, as everywhere in protocol buffers."""
    value = message.get(field, [0])[-1]
    if isinstance(value, bytes):
        raise ModelError(f"field {field} holds bytes in the place of a number")
    return value


def signed(message: Message, field: int) -> int:
    """A number that may be negative (`int32`, `int64`)."""
    value = unsigned(message, field)
    return value - (1 << 64) if value >> 63 else value


def messages(message: Message, field: int) -> list[Message]:
    """The messages inside a repeated field."""
    return [read_message(_as_bytes(value, field)) for value in message.get(field, [])]


def _as_bytes(value: int | bytes, field: int) -> bytes:
    if isinstance(value, int):
        raise ModelError(f"field {field} holds a number in the place of a message")
    return value


def varint(value: int) -> bytes:
    """A number, 0 to 2^64 - 1, seven bits to a byte, the lowest first."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def number_field(field: int, value: int) -> bytes:
    """A number; nothing at all for 0, which is what a missing field means (proto3)."""
    return varint(field << 3 | VARINT) + varint(value) if value else b""


def fixed32_field(field: int, value: int) -> bytes:
    """A number in four bytes; nothing at all for 0."""
    return varint(field << 3 | FIXED32) + value.to_bytes(4, "little") if value else b""


def message_field(field: int, message: bytes) -> bytes:
    """A message inside a message; an empty one is written too."""
    return varint(field << 3 | BYTES) + varint(len(message)) + message
