"""Measuring: what was answered is measured, what was refused is kept apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from litebert.data.example import Example, Place
from litebert.engine.predictor import Predictor
from litebert.evaluation.baseline import judge
from litebert.evaluation.evaluate import evaluate
from litebert.model.packing import Packed
from litebert.tasks.classification import Classification
from litebert.tasks.labels import Label
from litebert.tasks.texts import Text
from words import Words

TASK = Classification(labels=("no", "yes"), max_pieces=6)


def by_first_word(batch: Packed) -> Mapping[str, NDArray[np.float32]]:
    """A runner that says yes to the first word that it was ever shown, and no to others."""
    yes = batch.ids[batch.starts[:-1] + 1].numpy() == 5
    return {"logits": np.stack([np.where(yes, 0.0, 1.0), np.where(yes, 1.0, 0.0)], axis=1).astype(np.float32)}


def example(text: str, label: str, line: int = 1) -> Example[Text, Label]:
    return Example(Text(text), Label(label), Place("a.jsonl", line))


def predictor() -> Predictor[Text, Label]:
    return Predictor(by_first_word, TASK, Words())


def test_measures_are_the_tasks_own() -> None:
    examples = [example("aye sir", "yes"), example("nay", "no"), example("aye", "no"), example("nay", "yes")]
    found = evaluate(predictor(), examples)
    assert found.metrics == TASK.measure([one.output for one in found.answered], [e.wanted for e in examples])
    assert found.metrics["accuracy"] == 0.5
    low, high = found.intervals["accuracy"]
    assert 0 <= low <= 0.5 <= high <= 1


def test_without_intervals_there_are_none() -> None:
    assert (
        evaluate(predictor(), [example("aye", "yes"), example("nay", "no")], intervals=False).intervals == {}
    )


def test_the_refused_are_kept_apart_even_among_equals() -> None:
    """Two examples that are equal in all but their place, and one that cannot be answered."""
    examples = [
        example("aye", "yes", 1),
        example("a\ud800", "no", 2),
        example("aye", "yes", 1),
        example("nay", "yes", 4),
    ]
    found = evaluate(predictor(), examples)
    assert [one.example for one in found.answered] == [examples[0], examples[2], examples[3]]
    assert [one.output.label for one in found.answered] == ["yes", "yes", "no"]
    assert [(one.example, one.error.code) for one in found.refused] == [(examples[1], "surrogate")]
    summary = found.summary()
    assert (summary["examples"], summary["refused"], summary["truncated"]) == (3, 1, 0)


def test_what_is_cut_is_counted() -> None:
    found = evaluate(predictor(), [example("aye b c d e f g", "yes"), example("nay", "no")])
    assert found.truncated == 1


def test_the_baseline_reads_words_and_characters() -> None:
    train = [
        example("good film", "yes"),
        example("bad film", "no"),
        example("好看", "yes"),
        example("难看", "no"),
    ]
    dev = [example("a good one", "yes"), example("真难看", "no")]
    assert judge("tfidf", TASK, train * 5, dev).metrics["accuracy"] == 1.0
