"""Texts that are a part of another: the phrases of one sentence, a sentence of one review.

SST-2's rows are so. Split at random, its dev set is made of phrases whose sentences were trained on.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from litebert.data.checking.check import Check, Study
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.row import Row
from litebert.data.corpus.duplicates import words_of
from litebert.data.example import Place

LEAST_WORDS, LEAST_BYTES = 5, 24
"""What a part has at least, or it says nothing: "of the film" is a part of many texts. Five English words, or
eight Chinese characters."""
MOST = 4_000_000
"""Words of each file that are kept, at 8 bytes each."""
_TRIES = 64
"""Places at which a text is looked for, of those where its first words stand."""

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]
_BASE = np.uint64(0x9E3779B97F4A7C15)


class Texts:
    """Texts as the hashes of their words, one after another."""

    def __init__(self) -> None:
        self.words, self.ends = array("Q"), array("q")
        self.numbers, self.lines, self.long = array("q"), array("q"), array("b")
        self.path = ""

    def add(self, row: Row) -> bool:
        """False if there is no room for it."""
        words = words_of(row.unit)
        if len(self.words) + len(words) > MOST:
            return False
        self.path = row.place.path
        self.words.frombytes(words.tobytes())
        self.ends.append(len(self.words))
        self.numbers.append(row.number)
        self.lines.append(row.place.line)
        self.long.append(len(words) >= LEAST_WORDS and len(row.unit.strip().encode("utf-8")) >= LEAST_BYTES)
        return True

    def __len__(self) -> int:
        return len(self.ends)


class Parts(Check):
    """Whether the words of a text stand in a row in another, longer one."""

    kinds: ClassVar[Mapping[str, Kind]] = {
        "part": Kind(
            "a text that is a part of another row's",
            "split by the whole texts, never at random: a random split leaks",
        ),
        "leak-part": Kind(
            "a text that is a part of one of the other file, or has one as a part",
            "drop it from one of them",
            True,
        ),
    }

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.own, self.theirs = Texts(), Texts()
        self.is_full = False

    def other(self, row: Row) -> None:
        self._add(self.theirs, row)

    def row(self, row: Row) -> Iterator[Finding]:
        if not row.is_of_group:  # Questions share their passages.
            self._add(self.own, row)
        yield from ()

    def _add(self, texts: Texts, row: Row) -> None:
        if not texts.add(row) and not self.is_full:
            self.is_full = True
            self.study.unchecked.append(f"parts were looked for among the first {MOST:,} words of a file")

    def end(self) -> Iterator[Finding]:
        if not len(self.own):
            return
        wholes = first_wholes(self.own, self.own)
        for at in np.flatnonzero(wholes >= 0).tolist():
            message = f"a part of line {self.own.lines[wholes[at]]}"
            yield self._told("part", at, message, drop=False)
        if len(self.theirs):
            yield from self._leaks()

    def _leaks(self) -> Iterator[Finding]:
        inside = first_wholes(self.own, self.theirs)
        parts, wholes = pairs(self.theirs, self.own)
        holds = np.full(len(self.own), -1, np.int64)
        holds[wholes] = parts
        for at in range(len(self.own)):
            if inside[at] >= 0:
                yield self._told("leak-part", at, f"a part of {self._there(int(inside[at]))}", drop=True)
            elif holds[at] >= 0:
                yield self._told("leak-part", at, f"has {self._there(int(holds[at]))} as a part", drop=True)

    def _there(self, at: int) -> Place:
        return Place(self.theirs.path, self.theirs.lines[at])

    def _told(self, code: str, at: int, message: str, *, drop: bool) -> Finding:
        place = Place(self.own.path, self.own.lines[at])
        return self.found(code, place, message, number=self.own.numbers[at], drop=drop)


def first_wholes(parts: Texts, wholes: Texts) -> Numbers:
    """For each text one that it is a part of, -1 if there is none. int64 [parts]."""
    found = np.full(len(parts), -1, np.int64)
    one, other = pairs(parts, wholes)
    found[one[::-1]] = other[::-1]
    return found


def pairs(parts: Texts, wholes: Texts) -> tuple[Numbers, Numbers]:
    """Every text of the one, and a longer text of the other that holds its words in a row: int64 [pairs].

    Both are compared by the hashes of their words, weighted by powers of one number by their places
    (Karp & Rabin 1987), modulo 2⁶⁴.
    """
    none = np.zeros(0, np.int64)
    if not len(parts) or not len(wholes) or len(wholes.words) < LEAST_WORDS:
        return none, none
    size = max(len(parts.words), len(wholes.words)) + 1
    powers = np.multiply.accumulate(np.concatenate([np.ones(1, np.uint64), np.full(size, _BASE)]))
    sought, there = _Laid(parts, powers), _Laid(wholes, powers)
    starts = np.flatnonzero(np.frombuffer(parts.long, np.int8))
    keys = sought.run(sought.starts[starts], np.full(len(starts), LEAST_WORDS))
    grams = there.run(np.arange(len(wholes.words) - LEAST_WORDS + 1), LEAST_WORDS)
    order = np.argsort(grams, kind="stable")
    low = np.searchsorted(grams, keys, "left", sorter=order)
    high = np.searchsorted(grams, keys, "right", sorter=order)
    lengths = sought.lengths[starts]
    whole_keys = sought.run(sought.starts[starts], lengths)
    of_part, of_whole = [none], [none]
    for step in range(_TRIES):
        some = np.flatnonzero(low + step < high)
        if not len(some):
            break
        at = order[low[some] + step]
        text = there.text_at(at)
        fits = (at + lengths[some] <= there.ends[text]) & (there.lengths[text] > lengths[some])
        some, at, text = some[fits], at[fits], text[fits]
        same = there.run(at, lengths[some]) == whole_keys[some]
        of_part.append(starts[some[same]])
        of_whole.append(text[same])
    return np.concatenate(of_part), np.concatenate(of_whole)


class _Laid:
    """Texts with the sums that give the hash of any run of words."""

    def __init__(self, texts: Texts, powers: Hashes) -> None:
        words = np.frombuffer(texts.words, np.uint64) if texts.words else np.zeros(0, np.uint64)
        self.ends: Numbers = np.frombuffer(texts.ends, np.int64)
        self.starts: Numbers = np.concatenate([np.zeros(1, np.int64), self.ends[:-1]])
        self.lengths: Numbers = self.ends - self.starts
        self.powers = powers
        sums = np.add.accumulate(words * powers[: len(words)])
        self.sums: Hashes = np.concatenate([np.zeros(1, np.uint64), sums])

    def run(self, at: Numbers, length: Numbers | int) -> Hashes:
        """The hash of so many words from each place on, wherever they stand."""
        last = len(self.powers) - 1
        shifted: Hashes = (self.sums[at + length] - self.sums[at]) * self.powers[last - at]
        return shifted

    def text_at(self, at: Numbers) -> Numbers:
        """The text that each place is in."""
        return np.searchsorted(self.ends, at, "right").astype(np.int64)
