"""What a model must beat: TF-IDF with a linear model, the classical baseline for classification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litebert.data.examples import Example


def tfidf_accuracy(train: Sequence[Example[Any, Any]], test: Sequence[Example[Any, Any]]) -> float:
    """Accuracy of logistic regression on TF-IDF of words and, for Chinese, of one to three characters."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True),
    )
    model = make_pipeline(features, LogisticRegression(max_iter=1000))
    model.fit([e.given.text for e in train], [e.wanted.label for e in train])
    return float(model.score([e.given.text for e in test], [e.wanted.label for e in test]))
