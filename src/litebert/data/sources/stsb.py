"""The Semantic Textual Similarity Benchmark and its Chinese translation by DeepL (stsb_multi_mt)."""

from __future__ import annotations

from litebert.data.source import Source, from_file
from litebert.tasks.similarity import Similarity


def _source(language: str, about: str) -> Source:
    columns = {"text": "0", "second": "1", "score": "2"}
    return Source(
        Similarity(),
        {
            split: from_file(f"stsb_multi_mt/stsb-{language}-{split}.csv", Similarity(), columns)
            for split in ("train", "dev")
        },
        about,
    )


en = _source("en", "How alike two English sentences are, 0 to 5 (Cer et al. 2017)")
zh = _source("zh", "How alike two Chinese sentences are, 0 to 5; translated by DeepL")
