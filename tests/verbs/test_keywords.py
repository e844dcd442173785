"""Python's keyword arguments: flat, as flags are, or with the dataclasses themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from litebert.errors import UsageError
from litebert.training.settings import TrainSettings
from litebert.verbs.columns import Columns
from litebert.verbs.evaluate import Evaluate
from litebert.verbs.keywords import made
from litebert.verbs.train import Train


def test_flat_nested_and_both() -> None:
    flat = made(Train, {"train": "a", "out": "b", "epochs": 2.0, "seed": 3, "text_column": "t"})
    settings, columns = TrainSettings(epochs=2.0, seed=3), Columns(text_column="t")
    nested = made(Train, {"train": "a", "out": Path("b"), "settings": settings, "columns": columns})
    both = made(
        Train,
        {"train": "a", "out": "b", "settings": TrainSettings(seed=3), "epochs": 2.0} | {"text_column": "t"},
    )
    assert flat == nested == both
    assert flat.out == Path("b")


def test_what_was_before_gives_way() -> None:
    before = {"train": "a", "task": "regression", "settings": TrainSettings(seed=7, epochs=9.0)}
    verb = made(Train, {"out": "b", "seed": 1, "task": None}, before)
    assert (verb.train, verb.task, verb.settings) == ("a", None, TrainSettings(seed=1, epochs=9.0))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"data": "a", "modle": "b"}, "no option of evaluate is named 'modle'; did you mean 'model'"),
        ({"data": "a", "text_colum": "b"}, "did you mean 'text_column'"),
        ({"model": "b"}, "evaluate needs data=…"),
    ],
)
def test_an_unknown_keyword_is_told_with_the_nearest(options: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        made(Evaluate, options)
