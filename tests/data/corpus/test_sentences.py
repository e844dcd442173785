"""Sentences of both languages, case by case, and what holds of any text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.data.corpus.sentences import LONGEST, split


@pytest.mark.parametrize(
    "marked",
    [
        "It is late. | Go home! | Why? | Because…",
        "Mr. Holmes met Dr. Watson at 221B Baker St. yesterday. | They left.",
        "He lives in the U.S. with J. K. Rowling, i.e. abroad. | The U.S. won.",
        "He moved to the U.S. | He was happy there.",
        "Smith et al. (1999) and Apple Inc. grew. | See No. 5, pp. 3-4, Fig. 2. | I said no. | Then he left.",
        "It costs 3.50 dollars, v2.0.1 even. | Visit example.com today.",
        '"Stop!" he cried. | "Why?" asked Ann. | "Because."',
        "“Run!” she said. | “Now.” | (He ran.) | Good.",
        "Wait... what? | Well... | That is it.",
        "Is it? really? | Yes!! | No?!",
        "It was I. | The end.",
        "Born on Jan. 5, he died in Dec. | It was cold.",
        "今天天气很好。|我们去公园吧！|你去吗？|好的。",
        "他说：“你好！”|然后走了。|“走吧。”|她笑了。",
        "“真的吗？”，他问。|“是的！”",
        "这样……|不行啊！！|为什么？！|（完。）",
        "价格是3.5元。|他住在U.S.A.附近。",
        "这是English句子。|This one too. | 混合!|好?|对。",
        "第一；第二，第三。|「是嗎？」|他問。",
    ],
)
def test_a_text_is_split_where_a_sentence_ends(marked: str) -> None:
    """` | ` and `|` show where a text is to be split; the first stands for a space."""
    wanted = [part.strip() for part in marked.split("|")]
    assert split(marked.replace(" | ", " ").replace("|", "")) == wanted


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab Z.!?…。！？”\"'）)中文，, 1\n"), max_size=60))
def test_nothing_is_lost_and_nothing_is_empty(text: str) -> None:
    sentences = split(text)
    assert "".join("".join(sentences).split()) == "".join(text.split())
    assert all(sentence and sentence == sentence.strip() for sentence in sentences)


@settings(max_examples=50, deadline=None)
@given(st.text(st.sampled_from("ab ,，中"), min_size=50, max_size=300))
def test_no_sentence_is_over_the_limit(text: str) -> None:
    text *= 40
    assert all(len(sentence) <= LONGEST for sentence in split(text))
    assert "".join("".join(split(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    "piece", [".", ". ", "! -", "…", "”", ".”", "。”", "a. ", "A. ", "e.g. ", "a", "? (", "。 "]
)
def test_splitting_takes_linear_time(piece: str) -> None:
    started = time.process_time()
    split(piece * (300_000 // len(piece)))
    assert time.process_time() - started < 3
