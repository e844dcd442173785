"""Rows for the model, of the pieces of one text or two: ids, segments and spans of characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from litebert.errors import InputError, UsageError, nearest
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

OnLong = Literal["truncate", "window", "refuse"]

SMALLEST_WINDOW = 8
"""A window over a second text holds at least one in so many of the pieces: narrower ones are too many."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """One row for the model: `[CLS] A [SEP]` or `[CLS] A [SEP] B [SEP]`.

    ids: int32 [n]. segments: int8 [n], 0 up to the first `[SEP]`, then 1. spans: int32 [n, 2], in characters
    of the text of that segment, as given; (-1, -1) for `[CLS]` and `[SEP]`, so that `spans[:, 0] >= 0` tells
    text from frame. truncated: how many pieces were cut from the two texts; 0 in a window, since the others
    hold the rest.
    """

    ids: NDArray[np.int32]
    segments: NDArray[np.int8]
    spans: NDArray[np.int32]
    truncated: int = 0

    def __len__(self) -> int:
        return len(self.ids)


def join(
    tokenizer: Tokenizer,
    first: Pieces,
    second: Pieces | None = None,
    *,
    limit: int = 512,
    on_long: OnLong = "truncate",
    stride: int = 128,
) -> list[Encoding]:
    """Put one text or two between the special pieces, in at most `limit` pieces. Nothing is cut unsaid.

    What to do with more: `truncate` cuts pieces from the end of the longer text (of the second, where both
    are as long) and counts them in `truncated`. `window` gives several encodings, each beginning `stride`
    pieces after the one before (or where that one ended, if it holds fewer), over the text, or over the
    second of two, with the first whole in each. `refuse` raises. Without need all three give the same one.

    Raises `InputError` (code `too_long`) when refusing, and where the first text leaves its windows too
    little room; `UsageError` for a `limit` with no room for text, a `stride` under 1 or another `on_long`.
    """
    _check(limit, on_long, stride, pair=second is not None)
    room = limit - (2 if second is None else 3)
    length = len(first) + (0 if second is None else len(second))
    if length <= room:
        return [_frame(tokenizer, first, second)]
    if on_long == "refuse":
        raise InputError(
            f"the input has {length + limit - room:,} pieces with the special ones; the limit is {limit:,}",
            code="too_long",
        )
    if on_long == "truncate":
        return [_truncated(tokenizer, first, second, room)]
    if second is None:
        return [_frame(tokenizer, part) for part in windows(first, room, stride)]
    return [
        _frame(tokenizer, first, part) for part in windows(second, _left(first, second, room, limit), stride)
    ]


def _check(limit: int, on_long: str, stride: int, *, pair: bool) -> None:
    least = 5 if pair else 3
    if limit < least:
        raise UsageError(
            f"limit is {limit}; it must be {least} or more, to hold the special pieces and some text"
        )
    if stride < 1:
        raise UsageError(f"stride is {stride}; it must be 1 or more, or the windows would never move on")
    if on_long not in get_args(OnLong):
        raise UsageError(nearest(on_long, get_args(OnLong), "way with long texts"))


def _truncated(tokenizer: Tokenizer, first: Pieces, second: Pieces | None, room: int) -> Encoding:
    """Cut as if piece by piece from the longer: a text no longer than half the room keeps all."""
    if second is None:
        return _frame(tokenizer, first.part(0, room), truncated=len(first) - room)
    kept = min(len(first), max(room - len(second), (room + 1) // 2))
    cut = len(first) + len(second) - room
    return _frame(tokenizer, first.part(0, kept), second.part(0, room - kept), truncated=cut)


def _left(first: Pieces, second: Pieces, room: int, limit: int) -> int:
    """How many pieces of the second text a window can hold beside the whole first one."""
    left = room - len(first)
    wanted = min(len(second), max(1, limit // SMALLEST_WINDOW))
    if left < wanted:
        raise InputError(
            f"the first text has {len(first):,} pieces; beside windows over the second it may have"
            f" {max(0, room - wanted):,} at a limit of {limit:,}",
            code="too_long",
        )
    return left


def windows(pieces: Pieces, width: int, stride: int) -> list[Pieces]:
    """Parts of at most `width` pieces that together hold them all; the last is the first to reach the end."""
    step = min(stride, width)
    last = max(0, -(-(len(pieces) - width) // step))
    return [pieces.part(step * k, step * k + width) for k in range(last + 1)]


def _frame(tokenizer: Tokenizer, first: Pieces, second: Pieces | None = None, truncated: int = 0) -> Encoding:
    cls, sep = np.array([tokenizer.cls], np.int32), np.array([tokenizer.sep], np.int32)
    no_span = np.full((1, 2), -1, np.int32)
    ids, spans = [cls, first.ids, sep], [no_span, first.spans, no_span]
    if second is not None:
        ids += [second.ids, sep]
        spans += [second.spans, no_span]
    segments = np.zeros(sum(map(len, ids)), np.int8)
    segments[len(first) + 2 :] = 1
    return Encoding(np.concatenate(ids), segments, np.concatenate(spans), truncated)
