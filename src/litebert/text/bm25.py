"""Search by words: BM25 over words and, where a script has no spaces, characters and pairs of them.

A short one of our own, since an index must take up what is new and let go what is deleted without reading the
rest again, and must do Chinese; the formula is Lucene's (Robertson & Zaragoza 2009, §3.2; k1 1.2, b 0.75).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from litebert.text.han import HAN

K1 = 1.2
B = 0.75
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_KANA_AND_HANGUL = "\u3040-\u30ff\uac00-\ud7af"
_TERM = re.compile(rf"[{HAN}{_KANA_AND_HANGUL}]+|[^\W_{HAN}{_KANA_AND_HANGUL}]+")
_UNSPACED = re.compile(rf"[{HAN}{_KANA_AND_HANGUL}]")
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("s", ""))


def terms(text: str) -> list[str]:
    """What a text is found by: its words in small letters and the singular; of Chinese, Japanese and Korean
    every character and every two that stand together.

    >>> terms("Two Films: 电影好")
    ['two', 'film', '电', '影', '好', '电影', '影好']
    """
    found: list[str] = []
    for match in _TERM.finditer(unicodedata.normalize("NFKC", text).casefold()):
        run = match.group()
        if _UNSPACED.match(run):
            found += [*run, *map("".join, pairwise(run))]
        else:
            found.append(_singular(run))
    return found


@dataclass(frozen=True, eq=False)
class WordIndex:
    """How often each passage has each term. A passage is a row, in the order in which they were given.

    vocabulary: the terms; starts: int64 [P + 1], of the rows in ids and counts; ids, counts: [n].
    """

    vocabulary: tuple[str, ...]
    starts: Ints
    ids: Ints
    counts: Ints

    @classmethod
    def of(cls, texts: Iterable[str]) -> WordIndex:
        """Of these passages."""
        return cls((), np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)).with_rows(
            np.zeros(0, np.int64), texts
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def with_rows(self, kept: Ints, texts: Iterable[str]) -> WordIndex:
        """The kept rows in that order, and then rows for new texts."""
        numbers = {term: i for i, term in enumerate(self.vocabulary)}
        at = [np.arange(self.starts[row], self.starts[row + 1]) for row in kept]
        whole = np.concatenate(at) if at else np.zeros(0, np.int64)
        ids, counts = [self.ids[whole]], [self.counts[whole]]
        lengths = [len(one) for one in at]
        for text in texts:
            counted = Counter(terms(text))
            ids.append(np.array([numbers.setdefault(term, len(numbers)) for term in counted], np.int64))
            counts.append(np.array(list(counted.values()), np.int64))
            lengths.append(len(counted))
        starts = np.cumsum([0, *lengths], dtype=np.int64)
        return WordIndex(tuple(numbers), starts, np.concatenate(ids), np.concatenate(counts))

    def scores(self, query: Sequence[str]) -> Floats:
        """BM25 of every passage, [P], for a query's terms; 0 for one that has none of them."""
        found: Floats = np.zeros(len(self))
        for term, times in Counter(query).items():
            rows, counts = self._postings(term)
            found[rows] += times * self.weight(term) * counts / (counts + self._norms[rows])
        return found

    def weight(self, term: str) -> float:
        """The rarer a term, the more it counts: ln(1 + (P - n + 0.5) / (n + 0.5)) if n of P have it."""
        having = self.having(term)
        return float(np.log(1 + (len(self) - having + 0.5) / (having + 0.5)))

    def having(self, term: str) -> int:
        """How many passages have a term."""
        return len(self._postings(term)[0])

    def _postings(self, term: str) -> tuple[Ints, Ints]:
        """The rows that have a term, and how often."""
        number = self._numbers.get(term)
        if number is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        edges, rows, counts = self._by_term
        part = slice(edges[number], edges[number + 1])
        return rows[part], counts[part]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {term: i for i, term in enumerate(self.vocabulary)}

    @cached_property
    def _by_term(self) -> tuple[Ints, Ints, Ints]:
        order = np.argsort(self.ids, kind="stable")
        rows = np.repeat(np.arange(len(self)), np.diff(self.starts))
        edges = np.searchsorted(self.ids[order], np.arange(len(self.vocabulary) + 1))
        return edges, rows[order], self.counts[order]

    @cached_property
    def _norms(self) -> Floats:
        """K1 (1 - B + B length / mean length) of each passage."""
        sums = np.concatenate([[0], np.cumsum(self.counts)])
        lengths = sums[self.starts[1:]] - sums[self.starts[:-1]]
        norms: Floats = K1 * (1 - B + B * lengths / max(lengths.mean() if len(lengths) else 1.0, 1e-9))
        return norms


def _singular(word: str) -> str:
    """An English plural without its ending: the one form of words that queries and texts differ by most."""
    if len(word) > 3 and word.isascii() and not word.endswith(("ss", "us", "is")):
        for ending, instead in _ENDINGS:
            if word.endswith(ending):
                return word.removesuffix(ending) + instead
    return word
