"""The page of results: a row from the data to the page, stopped and gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from litebert.data.source import known
from litebert.errors import UsageError
from litebert.evaluation.baseline import baselines
from litebert.recipes.results import page, rows, work
from litebert.recipes.results.__main__ import Results
from litebert.recipes.results.rows import MOVIES, ROWS, Goal, Row, chosen
from litebert.training.interrupts import TRY_AGAIN
from small_runs import Runs

SMALL = {"steps": 3, "max_pieces": 16, "precision": "fp32", "batch_size": 8}
REVIEWS = Row(
    source="reviews.en",
    measures=("accuracy", "macro_f1"),
    goals=(Goal(measure="accuracy", least=0.01), Goal(measure="macro_f1", above="any")),
    settings=SMALL,
    note="it is a test.",
)


@pytest.fixture(name="_alone")
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one row that needs no data folder."""
    for module in (rows, page):
        monkeypatch.setattr(module, "ROWS", (REVIEWS,))


def test_rows_are_of_sets_that_there_are_and_measure_what_there_is() -> None:
    from litebert.data.source import find

    assert {row.source for row in ROWS} - {MOVIES} <= set(known())
    for row in ROWS:
        assert row.source == MOVIES or baselines(find(row.source)[0].task)
        assert {goal.measure for goal in row.goals} <= set(row.measures)


def test_rows_are_chosen_by_either_name() -> None:
    assert [row.source for row in chosen(["tnews", "entities.resume"])] == ["clue.tnews", "entities.resume"]
    assert chosen([]) == list(ROWS)
    with pytest.raises(UsageError, match="conll2003"):
        chosen(["conll2004"])


def test_a_goal_is_a_value_or_counted_from_a_baseline() -> None:
    found = {"none": {"f1": 0.5}, "overlap": {"f1": 0.3}}
    assert Goal(measure="f1", least=0.4).met(0.4, {})
    above = Goal(measure="f1", least=0.08, above="overlap")
    assert above.needed(found) == pytest.approx(0.38) and above.met(0.38, found) and not above.met(0.3, found)
    best = Goal(measure="f1", above="any")
    assert not best.met(0.5, found) and best.met(0.501, found)
    assert best.needed({}) is None and not best.met(1.0, {})


def test_a_row_is_worked_out_once_and_shown(
    _alone: None, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    made: dict[str, Any] = {"out": out, "model": str(runs.model), "page": tmp_path / "results.md"}
    assert Results(**made, baselines=True).run() == 0
    assert "not yet" in (tmp_path / "results.md").read_text("utf-8")
    assert Results(**made).run() == 0
    monkeypatch.setattr(work, "judge", None)  # What is there is not worked out again.
    assert Results(**made).run() == 0
    text = (tmp_path / "results.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if "reviews.en" in line and line.startswith("|")]
    assert [line.split("|")[2].strip() for line in lines] == ["accuracy", "macro_f1"]
    assert "**0." in lines[0] and "tfidf 0." in lines[0] and "majority 0." in lines[0]
    assert "min: rate" in lines[0] and "it is a test." in text


def test_a_page_keeps_what_was_found_elsewhere(_alone: None, runs: Runs, tmp_path: Path) -> None:
    made: dict[str, Any] = {"model": str(runs.model), "page": tmp_path / "results.md"}
    assert Results(**made, out=tmp_path / "first").run() == 0
    first = (tmp_path / "results.md").read_text("utf-8")
    assert Results(**made, out=tmp_path / "second", baselines=True).run() == 0
    assert (tmp_path / "results.md").read_text("utf-8") == first
    unfinished = "| `reviews.en` | accuracy | ≥ 0.010 | not yet | majority 0.001 |  |\n"
    (tmp_path / "results.md").write_text(unfinished, "utf-8")
    assert Results(**made, out=tmp_path / "third", minutes=1e-9).run() == TRY_AGAIN
    assert "not yet" in (text := (tmp_path / "results.md").read_text("utf-8")) and "0.001" not in text
    assert Results(**made, out=tmp_path / "first").run() == 0
    assert (tmp_path / "results.md").read_text("utf-8") == first


def test_it_ends_when_time_is_up_and_goes_on(_alone: None, runs: Runs, tmp_path: Path) -> None:
    made: dict[str, Any] = {"out": tmp_path, "model": str(runs.model)}
    assert Results(**made, baselines=True).run() == 0
    assert Results(**made, minutes=1e-9).run() == TRY_AGAIN
    assert Results(**made).run() == 0
