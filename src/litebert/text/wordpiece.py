"""BERT's tokenizer, as the Chinese ALBERTs have it, with spans in the text as given.

Clean, split and find the longest pieces of each word (google-research/bert, `BasicTokenizer` and
`WordpieceTokenizer`), id for id as Hugging Face `tokenizers` does it, but for one thing: `[SEP]` in a text is
text. Most of a Chinese text is characters that are pieces by themselves: those are looked up in a table,
a whole batch at once. Words are worked out once and remembered.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from litebert import durable
from litebert.text import huggingface, spiece
from litebert.text.alphabet import ACCENT, ALONE, SPACE, WORD, Alphabet, Kinds
from litebert.text.limits import Codes, check, checked_chunks, code_points
from litebert.text.normalize import Ints
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Specials, Tokenizer

BERT = Specials()
"""The special pieces of BERT and of every published ALBERT with a `vocab.txt`."""

INSIDE = "##"
"""What a piece begins with that does not begin a word."""

LONGEST_WORD = 100
"""Characters; a longer word is one unknown piece."""

REMEMBERED = 1 << 16
"""How many words are remembered before all are forgotten."""


class _Word(NamedTuple):
    """The pieces of a word, and where each one starts and ends in it (start, end, start, end, …)."""

    ids: tuple[int, ...]
    spans: tuple[int, ...]


class WordPieceTokenizer(Tokenizer):
    """BasicTokenizer and WordPiece.

    Args:
        vocabulary: the lines of a `vocab.txt`.
        do_lower_case: make all lower case.
        strip_accents: take accents off; None: if `do_lower_case`.
        tokenize_chinese_chars: make each Chinese character a word.
        longest_word: a word with more characters is one unknown piece.
        specials: how the vocabulary writes its special pieces.

    Raises `ModelError` for a vocabulary with an empty, overlong or double piece, or without a special one.
    """

    kind = "wordpiece"

    def __init__(
        self,
        vocabulary: Sequence[str],
        *,
        do_lower_case: bool = True,
        strip_accents: bool | None = None,
        tokenize_chinese_chars: bool = True,
        longest_word: int = LONGEST_WORD,
        specials: Specials = BERT,
    ) -> None:
        self.vocabulary = tuple(vocabulary)
        self.do_lower_case = do_lower_case
        self.strip_accents = strip_accents
        self.tokenize_chinese_chars = tokenize_chinese_chars
        self.longest_word = longest_word
        self.specials = specials
        self.size = len(self.vocabulary)
        spiece.check_pieces(self.vocabulary)
        self._ids = {piece: id for id, piece in enumerate(self.vocabulary)}
        self.cls, self.sep, self.pad, self.mask, self.unknown = specials.ids(self._ids)
        self._silent = {self.cls, self.sep, self.pad, self.mask}
        self._longest_piece = max(map(len, self.vocabulary))
        self._words: dict[str, _Word] = {}
        self._alphabet = Alphabet(
            lower_case=do_lower_case,
            strip_accents=strip_accents,
            split_chinese=tokenize_chinese_chars,
            id=self._id_in_text,
        )

    def _id_in_text(self, piece: str) -> int:
        id = self.id(piece)
        return self.unknown if id in self._silent else id

    def encode(self, text: str) -> Pieces:
        check(text)
        return self._encode([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[Pieces]:
        result: list[Pieces] = []
        for chunk in checked_chunks(texts):
            result += self._encode(chunk)
        return result

    def _encode(self, texts: list[str]) -> list[Pieces]:
        joined = "\n".join(texts)
        ids, spans = self._run(joined, code_points(joined))
        begins = np.append(0, np.cumsum([len(text) + 1 for text in texts]))
        edges = np.searchsorted(spans[:, 0], begins)
        spans -= np.repeat(begins[:-1], np.diff(edges))[:, None]
        pieces = Pieces(ids, spans.astype(np.int32))
        pieces.ids.flags.writeable = pieces.spans.flags.writeable = False
        return pieces.parts(edges.tolist())

    def _run(self, text: str, codes: Codes) -> tuple[NDArray[np.int32], Ints]:
        """The ids and spans of all pieces, in order."""
        kinds = self._alphabet.kinds(codes)
        kept = np.flatnonzero(kinds >= SPACE)
        is_alone, opens, closes = _units(kinds[kept])
        words = [
            self._word(text[start:end])
            for start, end in zip(kept[opens].tolist(), (kept[closes] + 1).tolist(), strict=True)
        ]
        unit = is_alone | opens
        counts = np.ones(int(unit.sum()), np.int64)
        counts[~is_alone[unit]] = [len(word.ids) for word in words]
        begins = np.repeat(kept[unit], counts)
        alone = np.repeat(is_alone[unit], counts)
        ids = np.empty(len(begins), np.int32)
        ids[alone] = self._alphabet.alone[codes[begins[alone]]]
        ids[~alone] = np.fromiter(chain.from_iterable(word.ids for word in words), np.int32)
        spans = begins[:, None] + (0, 1)
        inside = np.fromiter(chain.from_iterable(word.spans for word in words), np.int64)
        spans[~alone] = begins[~alone, None] + inside.reshape(-1, 2)
        spans[:, 1] = _with_accents(kinds, spans[:, 1])
        return ids, spans

    def _word(self, word: str) -> _Word:
        known = self._words.get(word)
        if known is not None:
            return known
        found = self._find(word)
        if len(word) <= self.longest_word:
            if len(self._words) >= REMEMBERED:
                self._words.clear()
            self._words[word] = found
        return found

    def _find(self, word: str) -> _Word:
        form = self._alphabet.form(word)
        ends = self._longest_pieces(form) if len(form) <= self.longest_word else []
        if not ends:
            return _Word((self.unknown,), (0, len(word)))
        origins = [at for at, character in enumerate(word) for _ in self._alphabet.form(character)]
        starts = [0, *ends[:-1]]
        ids = tuple(self._ids[_inside(form, *span)] for span in zip(starts, ends, strict=True))
        spans = zip((origins[start] for start in starts), (origins[end - 1] + 1 for end in ends), strict=True)
        return _Word(ids, tuple(chain.from_iterable(spans)))

    def _longest_pieces(self, form: str) -> list[int]:
        """Where the pieces of a word end, each the longest that fits; none if at some place none fits."""
        ends: list[int] = []
        start = 0
        while start < len(form):
            last = min(len(form), start + self._longest_piece)
            fitting = (end for end in range(last, start, -1) if _inside(form, start, end) in self._ids)
            start = next(fitting, 0)
            if not start:
                return []
            ends.append(start)
        return ends

    def decode(self, ids: Iterable[int]) -> str:
        pieces = [self.piece(id) for id in ids if id not in self._silent]
        return "".join(
            piece.removeprefix(INSIDE) if at == 0 or _joins(pieces[at - 1], piece) else f" {piece}"
            for at, piece in enumerate(pieces)
        )

    def piece(self, id: int) -> str:
        return self.vocabulary[self._check_id(id)]

    def id(self, piece: str) -> int:
        return self._ids.get(piece, self.unknown)

    def save(self, folder: Path) -> None:
        """Write `vocab.txt`, `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json`."""
        durable.replace(folder / "vocab.txt", "".join(f"{piece}\n" for piece in self.vocabulary).encode())
        huggingface.write_wordpiece(
            folder,
            self.vocabulary,
            self.specials,
            do_lower_case=self.do_lower_case,
            strip_accents=self.strip_accents,
            tokenize_chinese_chars=self.tokenize_chinese_chars,
            longest_word=self.longest_word,
        )

    @cached_property
    def fingerprint(self) -> str:
        decisive = (
            self.kind,
            self.do_lower_case,
            self.do_lower_case if self.strip_accents is None else self.strip_accents,
            self.tokenize_chinese_chars,
            self.longest_word,
            astuple(self.specials),
            self.vocabulary,
        )
        return hashlib.sha256(repr(decisive).encode()).hexdigest()


def _units(kinds: Kinds) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Which characters are pieces by themselves, which open a word and which close one."""
    in_word = kinds == WORD
    edges = np.diff(in_word.astype(np.int8), prepend=0, append=0)
    return kinds == ALONE, edges[:-1] == 1, edges[1:] == -1


def _with_accents(kinds: Kinds, ends: Ints) -> Ints:
    """The ends moved past the accents that were taken off the characters before."""
    accents = kinds == ACCENT
    if not accents.any():
        return ends
    others = np.append(np.flatnonzero(~accents), len(kinds))
    moved: Ints = others[np.searchsorted(others, ends)]
    return moved


def _inside(form: str, start: int, end: int) -> str:
    return f"{INSIDE}{form[start:end]}" if start else form[start:end]


def _joins(before: str, piece: str) -> bool:
    """Whether no space belongs between two pieces: inside a word, and between Chinese characters."""
    return piece.startswith(INSIDE) or (_is_wide(before[-1]) and _is_wide(piece[0]))


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
