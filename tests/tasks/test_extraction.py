"""Sentences that are chosen: what each is worth, where summaries quote and where they do not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from litebert.data.reader import read_file
from litebert.model_source import open_source
from litebert.tasks.extraction import Extraction, _sentences
from litebert.tasks.summarisation import Document
from litebert.tasks.written import Wanted, Written, rouge_l

TEXT = "The boat was due on Monday. Nobody has seen it since. They will look for it again."
QUOTED = Written("The boat was due on Monday.They will look for it again.")
NEW = Written("Nobody has seen the boat since Monday.")


def _fitted(wanted: Written) -> Extraction:
    tokenizer = open_source(None).tokenizer
    task, _ = Extraction().vocabularies([Document(TEXT)], [wanted], tokenizer, before=None, free=False)
    return task.fit([wanted])


def _worth(task: Extraction, wanted: Written) -> list[float]:
    (row,) = task.encode(Document(TEXT), open_source(None).tokenizer)
    chosen = task.target(row, wanted)["chosen"]
    return [float(one) for one in chosen[chosen >= 0]]


def test_where_summaries_quote_a_sentence_is_in_it_or_not() -> None:
    task = _fitted(QUOTED)
    assert task.quotes and task.share == pytest.approx(len(QUOTED.text) / len(TEXT))
    assert _worth(task, QUOTED) == [1.0, 0.0, 1.0]


def test_where_they_do_not_it_is_worth_how_near_it_comes() -> None:
    task = _fitted(NEW)
    assert not task.quotes
    worth = _worth(task, NEW)
    sentences = ["The boat was due on Monday.", "Nobody has seen it since.", "They will look for it again."]
    assert worth == pytest.approx([rouge_l(one, NEW, "words") for one in sentences])
    assert int(np.argmax(worth)) == 1


def test_the_nearest_reference_counts() -> None:
    task = _fitted(NEW)
    assert _worth(task, Wanted(NEW.text, ("They will look.",)))[2] == pytest.approx(2 * 3 / (6 + 3))


def test_lists_of_sentences_and_of_summaries_are_read(tmp_path: Path) -> None:
    row = {"source": [f"{one}." for one in TEXT[:-1].split(". ")], "target": [NEW.text, "They will look."]}
    (tmp_path / "papers.jsonl").write_text(json.dumps(row), "utf-8")
    columns = {"document": "source", "text": "target"}
    (example,) = read_file(str(tmp_path / "papers.jsonl"), Extraction(), columns=columns)
    assert example.given == Document(TEXT)
    assert example.wanted == Wanted(NEW.text, ("They will look.",))


@pytest.mark.parametrize(
    "text,sentences",
    [
        ("One. Two!  Three", ["One.", "Two!", "Three"]),
        ("... and so on. Then?!", ["...", "and so on.", "Then?!"]),
        ("e.g. 3.5 litres of it", ["e.g.", "3.5 litres of it"]),
        ("好。真的！", ["好。", "真的！"]),
        ("a" + "." * 20_000 + "b", ["a" + "." * 20_000 + "b"]),
    ],
)
def test_where_sentences_end(text: str, sentences: list[str]) -> None:
    """The last in no time: a table of contents has lines of dots."""
    assert [text[start:end] for start, end in _sentences(text)] == sentences
