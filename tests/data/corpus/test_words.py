"""Word starts against the rule of google-research/albert, and against jieba's own words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.data.corpus.words import WordStarts
from litebert.text.loading import load_tokenizer
from litebert.text.wordpiece import WordPieceTokenizer


def published(piece: str) -> bool:
    """`_is_start_piece_sp` of google-research/albert, written out again."""
    special = set('!"#$%&"()*+,-./:;?@[\\]^_`{|}~') | {"€", "£"}
    english = set("abcdefghijklmnopqrstuvwxyz")
    return (
        piece.startswith(("▁", "<"))
        or piece in special
        or not all(i.lower() in english | special for i in piece)
    )


def starts(tokenizer: Path, texts: list[str], words: str) -> tuple[list[str], list[bool]]:
    opened = load_tokenizer(tokenizer)
    pieces = opened.encode_many(texts)
    flags = WordStarts(opened, words)(texts, pieces)  # type: ignore[arg-type]
    return [opened.piece(int(id)) for each in pieces for id in each.ids], flags.tolist()


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(
        st.sampled_from("the old sailor, (found) seventeen; 1984 £5 don't <b> co-op. 邻居喜欢苹果 é"),
        min_size=1,
    )
)
def test_without_jieba_it_is_the_published_rule(tokenizer: Path, text: str) -> None:
    pieces, flags = starts(tokenizer, [text], "pieces")
    assert flags[:1] == [True] * len(flags[:1])
    assert flags[1:] == [published(piece) for piece in pieces[1:]]


def test_wordpiece_goes_by_its_marks() -> None:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "play", "##ing", "好", "!"]
    opened = WordPieceTokenizer(vocabulary)
    texts = ["playing 好好!"]
    assert WordStarts(opened, "pieces")(texts, opened.encode_many(texts)).tolist() == [
        True,
        False,
        True,
        True,
        True,
    ]


def test_chinese_words_are_jiebas(tokenizer: Path) -> None:
    jieba = pytest.importorskip("rjieba", reason="needs rjieba: pip install 'litebert[data]'")
    opened = load_tokenizer(tokenizer)
    texts = [
        "昨天，研究人员喜欢自然语言处理。",
        "The sailor found 图书馆 in 北京大学!",
        "plain English",
        "历史",
    ]
    pieces = opened.encode_many(texts)
    flags = WordStarts(opened, "jieba")(texts, pieces)
    at = 0
    for text, each in zip(texts, pieces, strict=True):
        edges, place = set(), 0
        for word in jieba.cut(text):
            edges.add(place)
            place += len(word)
        before = None
        for id, (start, end) in zip(each.ids.tolist(), each.spans.tolist(), strict=True):
            is_chinese = start < end and "\u4e00" <= text[start] <= "\u9fff"
            wanted = start in edges and before != "▁" if is_chinese else published(opened.piece(id))
            assert flags[at] == (wanted or before is None), (text, start)
            before = opened.piece(id)
            at += 1
    assert at == len(flags)


def test_a_wordpiece_character_goes_on_with_jiebas_word() -> None:
    pytest.importorskip("rjieba", reason="needs rjieba: pip install 'litebert[data]'")
    opened = WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"我爱北京大学"])
    texts = ["我爱北京大学"]
    flags = WordStarts(opened, "jieba")(texts, opened.encode_many(texts))
    assert flags.tolist() == [True, True, True, False, False, False]


def test_no_texts_and_empty_texts(tokenizer: Path) -> None:
    assert starts(tokenizer, ["", "it", ""], "pieces") == starts(tokenizer, ["it"], "pieces")
