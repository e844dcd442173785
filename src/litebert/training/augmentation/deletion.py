"""Deletion: words left out (EDA, arXiv 1901.11196)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from numpy.random import Generator

from litebert.tasks.rewording import Change
from litebert.training.augmentation.augmentation import Augmentation, Ground, Setting, by_words, picked


def make(setting: Setting, ground: Ground) -> Augmentation:  # noqa: ARG001 (it looks at nothing else)
    """rate: of the words."""

    def choose(words: Sequence[str], free: Sequence[int], draw: Generator) -> Mapping[int, str]:
        gone = picked(free, setting.rate, draw)
        if len(gone) == len(words):  # Some text must be left.
            gone = gone[:-1]
        return dict.fromkeys(gone, "")

    def deletion(number: int, draw: Generator) -> Change:  # noqa: ARG001 (any example alike)
        return by_words(choose, draw)

    return deletion
