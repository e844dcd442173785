"""Reviews: those that come with the package, and IMDB's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.resources import as_file, files
from typing import Any

from litebert.data.example import Examples
from litebert.data.reader import read_file
from litebert.data.source import Source, by_hash, from_file
from litebert.tasks.classification import Classification
from litebert.tasks.regression import Regression

SENTIMENT = Classification(labels=("negative", "positive"))
_COLUMNS = {"text": "text", "label": "label"}


def _embedded(*names: str) -> Callable[[], Examples[Any, Any]]:
    def read() -> Examples[Any, Any]:
        parts = [_one(name) for name in names]
        return replace(parts[0], rows=[example for part in parts for example in part])

    return read


def _one(name: str) -> Examples[Any, Any]:
    with as_file(files("litebert") / "embedded" / "reviews" / f"{name}.jsonl") as path:
        return read_file(str(path), SENTIMENT, columns=_COLUMNS)


def _imdb(
    task: Any, columns: dict[str, str], labels: dict[str, str] | None
) -> Callable[[], Examples[Any, Any]]:
    """The four files of the official train."""
    parts = [from_file(f"imdb/train.{i}of4.jsonl", task, columns, labels=labels) for i in range(4)]

    def read() -> Examples[Any, Any]:
        return replace(parts[0](), rows=[example for part in parts for example in part()])

    return read


en = Source(
    SENTIMENT,
    {"train": _embedded("en.train"), "test": _embedded("en.test")},
    "English reviews of all kinds of things, written for litebert",
)
zh = Source(
    SENTIMENT,
    {"train": _embedded("zh.train"), "test": _embedded("zh.test")},
    "Chinese reviews of all kinds of things, written for litebert",
)
both = Source(
    SENTIMENT,
    {"train": _embedded("en.train", "zh.train"), "test": _embedded("en.test", "zh.test")},
    "The English and the Chinese reviews",
)
imdb = Source(
    SENTIMENT,
    by_hash(_imdb(SENTIMENT, _COLUMNS, {"0": "negative", "1": "positive"})),
    "IMDB film reviews, the official train (Maas et al. 2011)",
)
imdb_stars = Source(
    Regression(),
    by_hash(_imdb(Regression(), {"text": "text", "score": "rating"}, None)),
    "The same reviews by their stars, 1 to 4 and 7 to 10",
)
