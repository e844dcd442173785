"""A small vocabulary and a small corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from litebert.data.corpus.reader import Corpus
from small_corpora import documents, make, write_tokenizer


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bilingual SentencePiece tokenizer."""
    return write_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory, tokenizer: Path) -> Corpus:
    """300 documents in English and Chinese, less those that say the same."""
    return make(tmp_path_factory.mktemp("corpus") / "small", documents(300), tokenizer)
