"""`litebert train --folds`, `--seeds`, `--fold`, `--shots`: several runs in a folder; parts of the data."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import litebert
from litebert.errors import UsageError
from litebert.verbs.series import told
from litebert.verbs.train import Train
from small_runs import FAST, Runs, feeling, made, stars, write


@pytest.fixture
def options(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Of short runs, without pictures."""
    monkeypatch.setattr("litebert.training.outcome.draw_curves", lambda *_: None)
    monkeypatch.setattr("litebert.training.artifacts.confusion._picture", lambda *_: b"")
    data = write(tmp_path / "data.jsonl", made(120, feeling))
    return {**FAST, "task": "classification", "train": str(data), "model": str(runs.model), "steps": 12}


def test_each_example_is_judged_by_a_run_that_has_not_seen_it(
    options: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "series"
    summary = litebert.train(out=out, folds=3, **options)
    assert summary == json.loads((out / "summary.json").read_text())
    assert [run["name"] for run in summary["runs"]] == ["fold-1", "fold-2", "fold-3"]
    answers = [json.loads(line) for line in (out / "held-out.jsonl").read_text().splitlines()]
    rows = [json.loads(line) for line in Path(options["train"]).read_text().splitlines()]
    assert Counter(one["given"]["text"] for one in answers) == Counter(row["text"] for row in rows)
    right = sum(one["answered"]["label"] == one["wanted"]["label"] for one in answers)
    assert summary["held_out"]["accuracy"] == pytest.approx(right / len(rows))
    low, high = summary["held_out"]["intervals"]["accuracy"]
    assert low <= summary["held_out"]["accuracy"] <= high
    of_runs = [run["held_out"]["accuracy"] for run in summary["runs"]]
    assert summary["spread"]["accuracy"]["mean"] == pytest.approx(sum(of_runs) / 3)
    mistakes = [json.loads(line) for line in (out / "mistakes.jsonl").read_text().splitlines()]
    assert len(mistakes) == min(50, len(rows) - right)
    seen = {answer["given"]["text"] for answer in answers if answer["run"] == "fold-1"}
    assert "fold 1 of 3, held out" not in (out / "fold-1" / "README.md").read_text() and seen


def test_a_series_that_was_stopped_goes_on(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that are over are not made again."""
    out = tmp_path / "series"
    whole = litebert.train(out=tmp_path / "whole", seeds=3, **options)
    usual, made_by = Train._train, []

    def stopping(self: Train, prepared: Any) -> dict[str, Any]:
        made_by.append(self.out.name)
        if len(made_by) == 3:
            raise KeyboardInterrupt
        return usual(self, prepared)

    monkeypatch.setattr(Train, "_train", stopping)
    with pytest.raises(KeyboardInterrupt):
        litebert.train(out=out, seeds=3, **options)
    assert not (out / "summary.json").exists()
    assert litebert.train(out=out, seeds=3, **options) == whole
    assert made_by == ["seed-1", "seed-2", "seed-3", "seed-3"]
    assert litebert.train(out=out, seeds=3, **options) == whole
    assert len(made_by) == 4


def test_seeds_differ_and_the_median_is_told(options: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "series"
    summary = litebert.train(out=out, seeds=3, seed=5, **options)
    assert [run["name"] for run in summary["runs"]] == ["seed-5", "seed-6", "seed-7"]
    weights = {(out / run["name"] / "model.safetensors").read_bytes() for run in summary["runs"]}
    assert len(weights) == 3
    scores = {run["name"]: run["dev"]["accuracy"] for run in summary["runs"]}
    assert scores[summary["chosen"]] == sorted(scores.values())[1]
    one = litebert.train(out=tmp_path / "one", seed=6, **options)
    assert one["dev"] == summary["runs"][1]["dev"]
    last = told(summary, out).splitlines()[-1]
    assert last == f"The median is {summary['chosen']}: {out / summary['chosen']}"


def test_another_series_is_not_mixed_in(options: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "series"
    litebert.train(out=out, seeds=2, **options)
    for other in ({"seeds": 3}, {"folds": 2}, {"seeds": 2, "learning_rate": 1e-3}, {"seeds": 2, "seed": 2}):
        with pytest.raises(UsageError, match="holds another run, which differs in"):
            litebert.train(out=out, **{**options, **other})
    with pytest.raises(UsageError, match="holds another run"):
        litebert.train(out=out, **options)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"folds": 1}, "folds must be at least 2 and at most 1,000, but is 1"),
        ({"seeds": 0}, "seeds must be at least 2 and at most 1,000, but is 0"),
        ({"folds": 10**9}, "folds must be at least 2 and at most 1,000, but is 1000000000"),
        ({"fold": "1/" + "9" * 5000}, "fold must be NUMBER/COUNT"),
        ({"folds": 2, "seeds": 2}, "two series of runs; give one"),
        ({"fold": "3/2"}, "fold must be NUMBER/COUNT, from 1/5 to 5/5 of five, but is '3/2'"),
        ({"fold": "two"}, "fold must be NUMBER/COUNT"),
        ({"folds": 2, "shots": 3}, "--shots and --fold both say which examples"),
        ({"shots": 0}, "shots must be at least 1, but is 0"),
    ],
)
def test_what_makes_no_sense(
    options: dict[str, Any], tmp_path: Path, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        litebert.train(out=tmp_path / "run", **{**options, **more})


def test_a_few_shots_are_judged_by_the_rest(options: dict[str, Any], tmp_path: Path) -> None:
    results = litebert.train(out=tmp_path / "run", **{**options, "shots": 4})
    texts = {json.loads(line)["text"] for line in Path(options["train"]).read_text().splitlines()}
    assert len(texts) - 8 <= results["dev"]["examples"] <= 120 - 8
    card = (tmp_path / "run" / "README.md").read_text()
    assert "8 examples, 4 of each class, drawn by seed 1" in card and "by which nothing was chosen" in card
    judged = [
        line for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines() if '"dev"' in line
    ]
    assert len(judged) == 1


def test_shots_need_classes(options: dict[str, Any], tmp_path: Path) -> None:
    data = write(tmp_path / "stars.jsonl", made(40, stars))
    scored = {**options, "task": "regression", "train": str(data), "shots": 2}
    with pytest.raises(UsageError, match="the task regression has none"):
        litebert.train(out=tmp_path / "run", **scored)


def test_too_few_are_left_to_judge(options: dict[str, Any], tmp_path: Path) -> None:
    from litebert.errors import DataError

    with pytest.raises(DataError, match="has no more than 1000 examples of each class; give a --dev file"):
        litebert.train(out=tmp_path / "run", **{**options, "shots": 1000})
