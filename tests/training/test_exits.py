"""Training with exits: what it leaves, that it goes on to the bit, and what --quality makes of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import litebert
from litebert.cli import main
from litebert.engine.exit_curve import Curve, Point
from litebert.engine.exit_files import load_curve
from litebert.engine.opening import open_model
from litebert.engine.runners.eager import Eager
from litebert.engine.runners.early_exit import EarlyExit
from litebert.errors import LitebertError, ModelError, UsageError
from litebert.evaluation.evaluate import evaluate
from litebert.model.packing import pack
from litebert.model.staged import Staged
from litebert.model_source import open_source
from litebert.tasks.classification import Classification
from litebert.tasks.texts import Text
from small_runs import Runs

QUICK: dict[str, Any] = {"steps": 6, "exits": 1}


@pytest.fixture
def folder(runs: Runs) -> Path:
    return runs.trained("exits")


def test_the_folder_tells_what_leaving_early_costs(folder: Path) -> None:
    curve = load_curve(folder)
    assert curve.depths == (0, 1) and curve.measure == "accuracy" and curve.examples > 10
    results = json.loads((folder / "results.json").read_text())
    assert curve.whole == pytest.approx(results["dev"]["accuracy"])
    assert min(point.layers for point in curve.points) == 0
    assert set(load_file(folder / "exits.safetensors")) == {"0.weight", "0.bias", "1.weight", "1.bias"}
    card = (folder / "README.md").read_text()
    assert "## Leaving early" in card and "| 0% | accuracy" in card
    assert [
        json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines() if '"last"' in line
    ]


def test_transformers_opens_the_whole_model(folder: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    theirs, report = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    ours = open_model(str(folder), precision="fp32")
    (row,) = ours.encoded([Text("the film was wonderful")])
    given = {"input_ids": row.ids, "token_type_ids": row.segments}
    with torch.inference_mode():
        wanted = theirs.eval()(**{n: torch.tensor(v, dtype=torch.int64)[None] for n, v in given.items()})
    (found,) = ours.scores([row])
    assert np.abs(found["logits"] - wanted.logits[0].numpy()).max() <= 1e-5


def test_quality_1_is_the_plain_runner(folder: Path, runs: Runs) -> None:
    plain, one = open_model(str(folder)), open_model(str(folder), quality=1)
    assert isinstance(one.runner, Eager)
    texts = [Text(json.loads(line)["text"]) for line in runs.held_out("exits").read_text().splitlines()]
    assert plain(texts) == one(texts)


def test_what_the_curve_says_is_what_comes_of_it(runs: Runs) -> None:
    """The share of layers and the measure of the rule that a quality picks, by the engine on that data."""
    from litebert.data.examples import read
    from litebert.data.split import split_off

    for name in ("exits", "windows"):
        folder = runs.folder / "runs" / f"{name}-measured"
        litebert.train(out=folder, **{**runs.options(name), "exits": 1})
        curve = load_curve(folder)
        for quality in (0.5, 0.9, 0.99):
            rule = curve.rule(quality)
            predictor = open_model(str(folder), precision="fp32", quality=quality)
            if rule is None:
                assert isinstance(predictor.runner, Eager)
                continue
            (point,) = {p for p in curve.points if (p.by, p.threshold) == (rule.by, rule.threshold)}
            _, dev = split_off(read(str(runs.data(name)), predictor.task))
            found = evaluate(predictor, dev.rows, intervals=False)
            assert found.metrics["accuracy"] == pytest.approx(point.value)
            assert point.value >= quality * curve.whole - 1e-9
            assert isinstance(predictor.runner, EarlyExit)
            depths = predictor.runner.depths
            share = sum(depth * pieces for depth, pieces in depths.items()) / (2 * sum(depths.values()))
            assert share == pytest.approx(point.layers)


def test_a_packed_batch_is_answered_as_many_sequences_are(folder: Path) -> None:
    predictor = open_model(str(folder), precision="fp32", quality=0.9)
    encodings = predictor.encoded([Text("the film was wonderful"), Text("boring"), Text("电影 精彩", "糟糕")])
    together = predictor.runner(pack(encodings))["logits"]
    apart = [row["logits"] for row in predictor.scores(encodings)]
    assert np.abs(together - np.stack(apart)).max() <= 1e-5


def test_an_interrupted_call_leaves_nothing_to_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = open_model(str(folder), precision="fp32", quality=0.9)
    texts = [Text("the film was wonderful"), Text("boring"), Text("糟糕")]
    wanted = predictor(texts)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Staged, "at_exit", interrupted)
        predictor([Text("wonderful"), Text("电影 精彩")])
    assert predictor(texts) == wanted


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["multilabel", "regression", "pairs", "windows"])
def test_other_tasks_leave_early_too(runs: Runs, name: str) -> None:
    folder = runs.folder / "runs" / f"{name}-exits"
    chief = litebert.train(out=folder, **{**runs.options(name), "exits": 1})["best_by"]
    curve = load_curve(folder)
    assert curve.measure == chief
    least = min(point.value for point in curve.points)
    quality = 0.99 * least / curve.whole
    predictor = open_model(str(folder), quality=quality)
    assert isinstance(predictor.runner, EarlyExit)
    found = litebert.evaluate(str(runs.held_out(name)), model=str(folder), quality=quality)
    assert found.metrics[chief] > 0.5
    assert predictor.runner.depths == {}


def test_stopped_and_gone_on_with_it_is_the_same_to_the_bit(runs: Runs, tmp_path: Path) -> None:
    options = {**runs.options("exits"), "epochs": 2.0}
    litebert.train(out=tmp_path / "whole", **options)
    with pytest.MonkeyPatch.context() as patch:
        from litebert.training.objectives.early_exit import EarlyExit as Objective

        calls, call = [], Objective.__call__

        def stopping(self: Objective, *given: Any) -> Any:
            calls.append(1)
            if len(calls) == 9:
                signal.raise_signal(signal.SIGTERM)
            return call(self, *given)

        patch.setattr(Objective, "__call__", stopping)
        with pytest.raises(LitebertError, match="saved"):
            litebert.train(out=tmp_path / "stopped", **options)
    assert not (tmp_path / "stopped" / "results.json").exists()
    litebert.train(out=tmp_path / "stopped", **options)
    for name in ("model.safetensors", "exits.safetensors", "exits.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes(), name


def test_run_json_makes_it_again(folder: Path, tmp_path: Path) -> None:
    litebert.train(out=tmp_path / "again", again=folder / "run.json", progress="silent")
    for name in ("model.safetensors", "exits.safetensors"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_exits_change_nothing_else_that_is_drawn(runs: Runs) -> None:
    source, task = open_source(str(runs.model)), Classification(labels=("a", "b"))
    plain, with_exits = source.model(task, 3).state_dict(), source.model(task, 3, (0, 1)).state_dict()
    assert with_exits.keys() - plain.keys() == {
        f"exits.heads.{depth}.output.{name}" for depth in (0, 1) for name in ("weight", "bias")
    }
    assert all(torch.equal(plain[name], with_exits[name]) for name in plain)


def test_a_run_without_exits_is_another_run(folder: Path, runs: Runs, tmp_path: Path) -> None:
    out = shutil.copytree(folder, tmp_path / "run")
    with pytest.raises(UsageError, match=r"exits: 0, 1 there, \(none\) here"):
        litebert.train(out=out, **{**runs.options("exits"), "exits": None})
    litebert.train(out=out, overwrite=True, **{**runs.options("exits"), "exits": None, "steps": 4})
    assert not list(out.glob("exits.*"))


def test_a_model_without_exits_says_how_to_have_them(
    runs: Runs, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = str(runs.trained("classification"))
    with pytest.raises(ModelError, match=r"has no exits .* train it with exits, .* --exits 1"):
        litebert.load(plain, quality=0.99)
    flags = ["--data", str(runs.held_out("classification")), "--model", plain, "--quality", "0.9"]
    assert main(["evaluate", *flags]) == ModelError.exit_code
    assert "leave --quality out" in capsys.readouterr().err
    for name in (None, "config:albert-zh-tiny"):
        with pytest.raises(ModelError, match=r"has no (?:exits|head|task)"):
            open_model(name, task="classification", quality=0.9)
    for wrong in (0, -1, 1.5, float("nan")):
        with pytest.raises(UsageError, match="above 0 and at most 1"):
            litebert.predict(["a"], model=str(folder), quality=wrong)


def test_where_exits_cannot_be(runs: Runs, tmp_path: Path) -> None:
    options = runs.options("exits")
    for every in (0, 2, -1):
        with pytest.raises(UsageError, match="must be from 1 to 1"):
            litebert.train(out=tmp_path / "a", **{**options, "exits": every})
    with pytest.raises(UsageError, match="an LSTM has no exits"):
        litebert.train(out=tmp_path / "c", **{**options, "model": "config:lstm-tiny"})
    assert not (tmp_path / "c").exists()
    with pytest.raises(UsageError, match="similarity has no exits"):
        litebert.train(
            out=tmp_path / "b",
            **{**options, "task": "similarity", "options": ("encoder=bi",)} | _pairs(tmp_path),
        )


def _pairs(folder: Path) -> dict[str, str]:
    path = folder / "pairs.jsonl"
    rows = [{"text": f"a{i}", "second": f"b{i}", "score": i % 5} for i in range(50)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"train": str(path)}


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("exits.json", "{}"),
        ("exits.json", "damaged"),
        ("exits.json", None),
        ("exits.safetensors", "damaged"),
    ],
)
def test_damaged_exits_are_told(folder: Path, tmp_path: Path, file: str, what: str | None) -> None:
    broken = shutil.copytree(folder, tmp_path / "broken")
    if what is None:
        held = json.loads((broken / file).read_text())
        (broken / file).write_text(json.dumps({**held, "depths": [1, 5]}))
    else:
        (broken / file).write_text(what)
    with pytest.raises(ModelError, match=file.replace(".", r"\.")):
        open_model(str(broken), quality=0.5)
    open_model(str(broken))


def test_a_pipe_is_not_waited_for(folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "exits.safetensors").unlink()
    os.mkfifo(broken / "exits.safetensors")
    with pytest.raises(ModelError, match="it is no file"):
        open_model(str(broken), quality=0.5)


def test_exits_of_another_shape_are_told(folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(folder, tmp_path / "broken")
    weights = load_file(broken / "exits.safetensors")
    save_file({**weights, "1.bias": torch.zeros(7)}, broken / "exits.safetensors")
    with pytest.raises(ModelError, match="does not fit"):
        open_model(str(broken), quality=0.5)


def test_bench_measures_both(folder: Path, runs: Runs) -> None:
    found = litebert.bench(
        str(runs.held_out("exits")), model=str(folder), precisions=("fp32",), quality=0.9, rounds=1, alone=3
    )
    assert [row.get("quality") for row in found["settings"]] == [None, 0.9]
    assert all(row["sequences_per_second"] > 0 for row in found["settings"])


def curve(*points: tuple[str, float, float, float]) -> Curve:
    made = tuple(Point(by=by, threshold=t, layers=s, value=v) for by, t, s, v in points)  # type: ignore[arg-type]
    return Curve(depths=(1, 2, 3), measure="accuracy", whole=0.8, examples=100, points=made)


def test_the_rule_of_a_quality() -> None:
    found = curve(
        ("confidence", 0.5, 0.3, 0.79),  # lucky: a stricter one kept less
        ("confidence", 0.7, 0.5, 0.70),
        ("confidence", 0.9, 0.7, 0.78),
        ("confidence", 0.99, 0.9, 0.80),
        ("patience", 1, 0.6, 0.75),
        ("patience", 2, 0.8, 0.80),
    )

    def chosen(quality: float) -> tuple[str, float] | None:
        rule = found.rule(quality)
        return rule and (rule.by, rule.threshold)

    assert chosen(0.999) == ("patience", 2)
    assert chosen(0.97) == ("confidence", 0.9)
    assert chosen(0.93) == ("patience", 1)
    assert chosen(0.8) == ("confidence", 0.5)
    assert curve(("confidence", 0.5, 0.3, 0.5)).rule(0.9) is None
