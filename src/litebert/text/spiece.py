"""The file `spiece.model`: pieces, scores and rules, read and written as protocol-buffer fields.

Only what decides the pieces is read here; the sentencepiece library loads the rest. The field numbers are
those of google/sentencepiece, `sentencepiece_model.proto`.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from litebert.errors import ModelError

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)

UNIGRAM = 1

LARGEST = 1_000_000
"""Pieces. Published models have 30,000, and 250,000 at the most."""

LONGEST_PIECE = 256
"""Characters. Published models stop at 16; a longer one can make encoding slow."""

LARGEST_SCORE = 1e30
"""More does not fit a float32, or is none: no number at all."""

LONGEST_REPLACEMENT = 128
"""Bytes that the normaliser may write for one match. NFKC's longest is 33; more could fill the memory."""

PIECES, TRAINER, NORMALIZER = 1, 2, 3
PIECE, SCORE, KIND = 1, 2, 3
MODEL_TYPE, BYTE_FALLBACK = 3, 35
UNKNOWN_ID, BOS_ID, EOS_ID, PAD_ID, UNKNOWN_PIECE = 40, 41, 42, 43, 45
NAME, CHARSMAP = 1, 2

_SCORE = struct.Struct("<f")

Fields = Iterator[tuple[int, int | bytes]]


@dataclass(frozen=True, slots=True)
class Spiece:
    """The vocabulary of a unigram model, and the table by which its normaliser replaces characters."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    kinds: tuple[int, ...]
    charsmap: bytes


def read(data: bytes) -> Spiece:
    """Read the bytes of a `spiece.model`. Raises `ModelError` for a damaged or unsuitable one."""
    try:
        pieces, trainer, charsmap = _read(data)
    except (IndexError, struct.error, UnicodeDecodeError, TypeError) as error:
        raise ModelError(f"this is no SentencePiece model, or a damaged one ({error})") from None
    _check_kind(trainer)
    spiece = Spiece(
        pieces=tuple(piece for piece, _, _ in pieces),
        scores=tuple(score for _, score, _ in pieces),
        kinds=tuple(kind for _, _, kind in pieces),
        charsmap=charsmap,
    )
    check(spiece)
    return spiece


def check(spiece: Spiece) -> None:
    """Raise `ModelError` unless the vocabulary is whole and the table of replacements is sane."""
    _check_pieces(spiece)
    _check_charsmap(spiece.charsmap)


def check_pieces(pieces: Sequence[str]) -> None:
    """Raise `ModelError` for a piece that is empty, too long, no text, or there twice. For any vocabulary."""
    first: dict[str, int] = {}
    for id, piece in enumerate(pieces):
        if not 0 < len(piece) <= LONGEST_PIECE:
            raise ModelError(f"piece {id} has {len(piece)} characters; it must have 1 to {LONGEST_PIECE}")
        if first.setdefault(piece, id) != id:
            raise ModelError(f"piece {id} is {piece!r}, and so is piece {first[piece]}")
        if not piece.isascii() and any("\ud800" <= character <= "\udfff" for character in piece):
            raise ModelError(f"piece {id} ({piece!r}) holds a lone surrogate, which is no text")


def with_control(data: bytes, pieces: Container[str]) -> bytes:
    """The same model with these pieces as control pieces, which SentencePiece does not find in a text."""
    out = bytearray()
    for number, value in _fields(data):
        row = value
        if number == PIECES:
            piece, score, kind = _read_piece(_bytes(value))
            row = _row(piece, score, CONTROL) if piece in pieces and kind != CONTROL else value
        out += _number(number, row) if isinstance(row, int) else _field(number, row)
    return bytes(out)


def only(data: bytes, kept: Container[int]) -> bytes:
    """The same model with those pieces alone, by their numbers, which are counted anew."""
    out, number = bytearray(), -1
    for field, value in _fields(data):
        number += field == PIECES
        if field != PIECES or number in kept:
            out += _number(field, value) if isinstance(value, int) else _field(field, value)
    return bytes(out)


def with_more(data: bytes, pieces: Mapping[str, float]) -> bytes:
    """The same model with these pieces and their scores, too, numbered on from its last."""
    return data + b"".join(_field(PIECES, _row(*row, NORMAL)) for row in pieces.items())


def write(spiece: Spiece) -> bytes:
    """The bytes of a `spiece.model` that the sentencepiece library loads."""
    rows = zip(spiece.pieces, spiece.scores, spiece.kinds, strict=True)
    vocabulary = b"".join(_field(PIECES, _row(*row)) for row in rows)
    return vocabulary + _field(TRAINER, _trainer(spiece)) + _field(NORMALIZER, _normalizer(spiece.charsmap))


def ends_in_digit_comma(piece: str) -> bool:
    """Whether google-research/albert takes the piece apart (`encode_pieces`), as it does `▁2004,`."""
    return len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()


def _row(piece: str, score: float, kind: int) -> bytes:
    named = _field(PIECE, piece.encode()) + _float(SCORE, score)
    return named if kind == NORMAL else named + _number(KIND, kind)


def _trainer(spiece: Spiece) -> bytes:
    unknown = spiece.kinds.index(UNKNOWN)
    return b"".join(
        (
            _number(MODEL_TYPE, UNIGRAM),
            _number(UNKNOWN_ID, unknown),
            _number(BOS_ID, -1),
            _number(EOS_ID, -1),
            _number(PAD_ID, -1),
            _field(UNKNOWN_PIECE, spiece.pieces[unknown].encode()),
        )
    )


def _normalizer(charsmap: bytes) -> bytes:
    return _field(NAME, b"nmt_nfkc" if charsmap else b"identity") + _field(CHARSMAP, charsmap)


def _read(data: bytes) -> tuple[list[tuple[str, float, int]], dict[int, int | bytes], bytes]:
    pieces: list[tuple[str, float, int]] = []
    trainer: dict[int, int | bytes] = {}
    charsmap = b""
    for number, value in _fields(data):
        if number == PIECES:
            if len(pieces) == LARGEST:
                raise ModelError(f"the SentencePiece model has over {LARGEST:,} pieces")
            pieces.append(_read_piece(_bytes(value)))
        elif number == TRAINER:
            trainer.update(_fields(_bytes(value)))
        elif number == NORMALIZER:
            charsmap = _bytes(dict(_fields(_bytes(value))).get(CHARSMAP, b""))
    return pieces, trainer, charsmap


def _read_piece(data: bytes) -> tuple[str, float, int]:
    if _is_plain(data):  # Nearly all of them.
        return data[2:-5].decode(), _SCORE.unpack_from(data, len(data) - 4)[0], NORMAL
    fields = dict(_fields(data))
    (score,) = _SCORE.unpack(_bytes(fields.get(SCORE, b"\0\0\0\0")))
    kind = fields.get(KIND, NORMAL)
    if not isinstance(kind, int):
        raise TypeError("a piece's kind is no number")
    return _bytes(fields[PIECE]).decode() if PIECE in fields else "", score, kind


def _is_plain(data: bytes) -> bool:
    """Whether there is a short piece and its score, in this order, and nothing else."""
    size = len(data) - 7
    return 0 < size < 0x80 and data[0] == PIECE << 3 | 2 and data[1] == size and data[-5] == SCORE << 3 | 5


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise TypeError("a number stands where bytes are expected")
    return value


def _check_kind(trainer: dict[int, int | bytes]) -> None:
    if trainer.get(MODEL_TYPE, UNIGRAM) != UNIGRAM:
        raise ModelError("ALBERT needs a unigram model (--model_type=unigram), but this is another kind")
    if trainer.get(BYTE_FALLBACK, 0):
        raise ModelError("the SentencePiece model falls back to bytes; ALBERT's have no such pieces")


def _check_pieces(spiece: Spiece) -> None:
    unknown = spiece.kinds.count(UNKNOWN)
    if unknown != 1:
        raise ModelError(f"a vocabulary needs one unknown piece, but this one has {unknown}")
    check_pieces(spiece.pieces)
    for piece, score in zip(spiece.pieces, spiece.scores, strict=True):
        if not abs(score) < LARGEST_SCORE:
            raise ModelError(
                f"piece {piece!r} has the score {score}; the logarithm of a probability is meant"
            )
    for kind in set(spiece.kinds) - set(range(NORMAL, BYTE)):
        piece = spiece.pieces[spiece.kinds.index(kind)]
        raise ModelError(f"piece {piece!r} is of kind {kind}, which ALBERT's models do not have")


def _check_charsmap(charsmap: bytes) -> None:
    """A trie's size in bytes (uint32), the trie, and the replacements, each closed by a zero byte."""
    if not charsmap:
        return
    size = int.from_bytes(charsmap[:4], "little")
    replacements = charsmap[4 + size :]
    if len(charsmap) < 4 or size % 4 or not replacements.endswith(b"\0"):
        raise ModelError("the model's table of character replacements is damaged")
    try:
        replacements.decode()
    except UnicodeDecodeError:
        raise ModelError("the model's table of character replacements is no UTF-8") from None
    if max(map(len, replacements.split(b"\0"))) > LONGEST_REPLACEMENT:
        raise ModelError(f"the model's normaliser writes over {LONGEST_REPLACEMENT} bytes for one match")


def _fields(data: bytes) -> Fields:
    """Field numbers and values: numbers as int, all else as bytes. IndexError where `data` ends too early."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        size, at = _varint(data, at) if wire == 2 else ({1: 8, 5: 4}.get(wire, -1), at)
        if size < 0 or at + size > len(data):
            raise IndexError(f"field {number} at byte {at} runs past the end or is of no known type")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = data[at]
    if value < 0x80:  # Nearly all of them.
        return value, at + 1
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise IndexError(f"the number at byte {at} does not end")


def _number(number: int, value: int) -> bytes:
    return _packed(number << 3) + _packed(value & 0xFFFF_FFFF_FFFF_FFFF)


def _float(number: int, value: float) -> bytes:
    return _packed(number << 3 | 5) + _SCORE.pack(value)


def _field(number: int, data: bytes) -> bytes:
    return _packed(number << 3 | 2) + _packed(len(data)) + data


def _packed(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
