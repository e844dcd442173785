"""Lines → paragraphs: lines that were wrapped at a column are put together again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

from litebert.text.han import HAN

NARROWEST, WIDEST = 25, 100
"""Columns. Nobody wraps prose narrower or wider."""

_FINAL = tuple(".!?。！？…:：;；\"'”’」』)）")
_HAN = re.compile(f"[{HAN}]")


def are_wrapped(lines: Sequence[str]) -> bool:
    """Whether the lines look cut at a column: nearly all narrow, most near the widest, few at a sentence's
    end.

    Only lines with another right below them tell; fewer than three of them tell nothing.
    """
    inner = [line.rstrip() for line, below in pairwise(lines) if line.strip() and below.strip()]
    if len(inner) < 3:
        return False
    widths = sorted(map(len, inner))
    widest = widths[int(0.95 * (len(widths) - 1))]
    ended = sum(line.endswith(_FINAL) for line in inner)
    full = sum(width >= 0.75 * widest for width in widths)
    return NARROWEST <= widest <= WIDEST and full >= len(inner) / 2 and ended <= len(inner) / 2


def join(lines: Iterable[str], *, wrapped: bool) -> list[str]:
    """Paragraphs of lines without white space at their ends: each line, or each run of lines between empty
    ones."""
    if not wrapped:
        return [line for line in lines if line]
    return [_together(run) for filled, run in groupby(lines, key=bool) if filled]


def _together(lines: Iterable[str]) -> str:
    """A paragraph from its lines, with a space between two of them unless both sides are Chinese."""
    text = ""
    for line in lines:
        gap = "" if not text or (_is_chinese(text[-1]) and _is_chinese(line[0])) else " "
        text += gap + line
    return text


def _is_chinese(character: str) -> bool:
    return (
        bool(_HAN.match(character)) or "\u3000" <= character <= "\u303f" or "\uff00" <= character <= "\uffef"
    )
