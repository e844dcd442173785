"""A text with some of its words changed, and where what stood in it has gone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from litebert.tasks.words import UNSPACED, Bounds

Spans = Sequence[tuple[int, int]]
"""Parts of a text: start, and the number after the end."""


@dataclass(frozen=True)
class Reworded:
    """A changed text."""

    text: str
    words: tuple[str, ...]
    """Those that there were, changed, without those left out."""
    stays: tuple[tuple[int, int], ...]
    """Of each part that is as it was, where it begins in the old text, and in this one."""

    def moved(self, place: int) -> int:
        """Where a place of the old text, in or at the end of what is as it was, is now."""
        old, new = self.stays[bisect_right(self.stays, (place, len(self.text))) - 1]
        return new + place - old


class Change(Protocol):
    """What an augmentation makes of one text."""

    def __call__(self, text: str, words: Bounds | None = None, kept: Spans = ()) -> Reworded:
        """words: where they stand, where somebody has cut them; kept: what must stay. Raises `UsageError`
        where it cannot be done so."""


def reword(text: str, words: Bounds, new: Mapping[int, str], kept: Spans = ()) -> Reworded:
    """The text with some words, by their number, in other words, or left out.

    With a word that is left out goes the white space after it, up to what is kept. Two words that would
    become one get a space between them.
    """
    bounds = [(int(start), int(end)) for start, end in words]
    limits = [start for start, _ in [*bounds, *kept]]
    parts: list[str] = []
    stays: list[tuple[int, int]] = []
    at = length = 0

    def put(part: str, old: int | None = None) -> None:
        nonlocal length
        if parts and part and _grow_together(parts[-1], part):
            parts.append(" ")
            length += 1
        if old is not None:
            stays.append((old, length))
        if part:
            parts.append(part)
        length += len(part)

    for number in sorted(new):
        start, end = bounds[number]
        put(text[at:start], at)
        put(new[number])
        at = end if new[number] else _after_space(text, end, limits)
    put(text[at:], at)
    told = [new.get(number, text[start:end]) for number, (start, end) in enumerate(bounds)]
    return Reworded("".join(parts), tuple(word for word in told if word), tuple(stays))


def _after_space(text: str, end: int, limits: Sequence[int]) -> int:
    """Where what follows a word begins: past white space, but not into a word or what is kept."""
    past = len(text) - len(text[end:].lstrip())
    return min([past, *(limit for limit in limits if limit >= end)])


def _grow_together(before: str, after: str) -> bool:
    """Whether two parts would be one word: of letters or digits both, of a script that writes spaces."""
    pair = before[-1], after[0]
    return all(one.isalnum() and not UNSPACED.match(one) for one in pair)
