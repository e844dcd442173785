"""Gaps of a text: masks in the place of pieces, and which pieces stood there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from litebert.errors import InputError, short
from litebert.text.encoding import Encoding
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

MASK = "[MASK]"
UNKNOWN = -1
"""In place of an answer that is not known, and of every piece that is no gap."""
_SPACE = "▁"


@dataclass(frozen=True, slots=True, eq=False)
class Gapped(Encoding):
    """An encoding with gaps. answers: int64 [n], of each gap the piece that stood there, else `UNKNOWN`."""

    answers: NDArray[np.int64] = field(kw_only=True)
    tokenizer: Tokenizer = field(kw_only=True)
    """By which pieces become text again."""


def gapped(encoding: Encoding) -> Gapped:
    """An encoding of fill-mask, as what it is. Raises `TypeError` for another."""
    if not isinstance(encoding, Gapped):
        raise TypeError("an encoding of this task knows its gaps")
    return encoding


def with_gaps(text: str, answers: Sequence[str], tokenizer: Tokenizer) -> tuple[Pieces, NDArray[np.int64]]:
    """The pieces of a text with a mask for each `[MASK]`, and of each piece the answer's id, or `UNKNOWN`.

    The parts between are encoded by themselves; one that goes on right after a gap, without a space, does not
    get SentencePiece's mark of a word's beginning. Raises `InputError`.
    """
    parts = text.split(MASK)
    if answers and len(answers) != len(parts) - 1:
        raise InputError(f"the text has {len(parts) - 1} {MASK}, but there are {len(answers)} answers")
    ids: list[NDArray[np.int32]] = []
    spans: list[NDArray[np.int32]] = []
    wanted: list[int] = []
    start = 0
    for number, part in enumerate(parts):
        pieces = tokenizer.encode(part)
        if number and tokenizer.kind == "sentencepiece" and not part[:1].isspace():
            pieces = _going_on(pieces, tokenizer)
        ids.append(pieces.ids)
        spans.append(pieces.spans + np.int32(start))
        wanted += [UNKNOWN] * len(pieces)
        start += len(part)
        if number < len(parts) - 1:
            ids.append(np.array([tokenizer.mask], np.int32))
            spans.append(np.array([[start, start + len(MASK)]], np.int32))
            wanted.append(_answer(answers[number], part, tokenizer) if answers else UNKNOWN)
            start += len(MASK)
    return Pieces(np.concatenate(ids), np.concatenate(spans)), np.array(wanted, np.int64)


def hidden(encoding: Encoding, text: str, share: float) -> Encoding:
    """The encoding with about that share of its pieces, at least one, behind masks; `text` decides which."""
    whole = gapped(encoding)
    if len(encoding) <= 2:
        return encoding
    digest = blake2b(f"{encoding.spans[1, 0]}\0{text}".encode(errors="surrogatepass"), digest_size=8).digest()
    draw = np.random.Generator(np.random.Philox(int.from_bytes(digest, "big")))
    count = max(1, round(share * (len(encoding) - 2)))
    at = 1 + draw.permutation(len(encoding) - 2)[:count]
    ids, answers = encoding.ids.copy(), np.full(len(encoding), UNKNOWN, np.int64)
    answers[at] = ids[at]
    ids[at] = whole.tokenizer.mask
    return replace(whole, ids=ids, answers=answers)


def _going_on(pieces: Pieces, tokenizer: Tokenizer) -> Pieces:
    """Without the mark of a word's beginning before the first piece."""
    if len(pieces) == 0:
        return pieces
    first = tokenizer.piece(int(pieces.ids[0]))
    if first == _SPACE:
        return pieces.part(1, len(pieces))
    inner = tokenizer.id(first.removeprefix(_SPACE))
    if not first.startswith(_SPACE) or inner == tokenizer.unknown:
        return pieces
    return Pieces(np.concatenate([np.array([inner], np.int32), pieces.ids[1:]]), pieces.spans)


def _answer(answer: str, before: str, tokenizer: Tokenizer) -> int:
    """The id of an answer as a piece: one that begins a word, or goes on with what stands before it."""
    pieces = tokenizer.encode(answer.strip())
    if tokenizer.kind == "sentencepiece" and before and not before[-1].isspace():
        pieces = _going_on(pieces, tokenizer)
    if len(pieces) != 1 or pieces.ids[0] == tokenizer.unknown:
        what = "no piece" if len(pieces) <= 1 else f"{len(pieces)} pieces"
        raise InputError(
            f"the answer {short(answer)!r} is {what} of the vocabulary, but a {MASK} stands for one"
        )
    return int(pieces.ids[0])
