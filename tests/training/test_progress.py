from __future__ import annotations

import json
from math import log, nan

import pytest

from litebert.errors import ModelError
from litebert.training.progress import Judgement, Progress


def _judgement(step: int, score: float = 0.5, *, constant: bool = False, loss: float = 0.3) -> Judgement:
    return Judgement(step=step, score=score, measures={"accuracy": score}, constant=constant, loss=loss)


def _progress(*history: Judgement) -> Progress:
    return Progress(step=history[-1].step if history else 0, history=history)


def test_best_is_the_last_of_the_highest_but_patience_counts_from_the_first() -> None:
    progress = _progress(_judgement(1, 0.5), _judgement(2, 0.7), _judgement(3, 0.7), _judgement(4, 0.6))
    assert progress.best is progress.history[2]
    assert progress.stale == 2
    assert Progress().best is None
    assert Progress().stale == 0


def test_a_score_that_is_not_a_number_is_never_best() -> None:
    assert _progress(_judgement(1, nan), _judgement(2, 0.1)).best == _judgement(2, 0.1)
    assert _progress(_judgement(1, 0.1), _judgement(2, nan)).stale == 1


@pytest.mark.parametrize(
    ("scores", "stale"),
    [
        ([0.0, 0.0, 0.0, 0.0], 0),
        ([0.0, 0.0, 0.2], 0),
        ([0.0, 0.0, 0.2, 0.2, 0.1], 2),
        ([0.2, 0.0, 0.0], 2),
        ([0.5, 0.5, 0.5], 2),
        ([nan, 0.0, 0.0], 1),
    ],
)
def test_patience_waits_until_a_measure_has_left_0(scores: list[float], stale: int) -> None:
    progress = _progress(*(_judgement(step, score) for step, score in enumerate(scores, 1)))
    assert progress.stale == stale


def test_json_round_trip() -> None:
    progress = Progress(step=7, losses=(0.1 + 0.2, 3), history=(_judgement(5, 1 / 3),), seconds=1e-9)
    assert Progress.from_json(json.loads(json.dumps(progress.to_json()))) == progress


def test_another_versions_progress_is_refused() -> None:
    with pytest.raises(ModelError, match="another version"):
        Progress.from_json({**Progress().to_json(), "colour": 1})


@pytest.mark.parametrize(
    ("history", "collapsed"),
    [
        ([(100, True, log(2)), (200, True, log(2))], True),
        ([(100, True, log(2)), (200, True, nan)], True),
        ([(100, True, log(2)), (200, True, 0.60)], False),
        ([(100, True, log(2)), (200, False, log(2))], False),
        ([(200, True, log(2))], False),
        ([(40, True, log(2)), (80, True, log(2))], False),
        ([(40, True, log(2)), (80, True, log(2)), (160, True, log(2))], True),
        ([(100, False, 0.4), (200, False, 0.3), (300, True, 0.9), (400, True, 0.7)], True),
        ([(300, False, 0.3), (340, True, 0.9), (380, True, 0.7)], False),
    ],
)
def test_a_collapse_is_told_from_slow_learning(
    history: list[tuple[int, bool, float]], collapsed: bool
) -> None:
    progress = _progress(*(_judgement(s, constant=c, loss=loss) for s, c, loss in history))
    assert progress.collapsed(log(2), since=20) is collapsed


def test_the_warm_up_is_not_a_collapse() -> None:
    progress = _progress(*(_judgement(s, constant=True, loss=log(2)) for s in (100, 200, 300)))
    assert progress.collapsed(log(2), since=20)
    assert not progress.collapsed(log(2), since=250)
