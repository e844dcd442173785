"""What ALBERT does to a text before SentencePiece sees it, with the way back to the characters given.

google-research/albert, `preprocess_text`: white space stripped and collapsed, NFKD, combining characters
removed, lower case. Each character is taken apart alone and loses its marks before it meets its neighbours:
the result is the same (NFKD reorders only marks), and no run of marks can make the sorting slow.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from litebert.text.limits import code_points

Ints = NDArray[np.int64]

_SPACES = np.array([chr(code).isspace() for code in range(0x3002)])  # None lies above U+3000.
_FOREIGN = re.compile(r"[^\x00-\x7f]+")


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

    def __call__(self, text: str) -> Normalized:
        """Normalise a text that `check` has passed."""
        inner = text.strip()
        if inner.isascii() and inner.isprintable() and "  " not in inner:  # Nearly all of them.
            plain, shift = inner, len(text) - len(text.lstrip())
            return Normalized(plain.lower() if self.do_lower_case else plain, shift)
        collapsed = " ".join(inner.split())
        plain = collapsed if self.keep_accents else self._take_apart(collapsed)
        if self.do_lower_case:
            plain = plain.lower()
        if _differs_in_case(inner, collapsed, plain):
            return Normalized(plain, len(text) - len(text.lstrip()))
        return Normalized(plain, places=self._places(text, collapsed))

    def _take_apart(self, text: str) -> str:
        return _FOREIGN.sub(lambda run: run[0].translate(self._apart), text)

    def _places(self, text: str, collapsed: str) -> Places:
        kept, sizes = _kept(text), self._sizes(collapsed)
        starts = np.repeat(kept, sizes)
        ends = np.repeat(_ends_with_marks(kept, sizes), sizes)
        last = ends[-1:] if len(ends) else np.zeros(1, np.int64)
        return Places(np.append(starts, last), np.append(ends, last))

    def _sizes(self, collapsed: str) -> Ints:
        """How many characters each one becomes."""
        codes = code_points(collapsed)
        sizes = np.ones(len(codes), np.int64)
        foreign = np.flatnonzero(codes > 0x7F)
        sizes[foreign] = [self._size(code) for code in codes[foreign].tolist()]
        return sizes

    def _size(self, code: int) -> int:
        form = chr(code) if self.keep_accents else self._apart[code]
        return len(form.lower() if self.do_lower_case else form)


class _Apart(dict[int, str]):
    """Code point to its NFKD form without combining characters, worked out once for each."""

    def __missing__(self, code: int) -> str:
        form = "".join(c for c in unicodedata.normalize("NFKD", chr(code)) if not unicodedata.combining(c))
        self[code] = form
        return form


def _differs_in_case(inner: str, collapsed: str, plain: str) -> bool:
    """Whether `plain` is `inner` character for character, case and kinds of white space left aside.

    Where only case has changed no mark was removed, so nothing can have made up for a character that became
    several: equal lengths mean one for one.
    """
    if not len(inner) == len(collapsed) == len(plain):
        return False
    return collapsed.isascii() or plain.lower() == collapsed.lower()


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
