"""The verb: a folder that opens, a table that is true, a bound that holds, and what is said otherwise."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

import litebert
from litebert.compression.recovery import Imitation
from litebert.errors import LitebertError, UsageError
from litebert.model.checkpoints.compact import COMPACT, PACKED
from litebert.training.interrupts import StoppedError
from small_runs import Runs

QUICK = {"steps": 15, "threads": 1, "batch_size": 16}


@pytest.fixture
def timeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the processes in which speed is measured."""
    figures = {"sequences_per_second": 1.0, "latency_ms": {"p50": 1.0}, "peak_memory_mb": 1.0}
    monkeypatch.setattr("litebert.compression.compress.speeds", lambda *_, **__: [figures, figures])


def test_every_way_can_be_taken_at_once(runs: Runs, tmp_path: Path) -> None:
    out, data = tmp_path / "out", str(runs.held_out("classification"))
    found = litebert.compress(
        runs.trained("classification"),
        out,
        heads=(1,),
        units=(16,),
        embedding=8,
        rank=10,
        vocabulary=data,
        sparsity=0.3,
        weights="packed",
        train=str(runs.data("classification")),
        data=data,
        **QUICK,
    )
    before, after = found.before, found.after
    assert after.bytes == (out / PACKED).stat().st_size < before.bytes / 4
    assert after.parameters < before.parameters / 2
    assert before.measure is not None and after.measure is not None
    assert after.measure > before.measure - 0.1
    assert min(after.sequences_per_second, after.milliseconds, after.peak_memory_mb) > 0
    assert len(found.did) == 8
    config = json.loads((out / "config.json").read_text())
    assert (config["block_heads"], config["ranks"], config["embedding_size"]) == ([1], [10, 10, 10, 10], 8)
    assert json.loads((out / "compression.json").read_text())["after"]["measure"] == after.measure
    card = (out / "README.md").read_text("utf-8")
    assert all(said in card for said in ("| parameters |", "accuracy", "feed-forward units: 16 left"))
    again = litebert.evaluate(data, model=str(out)).metrics["accuracy"]
    assert again == pytest.approx(after.measure)


@pytest.mark.usefixtures("timeless")
def test_within_a_bound_the_measure_keeps_to_it(runs: Runs, tmp_path: Path) -> None:
    data = str(runs.held_out("classification"))
    found = litebert.compress(
        runs.trained("classification"), tmp_path / "out", data=data, within=0.05, weights="int8"
    )
    assert found.before.measure is not None and found.after.measure is not None
    assert found.after.measure >= found.before.measure - 0.05
    assert found.after.parameters < found.before.parameters
    assert (tmp_path / "out" / COMPACT).is_file()


@pytest.mark.usefixtures("timeless")
def test_all_of_the_data_judge_the_end(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a step was judged by three of them, which allow whatever they happen to."""
    monkeypatch.setattr("litebert.compression.compress.LOOKED_AT", 3)
    data = str(runs.held_out("classification"))
    found = litebert.compress(runs.trained("classification"), tmp_path / "out", data=data, within=0.02)
    assert found.before.measure is not None and found.after.measure is not None
    assert found.after.measure >= found.before.measure - 0.02 - 1e-9


@pytest.mark.usefixtures("timeless")
def test_transformers_gives_the_same_answers(runs: Runs, tmp_path: Path) -> None:
    """Units and the embedding are in its own keys; heads and thin matrices stand there filled up."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    out = tmp_path / "out"
    ways: dict[str, Any] = {"heads": (1,), "units": (16,), "embedding": 8, "rank": 10}
    litebert.compress(runs.trained("classification"), out, sample=_texts(tmp_path), **ways)
    texts = ["the film was wonderful", "糟糕 boring river"]
    theirs = AutoModelForSequenceClassification.from_pretrained(out)
    tokenizer = AutoTokenizer.from_pretrained(out)
    with torch.inference_mode():
        logits = theirs.eval()(**tokenizer(texts, padding=True, return_tensors="pt")).logits
    answers = litebert.load(str(out), precision="fp32")(texts)
    for row, answer in zip(logits.softmax(-1), answers, strict=True):
        assert float(row.max()) == pytest.approx(answer.probability, abs=1e-4)


@pytest.mark.usefixtures("timeless")
def test_it_can_be_trained_on_and_exported(runs: Runs, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    small = tmp_path / "small"
    litebert.compress(runs.trained("classification"), small, heads=(1,), rank=10, sample=_texts(tmp_path))
    options: dict[str, Any] = {**runs.options("classification"), "model": str(small), "epochs": 1.0}
    litebert.train(out=tmp_path / "on", **options)
    config = json.loads((tmp_path / "on" / "config.json").read_text())
    assert (config["block_heads"], config["ranks"]) == ([1], [10, 10, 10, 10])
    found = litebert.export(small, tmp_path / "onnx")
    assert found.agreement["difference"] < 1e-4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "nothing is asked for"),
        ({"within": 0.01}, "name them with --data"),
        ({"within": 2.0, "data": "x"}, "from 0 to below 1"),
        ({"within": 0.01, "data": "x", "heads": (1,)}, "leave --heads out"),
    ],
)
def test_what_cannot_be_is_told(runs: Runs, tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        litebert.compress(runs.trained("classification"), tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_full_folder_is_left_alone(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="is not empty; give another --out, or remove it first"):
        litebert.compress(runs.trained("classification"), tmp_path, heads=(1,))


def test_what_fails_leaves_no_folder(runs: Runs, tmp_path: Path) -> None:
    with pytest.raises(LitebertError, match="no such file"):
        litebert.compress(runs.trained("classification"), tmp_path / "out", data="no.csv", within=0.1)
    assert not list(tmp_path.iterdir())


def test_asked_to_stop_while_it_trains_it_writes_nothing(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Imitation.__call__

    def asked(self: Imitation, model: Any, batch: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return usual(self, model, batch)

    monkeypatch.setattr(Imitation, "__call__", asked)
    train = str(runs.data("classification"))
    with pytest.raises(StoppedError, match="stopped by SIGTERM while it trained; nothing is") as stopped:
        litebert.compress(runs.trained("classification"), tmp_path / "out", heads=(1,), train=train, **QUICK)
    assert stopped.value.exit_code == 75 and not list(tmp_path.iterdir())


def test_a_table_that_a_head_reads_stays(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--embedding changes the word table, which the head of"):
        litebert.compress("embedded", tmp_path / "out", task="fill-mask", embedding=64)


def _texts(folder: Path) -> str:
    path = folder / "texts.jsonl"
    rows = [{"text": f"the film {i} was about a river"} for i in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)
