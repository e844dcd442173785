"""TF-IDF of words and, for Chinese, of one to three characters, with a linear model: logistic regression for
classes, ridge regression for scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from litebert.data.example import Example
from litebert.tasks.task import Task

TASKS = ("classification", "relations", "regression")


def answers(task: Task[Any, Any], train: Sequence[Example[Any, Any]], given: Sequence[Any]) -> list[Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline, make_union

    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True),
    )
    scored = task.problem == "regression"
    model = make_pipeline(features, Ridge() if scored else LogisticRegression(max_iter=1000))
    model.fit([_text(e.given) for e in train], [astuple(e.wanted)[0] for e in train])
    return [task.Output(found) for found in model.predict([_text(one) for one in given]).tolist()]


def _text(given: Any) -> str:
    """A text, or both of a pair."""
    return "\n".join(part for part in astuple(given) if isinstance(part, str))
