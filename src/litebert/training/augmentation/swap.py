"""Swap: words change places (EDA, arXiv 1901.11196)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from numpy.random import Generator

from litebert.tasks.rewording import Change
from litebert.training.augmentation.augmentation import Augmentation, Ground, Setting, by_words, picked


def make(setting: Setting, ground: Ground) -> Augmentation:  # noqa: ARG001 (it looks at nothing else)
    """rate: of the words; each changes places with any other that may move."""

    def choose(words: Sequence[str], free: Sequence[int], draw: Generator) -> Mapping[int, str]:
        order = dict(zip(free, free, strict=True))
        for one in picked(free, setting.rate, draw):
            other = free[int(draw.integers(len(free)))]
            order[one], order[other] = order[other], order[one]
        return {place: words[word] for place, word in order.items() if place != word}

    def swap(number: int, draw: Generator) -> Change:  # noqa: ARG001 (any example alike)
        return by_words(choose, draw)

    return swap
