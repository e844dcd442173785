"""The rows of a Ray data set answered as here, each with its own answer."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import litebert
from litebert.engine.ray_data import ANSWER, Answers, predict
from litebert.errors import UsageError
from small_runs import Runs

TEXTS = ["the film was wonderful", "糟糕", "a boring river", "lovely lovely film"] * 10


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("ray"))


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """A cluster of two workers that can import what this process can."""
    pytest.importorskip("ray.data", reason="needs Ray Data: pip install 'litebert[ray]'")
    ray = pytest.importorskip("ray")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


def test_a_batch_keeps_its_columns_and_errors_their_places(runs: Runs) -> None:
    """What Ray calls, without Ray."""
    answers = Answers(str(runs.trained("classification")), precision="fp32")
    columns = {"id": np.arange(3), "text": np.array(["lovely", None, "boring"], dtype=object)}
    found = answers(columns)
    assert found["id"] is columns["id"]
    labels = [json.loads(answer) for answer in found[ANSWER]]
    assert labels[0]["label"] == "positive" and labels[2]["label"] == "negative"
    assert "text" in labels[1]["error"]["message"]


def test_rows_are_answered_as_here(runs: Runs, ray: Any) -> None:
    model = str(runs.trained("classification"))
    rows = [{"id": i, "text": text, "more": -i} for i, text in enumerate(TEXTS)]
    dataset = ray.data.from_items(rows).repartition(5)
    found = predict(dataset, model, key="id", actors=1, precision="fp32").take_all()
    assert [row["id"] for row in found] == list(range(len(TEXTS)))
    assert [row["more"] for row in found] == [-i for i in range(len(TEXTS))]
    here = litebert.load(model, precision="fp32")(TEXTS)
    for row, answer in zip(found, here, strict=True):
        there = json.loads(row[ANSWER])
        assert there["label"] == answer.label
        assert there["probability"] == pytest.approx(answer.probability, abs=1e-5)
    with pytest.raises(UsageError, match="no column 'number' to sort by; there are id, text, more"):
        predict(dataset, model, key="number")


def test_without_ray_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(UsageError, match=r"pip install 'litebert\[ray\]'"):
        predict(None, str(tmp_path))
