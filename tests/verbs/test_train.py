"""`litebert train`: what it says, what it leaves, what it refuses."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import litebert
from litebert.cli import main
from litebert.errors import DataError, LitebertError, ModelError, UsageError
from litebert.verbs.train import Train
from small_runs import FAST, Runs, feeling, made, write

Quick = Callable[..., tuple[int, str, str]]
QUICK = {**FAST, "steps": 4}
"""A run of a moment, which learns nothing."""
LEFT = {
    *(
        "config.json",
        "model.safetensors",
        "task.json",
        "vocab.txt",
        "tokenizer.json",
        "tokenizer_config.json",
    ),
    *("special_tokens_map.json", "run.json", "results.json", "fingerprint.json", "metrics.jsonl"),
    *("README.md", "curves.png", "confusion.png", "confusion.csv", "mistakes.jsonl", "events", "checkpoint"),
}


def flags(runs: Runs, **options: Any) -> list[str]:
    """A command line."""
    whole = {
        **QUICK,
        "progress": "lines",
        "train": runs.data("classification"),
        "model": runs.model,
    } | options
    given = (f"--{name.replace('_', '-')}={value}" for name, value in whole.items() if value is not None)
    return ["train", *(flag for flag in given if not flag.endswith("=False"))]


@pytest.fixture
def quick(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Quick:
    """Trains for a moment; gives the exit code, what was printed and what was said.

    The pictures are left out, which take longer than all else.
    """
    drawn = b"\x89PNG"
    monkeypatch.setattr("litebert.training.outcome.draw_curves", lambda _, to: to.write_bytes(drawn))
    monkeypatch.setattr("litebert.training.artifacts.confusion._picture", lambda *_: drawn)

    def train(*more: str, **options: Any) -> tuple[int, str, str]:
        code = main([*flags(runs, **{"task": "classification", "out": tmp_path / "run"} | options), *more])
        return code, *capsys.readouterr()

    return train


def test_the_folder_has_all_that_a_run_leaves(runs: Runs) -> None:
    folder = runs.trained("classification")
    assert {path.name for path in folder.iterdir() if path.name != ".lock"} == LEFT
    for picture in ("curves.png", "confusion.png"):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")
    assert list((folder / "events").rglob("events.out.tfevents.*"))
    results = json.loads((folder / "results.json").read_text())
    assert (results["task"], results["best_by"]) == ("classification", "accuracy")
    assert results["dev"]["accuracy"] > 0.9
    card = (folder / "README.md").read_text()
    for told in (
        runs.data("classification").name,
        "split off by hash",
        "negative",
        f"{results['dev']['accuracy']:.4f}",
    ):
        assert told in card, told


def test_what_is_measured_is_what_was_saved(runs: Runs) -> None:
    """The dev part split off by hash is found again, and the folder answers it as the results say."""
    from litebert.data.examples import read
    from litebert.data.split import split_off
    from litebert.engine.opening import open_model
    from litebert.evaluation.evaluate import evaluate

    folder = runs.trained("classification")
    predictor = open_model(str(folder), precision="fp32")
    _, dev = split_off(read(str(runs.data("classification")), predictor.task))
    results = json.loads((folder / "results.json").read_text())["dev"]
    assert evaluate(predictor, dev.rows).summary() == results


def test_what_was_decided_is_said(quick: Quick, tmp_path: Path) -> None:
    rows = [
        {"review": row["text"] + " the" * 70 * (number % 4 == 0), "label": row["label"]}
        for number, row in enumerate(made(80, feeling))
    ]
    data = write(tmp_path / "data.jsonl", rows)
    code, printed, said = quick(train=data)
    assert code == 0
    for told in (
        "tiny: new weights, drawn at random",
        "tokenizer: its own, ",
        f"{data}: columns text = 'review' (guessed), label = 'label'",
        "split off by hash; train: the other ",
        "head: new, on ",
        "settings: learning rate 0.005, batches of 16, 4 updates, adamw, fp32, seed 1",
        "Finished after update 4",
    ):
        assert told in said, told
    cut = [line for line in said.splitlines() if "are longer than 64 pieces and are cut there" in line]
    assert [line.split(":")[0] for line in cut] == ["train", "dev"]
    assert sum(int(line.split()[1]) for line in cut) == 20
    assert printed.startswith("accuracy 0.") and f"are in {tmp_path / 'run'}. Try:" in printed


def test_json_is_for_programs(quick: Quick, tmp_path: Path) -> None:
    code, printed, said = quick("--json", progress="json")
    assert code == 0
    assert json.loads(printed) == json.loads((tmp_path / "run" / "results.json").read_text())
    rows = [json.loads(line) for line in said.splitlines()]
    assert {"note", "start", "dev", "finish"} <= {row["kind"] for row in rows}


def test_a_finished_run_prints_its_results(quick: Quick, tmp_path: Path) -> None:
    _, first, _ = quick()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.name != ".lock"}
    code, printed, said = quick()
    assert (code, printed) == (0, first)
    assert "holds this run, and it is over" in said
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.name != ".lock"}
    assert after == before


def test_another_run_is_refused_with_what_differs(quick: Quick, runs: Runs) -> None:
    assert quick()[0] == 0
    code, printed, said = quick(seed=9, train=runs.data("pairs"))
    assert (code, printed) == (2, "")
    assert "holds another run, which differs in:" in said
    assert "settings.seed: 1 there, 9 here" in said and "data.train: " in said
    assert "--overwrite" in said


def test_overwriting_leaves_nothing_of_the_old_run(quick: Quick, runs: Runs, tmp_path: Path) -> None:
    assert quick()[0] == 0
    (tmp_path / "run" / "notes.txt").write_text("mine")
    code, printed, _ = quick("--overwrite", task="regression", train=runs.data("regression"))
    assert code == 0 and printed.startswith("pearson ")
    there = {path.name for path in (tmp_path / "run").iterdir() if path.name != ".lock"}
    assert there == LEFT - {"confusion.png", "confusion.csv"} | {"notes.txt"}
    assert json.loads((tmp_path / "run" / "results.json").read_text())["task"] == "regression"


def test_overwriting_takes_the_old_tokenizer_away(quick: Quick, tmp_path: Path) -> None:
    """Else its `spiece.model` would be taken before the new one's `vocab.txt`."""
    assert quick(model="config:albert-zh-tiny", steps=1, batch_size=4, max_pieces=8, evaluate_every=1)[0] == 0
    assert (tmp_path / "run" / "spiece.model").exists()
    assert quick("--overwrite")[0] == 0
    assert not (tmp_path / "run" / "spiece.model").exists()
    assert litebert.load(str(tmp_path / "run"))(["the film"])


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"max_pieces": 65}, UsageError, "max_pieces is 65, but the model has 64 positions"),
        ({"max_pieces": 2}, UsageError, "limit is 2; it must be 3 or more"),
        ({"dropout": 1.5}, UsageError, "dropout must be from 0 to below 1, but is 1.5"),
        ({"task": "sentiment"}, UsageError, "no task is named 'sentiment'"),
        ({"task": None}, UsageError, "Say --task"),
        ({"model": "no/such/model/here"}, ModelError, "no/such/model/here: there is no such file or folder"),
        ({"model": "config:albert-tiny-zh"}, ModelError, "did you mean 'albert-zh-tiny'"),
        ({"train": "glue.sst3"}, UsageError, "did you mean 'glue.sst2'"),
        ({"train": "reviews.both:tset"}, UsageError, "did you mean 'test'"),
        ({"train": "missing.csv"}, DataError, "missing.csv: there is no such file"),
        ({"dev": "missing.csv"}, LitebertError, "missing.csv"),
        ({"tokenizer": "no/such"}, LitebertError, "no/such"),
        ({"text_column": "txt"}, DataError, "no column is named 'txt'; did you mean 'text'"),
        ({"task": "regression"}, DataError, "score"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_it_refuses(
    runs: Runs, tmp_path: Path, options: dict[str, Any], error: type[LitebertError], told: str
) -> None:
    out = tmp_path / "run"
    usual = {
        **QUICK,
        "task": "classification",
        "train": str(runs.data("classification")),
        "model": str(runs.model),
    }
    with pytest.raises(error) as caught:
        litebert.train(out=out, **{**usual, **options})
    assert told in str(caught.value), caught.value
    assert not (out / "model.safetensors").exists()


def test_too_long_is_refused_with_its_place(runs: Runs, tmp_path: Path) -> None:
    rows = made(40, feeling)
    data = write(tmp_path / "data.jsonl", [*rows, {"text": "the " * 100, "label": "positive"}])
    with pytest.raises(DataError, match=r"data\.jsonl:41: the input has 102 pieces"):
        litebert.train(
            task="classification",
            train=str(data),
            model=str(runs.model),
            out=tmp_path / "run",
            on_long="refuse",
            **QUICK,
        )


def test_a_trained_model_goes_on_with_its_head(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The task, its labels and its limits are the model's where nothing else is said."""
    folder = runs.trained("windows")
    results = litebert.train(
        train=str(runs.data("windows")),
        model=str(folder),
        out=tmp_path / "run",
        **{**QUICK, "learning_rate": 1e-5, "progress": "lines"},
    )
    assert f"head: goes on from {folder}" in capsys.readouterr().err
    assert results["dev"]["accuracy"] > 0.9, "after four small steps"
    assert json.loads((tmp_path / "run" / "task.json").read_text())["on_long"] == "window"


def test_a_tiny_dev_is_told_to_decide_by_chance(quick: Quick, runs: Runs) -> None:
    """Of twelve that are all right, resampling would say: surely 1.0."""
    code, printed, said = quick(dev=runs.held_out("classification", 12))
    assert code == 0
    assert "dev has 12 examples, too few to tell a good model from a lucky one: --folds 5" in said
    assert "(too few examples to say how sure that is) on 12 dev examples" in printed
    code, printed, said = quick("--overwrite", dev=runs.held_out("classification", 60))
    assert code == 0 and "too few" not in said and ") on 60 dev examples" in printed
    assert ("too few" in printed) == printed.startswith("accuracy 1.0000"), "there is no more than all right"


def test_a_source_has_its_own_task_and_dev(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    litebert.train(
        train="reviews.en:train",
        dev="reviews.en:test",
        model=str(runs.model),
        out=out,
        **{**QUICK, "progress": "lines"},
    )
    assert "reviews.en:test" in capsys.readouterr().err
    assert json.loads((out / "task.json").read_text())["labels"] == ["negative", "positive"]


def test_again_with_another_seed(runs: Runs, tmp_path: Path) -> None:
    first = litebert.train(
        out=tmp_path / "first",
        task="classification",
        train=str(runs.data("classification")),
        model=str(runs.model),
        **QUICK,
    )
    run = tmp_path / "first" / "run.json"
    same = litebert.train(again=run, out=tmp_path / "same", progress="silent")
    litebert.train(again=str(run), out=tmp_path / "other", seed=2, progress="silent")
    assert same == first
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("first", "same", "other")]
    assert weights[0] == weights[1] != weights[2]
    settings = [
        json.loads((tmp_path / name / "run.json").read_text())["settings"] for name in ("first", "other")
    ]
    assert {name for name in settings[0] if settings[0][name] != settings[1][name]} == {"seed"}


def test_flags_beside_again_win(tmp_path: Path) -> None:
    """Also one whose value is the default, since it was given."""
    from litebert.verbs.flags import parse

    run = tmp_path / "run.json"
    settings = {"seed": 7, "learning_rate": 2.3456789012345e-05, "collapse_guard": False}
    run.write_text(json.dumps({"verb": "train", "train": "a.csv", "max_pieces": 32, "settings": settings}))
    verb = parse(Train, "train", ["--again", str(run), "--out", "b", "--seed", "1"])
    assert (verb.train, verb.out, verb.max_pieces, verb.settings.seed) == ("a.csv", Path("b"), 32, 1)
    assert verb.settings.learning_rate == 2.3456789012345e-05 and not verb.settings.collapse_guard
    assert parse(Train, "train", [f"--again={run}", "--out=b"]).settings.seed == 7


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (None, "cannot read"),
        ("{", "is not the run.json of a run"),
        ("[]", "is not the run.json of a run"),
        ('{"verb": "predict"}', "is not the run.json of a run"),
        ('{"verb": "train"}', "train: field required"),
        ('{"verb": "train", "train": 5}', "train: input should be a valid string"),
        ('{"verb": "train", "train": "a", "settings": {"seed": "x"}}', "settings.seed: "),
        ('{"verb": "train", "train": "a", "settings": {"seed": -1}}', "seed must be 0 or more"),
        ('{"verb": "train", "train": "a", "settings": {"sede": 1}}', "settings.sede"),
        ('{"verb": "train", "train": "a", "epochz": 3}', "epochz"),
    ],
)
def test_what_is_no_run_json(
    tmp_path: Path, held: str | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.json"
    if held is not None:
        path.write_text(held)
    assert main(["train", "--again", str(path), "--out", str(tmp_path / "b")]) == 2
    assert told in capsys.readouterr().err


def test_python_options_are_told_by_the_nearest() -> None:
    with pytest.raises(UsageError, match="no option of train is named 'epoch'; did you mean 'epochs'"):
        litebert.train(train="a.csv", out="b", epoch=3)
    with pytest.raises(UsageError, match="train needs out=…"):
        litebert.train(train="a.csv")
    with pytest.raises(UsageError, match="train needs train=…"):
        litebert.train(out="b")


def test_a_folder_that_cannot_be_written(quick: Quick, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, said = quick(out=tmp_path / "file" / "run")
    assert code == 1 and "cannot write in" in said
    code, _, said = quick(out=tmp_path / "file")
    assert code == 2 and "file is a file; give --out the name of a folder" in said


def test_a_folder_with_other_things_is_left_alone(quick: Quick, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    code, _, said = quick()
    assert code == 2 and "is not empty and holds no run" in said
    assert {path.name for path in (tmp_path / "run").iterdir()} <= {"thesis.txt", ".lock"}


def test_damaged_results_are_named(quick: Quick, tmp_path: Path) -> None:
    quick()
    (tmp_path / "run" / "results.json").write_text("{")
    code, _, said = quick()
    assert code == 4 and "results.json is damaged" in said
    assert quick("--overwrite")[0] == 0


def test_signal_handlers_are_given_back(quick: Quick) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)]
    quick()
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)] == before


def test_sigterm_after_training_says_that_the_same_command_goes_on(
    quick: Quick, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stopped(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr("litebert.training.outcome.draw_curves", stopped)
        with pytest.raises(SystemExit) as end:
            quick()
    assert end.value.code == 75
    assert not (tmp_path / "run" / "results.json").exists()
    code, printed, _ = quick()
    assert code == 0 and printed.startswith("accuracy")
