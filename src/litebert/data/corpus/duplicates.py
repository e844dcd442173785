"""Which documents say what an earlier one said: the same to the letter, or nearly.

Nearly: the sets of their runs of five words (of five characters in Chinese) are alike. MinHash estimates how
much (Broder 1997); datasketch draws the signatures and finds the pairs by locality-sensitive hashing.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

HASHES = 128
"""How many a signature holds: a similarity of 0.8 is estimated within ± 0.035 (one standard deviation)."""

RUN = 5
"""Words, or Chinese characters, that are looked at together."""

_HAN_START, _HAN_END, _PLANE = 0x2E80, 0x9FFF, 0x10000
_ODD = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ / golden ratio, odd: a good multiplier for hashing (Knuth 6.4)."""

Codes = NDArray[np.uint32]
Hashes = NDArray[np.uint64]


def digest(text: str) -> bytes:
    """16 bytes that tell a text from others, case and white space aside."""
    plain = "".join(text.lower().split())
    return blake2b(plain.encode(), digest_size=16).digest()


def runs(text: str) -> NDArray[np.uint32]:
    """A hash of each run of words, once each, ascending; of all words together if they are fewer than
    that."""
    words = words_of(text)
    if len(words):
        count = len(words) - min(RUN, len(words)) + 1
        words = _together(words[at : at + count] for at in range(len(words) - count + 1))
    hashes: NDArray[np.uint32] = np.sort((_mix(words) >> np.uint64(32)).astype(np.uint32))
    is_new = np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)]
    new: NDArray[np.uint32] = hashes[is_new]
    return new


def words_of(text: str) -> Hashes:
    """A hash of each word, in order; case aside. What lies between words does not count."""
    return _words(np.frombuffer(text.lower().encode("utf-32-le"), "<u4"))


def _words(codes: Codes) -> Hashes:
    """A hash of each word: of letters and digits in a row, or of one Chinese character."""
    is_word = _is_word()[np.minimum(codes, _PLANE)]
    is_han = (codes >= _HAN_START) & (codes <= _HAN_END) | (codes >= 0x20000)
    follows = np.zeros(len(codes), bool)
    follows[1:] = is_word[1:] & is_word[:-1] & ~is_han[1:] & ~is_han[:-1]
    starts = np.flatnonzero(is_word & ~follows)
    if not len(starts):
        return np.zeros(0, np.uint64)
    # Each letter counts by its place in its word, so that a word's hash is a sum over it.
    first = np.repeat(starts, np.diff(np.append(starts, len(codes))))
    place = np.arange(starts[0], len(codes)) - first
    letters = _mix(codes[starts[0] :].astype(np.uint64) * _ODD + place.astype(np.uint64))
    letters[~is_word[starts[0] :]] = 0
    return np.add.reduceat(letters, starts - starts[0])


def _together(parts: Iterable[Hashes]) -> Hashes:
    """A hash of several, one after another, in each place."""
    first, *others = parts
    total = _mix(first)
    for part in others:
        total = _mix(total * _ODD + part)
    return total


def _mix(values: Hashes) -> Hashes:
    """The finaliser of MurmurHash3, by which each bit of the result depends on each bit of the value."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


class Signer:
    """MinHash signatures; the permutations are drawn once. Imports datasketch."""

    def __init__(self) -> None:
        from datasketch import MinHash

        self._empty = MinHash(num_perm=HASHES, hashfunc=int)

    def __call__(self, text: str) -> NDArray[np.uint32]:
        """uint32 [HASHES]."""
        sketch = self._empty.copy()
        sketch.update_batch(runs(text).tolist())
        signature: NDArray[np.uint32] = sketch.hashvalues
        return signature


def exact(digests: NDArray[np.uint64]) -> NDArray[np.int64]:
    """For each document [n, 2] the first with the same digest: its own number if it is the first. int64
    [n]."""
    _, first, group = np.unique(digests, axis=0, return_index=True, return_inverse=True)
    return first[group.reshape(-1)]


def near(signatures: NDArray[np.uint32], candidates: NDArray[np.int64], threshold: float) -> dict[int, int]:
    """Which of the candidates to drop, each with the earlier one, which stays, that it is most like.

    Taken in order, so that the result is a function of the documents and their order.
    """
    seen = Seen(threshold)
    some = candidates[_share_a_band(signatures[candidates], seen.bands)]
    found = ((number, seen.add(number, signatures[number])) for number in some.tolist())
    return {number: other for number, other in found if other is not None}


def _share_a_band(signatures: NDArray[np.uint32], bands: list[slice]) -> NDArray[np.bool_]:
    """Which documents agree with any other over a whole band of their signatures: by the rule of
    locality-sensitive hashing no others are looked at, and they are few."""
    shared = np.zeros(len(signatures), bool)
    for band in bands:
        keys = _together(signatures[:, band].T.astype(np.uint64))
        _, group, counts = np.unique(keys, return_inverse=True, return_counts=True)
        shared |= counts[group] > 1
    return shared


class Seen:
    """The documents that stay, so far. Imports datasketch."""

    def __init__(self, threshold: float) -> None:
        from datasketch import MinHashLSH

        self.threshold = threshold
        # Rather too many pairs than too few: each is looked at.
        self._index = MinHashLSH(threshold=threshold, num_perm=HASHES, weights=(0.1, 0.9))
        self.bands = [slice(start, end) for start, end in self._index.hashranges]
        self._signatures: dict[int, NDArray[np.uint32]] = {}

    def add(self, number: int, signature: NDArray[np.uint32]) -> int | None:
        """The earlier one, which stays, that a document is most like, if it is like enough; or it stays."""
        sketch = _sketch(signature)
        if (best := self._like(signature, sketch)) is not None:
            return best
        self._signatures[number] = signature
        self._index.insert(number, sketch, check_duplication=False)
        return None

    def like(self, signature: NDArray[np.uint32]) -> int | None:
        """The one of those that stay that a document is most like, if it is like enough."""
        return self._like(signature, _sketch(signature))

    def _like(self, signature: NDArray[np.uint32], sketch: Any) -> int | None:
        likeness = {
            other: _likeness(signature, self._signatures[other]) for other in self._index.query(sketch)
        }
        best: int | None = max(likeness, key=lambda other: (likeness[other], -other), default=None)
        return best if best is not None and likeness[best] >= self.threshold else None


def _sketch(signature: NDArray[np.uint32]) -> Any:
    from datasketch import LeanMinHash

    return LeanMinHash(seed=1, hashvalues=signature, scheme="affine32")


def _likeness(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> float:
    return float(np.mean(one == other))


@cache
def _is_word() -> NDArray[np.bool_]:
    """Which characters make words, up to U+FFFF; what lies beyond are Chinese characters, and a few
    others."""
    return np.array([*(chr(code).isalnum() for code in range(_PLANE)), True])
