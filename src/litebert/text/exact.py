"""Texts in a form that SentencePiece gives back to the character: white space that would be lost, made
visible.

SentencePiece keeps one space between words and nothing else of white space. Here every other white space, and
its own mark `▁`, becomes one character of a private area, which a vocabulary can hold as part of its pieces:
eight spaces of indentation may be one piece. Each character becomes one character, so spans stay what they
are.

A text that itself holds these private characters (U+F0000 to U+F001F) comes back with white space for them.
"""

from __future__ import annotations

import re
from typing import Literal

Spaces = Literal["between", "all"]
"""Which white space is made visible: `between` leaves one space between words as it is, which suits prose;
`all` leaves none, so that a word has the same pieces wherever it stands, which suits code that is copied."""

MARK = "▁"
_BASE = 0xF0000
_HIDDEN = [*(chr(code) for code in range(0x3001) if chr(code).isspace()), MARK]
_SHOWN = {ord(character): chr(_BASE + i) for i, character in enumerate(_HIDDEN)}
_BACK = {_BASE + i: character for i, character in enumerate(_HIDDEN)}
_ODD = re.compile(r"(?<!\S) | (?!\S)|[^\S ]|▁")
_ALL = re.compile(r"\s|▁")

SPACE = _SHOWN[ord(" ")]
"""What stands for a space."""


def shown(text: str, spaces: Spaces) -> str:
    """The text with its white space visible, character for character.

    >>> shown("a b", "between"), len(shown("  a b", "all"))
    ('a b', 5)
    """
    return (_ODD if spaces == "between" else _ALL).sub(lambda found: _SHOWN[ord(found[0])], text)


def back(text: str) -> str:
    """What `shown` was given."""
    return text.translate(_BACK)
