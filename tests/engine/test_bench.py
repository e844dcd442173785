"""`litebert bench`: true figures, whatever the file of texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import litebert
from litebert.cli import main
from litebert.engine.measuring import Setting, measured
from litebert.errors import InputError, UsageError
from litebert.model.eight_bits import has_eight_bits
from litebert.tasks.texts import Text
from litebert.verbs.bench import _recommended
from small_runs import Runs


def test_every_precision_of_a_run(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--texts", str(runs.held_out("classification", 60)), "--rounds", "1", "--alone", "5", "--json"]
    assert main(["bench", "--model", str(runs.trained("classification")), *flags]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["inputs"] == 60
    assert [row["precision"] for row in found["settings"]] == ["fp32", "bf16", "int8"]
    for row in found["settings"]:
        apart = row["without_tokenizing"]
        assert 0 < row["sequences_per_second"] < apart["sequences_per_second"]
        assert row["pieces_per_second"] > 3 * row["sequences_per_second"]
        assert 0 < row["latency_ms"]["p50"] <= row["latency_ms"]["p99"] < 10_000
        assert 100 < row["peak_memory_mb"] < 10_000
        rounding = 0.01 + 0.1 / row["sequences_per_second"]
        hours = 1e6 / row["sequences_per_second"] / 3600
        assert row["hours_per_million"] == pytest.approx(hours, rel=rounding)
        assert row["changed_answers"] <= 0.02
    assert set(found["recommended"]) == {"files", "one at a time"}
    assert has_eight_bits() or found["recommended"]["files"]["precision"] != "int8"


def test_lines_of_text_and_what_cannot_be_opened(runs: Runs, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("wonderful\n\n糟糕\n", encoding="utf-8")
    found = litebert.bench(
        str(texts),
        model=str(runs.trained("classification")),
        precisions=("bf16",),
        against=(str(runs.model),),
        rounds=1,
    )
    assert found["inputs"] == 2
    good, bad = found["settings"]
    assert good["sequences_per_second"] > 0 and bad["error"]["code"] == "model"
    assert found["recommended"]["files"]["precision"] == "bf16"


def test_int8_is_recommended_where_it_is_worth_it() -> None:
    def row(precision: str, speed: float) -> dict[str, object]:
        return {"model": "m", "precision": precision, "sequences_per_second": speed, "latency_ms": {"p50": 1}}

    assert _recommended([row("bf16", 100), row("int8", 105)])["files"]["precision"] == "bf16"
    assert _recommended([row("bf16", 100), row("int8", 150)])["files"]["precision"] == "int8"
    assert _recommended([{"precision": "fp32", "error": {}}]) == {}


def test_what_cannot_be_measured_is_refused(runs: Runs, tmp_path: Path) -> None:
    model, empty = str(runs.trained("classification")), tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(InputError, match="nothing to answer"):
        litebert.bench(str(empty), model=model)
    with pytest.raises(UsageError, match="rounds must be at least 1"):
        litebert.bench(str(empty), model=model, rounds=0)
    with pytest.raises(UsageError, match="'int9'"):
        litebert.bench(str(empty), model=model, precisions=("int9",))


def test_of_several_models_the_recommended_is_named(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = str(runs.trained("classification")), str(runs.trained("pairs"))
    flags = ["--texts", str(runs.held_out("pairs", 4)), "--rounds", "1", "--precisions", "fp32"]
    assert main(["bench", "--model", one, "--against", other, *flags]) == 0
    printed = capsys.readouterr().out
    best = [line for line in printed.splitlines() if line.startswith("for ")]
    assert len(best) == 2
    assert all(f"--model {one} " in line or f"--model {other} " in line for line in best)
    assert "other answers" in printed


def test_an_error_in_a_round_keeps_its_words(runs: Runs) -> None:
    setting = Setting(str(runs.trained("classification")), "fp32")
    with pytest.raises(InputError, match="surrogate"):
        measured([setting], [Text("wonderful"), Text("a\ud800")], rounds=1, alone=2)
