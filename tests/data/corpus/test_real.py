"""On real text: Wikipedia in both languages and a book."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from litebert.data.corpus.build import build
from litebert.data.corpus.reader import Corpus
from litebert.data.corpus.settings import Settings
from litebert.data.masking import Instances
from litebert.text.loading import load_tokenizer


@pytest.mark.parametrize(
    ("file", "kept", "ending"),
    [
        ("wiki_en_featured/AA_wiki_00.txt.gz", 1.0, ".?!\"'”)"),
        ("wiki_zh/AA_wiki_00.txt.gz", 0.3, "。！？.!?」”）)"),
    ],
)
def test_most_of_wikipedia_is_kept(
    tmp_path: Path, tokenizer: Path, data_folder: Path, file: str, kept: float, ending: str
) -> None:
    source = data_folder / file
    report = build([source], tmp_path / "out", tokenizer, Settings(near_duplicates=None))
    assert report is not None
    assert report.read == gzip.decompress(source.read_bytes()).count(b"<doc id=")
    assert report.kept >= kept * report.read
    corpus, opened = Corpus(tmp_path / "out"), load_tokenizer(tokenizer)
    texts = [
        opened.decode(corpus.sentence(number).tolist()) for number in range(0, len(corpus.sentence_ends), 17)
    ]
    assert np.mean([text.rstrip().endswith(tuple(ending)) for text in texts]) > 0.8
    assert not any("<" in text and ">" in text for text in texts)
    assert len(Instances(corpus, 128, 0).batch(range(32))) == 32


def test_a_book_is_kept_without_its_licence(tmp_path: Path, tokenizer: Path, data_folder: Path) -> None:
    book = tmp_path / "pg84.txt"
    book.write_text(gzip.decompress((data_folder / "gutenberg_en/pg84.txt.gz").read_bytes()).decode("cp1252"))
    report = build([book], tmp_path / "out", tokenizer, Settings(near_duplicates=None))
    assert report is not None and report.kept == 1
    assert report.removed_lines["Project Gutenberg header or licence"] > 300
    corpus, opened = Corpus(tmp_path / "out"), load_tokenizer(tokenizer)
    texts = [opened.decode(corpus.sentence(number).tolist()) for number in range(len(corpus.sentence_ends))]
    assert not any("gutenberg" in text.lower() for text in texts)
    assert 2500 < len(texts) < 5000
