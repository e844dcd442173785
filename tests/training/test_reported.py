"""What is reported of a run at its end is what dev said when the weights that it leaves were judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import litebert
from litebert.training.report.metrics import rows
from small_runs import Runs


def _seen(folder: Path) -> dict[str, float]:
    """What dev said when the weights that are left were judged."""
    best = [row for row in rows(folder / "metrics.jsonl") if row["kind"] == "dev" and row["best"]][-1]
    return {name: value for name, value in best.items() if isinstance(value, float) and name != "train_loss"}


@pytest.mark.parametrize("family", ["classification", "pairs", "multilabel", "regression", "windows"])
def test_the_report_is_the_best_judgement(runs: Runs, family: str) -> None:
    folder = runs.trained(family)
    seen, told = _seen(folder), json.loads((folder / "results.json").read_text())["dev"]
    assert seen == pytest.approx({name: told[name] for name in seen}, abs=1e-4)
    assert len(seen) > 1


def test_where_the_last_weights_are_not_the_best(runs: Runs, tmp_path: Path) -> None:
    """With the whole model in bf16, whose last updates ruin it."""
    options = runs.options("classification") | {"precision": "bf16", "learning_rate": 0.1, "warmup": 0.5}
    folder = tmp_path / "run"
    told = litebert.train(out=folder, **options | {"epochs": 4.0, "evaluate_every": 5})["dev"]
    judged = [row for row in rows(folder / "metrics.jsonl") if row["kind"] == "dev"]
    assert judged[-1]["accuracy"] < max(row["accuracy"] for row in judged), "else this test shows nothing"
    assert told["accuracy"] == _seen(folder)["accuracy"] == max(row["accuracy"] for row in judged)
