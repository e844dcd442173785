"""Small tokenizers, and the published ones where the data are."""

from __future__ import annotations

from pathlib import Path

import pytest

from litebert.text.loading import load_tokenizer
from litebert.text.sentencepiece import SentencePieceTokenizer
from litebert.text.wordpiece import WordPieceTokenizer
from small_tokenizers import WORDS, train


@pytest.fixture(scope="session")
def spiece_model() -> bytes:
    return train()


@pytest.fixture(scope="session")
def english(spiece_model: bytes) -> SentencePieceTokenizer:
    return SentencePieceTokenizer(spiece_model)


@pytest.fixture(scope="session")
def chinese() -> WordPieceTokenizer:
    return WordPieceTokenizer(WORDS)


@pytest.fixture(scope="session")
def published_english(data_folder: Path) -> SentencePieceTokenizer:
    tokenizer = load_tokenizer(data_folder / "albert_en_vocab")
    assert isinstance(tokenizer, SentencePieceTokenizer)
    return tokenizer


@pytest.fixture(scope="session")
def published_chinese(data_folder: Path) -> WordPieceTokenizer:
    tokenizer = load_tokenizer(data_folder / "albert_zh_vocab")
    assert isinstance(tokenizer, WordPieceTokenizer)
    return tokenizer
