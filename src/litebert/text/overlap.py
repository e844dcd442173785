"""How many words options share with a passage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from litebert.text.bm25 import terms


def stretches(passage: str, question: str, options: Sequence[str]) -> list[float]:
    """Of each option, with the question, the most that it shares with a part of the passage that has as many
    words as both: the sliding window of MCTest (Richardson, Burges & Renshaw 2013), but that a word counts
    1 / (1 + its number in the passage) where theirs counts the logarithm of 1 + 1 / that number."""
    words, asked = _words(passage), set(terms(question))
    weights = {word: 1 / (1 + count) for word, count in Counter(words).items()}
    return [_most(words, weights, asked | set(terms(option))) for option in options]


def _most(words: Sequence[str], weights: dict[str, float], wanted: set[str]) -> float:
    sums = np.cumsum([0.0, *(weights[word] if word in wanted else 0.0 for word in words)])
    width = min(max(1, len(wanted)), len(words))
    most = float((sums[width:] - sums[: len(sums) - width]).max())
    return round(most, 9)  # The same words, added in another order, are to be the same number.


def held(passage: str, question: str, options: Sequence[str]) -> list[float]:
    """Of each option the part of its words, but for those of the question, that the passage has."""
    words, asked = set(_words(passage)), set(terms(question))
    own = [set(terms(option)) - asked for option in options]
    return [len(one & words) / max(1, len(one)) for one in own]


@lru_cache(maxsize=1)  # A passage is asked about more than once in a row.
def _words(passage: str) -> tuple[str, ...]:
    return tuple(terms(passage))
