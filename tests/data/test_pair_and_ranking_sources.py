"""The sets of pairs, triples, judged candidates and gaps are read whole, as their papers have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from litebert.data.example import Example, Examples, Place
from litebert.data.source import find
from litebert.data.sources.pairs import inferred
from litebert.data.sources.ranking import document
from litebert.tasks.classification import Classification
from litebert.tasks.embedding import Passage
from litebert.tasks.labels import Label
from litebert.tasks.texts import Text

COUNTS = {
    "sick.relatedness:train": 4_500,
    "sick.relatedness:dev": 500,
    "sick.entailment:dev": 500,
    "pairs.afqmc:train": 10_573,
    "pairs.afqmc:dev": 1_338,
    "pairs.lcqmc:all": 4_402,
    "pairs.ocnli:dev": 947,
    "ranking.wikiqa:train": 873,
    "ranking.wikiqa:dev": 126,
    "ranking.trecqa:train": 93,
    "ranking.trecqa:dev": 65,
    "ranking.msmarco:test": 43,
    "ranking.dbpedia:test": 40,
    "wikitext.two:dev": 1_841,
}
CANDIDATES = {
    "ranking.wikiqa:train": 8_672,
    "ranking.wikiqa:dev": 1_130,
    "ranking.trecqa:train": 4_718,
    "ranking.trecqa:dev": 1_117,
    "ranking.msmarco:test": 4_102,
    "ranking.dbpedia:test": 3_709,
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_set_is_read_whole(name: str, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITEBERT_DATA", str(data_folder))
    source, split = find(name)
    examples = source.read(split or "")
    assert len(examples) == COUNTS[name]
    for example in examples:
        source.task.exercise(example.given, example.wanted)
    if name in CANDIDATES:
        assert sum(len(example.given.candidates) for example in examples) == CANDIDATES[name]


def test_relatedness_is_from_1_to_5(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITEBERT_DATA", str(data_folder))
    scores = [example.wanted.score for example in find("sick.relatedness")[0].read("dev")]
    assert (min(scores), max(scores)) == (1.0, 5.0)


def test_what_follows_from_a_premise_is_beside_what_contradicts_it() -> None:
    rows = [("p", "yes", "entailment"), ("p", "no", "contradiction"), ("p", "maybe", "neutral")]
    rows += [("p", "also", "entailment"), ("q", "never", "contradiction"), ("r", "so", "entailment")]
    read = [Example(Text(a, b), Label(label), Place("x", i)) for i, (a, b, label) in enumerate(rows)]
    found = inferred(lambda: Examples(read, Classification()))()
    assert [one.given for one in found] == [
        Passage("p", "yes", "no"),
        Passage("p", "also"),
        Passage("r", "so"),
    ]


def test_a_document_begins_with_its_title() -> None:
    assert document({"title": "T", "text": "x"}) == "T. x"
    assert document({"title": "", "text": "x"}) == "x"
