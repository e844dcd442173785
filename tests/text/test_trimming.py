"""Trimmed tokenizers: texts that they were trimmed to in the same pieces, and nothing newly unknown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.embedded import tokenizer_folder
from litebert.text.loading import load_tokenizer
from litebert.text.tokenizer import Tokenizer
from litebert.text.trimming import trimmed
from litebert.text.wordpiece import WordPieceTokenizer

LETTERS = "abcdefgh"
WORDPIECE = WordPieceTokenizer(
    [
        *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
        *LETTERS,
        *(f"##{letter}" for letter in LETTERS),
        *("ab", "abc", "##cd", "bad", "##ed", "deaf", "电", "影"),
    ]
)
TOKENIZERS: dict[str, Tokenizer] = {
    "wordpiece": WORDPIECE,
    "sentencepiece": load_tokenizer(tokenizer_folder()),
}
TEXTS = st.text("abcdefgh 电影,1½é", max_size=20)


@pytest.mark.parametrize("kind", TOKENIZERS)
@settings(max_examples=25, deadline=None)
@given(st.lists(TEXTS, max_size=5), TEXTS)
def test_texts_fall_into_the_same_pieces(kind: str, texts: list[str], other: str) -> None:
    before = TOKENIZERS[kind]
    used = {int(id) for text in texts for id in before.encode(text).ids}
    found = trimmed(before, used)
    after = found.tokenizer
    assert after.size < before.size
    for text in texts:
        ours, theirs = after.encode(text), before.encode(text)
        assert found.before[ours.ids].tolist() == theirs.ids.tolist()
        assert ours.spans.tolist() == theirs.spans.tolist()
    known = (before.unknown in before.encode(other).ids, after.unknown in after.encode(other).ids)
    assert known[0] == known[1]


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_through_a_folder(tmp_path: Path, kind: str) -> None:
    after = trimmed(TOKENIZERS[kind], {20, 21}).tokenizer
    after.save(tmp_path)
    again = load_tokenizer(tmp_path)
    assert again.fingerprint == after.fingerprint
    assert again.encode("abc 电影 2004,").ids.tolist() == after.encode("abc 电影 2004,").ids.tolist()
