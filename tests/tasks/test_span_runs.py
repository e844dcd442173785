"""Entities, tagging, roles and relations from the file to the answer: learnt, saved, measured, asked."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AlbertConfig, AlbertForTokenClassification

import litebert
from litebert.cli import main
from litebert.data.examples import read
from litebert.engine.opening import open_model
from litebert.engine.predictor import Predictor
from litebert.tasks.entities import EntityTask
from litebert.tasks.tagging import Tagging
from litebert.tasks.words import Words
from small_runs import FAST, FILLERS, Runs

NAMES = {"PER": [["wonderful"], ["wonderful", "lovely"]], "LOC": [["football"], ["bank", "piano"]]}
"""Words of the small vocabulary that are to be names; which are first in one is told by the word."""
ROWS = 240


def sentence(draw: random.Random) -> list[tuple[str, str]]:
    """Words with tags: a name is one of its type's, perhaps with another after it."""
    rows = [(word, "O") for word in draw.choices(FILLERS, k=draw.randint(3, 8))]
    for type_ in draw.sample(list(NAMES), k=draw.randint(0, 2)):
        name = draw.choice(NAMES[type_])
        spelt = [(word, f"{'I' if at else 'B'}-{type_}") for at, word in enumerate(name)]
        place = draw.randrange(len(rows) + 1)
        while place < len(rows) and rows[place][1].startswith("I-"):
            place += 1
        rows[place:place] = spelt
    return rows


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in CoNLL's columns, under a name that says nothing."""
    draw = random.Random(1)
    path = tmp_path_factory.mktemp("columns") / "names.train"
    sentences = [sentence(draw) for _ in range(ROWS)]
    path.write_text("\n".join("".join(f"{word} {tag}\n" for word, tag in one) for one in sentences), "utf-8")
    return path


@pytest.fixture(scope="module")
def run(columns: Path, runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "names"
    results = litebert.train(
        task="entities", train=str(columns), dev=str(columns), out=out, model=str(runs.model), **FAST
    )
    assert results["best_by"] == "f1" and results["dev"]["f1"] > 0.9
    low, high = results["dev"]["intervals"]["f1"]
    assert 0.8 < low <= results["dev"]["f1"] <= high <= 1
    return out


def test_entities_are_learnt_and_found_where_they_stand(run: Path) -> None:
    (found,) = litebert.predict(["it was wonderful in a football river"], model=str(run))
    assert [(one.label, one.start, one.end, one.text) for one in found.entities] == [
        ("PER", 7, 16, "wonderful"),
        ("LOC", 22, 30, "football"),
    ]


def test_the_command_line_reads_columns_and_gives_json(
    run: Path, columns: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--model", str(run), "--data", str(columns), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["f1"] > 0.9 and measured["examples"] == ROWS
    assert main(["predict", "--model", str(run), "--input", str(columns)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    wanted = read(str(columns), EntityTask())
    assert len(rows) == ROWS and set(rows[0]) == {"entities"}
    hits = sum(
        len({(e["label"], e["start"], e["end"]) for e in row["entities"]}
            & {(e.label, e.start, e.end) for e in one.wanted.entities})
        for row, one in zip(rows, wanted, strict=True)
    )  # fmt: skip
    assert hits / sum(len(one.wanted.entities) for one in wanted) > 0.9


def test_a_long_document_is_read_whole(run: Path) -> None:
    """Of hundreds of pieces, by a model that reads 64 at once."""
    predictor: Predictor[Any, Any] = open_model(str(run), precision="fp32")
    part = "it was wonderful in a football river and some people walked there "
    (found,) = predictor([Words(part * 40)])
    expected = [
        (len(part) * i + start, len(part) * i + end) for i in range(40) for start, end in ((7, 16), (22, 30))
    ]
    spans = [(one.start, one.end) for one in found.entities]
    assert set(expected) <= set(spans)  # It learnt no places so far in; what it finds there besides may be.
    assert spans == sorted(set(spans))


def test_transformers_gives_the_same_scores(run: Path) -> None:
    predictor: Predictor[Any, Any] = open_model(str(run), precision="fp32")
    theirs = AlbertForTokenClassification.from_pretrained(run).eval()
    assert tuple(theirs.config.id2label[i] for i in range(5)) == predictor.task.labels
    (row,) = predictor.task.encode(Words("it was wonderful in a football river"), predictor.tokenizer)
    (kept,) = predictor.scores([row])
    with torch.no_grad():
        logits = theirs(
            input_ids=torch.tensor(row.ids[None], dtype=torch.long),
            token_type_ids=torch.tensor(row.segments[None], dtype=torch.long),
        ).logits[0]
    torch.testing.assert_close(torch.from_numpy(kept["logits"]), logits[row.read], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (("O", "B-PER", "I-PER"), EntityTask),
        (("I-PER", "O"), EntityTask),
        (("O", "B-X", "M-X", "E-X", "S-X"), EntityTask),
        (("NOUN", "VERB"), Tagging),
    ],
)
def test_a_token_classifier_of_transformers_opens_by_its_labels(
    labels: tuple[str, ...], task: type, runs: Runs, tmp_path: Path
) -> None:
    config = AlbertConfig.from_pretrained(runs.model)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: number for number, label in enumerate(labels)}
    torch.manual_seed(0)
    theirs = AlbertForTokenClassification(config).eval()
    theirs.classifier.weight.data *= 10
    theirs.save_pretrained(tmp_path)
    (tmp_path / "vocab.txt").write_bytes((runs.model / "vocab.txt").read_bytes())
    predictor: Predictor[Any, Any] = open_model(str(tmp_path), precision="fp32")
    assert type(predictor.task) is task and predictor.task.labels == labels
    given = Words(tokens=("the", "film", "was", "about", "a", "river"))
    (row,) = predictor.task.encode(given, predictor.tokenizer)
    with torch.no_grad():
        logits = theirs(input_ids=torch.tensor(row.ids[None], dtype=torch.long)).logits[0, row.read]
    best = [labels[i] for i in logits.argmax(dim=1).tolist()]
    (answer,) = predictor([given])
    if task is Tagging:
        assert list(answer.tags) == best
    else:
        assert answer == predictor.task.made(answer.entities)
        marked = [any(e.start <= start < e.end for e in answer.entities) for start in _starts(given)]
        assert marked == [tag != "O" for tag in best]


def _starts(given: Words) -> list[int]:
    return [len(" ".join((given.tokens or ())[:i])) + (i > 0) for i in range(len(given.tokens or ()))]


def test_a_label_of_dev_alone_is_missed_and_said(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.conll"
    path.write_text("it O\nwas O\nlovely B-NEW\n\n")
    examples = read(str(path), open_model(str(run)).task)
    assert any("no label is named 'NEW'" in note and "counts as missed" in note for note in examples.notes)
    assert litebert.evaluate(str(path), model=str(run)).metrics["recall"] == 0.0


def roles(draw: random.Random, words: list[str]) -> dict[str, Any]:
    """Two words that are roles, for a predicate."""
    words = [*words, "excellent", "piano", "good"]
    draw.shuffle(words)
    known = {"excellent": "B-ARG0", "piano": "B-ARG1"}
    tags = [known.get(word, "O") for word in words]
    return {"tokens": words, "predicate": words.index("good"), "roles": tags}


def relation(draw: random.Random, words: list[str]) -> dict[str, Any]:
    """A marked word tells the relation and its direction."""
    ways = {"wonderful": "Likes(e1,e2)", "football": "Likes(e2,e1)", "piano": "Other"}
    name = draw.choice(list(ways))
    return {"text": f"{' '.join(words)} <e1>{name}</e1> and <e2>{name}</e2>", "relation": ways[name]}


@pytest.mark.parametrize(("task", "row"), [("roles", roles), ("relations", relation)])
def test_roles_and_relations_are_learnt_from_jsonl(task: str, row: Any, runs: Runs, tmp_path: Path) -> None:
    draw = random.Random(3)
    rows = [row(draw, draw.choices(FILLERS, k=draw.randint(3, 6))) for _ in range(ROWS)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), "utf-8")
    results = litebert.train(
        task=task, train=str(path), dev=str(path), out=tmp_path / "run", model=str(runs.model), **FAST
    )
    assert results["dev"][results["best_by"]] > 0.8
