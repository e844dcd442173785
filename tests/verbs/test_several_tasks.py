"""Several tasks on one encoder, from one command: learnt, stopped, judged, asked."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Server
from test_stops import kill_until_done

import litebert
from litebert.cli import main
from litebert.engine.opening import open_model
from litebert.errors import DataError, UsageError
from litebert.evaluation.evaluate import evaluate
from litebert.model.native.compiler import kernels
from litebert.model_source import open_source
from litebert.training.entries import Entry, called, parsed, read_entries
from litebert.training.mixture import prepare_mixture
from litebert.training.settings import TrainSettings
from small_runs import FAST, TOPICS, Row, feeling, made, tiny_model, write


def things(draw: random.Random, words: list[str]) -> Row:
    """A text in which things are named."""
    kind = draw.choice(list(TOPICS))
    words.insert(draw.randrange(len(words)), TOPICS[kind])
    text = " ".join(words)
    start = text.index(TOPICS[kind])
    spans = [{"label": kind, "start": start, "end": start + len(TOPICS[kind])}]
    return {"text": text, "entities": spans}


def alike(draw: random.Random, words: list[str]) -> Row:
    """Two texts, of which the second says how alike they are."""
    score = draw.randint(0, 1)
    return {"text": " ".join(words), "second": ("good", "bad")[score] + " film", "score": score}


KINDS = {"classification": (feeling, 120), "entities": (things, 200), "similarity": (alike, 40)}


class Place:
    """A folder with a tiny model, and data and held-out data of each kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = tiny_model(folder / "tiny")
        for kind, (row, count) in KINDS.items():
            write(folder / f"{kind}.jsonl", made(count, row))
            write(folder / f"{kind}.dev.jsonl", made(30, row, seed=2))

    def entry(self, kind: str, **more: Any) -> Entry:
        path = self.folder / kind
        return Entry(f"{path}.jsonl", kind, dev=f"{path}.dev.jsonl", **more)

    def options(self, **more: Any) -> dict[str, Any]:
        """What `litebert.train` is called with, but `out`."""
        first, *others = (self.entry(kind) for kind in KINDS)
        options = {"train": first.train, "task": first.task, "dev": first.dev, "also": others}
        return {**options, "model": str(self.model), **FAST, **more}

    def toml(self, **more: str) -> Path:
        """The same as a file."""
        tables = [
            f'[{kind}]\ntrain = "{self.entry(kind).train}"\ndev = "{self.entry(kind).dev}"\n'
            f'task = "{kind}"\n{more.get(kind, "")}\n'
            for kind in KINDS
        ]
        path = self.folder / "many.toml"
        path.write_text("\n".join(tables))
        return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("several"))


@pytest.fixture(scope="module")
def run(place: Place) -> Path:
    """A finished run of a few epochs."""
    out = place.folder / "run"
    litebert.train(**place.options(), out=out)
    return out


def test_each_learns_and_what_is_told_is_what_was_saved(place: Place, run: Path) -> None:
    results = json.loads((run / "results.json").read_text())
    chiefs = []
    for kind in KINDS:
        told = results["tasks"][kind]
        predictor = open_model(str(run), task=kind, precision="fp32")
        examples = litebert.data.examples.read(place.entry(kind).dev, predictor.task)
        with kernels(False):  # As it was judged within the run, which was too short to compile for.
            assert evaluate(predictor, examples.rows).summary() == told["dev"]
        assert told["task"] == kind and told["dev"]["examples"] == 30
        chiefs.append(told["dev"][told["best_by"]])
    assert results["dev"] == {"mean": pytest.approx(sum(chiefs) / 3), "examples": 90}
    assert results["tasks"]["classification"]["dev"]["accuracy"] > 0.8
    assert results["tasks"]["entities"]["dev"]["f1"] > 0.8
    assert results["tasks"]["similarity"]["dev"]["pearson"] > 0.8


def test_the_folder_has_a_part_for_each_task(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert {"model.safetensors", "config.json", "README.md", "curves.png", "run.json", "tasks"} <= names
    assert not {"task.json", "mistakes.jsonl", "confusion.csv"} & names
    for kind in KINDS:
        own = {path.name for path in (run / "tasks" / kind).iterdir()}
        assert {"head.safetensors", "config.json", "task.json", "mistakes.jsonl"} <= own
        assert ("confusion.png" in own) == (kind == "classification")
    card = (run / "README.md").read_text()
    for told in ("3 tasks on one encoder", "## entities", "### How good it is", 'load("', "tasks/similarity"):
        assert told in card, told
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert {name for row in rows for name in row if "/" in name} == {
        *(f"{kind}/loss" for kind in KINDS),
        *("classification/accuracy", "entities/f1", "similarity/pearson"),
    }


def test_every_verb_takes_a_head(
    place: Place, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ["predict", "--model", str(run), "--input", place.entry("entities").dev or ""]
    assert main([*ask, "--output", str(tmp_path / "a"), "--task", "entities"]) == 0
    assert json.loads((tmp_path / "a").read_text().splitlines()[0]).keys() == {"entities"}
    assert main([*ask, "--output", str(tmp_path / "b")]) == 2
    assert "is for 3 tasks: classification, entities, similarity; say which" in capsys.readouterr().err
    judge = ["evaluate", "--data", place.entry("similarity").dev or "", "--json", "--precision=fp32"]
    assert main([*judge, "--model", str(run / "tasks" / "similarity")]) == 0
    told = json.loads((run / "results.json").read_text())["tasks"]["similarity"]["dev"]
    assert json.loads(capsys.readouterr().out)["pearson"] == pytest.approx(told["pearson"])


def test_a_head_may_be_learnt_on(place: Place, run: Path, tmp_path: Path) -> None:
    """A head's path is a model's name in training, too: it goes on from encoder and head."""
    alone = {**FAST, "steps": 1, "train": place.entry("entities").train, "task": "entities"}
    litebert.train(**alone, model=str(run / "tasks" / "entities"), out=tmp_path / "one")
    found = json.loads((tmp_path / "one" / "results.json").read_text())
    assert found["dev"]["f1"] > 0.8


def test_a_file_of_tables_is_the_same_run(place: Place, run: Path) -> None:
    options = {**place.options(), "train": str(place.toml()), "out": run}
    for name in ("task", "dev", "also"):
        del options[name]
    assert litebert.train(**options) == json.loads((run / "results.json").read_text())
    assert litebert.train(again=run / "run.json", out=run)["dev"]["examples"] == 90
    with pytest.raises(UsageError, match=r"--task is said in .*many\.toml, for each task; leave"):
        litebert.train(**options, task="entities")
    with pytest.raises(UsageError, match=r"tasks.entities.repeats: 1 there, 2 here"):
        litebert.train(**{**options, "train": str(place.toml(entities="repeats = 2"))})


def test_flags_given_twice_are_both_heard(place: Place, tmp_path: Path) -> None:
    entries = [f"{kind}={place.entry(kind).train}" for kind in KINDS]
    flags = {**FAST, "model": place.model, "out": tmp_path / "run", "steps": 2}
    del flags["early_stopping"], flags["epochs"]
    given = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
    first = ["train", "--train", entries[0].partition("=")[2], "--task", "classification"]
    assert main([*first, "--also", entries[1], *given, "--also", entries[2], "--json"]) == 0
    assert sorted(path.name for path in (tmp_path / "run" / "tasks").iterdir()) == sorted(KINDS)


def test_another_run_takes_the_heads_away(place: Place, tmp_path: Path) -> None:
    litebert.train(**place.options(steps=1), out=tmp_path)
    alone = {name: value for name, value in place.options(steps=1).items() if name != "also"}
    litebert.train(**alone, out=tmp_path, overwrite=True)
    assert not (tmp_path / "tasks").exists()
    assert open_model(str(tmp_path)).task.name == "classification"


def test_small_tasks_come_more_often_where_that_is_asked(place: Place) -> None:
    def prepared(temperature: float, **more: Any) -> dict[str, int]:
        entries = [place.entry(kind, **more if kind == "similarity" else {}) for kind in KINDS]
        source = open_source(str(place.model))
        return dict(
            prepare_mixture(source, entries, TrainSettings(batch_size=10), temperature=temperature).repeats
        )

    assert prepared(1.0) == {"classification": 1, "entities": 1, "similarity": 1}
    assert prepared(2.0) == {"classification": 1, "entities": 1, "similarity": 2}
    assert prepared(float("inf")) == {"classification": 2, "entities": 1, "similarity": 5}
    assert prepared(1.0, repeats=7)["similarity"] == 7


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def test_killed_at_random_moments_it_ends_in_the_same_bits(
    place: Place, server: Server, tmp_path: Path
) -> None:
    """Every file of the encoder, the heads and the results."""
    flags = {**FAST, "train": place.toml(), "model": place.model, "temperature": 2.0, "progress": "lines"}
    flags |= {"steps": 30, "evaluate_every": 9, "save_steps": 1}
    del flags["epochs"], flags["early_stopping"]
    given = ["train", *(f"--{name.replace('_', '-')}={value}" for name, value in flags.items())]
    whole = tmp_path / "whole"
    assert server.run(*given, f"--out={whole}", out=tmp_path / "said") == 0, (tmp_path / "said").read_text()
    chance, kills, number = random.Random(3), 0, 0
    while kills < 6:
        out = tmp_path / f"run-{number}"
        kills += kill_until_done(server, [*given, f"--out={out}"], tmp_path / f"said-{number}", chance)
        assert left(out) == left(whole)
        number += 1


def left(out: Path) -> dict[str, bytes]:
    paths = [*out.rglob("*.safetensors"), *out.rglob("*.json*")]
    ours = [path for path in paths if "checkpoint" not in path.parts and path.name != "run.json"]
    return {str(path.relative_to(out)): path.read_bytes() for path in ours}


def test_entries_are_called_by_their_data() -> None:
    given = ["clue.tnews", "clue.afqmc:train", "regression=data/stars.csv.gz", "similarity=a b/中文.tsv"]
    assert list(called([parsed(one) for one in given])) == ["tnews", "afqmc", "stars", "中文"]
    assert list(called([Entry("a/x.csv", "entities"), Entry("b/x.csv", "roles")])) == [
        "entities-x",
        "roles-x",
    ]
    assert parsed("roles=x.csv,y.csv") == Entry("x.csv,y.csv", "roles")
    assert parsed("a/b=c.csv") == Entry("a/b=c.csv")
    with pytest.raises(UsageError, match="two entries would be called"):
        called([Entry("a/x.csv", "roles"), Entry("b/x.csv", "roles")])
    with pytest.raises(UsageError, match="two entries would be called x:"):
        called([Entry("c.csv", name="y"), Entry("a.csv", name="x"), Entry("b.csv", name="X")])
    for odd in ("../x", ".x", "a/b", "a b"):
        with pytest.raises(UsageError, match="cannot be an entry's name"):
            Entry("a.csv", name=odd)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[a]\ntrain = "x.csv"\ntsak = "roles"',
            r"\[a\]: no key of an entry is named 'tsak'; did you mean 'task'",
        ),
        ('[a]\ntask = "roles"', r"\[a\]: train: "),
        ('[a]\ntrain = "x"\nrepeats = 0', r"\[a\]: repeats of x must be .*, but is 0"),
        ("[a]\ntrain = 3", r"\[a\]: train: input should be a valid string"),
        ('[a]\ntrain = "x"\noptions = "y"', r"\[a\]: options: input should be a valid array, \[ … \]"),
        ('[a]\ntrain = "x"\nwhere = "y"', r"\[a\]: no key of an entry is named 'where'"),
        ('train = "x.csv"', "must hold a table for each task, such as"),
        ("", "must hold a table for each task"),
        (
            '[a]\ntrain = "x"\nrepeats = 1000000000',
            r"\[a\]: repeats of x must be .* at most 10,000, but",
        ),
        ("[a\n", "is not TOML: .*line 1"),
        ("a = " + "[" * 10_000, "is nested too deep"),
    ],
)
def test_a_file_with_something_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "many.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=f"many.toml: {said}"):
        read_entries(path)


@pytest.mark.parametrize(
    ("lines", "error", "said"),
    [
        ('task = "clasification"', UsageError, "did you mean 'classification'"),
        ('task = "entities"\noptions = ["schema=x"]', UsageError, "'schema'; did you mean 'scheme'"),
        (
            'task = "entities"\ncolumns = {txt = "x"}',
            UsageError,
            "no field of this task is named 'txt'; did you",
        ),
        ('task = "entities"\ndev = "nope.csv"', DataError, "nope.csv: there is no such file"),
        ("", UsageError, r'what is .* for\? Add its task, such as task = "classification"'),
        ('task = "entities"\nname = "first"', UsageError, None),
    ],
)
def test_what_is_found_wrong_later_is_told_with_file_and_table(
    place: Place, tmp_path: Path, lines: str, error: type[Exception], said: str | None
) -> None:
    train = place.entry("entities").train
    path = tmp_path / "many.toml"
    path.write_text(f'[first]\ntrain = "{train}"\ntask = "entities"\n[odd]\ntrain = "{train}"\n{lines}\n')
    told = rf"many.toml: \[odd\]: .*{said}" if said else r"called first \(.*\[first\], .*\[odd\]\): give one"
    with pytest.raises(error, match=told):
        litebert.train(train=str(path), model=str(place.model), **FAST, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_column_is_named_where_the_file_was_named(place: Place, tmp_path: Path) -> None:
    """By a key of its table; by a flag alone where that is about this file."""
    odd, path, out = tmp_path / "odd.csv", tmp_path / "many.toml", tmp_path / "out"
    odd.write_text("wo{r}d,label\n" + "".join(f"good {n},a\nbad {n},b\n" for n in range(9)))
    path.write_text(f'[first]\ntrain = "{odd}"\ntask = "classification"\n')
    key, place_of = 'columns = {text = "wo{r}d"}', re.escape(f"{odd}:1: no column for the text: ")
    mixtures = {
        rf"{path}: \[first\]: {place_of}": {"train": str(path), "model": str(place.model), **FAST},
        f"^this needs a table in a TOML file: {place_of}": place.options(also=f"classification={odd}"),
    }
    for told, options in mixtures.items():
        with pytest.raises(DataError, match=told) as found:
            litebert.train(**options, out=out)
        assert f"Say {key}. If" in str(found.value) and "--" not in str(found.value)
    path.write_text(path.read_text() + key)
    assert read_entries(path)[0].columns == {"text": "wo{r}d"}
    flags = {"task": "classification", "train": str(odd), "dev": None, "also": ["entities=no.jsonl"]}
    with pytest.raises(DataError, match=rf"^{place_of}.*--text-column 'wo\{{r\}}d'"):
        litebert.train(**place.options(**flags), out=out)
    assert not out.exists()


def test_a_file_of_an_editor_that_marks_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "many.toml"
    path.write_text('[a]\ntrain = "x.csv"', "utf-8-sig")
    assert [entry.train for entry in read_entries(path)] == ["x.csv"]


def test_what_is_missing_is_said(place: Place, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"what is .*jsonl for\? Write TASK=.*jsonl, such as"):
        litebert.train(**place.options(also=[place.entry("entities").train]), out=tmp_path / "a")
    with pytest.raises(UsageError, match="no task is named 'entites'; did you mean 'entities'"):
        litebert.train(**place.options(also=f"entites={place.entry('entities').train}"), out=tmp_path / "a")
    with pytest.raises(UsageError, match="temperature must be at least 1"):
        litebert.train(**place.options(temperature=0.5), out=tmp_path / "a")
    with pytest.raises(UsageError, match="an entry is a text such as"):
        litebert.train(**place.options(also=[3]), out=tmp_path / "a")
    for alone in ({"exits": 1}, {"shots": 2}, {"fold": "1/2"}):
        with pytest.raises(UsageError, match=f"--{next(iter(alone))} is for a run of one task"):
            litebert.train(**place.options(**alone), out=tmp_path / "a")
    assert not (tmp_path / "a").exists()
    with pytest.raises(UsageError, match="are of one task; leave --also out"):
        litebert.train(**place.options(seeds=2), out=tmp_path / "b")
