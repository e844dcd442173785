"""`litebert tune`: the best of what was tried, within a time, gone on with where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import litebert
from litebert.errors import ModelError, UsageError
from litebert.training.halving import Rung
from litebert.verbs.train import Train
from litebert.verbs.tune import told
from small_runs import FAST, Runs, feeling, made, write


@pytest.fixture
def options(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Of a search over three and one, in runs without pictures."""
    monkeypatch.setattr("litebert.training.outcome.draw_curves", lambda *_: None)
    monkeypatch.setattr("litebert.training.artifacts.confusion._picture", lambda *_: b"")
    monkeypatch.setattr("litebert.training.halving.plan", lambda *_: [Rung(3, 1 / 3), Rung(1, 1.0)])
    data = write(tmp_path / "data.jsonl", made(120, feeling))
    fast = {name: FAST[name] for name in ("threads", "precision", "progress")}
    common = {
        "task": "classification",
        "train": str(data),
        "model": str(runs.model),
        "out": tmp_path / "tuned",
    }
    return {**fast, **common, "epochs": 3.0, "minutes": 10}


def test_the_best_is_chosen_and_kept(options: dict[str, Any]) -> None:
    found = litebert.tune(**options)
    assert found == json.loads((options["out"] / "summary.json").read_text())
    assert [trial["name"] for trial in found["trials"]] == [
        *("trial-00.9", "trial-00.3", "trial-01.3", "trial-02.3"),
        found["best"],
    ]
    third = [trial for trial in found["trials"] if trial["share"] == 1 / 3]
    best = max(third, key=lambda trial: trial["score"])
    assert found["best"] == f"{best['name'][:-1]}1" and found["whole"] and found["ended"] == "plan"
    assert {trial["epochs"] for trial in third} == {1.0}  # --epochs was given, and stays
    assert found["settings"]["learning_rate"] == best["learning_rate"]
    assert litebert.load(found["folder"], precision="fp32")(["the film was wonderful"])
    assert len(list(options["out"].glob("*/model.safetensors"))) == 1
    assert not list(options["out"].glob("*/checkpoint"))
    last = told(found).splitlines()[-1]
    assert last.startswith("5 trials in") and found["folder"] in last and "measure it on other data" in last
    assert litebert.tune(**options)["trials"] == found["trials"]


def test_it_goes_on_where_it_was_stopped(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    usual, tried, clock = Train._train, [], [0.0]

    def stopping(self: Train, prepared: Any) -> dict[str, Any]:
        tried.append(self.out.name)
        clock[0] += 7
        if len(tried) == 3:
            raise KeyboardInterrupt
        return usual(self, prepared)

    monkeypatch.setattr(Train, "_train", stopping)
    monkeypatch.setattr("litebert.training.tuning.monotonic", lambda: clock[0])
    with pytest.raises(KeyboardInterrupt):
        litebert.tune(**options)
    found = litebert.tune(**options)
    assert tried[:4] == ["trial-00.9", "trial-00.3", "trial-01.3", "trial-01.3"] and len(tried) == 6
    assert [trial["seconds"] for trial in found["trials"]] == [7, 7, 14, 7, 7], "with those before the stop"
    with pytest.raises(UsageError, match="holds another run, which differs in"):
        litebert.tune(**{**options, "learning_rate": 1e-3})
    (options["out"] / "trials.json").write_text("{")
    with pytest.raises(ModelError, match=r"trials\.json is damaged"):
        litebert.tune(**options)


def test_when_time_is_over_the_best_so_far_is_told(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "litebert.training.tuning.Search._late", lambda self, *_: len(self.held["trials"]) == 3
    )
    found = litebert.tune(**options)
    assert found["ended"] == "time was over in rung 1 of 2" and not found["whole"]
    assert found["best"].endswith(".3") and "since time was over" in told(found)


def test_too_little_time_is_told(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(UsageError, match="one run with the preset takes about"):
        litebert.tune(**{**options, "minutes": 0.0001})


@pytest.mark.parametrize("more", [{"folds": 2}, {"seeds": 2}, {"also": ["glue.sst2"]}])
def test_series_and_mixtures_are_for_training(options: dict[str, Any], more: dict[str, Any]) -> None:
    (name,) = more
    with pytest.raises(UsageError, match=f"no option of tune is named '{name}'"):
        litebert.tune(**{**options, **more})


def test_a_mixture_in_a_file_is_for_training(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="is of several tasks, but this is for one"):
        litebert.tune(**{**options, "train": "tasks.toml"})


def test_steps_are_not_epochs(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="give --epochs in place of --steps"):
        litebert.tune(**{**options, "steps": 5})
