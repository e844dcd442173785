"""Joining texts: what stands where, and that nothing is cut unsaid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from litebert.errors import InputError, UsageError
from litebert.text.encoding import Encoding, join
from litebert.text.pieces import Pieces
from litebert.text.wordpiece import WordPieceTokenizer


def pieces(count: int, first_id: int = 100) -> Pieces:
    """`count` pieces, each of one character, each told apart from all others by its id."""
    starts = np.arange(count, dtype=np.int32)
    return Pieces(starts + first_id, np.stack((starts, starts + 1), axis=1))


def texts_of(encoding: Encoding) -> tuple[list[int], list[int]]:
    """The ids of the two texts in a row, after checking its frame."""
    special = np.flatnonzero(encoding.spans[:, 0] < 0).tolist()
    assert encoding.ids.dtype == np.int32
    assert encoding.segments.dtype == np.int8
    assert encoding.spans.dtype == np.int32
    assert encoding.spans.shape == (len(encoding), 2)
    assert special[0] == 0
    assert special[-1] == len(encoding) - 1
    assert encoding.ids[special].tolist() == [2, 3, 3][: len(special)]
    assert encoding.spans[special].tolist() == [[-1, -1]] * len(special)
    middle = special[1]
    assert encoding.segments.tolist() == [0] * (middle + 1) + [1] * (len(encoding) - middle - 1)
    return encoding.ids[1:middle].tolist(), encoding.ids[middle + 1 : -1].tolist()


def popped(first: list[int], second: list[int], room: int) -> tuple[list[int], list[int]]:
    """google-research/bert, `_truncate_seq_pair`."""
    first, second = first.copy(), second.copy()
    while len(first) + len(second) > room:
        (first if len(first) > len(second) else second).pop()
    return first, second


def test_one_text_and_two(chinese: WordPieceTokenizer) -> None:
    [one] = join(chinese, chinese.encode("我爱 hello"))
    assert [chinese.piece(id) for id in one.ids.tolist()] == ["[CLS]", "我", "爱", "hello", "[SEP]"]
    assert one.segments.tolist() == [0] * 5
    assert one.spans.tolist() == [[-1, -1], [0, 1], [1, 2], [3, 8], [-1, -1]]
    [two] = join(chinese, chinese.encode("我"), chinese.encode(" 北京"))
    assert [chinese.piece(id) for id in two.ids.tolist()] == ["[CLS]", "我", "[SEP]", "北", "京", "[SEP]"]
    assert two.segments.tolist() == [0, 0, 0, 1, 1, 1]
    assert two.spans.tolist() == [[-1, -1], [0, 1], [-1, -1], [1, 2], [2, 3], [-1, -1]]
    assert one.truncated == two.truncated == 0


def test_an_empty_text_is_its_special_pieces(chinese: WordPieceTokenizer) -> None:
    for on_long in ("truncate", "window", "refuse"):
        assert [e.ids.tolist() for e in join(chinese, pieces(0), on_long=on_long)] == [[2, 3]]
        assert [e.ids.tolist() for e in join(chinese, pieces(0), pieces(0), on_long=on_long)] == [[2, 3, 3]]


sizes = st.integers(0, 60)
limits = st.integers(5, 40)


@settings(max_examples=100, deadline=None)
@given(first=sizes, second=st.none() | sizes, limit=limits)
def test_truncating_cuts_the_longer_and_counts(
    chinese: WordPieceTokenizer, first: int, second: int | None, limit: int
) -> None:
    a, b = pieces(first), None if second is None else pieces(second, 1000)
    [encoding] = join(chinese, a, b, limit=limit)
    kept = texts_of(encoding)
    room = limit - (2 if b is None else 3)
    assert kept == popped(a.ids.tolist(), [] if b is None else b.ids.tolist(), room)
    assert sum(map(len, kept)) + encoding.truncated == first + (second or 0)
    assert len(encoding) == min(limit, first + (second or 0) + limit - room)


@settings(max_examples=100, deadline=None)
@given(size=st.integers(0, 300), limit=limits, stride=st.integers(1, 60))
def test_windows_over_one_text_hold_all_of_it(
    chinese: WordPieceTokenizer, size: int, limit: int, stride: int
) -> None:
    rows = join(chinese, pieces(size), limit=limit, on_long="window", stride=stride)
    parts = [texts_of(row)[0] for row in rows]
    assert all(len(row) <= limit and row.truncated == 0 for row in rows)
    assert set().union(*parts) == set(range(100, 100 + size))
    starts = [part[0] - 100 for part in parts if part]
    assert starts == [min(stride, limit - 2) * place for place in range(len(starts))]
    assert all(part[-1] < 99 + size for part in parts[:-1]), "a window after the text's end"
    assert all(len(part) == limit - 2 for part in parts[:-1])


@settings(max_examples=100, deadline=None)
@given(first=st.integers(0, 30), second=st.integers(0, 200), limit=limits, stride=st.integers(1, 60))
def test_windows_over_a_second_text_hold_all_of_it_and_the_first(
    chinese: WordPieceTokenizer, first: int, second: int, limit: int, stride: int
) -> None:
    room = limit - 3 - first
    assume(room >= max(1, limit // 8))
    rows = join(chinese, pieces(first), pieces(second, 1000), limit=limit, on_long="window", stride=stride)
    firsts, seconds = zip(*map(texts_of, rows), strict=True)
    assert all(part == list(range(100, 100 + first)) for part in firsts)
    assert set().union(*seconds) == set(range(1000, 1000 + second))
    assert all(len(row) <= limit and row.truncated == 0 for row in rows)
    assert all(row.spans[-2].tolist() == [row.ids[-2] - 1000, row.ids[-2] - 999] for row in rows if second)


def test_windows_need_room_beside_the_first_text(chinese: WordPieceTokenizer) -> None:
    with pytest.raises(
        InputError, match=r"first text has 60 pieces; .* may have 53 at a limit of 64"
    ) as caught:
        join(chinese, pieces(60), pieces(100), limit=64, on_long="window")
    assert caught.value.code == "too_long"
    assert len(join(chinese, pieces(53), pieces(100), limit=64, on_long="window")) == 13
    assert len(join(chinese, pieces(58), pieces(3), limit=64, on_long="window")) == 1


def test_refusing_tells_the_count_and_the_limit(chinese: WordPieceTokenizer) -> None:
    assert len(join(chinese, pieces(510), on_long="refuse")) == 1
    with pytest.raises(InputError, match=r"the input has 1,513 pieces .* the limit is 512") as caught:
        join(chinese, pieces(1511), on_long="refuse")
    assert caught.value.code == "too_long"
    with pytest.raises(InputError, match="has 513 pieces"):
        join(chinese, pieces(255), pieces(255), on_long="refuse")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": 2}, "limit is 2; it must be 3 or more"),
        ({"stride": 0}, "stride is 0"),
        ({"on_long": "windows"}, "did you mean 'window'"),
    ],
)
def test_senseless_settings_are_refused(
    chinese: WordPieceTokenizer, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        join(chinese, pieces(10), **settings)
    with pytest.raises(UsageError, match="it must be 5 or more"):
        join(chinese, pieces(1), pieces(1), limit=4)
