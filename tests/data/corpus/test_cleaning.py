"""Markup, invisible characters, boilerplate and wrapped lines go; what was written stays."""

from __future__ import annotations

import time

import pytest

from litebert.data.corpus.cleaning import clean
from litebert.data.corpus.documents import Document
from litebert.data.corpus.paragraphs import are_wrapped
from litebert.data.corpus.settings import Form


def paragraphs(text: str, form: Form = "blank-line", title: str = "") -> list[str]:
    return clean(Document(1, title=title, lines=text.splitlines(keepends=True)), form)[0]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("<p>One</p><p>two</p>", ["One", "two"]),
        ("in<b>side</b> a <a href='x'>word</a>", ["inside a word"]),
        ("AT&amp;T &lt;br&gt; caf&eacute; &#20013;", ["AT&T", "café 中"]),
        ("before<script>if (a < b) {}</script> <!-- <p> --> after", ["before after"]),
        ("text<ref name='x'>a book</ref>, and<ref name='y' /> more", ["text, and more"]),
        (
            "if a < b and c > d, #include <stdio.h>, List<String>",
            ["if a < b and c > d, #include <stdio.h>, List<String>"],
        ),
        ("an <unknown> tag, a <br never closed", ["an <unknown> tag, a <br never closed"]),
        ("<script>never closed, so it is text", ["<script>never closed, so it is text"]),
        ("see [[Paris|the city]] and [[London]]", ["see the city and London"]),
        ("[[File:x.jpg|thumb]]{{Infobox|a={{b}}}}It '''is''' ''so''", ["It is so"]),
        ("== History ==\nA [https://e.org link] and formula_12 here", ["History", "A link and here"]),
        ("《妄想女友》（）是2015年（；1920年）", ["《妄想女友》是2015年（1920年）"]),
        ("24.8 million people . Then , so", ["24.8 million people. Then, so"]),
        ("he said _never_ to snake_case and _x", ["he said never to snake_case and _x"]),
        ("a\u200bb\u00adc\ufeff \u202ed\x07e\ufffd", ["abc de"]),
        ("tab\tand\u3000ideographic\u00a0space", ["tab and ideographic space"]),
        ("one\x0btwo\u2028three\r\nfour", ["one", "two", "three", "four"]),
        ("Text.\n* * *\n1995\nMore.", ["Text.", "More."]),
        ("Text.\n[Illustration: A cat]\nCategory:Cats\n分类：猫", ["Text."]),
        ("&#0;&#13;&#xD800;x", ["x"]),
    ],
)
def test_what_is_taken_out_and_what_stays(given: str, wanted: list[str]) -> None:
    assert paragraphs(given) == wanted


def test_a_title_is_no_text() -> None:
    assert paragraphs("AT&T\n\nAT&T is a very large company.\nAT&T\n", "wiki", "AT&amp;T") == [
        "AT&T is a very large company.",
        "AT&T",
    ]


def test_a_sections_heading_is_no_sentence() -> None:
    text = "T\n\nIt is.\nSigns and symptoms.\nHe had them, all.\n生平.\n他很好。\nThis one has five words."
    kept = ["He had them, all.", "他很好。", "This one has five words."]
    assert paragraphs(text, "wiki", "T") == kept
    assert paragraphs("Signs and symptoms.\n生平.") == ["Signs and symptoms.", "生平."]


BOOK = """The Project Gutenberg eBook of X

This ebook is for the use of anyone

*** START OF THE PROJECT GUTENBERG EBOOK X ***

Produced by A Person

It was the best of times, it was the worst of times, it was the
age of wisdom, it was the age of foolishness, it was the epoch of
belief, it was the epoch of incredulity, it was the season of Light,
it was the season of Darkness, it was the spring of hope, it was the
winter of despair.

She said no.

*** END OF THE PROJECT GUTENBERG EBOOK X ***

Section 1. General Terms of Use
"""


def test_a_gutenberg_book_is_what_stands_between_its_marks() -> None:
    kept, removed = clean(Document(1, lines=BOOK.splitlines(keepends=True)), "file")
    assert kept[0].startswith("It was the best of times, it was the worst of times, it was the age")
    assert kept[1:] == ["She said no."]
    assert removed["Project Gutenberg header or licence"] == 6


def test_wrapped_chinese_is_joined_without_spaces() -> None:
    line = "话说天下大势分久必合合久必分周末七国分争并入于秦及秦灭之后楚汉"
    assert paragraphs("\n".join([line] * 4)) == [line * 4]


def test_a_sentence_a_line_is_no_wrapped_text() -> None:
    lines = [
        "This is a sentence of its own on its line.",
        "And this is the next one, as long.",
        "So is this one.",
    ] * 3
    assert not are_wrapped(lines)
    assert paragraphs("\n".join(lines)) == lines


HOSTILE = [
    "<",
    "<a",
    "<!--",
    "<script",
    "{{",
    "[[",
    "{|",
    "&",
    "&#",
    "=",
    "''",
    "(",
    "（，",
    "_",
    "_a",
    " .",
    "[http://",
    "<ref",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_cleaning_takes_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        document = Document(1, lines=[piece * (size // len(piece))])
        started = time.process_time()
        clean(document, "blank-line")
        return time.process_time() - started

    assert seconds(400_000) < 2, "1 MB of it would take minutes"
