"""The Input of tasks that say something of each word: a text, or its tokens, and where each word stands."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert import strict_json
from litebert.errors import InputError
from litebert.tasks import texts
from litebert.tasks.task import Record
from litebert.text.han import HAN

COLUMNS = {
    "text": texts.COLUMNS["text"],
    "tokens": ("tokens", "words", "token", "word", "characters", "chars", "词", "字"),
}
"""The column names that mean a text and its tokens."""

Bounds = NDArray[np.int64]
"""[words, 2]: where each begins in the text, and where it ends."""

_KANA = "\u3040-\u30ff\u31f0-\u31ff"
_CJK_MARKS = "\u3000-\u303f\uff01-\uff65\u2014\u2018\u2019\u201c\u201d\u2026"
UNSPACED = re.compile(f"[{HAN}{_KANA}{_CJK_MARKS}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
"""Characters between which and their neighbours no space is written: of Chinese, Japanese, Thai, Lao, Burmese
and Khmer."""
_MARKS = (
    f"{re.escape(string.punctuation)}\u00a1-\u00bf\u2010-\u205e\u3001-\u303f\uff01-\uff0f\uff1a-\uff20"
    r"\uff3b-\uff40\uff5b-\uff65"
)
_SHOWN = 30
"""Characters of a text that a message shows."""
_WORD = re.compile(rf"[{HAN}{_KANA}]|\d+|[^\s\d{_MARKS}{HAN}{_KANA}]+|\S")


@dataclass(frozen=True, slots=True)
class Words(Record):
    """A text, or the tokens of one; offsets in answers are into the text, or into the tokens joined."""

    text: str | None = None
    """The text to read. May be left out where there are tokens."""
    tokens: tuple[str, ...] | None = None
    """The words of the text in order, where somebody has cut it; without a text they are joined."""

    def __post_init__(self) -> None:
        if self.text is None and self.tokens is None:
            raise ValueError("there is neither a text nor tokens; one of them is needed")
        for place, token in enumerate(self.tokens or ()):
            if not token:
                raise ValueError(f"token {place}, counted from 0, is empty")


def cut(text: str) -> Bounds:
    """Where the words of a text stand that nobody has cut: a Chinese character or a mark by itself, digits
    apart from letters."""
    spans = [match.span() for match in _WORD.finditer(text)]
    return np.array(spans, dtype=np.int64).reshape(-1, 2)


def joined(tokens: Sequence[str]) -> tuple[str, Bounds]:
    """Tokens as a text, with a space between two unless one of them is of a script that writes none.

    Where all are single characters and some are of such a script, all are joined so: that text was cut into
    characters, digits and letters among them.

    >>> joined(["EU", "rejects"])[0], joined(["在", "2004", "年"])[0], joined(["共", "1", "2", "人"])[0]
    ('EU rejects', '在2004年', '共12人')
    """
    characters = all(len(token) == 1 for token in tokens) and any(map(UNSPACED.match, tokens))
    parts: list[str] = []
    for place, token in enumerate(tokens):
        apart = place and not characters and not (UNSPACED.match(token[0]) or UNSPACED.match(parts[-1][-1]))
        parts += [" ", token] if apart else ["", token]
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    return "".join(parts), np.stack([ends[0::2], ends[1::2]], axis=1) if parts else cut("")


def laid_out(given: Words) -> tuple[str, Bounds]:
    """The text of an Input and where each of its words stands in it. Raises `InputError` for tokens that the
    text does not have in that order."""
    if given.tokens is None:
        text = given.text or ""
        return text, cut(text)
    if given.text is None:
        return joined(given.tokens)
    return given.text, _found(given.text, given.tokens)


def checked(given: Words) -> tuple[str, Bounds]:
    """`laid_out` of a row of a file: raises `ValueError`."""
    try:
        return laid_out(given)
    except InputError as error:
        raise ValueError(error.message) from None


def of_cells(cells: Mapping[str, Any], columns: Mapping[str, str]) -> Words:
    """The Input that a row of a file holds. Raises `ValueError`."""
    text, tokens = cells.get(columns.get("text", "text")), parsed(cells.get(columns.get("tokens", "tokens")))
    if text is not None and not isinstance(text, str):
        raise ValueError(f"text must be a text, but is {text!r}")
    if tokens is not None and not (
        isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)
    ):
        raise ValueError(f"tokens must be a list of texts, but are {tokens!r}")
    return Words(text, None if tokens is None else tuple(tokens))


def cells_of(cells: Mapping[str, Any], columns: Mapping[str, str], given: Words, text: str) -> dict[str, Any]:
    """The row with what the Input's fields are read from."""
    tokens = {} if given.tokens is None else {columns.get("tokens", "tokens"): given.tokens}
    return {**cells, **tokens, columns.get("text", "text"): text}


def parsed(cell: Any) -> Any:
    """What a cell with a list or an object as JSON holds; nothing if it is empty."""
    if isinstance(cell, str) and cell[:1] in ("[", "{"):
        try:
            return strict_json.loads(cell)
        except ValueError as error:
            raise ValueError(f"is not JSON: {error}") from None
    return None if cell == "" else cell


def _found(text: str, tokens: Sequence[str]) -> Bounds:
    spans, at = [], 0
    for place, token in enumerate(tokens):
        start = text.find(token, at)
        if start < 0 or text[at:start].strip():
            raise InputError(
                f"token {place}, {token[:_SHOWN]!r}, does not come next in the text, which goes on "
                f"{text[at : at + _SHOWN]!r}; leave the text out to have the tokens joined",
                code="tokens",
            )
        at = start + len(token)
        spans.append((start, at))
    return np.array(spans, dtype=np.int64).reshape(-1, 2)
