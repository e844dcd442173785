"""Every task's own files are checked, and the data sets' known faults are found."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import litebert
from litebert import names
from litebert.data.source import position

SAMPLES = Path(__file__).parents[2] / "tasks" / "samples"
QUICK = {"suspicious": 0, "near_duplicates": None}


@pytest.mark.parametrize("task", names.known("litebert.tasks"))
def test_a_tasks_samples_have_nothing_unreadable(task: str) -> None:
    path = SAMPLES / f"{task}.jsonl"
    report = litebert.check_data(path, task=task, **QUICK)
    assert report.rows == len(path.read_text("utf-8").splitlines())
    assert not report.counts["unreadable"] and not report.counts["refused"]
    assert report.summary["pieces"]["longest"] > 2


@pytest.mark.parametrize("task", ["classification", "question-answering", "choice", "entities", "regression"])
def test_what_a_file_is_for_is_told_by_its_columns(task: str) -> None:
    assert litebert.check_data(SAMPLES / f"{task}.jsonl", **QUICK).task == task


def test_a_source_is_checked_and_what_of_it_is_not_is_said() -> None:
    report = litebert.check_data("reviews.en:train", against="reviews.en:test")
    assert report.task == "classification" and report.rows > 400
    assert not [code for code in report.counts if code.startswith("leak")]
    assert "a source" in report.unchecked[0]


def test_cmrcs_two_hundred_wrong_places(data_folder: Path) -> None:
    path = data_folder / "cmrc2018_zh" / "cmrc2018_dev.json.gz"
    report = litebert.check_data(path, **QUICK)
    assert report.counts["offset"] + report.counts["absent"] == 200


def test_phrases_of_one_sentence_leak(data_folder: Path, tmp_path: Path) -> None:
    """SST-2, a twentieth of it: split at random, and by the sentence."""
    with gzip.open(data_folder / "glue" / "SST-2" / "train.tsv.gz", "rt", encoding="utf-8") as file:
        head, *rows = file.read().splitlines()[:3500]
    held = [row for row in rows if position(row) < 0.1]
    rest = [row for row in rows if position(row) >= 0.1]
    for name, some in {"train": rest, "dev": held}.items():
        (tmp_path / f"{name}.tsv").write_text("\n".join([head, *some]) + "\n", "utf-8")
    report = litebert.check_data(
        tmp_path / "dev.tsv", against=str(tmp_path / "train.tsv"), task="classification", **QUICK
    )
    assert report.counts["leak-part"] + report.counts["leak"] > 0


def test_copa_has_the_premises_of_superglues(data_folder: Path) -> None:
    found = list((data_folder / "superglue_small").rglob("*COPA*/train.jsonl*"))
    if not found:
        pytest.skip("SuperGLUE's COPA is not there")
    report = litebert.check_data("choices.copa:all", against=str(found[0]), task="choice", **QUICK)
    assert sum(count for code, count in report.counts.items() if code.startswith("leak")) > 0


def test_the_report_as_json_is_whole() -> None:
    report = litebert.check_data(SAMPLES / "classification.jsonl", **QUICK)
    held = json.loads(json.dumps(report.json()))
    assert set(held) >= {"path", "task", "rows", "serious", "counts", "summary", "unchecked", "findings"}
