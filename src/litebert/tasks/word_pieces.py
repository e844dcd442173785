"""Words → rows of pieces in which each word is read at the first of its pieces, once.

No piece belongs to two words: one that does (a vocabulary has `北京大学`) is taken apart where words meet. A
word of which the tokenizer leaves nothing is one unknown piece. So every word has its place, and a tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from litebert.errors import InputError, ModelError
from litebert.tasks.task import caught
from litebert.tasks.words import Bounds, Words, laid_out
from litebert.text.encoding import Encoding, OnLong, join
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

Ints = NDArray[np.int32]
Scores = Mapping[str, NDArray[np.float32]]

OVERLAP = 4
"""One in so many of a window's pieces is also in the next."""
NOT_READ = -1
"""At a piece where no word is read."""


@dataclass(frozen=True, slots=True, eq=False)
class WordEncoding(Encoding):
    """An encoding whose pieces know their words.

    words: int32 [n], the number of the word that is read at this piece, or -1. bounds: int64 [n, 2], where
    that word stands in the text. Of overlapping windows each word is read in the one that shows most on both
    sides of it; together they read all, in order.
    """

    words: Ints = field(kw_only=True)
    bounds: Bounds = field(kw_only=True)

    @property
    def read(self) -> NDArray[np.intp]:
        """The pieces at which words are read."""
        return np.flatnonzero(self.words >= 0)


def encode(given: Words, tokenizer: Tokenizer, limit: int, on_long: OnLong) -> list[WordEncoding]:
    """One sequence, or one for each window of a long text, a quarter of which the next has, too."""
    text, bounds = laid_out(given)
    return _rows(tokenizer, tokenizer.encode(text), text, bounds, limit, on_long)


def encode_many(
    given: Sequence[Words], tokenizer: Tokenizer, limit: int, on_long: OnLong
) -> list[list[Encoding] | InputError]:
    """`encode` of each, all texts at once; an `InputError` in the place of one that cannot be encoded."""
    try:
        laid = [laid_out(one) for one in given]
        many = tokenizer.encode_many([text for text, _ in laid])
    except InputError:  # Only one by one can it be told which, and that the others are well.
        return [caught(_plain, one, tokenizer, limit, on_long) for one in given]
    return [
        caught(_plain_rows, tokenizer, pieces, *one, limit, on_long)
        for one, pieces in zip(laid, many, strict=True)
    ]


def words_of(encodings: Sequence[Encoding]) -> Iterator[WordEncoding]:
    """The same, known to be of words."""
    for encoding in encodings:
        if not isinstance(encoding, WordEncoding):
            raise TypeError("an encoding of words was expected")
        yield encoding


def kept(encoding: Encoding, scores: Scores) -> Scores:
    """The rows of the words that are read, and what is said of the whole sequence."""
    (words,) = words_of([encoding])
    return {**scores, "logits": scores["logits"][words.read]}


def rows_of_words(scores: Sequence[Scores]) -> NDArray[np.float64]:
    """The rows that were kept of all windows, in the order of the words: [words, outputs].

    Raises `ModelError` if any is not a number.
    """
    rows = np.concatenate([score["logits"] for score in scores]).astype(np.float64)
    if not np.isfinite(rows).all():
        raise ModelError("the model's scores are not finite numbers: its training diverged, or it is damaged")
    return rows


def aligned(tokenizer: Tokenizer, pieces: Pieces, text: str, bounds: Bounds) -> tuple[Pieces, Ints]:
    """The pieces, none of them in two words and some in each, and which word is read at each, or -1."""
    pieces = _taken_apart(tokenizer, pieces, text, bounds)
    words, without = _firsts(pieces, bounds)
    if len(without) == 0:
        return pieces, words
    places = np.searchsorted(pieces.spans[:, 0], bounds[without, 0])
    filled = Pieces(
        np.insert(pieces.ids, places, tokenizer.unknown),
        np.insert(pieces.spans, places, bounds[without], axis=0),
    )
    return filled, _firsts(filled, bounds)[0]


def _plain(given: Words, tokenizer: Tokenizer, limit: int, on_long: OnLong) -> list[Encoding]:
    return [*encode(given, tokenizer, limit, on_long)]


def _plain_rows(
    tokenizer: Tokenizer, pieces: Pieces, text: str, bounds: Bounds, limit: int, on_long: OnLong
) -> list[Encoding]:
    return [*_rows(tokenizer, pieces, text, bounds, limit, on_long)]


def _rows(
    tokenizer: Tokenizer, pieces: Pieces, text: str, bounds: Bounds, limit: int, on_long: OnLong
) -> list[WordEncoding]:
    """Windows in which no word is read, inside a word of thousands of pieces, are left out."""
    pieces, words = aligned(tokenizer, pieces, text, bounds)
    room = max(1, limit - 2)
    stride = room - room // OVERLAP
    framed = join(tokenizer, pieces, limit=limit, on_long=on_long, stride=stride)
    edges = [0, *(k * stride + (room - stride) // 2 for k in range(1, len(framed))), len(pieces)]
    rows = [
        _row(one, words[k * stride :], bounds, edges[k] - k * stride, edges[k + 1] - k * stride)
        for k, one in enumerate(framed)
    ]
    return [row for row in rows if len(row.read)] or rows[:1]


def _row(framed: Encoding, words: Ints, bounds: Bounds, start: int, end: int) -> WordEncoding:
    """A window with the words that are read in it: those at its pieces from `start` to `end`."""
    own = np.full(len(framed), NOT_READ, dtype=np.int32)
    end = min(end, len(framed) - 2)
    own[1 + start : 1 + end] = words[start:end]
    where = np.full((len(framed), 2), NOT_READ, dtype=np.int64)
    where[own >= 0] = bounds[own[own >= 0]]
    given = {one.name: getattr(framed, one.name) for one in fields(framed)}
    return WordEncoding(**given, words=own, bounds=where)


def _firsts(pieces: Pieces, bounds: Bounds) -> tuple[Ints, NDArray[np.intp]]:
    """For each piece the word that it is the first of, or -1; and the words without a piece."""
    first, last = _covered(pieces, bounds)
    inside = np.flatnonzero((first <= last) & (pieces.spans[:, 1] > pieces.spans[:, 0]))
    numbers, places = np.unique(first[inside], return_index=True)
    words = np.full(len(pieces), NOT_READ, dtype=np.int32)
    words[inside[places]] = numbers
    return words, np.setdiff1d(np.arange(len(bounds)), numbers)


def _covered(pieces: Pieces, bounds: Bounds) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first and the last word that each piece has some of; the last before the first if none."""
    first = np.searchsorted(bounds[:, 1], pieces.spans[:, 0], side="right")
    return first, np.searchsorted(bounds[:, 0], pieces.spans[:, 1], side="left") - 1


def _taken_apart(tokenizer: Tokenizer, pieces: Pieces, text: str, bounds: Bounds) -> Pieces:
    first, last = _covered(pieces, bounds)
    crossing = np.flatnonzero(last > first)
    if len(crossing) == 0:
        return pieces
    ids, spans, done = [], [], 0
    for place in crossing.tolist():
        ids.append(pieces.ids[done:place])
        spans.append(pieces.spans[done:place])
        done = place + 1
        start, end = pieces.spans[place].tolist()
        for low, high in bounds[first[place] : last[place] + 1].tolist():
            at = max(start, low)
            inner = _inside(tokenizer, text[at : min(end, high)])
            ids.append(inner.ids)
            spans.append(inner.spans + np.int32(at))
    return Pieces(np.concatenate([*ids, pieces.ids[done:]]), np.concatenate([*spans, pieces.spans[done:]]))


@lru_cache(maxsize=1 << 16)
def _inside(tokenizer: Tokenizer, part: str) -> Pieces:
    """The pieces of a part of a longer one: without what SentencePiece puts at the start of a word."""
    pieces = tokenizer.encode(part)
    some = pieces.spans[:, 1] > pieces.spans[:, 0]
    ids = pieces.ids[some]
    if len(ids) and (name := tokenizer.piece(int(ids[0]))).startswith("▁"):
        bare = tokenizer.id(name[1:])
        ids[0] = ids[0] if bare == tokenizer.unknown else bare
    return Pieces(ids, pieces.spans[some])
