"""The text that a vocabulary is trained on is that of the corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from litebert.data.corpus.build import build
from litebert.data.corpus.distinct import sentences
from litebert.data.corpus.reader import Corpus
from litebert.data.corpus.report import Report
from litebert.data.corpus.settings import Settings
from litebert.errors import DataError, UsageError
from litebert.text.loading import load_tokenizer
from small_corpora import documents


@pytest.mark.parametrize("near", [0.8, None])
def test_the_sentences_are_those_of_the_corpus(tmp_path: Path, tokenizer: Path, near: float | None) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join(documents(120)), encoding="utf-8")
    settings = Settings(documents="blank-line", near_duplicates=near, shard_bytes=5_000)
    built = build([path], tmp_path / "out", tokenizer, settings)
    report = Report()
    found = list(sentences([path], settings, report))

    corpus, opened = Corpus(tmp_path / "out"), load_tokenizer(tokenizer)
    wanted = [corpus.sentence(number).tolist() for number in range(len(corpus.sentence_ends))]
    assert [pieces.ids.tolist() for pieces in opened.encode_many(found)] == wanted
    assert built is not None
    assert (report.read, report.kept) == (built.read, built.kept)
    assert {reason: drops.count for reason, drops in report.dropped.items()} == {
        reason: drops.count for reason, drops in built.dropped.items()
    }
    first = report.dropped["same as an earlier one"].first[0]
    assert built.dropped["same as an earlier one"].first[0].startswith(f"{first} as a.txt:")


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no text files"):
        list(sentences([tmp_path], Settings(), Report()))
    with pytest.raises(DataError, match="no such file"):
        list(sentences([tmp_path / "none"], Settings(), Report()))
