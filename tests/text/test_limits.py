"""Texts that are too much: refused at once, or read in a time that grows no faster than they do."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from litebert.errors import InputError
from litebert.text.limits import EXPANDED_LIMIT, TEXT_LIMIT
from litebert.text.tokenizer import Tokenizer


@pytest.fixture(params=["english", "chinese"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    tokenizer: Tokenizer = request.getfixturevalue(request.param)
    return tokenizer


def seconds(task: Callable[[], object]) -> float:
    """The processor's time, the best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        task()
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize("size", [1_000_000, 3_000_000])
def test_what_would_grow_eighteenfold_is_refused_at_once(tokenizer: Tokenizer, size: int) -> None:
    text = "\ufdfa" * size

    def refused() -> None:
        with pytest.raises(InputError, match="characters") as caught:
            tokenizer.encode(text)
        assert caught.value.code == "too_long"

    assert seconds(refused) < 0.05


def test_the_expanded_length_is_told(tokenizer: Tokenizer) -> None:
    with pytest.raises(
        InputError, match=r"has 300,000 characters, which become 5,400,000 .* at most 4,000,000"
    ):
        tokenizer.encode("\ufdfa" * 300_000)


def test_the_limit_is_the_limit(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode("a " * (TEXT_LIMIT // 2))) == TEXT_LIMIT // 2
    with pytest.raises(InputError, match=r"1,000,001 characters; at most 1,000,000") as caught:
        tokenizer.encode(" " * (TEXT_LIMIT + 1))
    assert caught.value.code == "too_long"


def test_a_million_hangul_syllables_are_within_it() -> None:
    assert TEXT_LIMIT * 3 <= EXPANDED_LIMIT


LONG = {
    "word": "a",
    "unknown word": "漢",
    "letters beyond the first plane": "\U00010a40,",
    "digits and commas": "9,",
    "marks in the wrong order": "\u0301\u0316",
    "characters that are all mark": "\u0f73\u0301",
    "marks unknown to old tables": "\u08d3\u08ca",
    "nothing but nul": "\x00",
    "right to left": "\u202e",
    "zero width": "\u200b",
    "emoji": "👩‍👩‍👧",
    "hangul": "각",
    "fractions": "½",
    "SentencePiece's own mark": "▁",
    "special pieces": "[SEP]",
}


@pytest.mark.parametrize("unit", LONG.values(), ids=LONG.keys())
def test_time_grows_no_faster_than_the_text(tokenizer: Tokenizer, unit: str) -> None:
    """Anything quadratic would take minutes."""
    text = "x" + unit * (60_000 // len(unit))
    start = time.process_time()
    pieces = tokenizer.encode(text)
    assert time.process_time() - start < 2
    assert pieces.spans.max() <= len(text)
