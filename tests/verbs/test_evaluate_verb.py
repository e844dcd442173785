"""`litebert evaluate`: which data, what is said, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import litebert
from litebert.cli import main
from litebert.data.examples import read
from small_runs import Runs, feeling, made, write


@pytest.fixture(scope="module")
def reviewer(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of the example reviews' labels."""
    out = tmp_path_factory.mktemp("reviewer") / "run"
    options = {**runs.options("classification"), "steps": 2, "train": "reviews.en:train"}
    litebert.train(out=out, **options)
    return str(out)


def test_a_source_without_a_split_is_judged_on_its_test(
    reviewer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, split in (("reviews.en", "test"), ("reviews.en:train", "train")):
        assert main(["evaluate", "--model", reviewer, "--data", name, "--json"]) == 0
        printed, said = capsys.readouterr()
        count = len(read(f"reviews.en:{split}"))
        assert json.loads(printed)["examples"] == count
        assert f"{count} examples of reviews.en:{split}" in said


def test_a_table_for_people(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(runs.held_out("regression"))
    assert main(["evaluate", "--model", str(runs.trained("regression")), "--data", data]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith("pearson      0.") and "(95 %: 0." in first
    assert second.startswith("spearman") and third.split() == ["examples", "60"]


def test_several_files_and_named_columns(runs: Runs, tmp_path: Path) -> None:
    rows = [{"said": row["text"], "felt": row["label"]} for row in made(30, feeling, seed=3)]
    parts = [str(write(tmp_path / f"{i}.jsonl", rows[i::2])) for i in range(2)]
    found = litebert.evaluate(
        ",".join(parts), model=str(runs.trained("classification")), text_column="said", label_column="felt"
    )
    assert len(found.answered) == 30 and found.metrics["accuracy"] > 0.8


def test_what_cannot_be_answered_is_counted(runs: Runs, tmp_path: Path) -> None:
    data = write(
        tmp_path / "data.jsonl", [*made(10, feeling), {"text": "\ufdfa" * 300_000, "label": "positive"}]
    )
    summary = litebert.evaluate(str(data), model=str(runs.trained("classification"))).summary()
    assert (summary["examples"], summary["refused"]) == (10, 1)


@pytest.mark.parametrize(
    ("row", "code", "told"),
    [
        (
            {"text": "fine", "label": "positiv"},
            3,
            "data.jsonl:1: no label is named 'positiv'; did you mean 'positive'",
        ),
        ({"text": "fine"}, 3, "data.jsonl:1: no column for the label"),
        ({"label": "positive"}, 3, "data.jsonl:1: no column for the text"),
    ],
)
def test_wrong_data_are_told_with_their_exit_code(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str], row: dict[str, str], code: int, told: str
) -> None:
    data = write(tmp_path / "data.jsonl", [row])
    assert main(["evaluate", "--model", str(runs.trained("classification")), "--data", str(data)]) == code
    assert told in capsys.readouterr().err


def test_a_set_for_another_task_is_refused(reviewer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--model", reviewer, "--data", "reviews.imdb_stars"]) == 2
    assert "reviews.imdb_stars:dev is for the task regression, not classification" in capsys.readouterr().err
