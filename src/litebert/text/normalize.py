"""What ALBERT does to a text before SentencePiece sees it, with the way back to the characters given.

google-research/albert, `preprocess_text`: white space stripped and collapsed, NFKD, combining characters
removed, lower case. Each character is taken apart alone and loses its marks before it meets its neighbours:
the result is the same (NFKD reorders only marks), and no run of marks can make the sorting slow.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from litebert.text.limits import code_points

Ints = NDArray[np.int64]

_SPACES = np.array([chr(code).isspace() for code in range(0x3002)])  # None lies above U+3000.
_FOREIGN = re.compile("[^\x00-\x7f\u3001-\u3011\u4e00-\u9fff]+")
"""What may change: not ASCII, nor the Chinese characters and marks that never do, which are most of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the characters of a changed text came from.

    starts, ends: int [n + 1] each: character `i` of the changed text came from `starts[i]` to `ends[i]`
    (exclusive) of the text before; the last entry is where the text goes on after the last character.
    """

    starts: Ints
    ends: Ints

    def back(self, spans: NDArray[np.integer]) -> Ints:
        """Spans [n, 2] in the changed text as spans in the text before; an empty one stays empty."""
        starts, ends = spans[:, 0], spans[:, 1]
        back = self.starts[starts]
        return np.stack((back, np.where(starts == ends, back, self.ends[ends - 1])), axis=1)


class Normalized(NamedTuple):
    """A text as SentencePiece gets it.

    Where `places` is None, character `i` of `text` stood at `i + shift` of the text as given. Otherwise
    `places` tells; a character ends with the removed marks that followed it.
    """

    text: str
    shift: int = 0
    places: Places | None = None


class Normalizer:
    """`preprocess_text` with its options: `do_lower_case`, and `keep_accents` (which leaves NFKD out too)."""

    def __init__(self, *, do_lower_case: bool = True, keep_accents: bool = False) -> None:
        self.do_lower_case = do_lower_case
        self.keep_accents = keep_accents
        self._apart = _Apart()
        self._one_for_one = _OneForOne(self._apart)
        self._sizes_and_one = np.zeros(sys.maxunicode + 1, np.uint8)  # 0: not met yet.

    def __call__(self, text: str) -> Normalized:
        """Normalise a text that `check` has passed."""
        inner = text.strip()
        if inner.isascii() and inner.isprintable() and "  " not in inner:  # Nearly all of them.
            plain, shift = inner, len(text) - len(text.lstrip())
            return Normalized(plain.lower() if self.do_lower_case else plain, shift)
        collapsed = " ".join(inner.split())
        plain = collapsed if self.keep_accents else _changed(collapsed, self._one_for_one)
        is_one_for_one = len(plain) == len(collapsed)
        if not is_one_for_one:
            plain = _changed(collapsed, self._apart)
        if self.do_lower_case:
            plain = plain.lower()
            is_one_for_one = is_one_for_one and len(plain) == len(collapsed)
        if is_one_for_one and len(inner) == len(collapsed):
            return Normalized(plain, len(text) - len(text.lstrip()))
        return Normalized(plain, places=self._places(text, collapsed))

    def _places(self, text: str, collapsed: str) -> Places:
        kept, sizes = _kept(text), self._sizes(collapsed)
        starts = np.repeat(kept, sizes)
        ends = np.repeat(_ends_with_marks(kept, sizes), sizes)
        last = ends[-1:] if len(ends) else np.zeros(1, np.int64)
        return Places(np.append(starts, last), np.append(ends, last))

    def _sizes(self, collapsed: str) -> Ints:
        """How many characters each one becomes."""
        codes = code_points(collapsed)
        known = self._sizes_and_one[codes]
        if not known.all():
            for code in np.unique(codes[known == 0]).tolist():
                self._sizes_and_one[code] = self._size(code) + 1
            known = self._sizes_and_one[codes]
        return known.astype(np.int64) - 1

    def _size(self, code: int) -> int:
        form = chr(code) if self.keep_accents else self._apart[code]
        return len(form.lower() if self.do_lower_case else form)


def _changed(text: str, table: dict[int, str]) -> str:
    return _FOREIGN.sub(lambda run: run[0].translate(table), text)


class _Apart(dict[int, str]):
    """Code point to its NFKD form without combining characters, worked out once for each."""

    def __missing__(self, code: int) -> str:
        form = "".join(c for c in unicodedata.normalize("NFKD", chr(code)) if not unicodedata.combining(c))
        self[code] = form
        return form


class _OneForOne(dict[int, str]):
    """The same, but nothing for a character that becomes several. So a text that keeps its length had none
    of those, nor marks: each of its characters became one."""

    def __init__(self, apart: _Apart) -> None:
        self._apart = apart

    def __missing__(self, code: int) -> str:
        form = self._apart[code]
        self[code] = form if len(form) == 1 else ""
        return self[code]


def _kept(text: str) -> Ints:
    """Which characters of `text` are left, in order, by `" ".join(text.split())`."""
    codes = code_points(text)
    space = _SPACES[np.minimum(codes, len(_SPACES) - 1)]
    inked = np.flatnonzero(~space)
    if not len(inked):
        return np.zeros(0, np.int64)
    keep = ~space
    keep[1:] |= ~space[:-1]  # The first of each run of white space stands for the run …
    keep[inked[-1] + 1 :] = False  # … but none at the end, nor (it follows nothing) at the start.
    return np.flatnonzero(keep)


def _ends_with_marks(kept: Ints, sizes: Ints) -> Ints:
    """Where each kept character ends in the text as given, the removed characters right after it included."""
    lasting = np.flatnonzero(sizes)
    following = np.append(lasting[1:], len(sizes))
    ends = kept + 1
    ends[lasting] = kept[following - 1] + 1
    return ends
