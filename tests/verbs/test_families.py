"""Every kind of task from file to answer: train, evaluate, predict, as from the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from litebert.cli import main
from litebert.engine.opening import load
from small_runs import TOPICS, WORDS, Runs

CLASSES = ["accuracy", "macro_f1", "micro_f1", "f1", "precision", "recall", "matthews"]
MEASURES = {
    "classification": CLASSES,
    "pairs": CLASSES,
    "windows": CLASSES,
    "multilabel": ["accuracy", "macro_f1", "micro_f1", "f1", "precision", "recall"],
    "regression": ["pearson", "spearman"],
}
CHIEF = {name: measures[2 if name == "multilabel" else 0] for name, measures in MEASURES.items()}
ENOUGH = {"classification": 0.9, "pairs": 0.9, "windows": 0.9, "multilabel": 0.9, "regression": 0.9}


def asked(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """The JSON lines that a command prints."""
    assert main(arguments) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("name", MEASURES)
def test_it_learns_and_is_measured(runs: Runs, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    test = str(runs.held_out(name))
    (found,) = asked(["evaluate", "--model", str(runs.trained(name)), "--data", test, "--json"], capsys)
    assert list(found) == [*MEASURES[name], "examples", "refused", "truncated", "intervals"]
    assert (found["examples"], found["refused"], found["truncated"]) == (60, 0, 0)
    assert found[CHIEF[name]] > ENOUGH[name]
    assert list(found["intervals"]) == MEASURES[name]
    for measure, (low, high) in found["intervals"].items():
        assert low <= found[measure] <= high


@pytest.mark.parametrize("name", MEASURES)
def test_it_answers_each_row_in_order(runs: Runs, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    test = runs.held_out(name)
    wanted = [json.loads(line) for line in test.read_text("utf-8").splitlines()]
    answers = asked(["predict", "--model", str(runs.trained(name)), "--input", str(test)], capsys)
    assert len(answers) == len(wanted)
    for answer in answers:
        check_shape(name, answer)
    right = sum(map(agrees, answers, wanted)) / len(wanted)
    assert right > 0.8


def check_shape(name: str, answer: dict[str, Any]) -> None:
    """The Outputs that other programs count on."""
    if name == "regression":
        assert list(answer) == ["score"] and isinstance(answer["score"], float)
    elif name == "multilabel":
        assert list(answer) == ["labels"]
        assert all(
            list(one) == ["label", "probability"] and one["label"] in TOPICS for one in answer["labels"]
        )
        probabilities = [one["probability"] for one in answer["labels"]]
        assert probabilities == sorted(probabilities, reverse=True) and all(
            0.5 <= p <= 1 for p in probabilities
        )
    else:
        assert list(answer) == ["label", "probability"] and 0.5 <= answer["probability"] <= 1
        assert answer["label"] in ("negative", "positive")


def agrees(answer: dict[str, Any], wanted: dict[str, Any]) -> bool:
    if "score" in answer:
        return abs(answer["score"] - wanted["score"]) < 1  # In the data's own units.
    if "labels" in answer:
        return sorted(one["label"] for one in answer["labels"]) == sorted(wanted["labels"])
    return bool(answer["label"] == wanted["label"])


def test_windows_read_what_would_be_cut_off(runs: Runs) -> None:
    """The feeling stands behind the 64 pieces that the model reads at once."""
    model = load(str(runs.trained("windows")))
    for label, (word, *_) in WORDS.items():
        assert model([" ".join(["the"] * 60 + [word] * 60)])[0].label == label
