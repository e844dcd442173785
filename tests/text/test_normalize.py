"""What a text becomes before SentencePiece, and where each character of it came from."""

from __future__ import annotations

import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.text.normalize import _FOREIGN, Normalizer

MARKS = "，。！？：；（）「」《》、～％０Ａａ…·—‘’“”①½ﬁ㈱℃"
TEXTS = st.text(
    st.one_of(
        st.sampled_from(f"{MARKS}中文字aB,. \u3000\u00a0\té\u0301\u0316İΣςß가"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=30,
)


def characters(text: str, lower: bool, accents: bool) -> list[tuple[str, int, int]]:
    """By the words of the rule, one character at a time: each of the result, and from where to where."""
    found: list[tuple[str, int, int]] = []
    stretch = list(text)
    first = len(text) - len(text.lstrip())
    last = len(text.rstrip())
    for at in range(first, last):
        if stretch[at].isspace():
            if not stretch[at - 1].isspace():
                found.append((" ", at, at + 1))
            continue
        form = stretch[at] if accents else unicodedata.normalize("NFKD", stretch[at])
        form = form if accents else "".join(one for one in form if not unicodedata.combining(one))
        if not form and found:  # A mark belongs to what stands before it.
            start, end = found[-1][1], at + 1
            found = [(one, s, end) if s == start else (one, s, e) for one, s, e in found]
        found += [(one, at, at + 1) for one in (form.lower() if lower else form)]
    return found


@given(TEXTS, st.booleans(), st.booleans())
def test_any_text_is_normalised_character_for_character(text: str, lower: bool, accents: bool) -> None:
    found = Normalizer(do_lower_case=lower, keep_accents=accents)(text)
    wanted = characters(text, lower, accents)
    # A capital sigma's small form depends on its neighbours; where it stands does not.
    assert found.text.replace("ς", "σ") == "".join(one for one, _, _ in wanted).replace("ς", "σ")
    numbers = np.arange(len(found.text))
    spans = np.stack([numbers, numbers + 1], axis=1)
    back = spans + found.shift if found.places is None else found.places.back(spans)
    assert back.tolist() == [[start, end] for _, start, end in wanted]


def test_what_is_passed_over_never_changes() -> None:
    passed_over = [chr(code) for code in range(0x80, sys.maxunicode + 1) if not _FOREIGN.match(chr(code))]
    assert len(passed_over) > 20_000
    for character in passed_over:
        assert unicodedata.normalize("NFKD", character) == character == character.lower()
        assert not unicodedata.combining(character) and not character.isspace()


@pytest.mark.parametrize(
    "text", ["他说：“好！”，然后走了。", "Ａ１ Ｂ２（全角）", "５％～６％", " 中文　空格 ", "Ça va"]
)
def test_one_for_one_needs_no_table(text: str) -> None:
    assert Normalizer()(text).places is None


@pytest.mark.parametrize("text", ["省略……", "两个  空格，", "½，", "e\u0301，", "가，"])
def test_another_length_needs_one(text: str) -> None:
    assert Normalizer()(text).places is not None
