"""Where the words of a text stand; Chinese ones by rjieba, where it is installed, else by character."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import metadata

import numpy as np

from litebert.tasks import words
from litebert.tasks.words import Bounds
from litebert.text.han import HAN

_HAN = re.compile(f"[{HAN}]")


def cut(text: str) -> Bounds:
    """[words, 2]; marks are words, too."""
    bounds = words.cut(text)
    jieba = _jieba()
    if jieba is None or not _HAN.search(text):
        return bounds
    begins = set(np.cumsum([0, *map(len, jieba(text))]).tolist())
    starts = bounds[:, 0].tolist()
    firsts = np.array([i for i, at in enumerate(starts) if at in begins or not _within(text, at)])
    lasts = np.append(firsts[1:], len(bounds)) - 1
    return np.stack([bounds[firsts, 0], bounds[lasts, 1]], axis=1)


def cutter() -> str:
    """By what Chinese words are cut: a part of what a run is known by."""
    return "characters" if _jieba() is None else f"rjieba {metadata.version('rjieba')}"


def _within(text: str, at: int) -> bool:
    """Whether two Chinese characters meet there."""
    return at > 0 and bool(_HAN.match(text[at]) and _HAN.match(text[at - 1]))


@cache
def _jieba() -> Callable[[str], list[str]] | None:
    try:
        import rjieba
    except ImportError:
        return None
    found: Callable[[str], list[str]] = rjieba.cut
    return found
