"""`litebert convert`: other layouts and sharing plans, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import litebert
from litebert.cli import main
from litebert.errors import UsageError
from litebert.model_source import open_source
from small_runs import Runs

TEXTS = ["the film was wonderful", "boring 河", "精彩"]


def test_untied_answers_as_before(runs: Runs, tmp_path: Path) -> None:
    """Every layer with blocks of its own, which are equal: the same answers, and `transformers` reads it."""
    folder = runs.trained("classification")
    assert litebert.convert(folder, tmp_path / "untied", sharing="none") == ()
    assert open_source(str(tmp_path / "untied")).config.attention == (0, 1)
    before, after = (litebert.load(str(f), precision="fp32")(TEXTS) for f in (folder, tmp_path / "untied"))
    assert [(a.label, pytest.approx(a.probability, abs=1e-6)) for a in before] == [
        (a.label, a.probability) for a in after
    ]


def test_there_and_back_is_exact(runs: Runs, tmp_path: Path) -> None:
    folder = runs.trained("classification")
    litebert.convert(folder, tmp_path / "untied", sharing="none")
    notes = litebert.convert(tmp_path / "untied", tmp_path / "tied", sharing="all")
    weights = [(one / "model.safetensors").read_bytes() for one in (folder, tmp_path / "tied")]
    assert weights[0] == weights[1]
    assert notes == ()


def test_a_mean_of_different_blocks_is_said(runs: Runs, tmp_path: Path) -> None:
    litebert.convert(runs.trained("classification"), tmp_path / "untied", sharing="none")
    options = {**runs.options("classification"), "steps": 3, "model": str(tmp_path / "untied")}
    litebert.train(out=tmp_path / "run", **options)
    notes = litebert.convert(tmp_path / "run", tmp_path / "tied", sharing="all")
    assert any("mean" in note for note in notes)


def test_to_tensorflow_and_back(runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, there, back = runs.trained("classification"), tmp_path / "tf", tmp_path / "back"
    assert main(["convert", str(folder), str(there), "--to", "tensorflow"]) == 0
    assert "holds the model, for Google's TF1 code" in capsys.readouterr().out
    assert {"model.ckpt.index", "vocab.txt", "albert_config.json"} <= {path.name for path in there.iterdir()}
    assert main(["convert", str(there), str(back), "--to", "huggingface"]) == 0
    before, after = open_source(str(folder)), open_source(str(back))
    assert before.checkpoint and after.checkpoint
    assert before.checkpoint.encoder.keys() == after.checkpoint.encoder.keys()
    for name, tensor in before.checkpoint.encoder.items():
        assert tensor.equal(after.checkpoint.encoder[name]), name


def test_a_tensorflow_checkpoint_is_trained(runs: Runs, tmp_path: Path) -> None:
    """By its folder and by its prefix."""
    litebert.convert(runs.trained("classification"), tmp_path / "tf", to="tensorflow")
    options = {**runs.options("classification"), "steps": 2}
    for number, name in enumerate(["tf", "tf/model.ckpt"]):
        out = tmp_path / f"run-{number}"
        litebert.train(out=out, **{**options, "model": str(tmp_path / name)})
        assert json.loads((out / "run.json").read_text())["model"] == str(tmp_path / name)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["{run}", "{full}"], 2, "is not empty; name a new folder"),
        (["{run}", "{file}"], 2, "is not empty; name a new folder"),
        (["{run}", "{new}", "--sharing", "al"], 2, "did you mean 'all'"),
        (["{run}", "{new}", "--to", "onnx"], 2, "Known: huggingface, tensorflow"),
        (["config:albert-base-v2", "{new}"], 2, "has no weights to convert"),
        (["{new}", "{new}"], 4, "there is no such file or folder"),
        (["{run}"], 2, "TARGET"),
        ([], 2, "SOURCE"),
    ],
)
def test_a_mistake_is_told_with_its_exit_code(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    places = {name: tmp_path / name for name in ("full", "file", "new")}
    given = [one.format(run=runs.trained("classification"), **places) for one in arguments]
    try:
        found = main(["convert", *given])
    except SystemExit as end:
        found = end.code  # type: ignore[assignment]
    assert found == code
    assert told in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"


def test_python_says_the_nearest_option(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'sharing'"):
        litebert.convert("a", tmp_path / "b", shared="all")


@pytest.mark.parametrize("layout", ["huggingface", "tensorflow"])
def test_the_names_of_labels_come_along(runs: Runs, tmp_path: Path, layout: str) -> None:
    source = runs.trained("classification")
    litebert.convert(source, tmp_path / "there", to=layout)
    litebert.convert(tmp_path / "there", tmp_path / "back", sharing="none")
    (wanted,) = litebert.load(str(source), precision="fp32")(TEXTS[:1])
    (found,) = litebert.load(str(tmp_path / "back"), precision="fp32")(TEXTS[:1])
    assert found.label == wanted.label and abs(found.probability - wanted.probability) < 1e-5
