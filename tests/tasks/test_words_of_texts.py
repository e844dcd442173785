"""Words: where they stand, and the pieces at which each is read once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.embedded import tokenizer_folder
from litebert.errors import InputError
from litebert.tasks import word_pieces, words
from litebert.tasks.words import Words, laid_out
from litebert.text.loading import load_tokenizer

TOKENIZER = load_tokenizer(tokenizer_folder())
SOME = ["EU", "北京", "大学", "在", "2004", "U.S.", "a", "\u200b", "，", "ﬃ"]
TOKENS = st.lists(st.sampled_from(SOME), max_size=30)


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["EU", "rejects", "German", "call", "."], "EU rejects German call ."),
        (["我", "在", "北京"], "我在北京"),
        (["同樣", ",", "施力", "的"], "同樣,施力的"),
        (["自從", "2004", "年", "提出"], "自從2004年提出"),
        (["1", "9", "6", "6", "年", "I", "T"], "1966年IT"),
        (["New", "York", "在", "美国"], "New York在美国"),
        (["a", "b"], "a b"),
        (["ไทย", "ดี"], "ไทยดี"),
        ([], ""),
    ],
)
def test_tokens_are_joined_as_their_language_does(tokens: list[str], text: str) -> None:
    made, bounds = words.joined(tokens)
    assert made == text
    assert [made[start:end] for start, end in bounds] == tokens


def test_a_text_is_cut_at_marks_digits_and_chinese_characters() -> None:
    text = "U.S. 股市WCG2011，don't ½é\u0301!"
    parts = [text[start:end] for start, end in words.cut(text)]
    assert parts == [
        *("U", ".", "S", ".", "股", "市", "WCG", "2011", "，", "don", "'", "t", "½", "é\u0301", "!"),
    ]


@given(st.text())
def test_nothing_but_white_space_is_outside_words(text: str) -> None:
    bounds = words.cut(text)
    inside = set(np.concatenate([np.arange(*pair) for pair in bounds])) if len(bounds) else set()
    assert all(letter.isspace() for at, letter in enumerate(text) if at not in inside)
    assert (bounds[1:, 0] >= bounds[:-1, 1]).all()


def test_tokens_of_a_text_are_found_in_it() -> None:
    text, bounds = laid_out(Words("I don't  know.", ("I", "do", "n't", "know", ".")))
    assert [text[start:end] for start, end in bounds] == ["I", "do", "n't", "know", "."]
    with pytest.raises(InputError, match="token 1, 'no', does not come next") as caught:
        laid_out(Words("I know", ("I", "no")))
    assert caught.value.code == "tokens"


@pytest.mark.parametrize(
    ("text", "tokens", "told"), [(None, None, "neither a text nor tokens"), (None, ("a", ""), "token 1")]
)
def test_an_input_without_words_is_none(text: str | None, tokens: tuple[str, ...] | None, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Words(text, tokens)


@given(TOKENS, st.integers(6, 40))
def test_each_word_is_read_once_at_a_piece_of_its_own(tokens: list[str], limit: int) -> None:
    given_ = Words(tokens=tuple(tokens))
    text, bounds = laid_out(given_)
    rows = word_pieces.encode(given_, TOKENIZER, limit, "window")
    read = np.concatenate([row.words[row.read] for row in rows])
    assert read.tolist() == list(range(len(tokens)))
    for row in rows:
        assert len(row) <= limit
        for piece in row.read.tolist():
            (start, end), (low, high) = row.spans[piece], row.bounds[piece]
            assert (low, high) == tuple(bounds[row.words[piece]])
            assert low <= start < end <= high
            assert text[start:end]


def test_no_piece_is_of_two_words() -> None:
    whole = TOKENIZER.encode("北京大学")
    assert len(whole) < 4 + 1  # The vocabulary has longer pieces,
    (row,) = word_pieces.encode(Words("我在北京大学读书"), TOKENIZER, 64, "window")
    assert len(row.read) == 8  # but each character is read,
    pieces = [TOKENIZER.piece(int(row.ids[at])) for at in row.read]
    assert pieces == list("我在北京大学读书")  # as itself.


def test_a_word_that_the_tokenizer_drops_is_an_unknown_piece() -> None:
    (row,) = word_pieces.encode(Words(tokens=("a", "\u200b", "b")), TOKENIZER, 16, "window")
    assert len(row.read) == 3
    assert row.ids[row.read[1]] == TOKENIZER.unknown


def test_overlapping_windows_read_a_word_where_more_is_around_it() -> None:
    given_ = Words(tokens=tuple(["the"] * 40))
    rows = word_pieces.encode(given_, TOKENIZER, 18, "window")
    assert len(rows) > 2
    for row in rows[1:-1]:
        assert row.read[0] > 1 and row.read[-1] < len(row) - 2
    assert sum(len(row) - 2 for row in rows) > 40  # They do overlap.


def test_long_texts_can_be_cut_or_refused() -> None:
    given_ = Words(tokens=tuple(["the"] * 40))
    (row,) = word_pieces.encode(given_, TOKENIZER, 18, "truncate")
    assert row.truncated == 24 and len(row.read) == 16
    with pytest.raises(InputError) as caught:
        word_pieces.encode(given_, TOKENIZER, 18, "refuse")
    assert caught.value.code == "too_long"


def test_one_endless_word_is_not_read_in_windows_that_hold_only_its_rest() -> None:
    rows = word_pieces.encode(Words("ab" * 5_000), TOKENIZER, 32, "window")
    assert len(rows) == 1 and rows[0].words.max() == 0


@given(st.lists(TOKENS, max_size=5))
def test_many_are_encoded_as_one_by_one(many: list[list[str]]) -> None:
    inputs = [*(Words(tokens=tuple(tokens)) for tokens in many), Words("half \ud800"), Words("x", ("y",))]
    for one, found in zip(inputs, word_pieces.encode_many(inputs, TOKENIZER, 20, "window"), strict=True):
        try:
            expected = word_pieces.encode(one, TOKENIZER, 20, "window")
        except InputError as error:
            assert isinstance(found, InputError) and found.message == error.message
        else:
            assert [row.ids.tolist() for row in found] == [row.ids.tolist() for row in expected]
