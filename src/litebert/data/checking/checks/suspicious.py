"""Labels that a quick model of the others cannot believe.

TF-IDF of words and Chinese characters with a linear model, by cross-validation: no row is judged by a model
that has seen it, or the same text (confident learning, Northcutt et al. 2021, in its simplest form).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, ClassVar

import numpy as np

from litebert.data.checking.check import Check, Study, shown
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.row import Row
from litebert.data.example import Place

FOLDS = 5
LEAST = 50
"""Rows, without which a model says nothing."""
SURE, DOUBTED = 0.9, 0.02
"""How likely another label must be, at least, and the row's own, at most."""
_LETTERS = 2_000
"""Characters of a text that are read."""
_WORD = r"(?u)[\u2e80-\u9fff]|[^\W\u2e80-\u9fff]+"


class Suspicious(Check):
    """Whether a label is what the words of its text would make one think, as far as words tell."""

    kinds: ClassVar[Mapping[str, Kind]] = {
        "suspicious": Kind("a label that a model of the other rows cannot believe", "read the row")
    }

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self.rows: list[tuple[str, str, int, Place, int]] = []
        self.drawn, self.count = Random(0), 0
        self.right: float | None = None

    def row(self, row: Row) -> Iterator[Finding]:
        """Keeps a random part of the rows (Vitter's algorithm R, 1985)."""
        most = self.study.settings.suspicious
        if row.label is not None and most:
            held = ("\n".join(row.texts)[:_LETTERS], row.label, row.number, row.place, row.given_digest)
            self.count += 1
            if len(self.rows) < most:
                self.rows.append(held)
            elif (at := self.drawn.randrange(self.count)) < most:
                self.rows[at] = held
        yield from ()

    def end(self) -> Iterator[Finding]:
        counts = Counter(label for _, label, *_ in self.rows)
        rows = [row for row in self.rows if counts[row[1]] >= FOLDS]
        labels = sorted({label for _, label, *_ in rows})
        if len(rows) < LEAST or len(labels) < 2:
            return
        if self.count > len(self.rows):
            self.study.unchecked.append(
                f"suspicious labels were looked for in {len(self.rows):,} rows of {self.count:,}, "
                "drawn at random"
            )
        own = np.array([labels.index(label) for _, label, *_ in rows])
        likely = _likely([row[0] for row in rows], own, [row[4] for row in rows], len(labels))
        best = likely.argmax(axis=1)
        self.right = float(np.mean(best == own))
        chances = likely[np.arange(len(rows)), own]
        odd = np.flatnonzero((likely.max(axis=1) >= SURE) & (chances <= DOUBTED))
        for at in odd[np.argsort(chances[odd], kind="stable")].tolist():
            text, label, number, place, _ = rows[at]
            message = (
                f"{shown(text)} has the label {shown(label)}; by its words it is "
                f"{shown(labels[best[at]])} ({likely[at, best[at]]:.0%})"
            )
            yield self.found("suspicious", place, message, number=number)

    def summary(self) -> dict[str, Any]:
        return {} if self.right is None else {"right by words alone": round(self.right, 3)}


def _likely(texts: list[str], labels: Any, groups: list[int], count: int) -> Any:
    """How likely each label is to each text, by a model of the other folds: [texts, labels]."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.model_selection import GroupKFold

    words = TfidfVectorizer(token_pattern=_WORD, ngram_range=(1, 2), sublinear_tf=True, min_df=1)
    features = words.fit_transform(texts)
    likely = np.zeros((len(texts), count))
    folds = min(FOLDS, len(set(groups)))
    if folds < 2:
        return likely
    for train, test in GroupKFold(folds).split(features, labels, groups):
        if len(set(labels[train].tolist())) < 2:
            continue
        model = SGDClassifier(loss="log_loss", alpha=2e-5, max_iter=15, tol=None, random_state=0)
        model.fit(features[train], labels[train])
        likely[np.ix_(test, model.classes_)] = model.predict_proba(features[test])
    return likely
