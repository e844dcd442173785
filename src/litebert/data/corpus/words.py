"""Where words start among pieces, for masking whole ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase

import numpy as np
from numpy.typing import NDArray

from litebert.data.corpus.settings import Words
from litebert.text.han import HAN
from litebert.text.pieces import Pieces
from litebert.text.sentencepiece import MARK
from litebert.text.tokenizer import Tokenizer
from litebert.text.vocabulary import Cut

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
_HAN = re.compile(f"[{HAN}]")
_MARKS = frozenset('!"#$%&()*+,-./:;?@[\\]^_`{|}~€£')
_ENGLISH = _MARKS.union(ascii_lowercase, ascii_uppercase)


class WordStarts:
    """Says of each piece whether a word starts with it.

    By the piece alone, as `_is_start_piece_sp` and `_is_start_piece_bert` of google-research/albert say:
    there a Chinese piece is a word of its own. With `jieba` words, a Chinese piece starts one only where
    jieba does: not in the middle of a word, so that a piece over the edge of two words joins them, nor after
    a lone `▁`.
    """

    def __init__(self, tokenizer: Tokenizer, words: Words) -> None:
        starts = _starts_word if tokenizer.kind == "sentencepiece" else _is_whole
        self._table = np.array([starts(tokenizer.piece(id)) for id in range(tokenizer.size)])
        self._cut = jieba() if words == "jieba" else None

    def __call__(self, texts: Sequence[str], pieces: Sequence[Pieces]) -> Flags:
        """bool, for each piece of each text, one after another. A text's first piece starts a word."""
        lengths = np.array([len(each) for each in pieces], np.int64)
        flags: Flags = self._table[np.concatenate([each.ids for each in pieces])]
        chinese = [n for n, text in enumerate(texts) if not text.isascii() and _HAN.search(text)]
        if self._cut and chinese:
            is_in = np.zeros(len(texts), bool)
            is_in[chinese] = True
            where = np.flatnonzero(np.repeat(is_in, lengths))
            words = _Words([texts[n] for n in chinese], self._cut)
            flags[where] = words.starts([pieces[n] for n in chinese], flags[where])
        flags[(np.cumsum(lengths) - lengths)[lengths > 0]] = True
        return flags


class _Words:
    """The words of several texts, cut at once."""

    def __init__(self, texts: list[str], cut: Cut) -> None:
        together = "\n".join(texts)
        sizes = np.fromiter(map(len, cut(together)), np.int64)
        self.goes_on = np.ones(len(together) + 1, bool)
        self.goes_on[np.cumsum(sizes) - sizes] = False
        self.is_han = _is_han(np.frombuffer((together + "\n").encode("utf-32-le"), "<u4"))
        self.begins = np.cumsum([0, *(len(text) + 1 for text in texts[:-1])])

    def starts(self, pieces: list[Pieces], flags: Flags) -> Flags:
        """The flags of all their pieces, those of the Chinese ones put right."""
        spans = np.concatenate([each.spans for each in pieces])
        first = spans[:, 0] + np.repeat(self.begins, [len(each) for each in pieces])
        is_mark = spans[:, 0] == spans[:, 1]
        follows_mark = np.append(False, is_mark[:-1])
        right: Flags = np.where(self.is_han[first] & ~is_mark, ~self.goes_on[first] & ~follows_mark, flags)
        return right


def _starts_word(piece: str) -> bool:
    """`_is_start_piece_sp`: foreign characters and digits are each taken for a whole."""
    return piece.startswith((MARK, "<")) or piece in _MARKS or not _ENGLISH.issuperset(piece)


def _is_whole(piece: str) -> bool:
    """`_is_start_piece_bert`: not the rest of a WordPiece word."""
    return not piece.startswith("##")


def _is_han(codes: NDArray[np.uint32]) -> Flags:
    """The characters of the class `HAN`."""
    ranges = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
    is_han: Flags = np.logical_or.reduce([(codes >= start) & (codes <= end) for start, end in ranges])
    return is_han


def jieba() -> Cut:
    """Imports rjieba."""
    import rjieba

    cut: Cut = rjieba.cut
    return cut
