"""The three tasks of the first family: fit, aim, decode, measure, and back from JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from litebert.errors import DataError, InputError, LitebertError, ModelError, UsageError
from litebert.names import known
from litebert.tasks.as_json import from_json, to_json
from litebert.tasks.classification import Classification
from litebert.tasks.labels import Label, natural
from litebert.tasks.multilabel import Labels, Multilabel, several
from litebert.tasks.naming import named
from litebert.tasks.regression import Regression, Score
from litebert.tasks.task import Task
from litebert.tasks.texts import Text
from words import Words

EVERY = [named(name) for name in known("litebert.tasks")]
WORDS = Words()


def of(*names: str) -> Labels:
    return Labels(tuple(Label(name) for name in names))


def encodings(task: Task[Any, Any], text: str, second: str | None = None) -> list[Any]:
    return task.encode(Text(text, second), WORDS)


# What every task keeps.


@pytest.mark.parametrize("task", EVERY)
def test_a_task_is_found_by_its_name_and_describes_itself(task: type[Task[Any, Any]]) -> None:
    assert named(task.name) is task
    for noun in (task.Input, task.Output):
        schema = TypeAdapter(noun).json_schema()
        assert all("description" in field for field in schema["properties"].values())
    nouns = (task.Input, task.Wanted or task.Output)
    assert set(task.columns) <= {name for noun in nouns for name in noun.__dataclass_fields__}


@pytest.mark.parametrize(
    "task",
    [
        Classification(labels=("猫", "dog"), max_pieces=64, on_long="window"),
        Multilabel(labels=("a", "b"), threshold=0.25),
        Regression(mean=2.5, scale=1.25),
        Classification(),
    ],
)
def test_a_task_comes_back_from_its_json(task: Task[Any, Any]) -> None:
    saved = json.loads(json.dumps(to_json(task), ensure_ascii=False))
    assert saved["task"] == task.name
    assert from_json(saved) == task


@pytest.mark.parametrize(
    ("saved", "told"),
    [
        ({}, "does not say which task"),
        ({"task": "classification", "labels": ["a", 5]}, "labels.1"),
        ({"task": "classification", "lables": ["a"]}, "lables"),
        ({"task": "classification", "labels": ["a", "a"]}, "'a' stands twice"),
        ({"task": "regression", "scale": 0}, "scale above 0"),
        ({"task": "regression", "mean": "NaN"}, "finite"),
    ],
)
def test_a_damaged_task_says_where(saved: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError) as caught:
        from_json(saved)
    assert told in str(caught.value)


def test_an_unknown_task_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'multilabel'"):
        named("multi-label")
    with pytest.raises(ModelError, match="did you mean 'multilabel'"):
        from_json({"task": "multi-label"})


# Labels.


@given(st.lists(st.integers(-99, 99).map(str), min_size=2, unique=True))
def test_numbers_sort_by_value(names: list[str]) -> None:
    assert [int(name) for name in natural(names)] == sorted(int(name) for name in names)


@given(st.lists(st.text(min_size=1)))
def test_the_order_of_labels_is_that_of_no_file(names: list[str]) -> None:
    assert natural(names) == natural(reversed(names))
    assert set(natural(names)) == set(names)


def test_labels_are_sorted_as_a_person_would() -> None:
    assert natural(["item10", "item9", "item"]) == ("item", "item9", "item10")
    assert natural(["10", "9", "1.5", "-2"]) == ("-2", "1.5", "9", "10")
    assert natural(["nan", "2", "inf", "10"]) == ("2", "10", "inf", "nan")


def test_classification_learns_its_labels() -> None:
    task = Classification().fit([Label("pos"), Label("neg"), Label("pos")])
    assert task.labels == ("neg", "pos")


def test_given_labels_keep_their_order() -> None:
    task = Classification(labels=("yes", "no")).fit([Label("no"), Label("yes")])
    assert task.labels == ("yes", "no")


@pytest.mark.parametrize(
    ("task", "wanted", "told"),
    [
        (Classification(), [], "needs at least 2 different labels, but the data have none"),
        (Classification(), [Label("a")] * 3, "at least 2 different labels, but the data have only 'a'"),
        (Multilabel(), [of(), of()], "needs at least one label, but the data have none"),
        (Regression(), [], "needs at least 2 different scores, but the data have none"),
        (Regression(), [Score(1e308), Score(-1e308)], "scores from -1e+308 to 1e+308 are too far apart"),
        (Regression(), [Score(3.0)] * 3, "at least 2 different scores, but the data have only 3"),
    ],
)
def test_what_cannot_be_learnt_is_refused(task: Task[Any, Any], wanted: list[Any], told: str) -> None:
    with pytest.raises(DataError) as caught:
        task.fit(wanted)
    assert told in str(caught.value)


def test_an_unknown_label_gets_the_nearest() -> None:
    task = Classification(labels=("negative", "positive"))
    for asked in (task.check, lambda wanted: task.target(encodings(task, "x")[0], wanted)):
        with pytest.raises(DataError, match="no label is named 'positve'; did you mean 'positive'"):
            asked(Label("positve"))
    with pytest.raises(DataError, match="did you mean 'sport'"):
        Multilabel(labels=("sport", "world")).check(of("world", "sports"))


def test_before_it_is_fitted_a_task_knows_no_label_to_be_wrong() -> None:
    Classification().check(Label("any"))
    Multilabel().check(of("any"))


@pytest.mark.parametrize("labels", [("a", "a"), ("",)])
def test_label_names_differ(labels: tuple[str, ...]) -> None:
    for task in (Classification, Multilabel):
        with pytest.raises(UsageError, match="labels must be different names"):
            task(labels=labels)


def test_cells_of_several_labels() -> None:
    expected = of("a", "b c").labels
    assert several("a,b c") == several(" a ; b c") == several("a|b c|a") == expected
    assert several('["a", "b c"]') == several(["a", "b c"]) == expected
    assert several("") == several([]) == ()
    for wrong in (3, None, ["a", 3], {"a": 1}, ["a", ""], '["a"'):
        with pytest.raises(ValueError):
            several(wrong)


# Encode.


@pytest.mark.parametrize("task", [Classification, Multilabel, Regression])
def test_long_texts_are_cut_windowed_or_refused(task: Any) -> None:
    text = " ".join(map(str, range(20)))
    cut = encodings(task(max_pieces=12), text)
    assert [len(e) for e in cut] == [12] and cut[0].truncated == 10
    windows = encodings(task(max_pieces=12, on_long="window"), text)
    assert [len(e) for e in windows] == [12, 12]
    assert sorted({i for e in windows for i in e.ids[1:-1]}) == sorted({*WORDS.encode(text).ids.tolist()})
    with pytest.raises(InputError):
        encodings(task(max_pieces=12, on_long="refuse"), text)


@pytest.mark.parametrize("task", [Classification, Multilabel, Regression])
@pytest.mark.parametrize("bad", [False, True])
def test_many_are_encoded_as_one_by_one(task: Any, bad: bool) -> None:
    made = task(max_pieces=8, on_long="refuse")
    inputs = [Text("a b"), Text("a", "b c"), Text(""), Text("1 2 3 4 5 6 7 8 9"), Text("last", "")]
    inputs += [Text("half \ud800")] if bad else []
    for one, encoded in zip(inputs, made.encode_many(inputs, WORDS), strict=True):
        try:
            (expected,) = made.encode(one, WORDS)
        except InputError as error:
            assert isinstance(encoded, InputError) and encoded.message == error.message
        else:
            assert [e.ids.tolist() for e in encoded] == [expected.ids.tolist()]


def test_a_task_that_has_no_faster_way_goes_one_by_one() -> None:
    inputs = [Text("a b"), Text("half \ud800"), Text("c")]
    first, second, third = Task.encode_many(Classification(), inputs, WORDS)
    assert [len(first), len(third)] == [1, 1] and isinstance(second, InputError)


def test_a_pair_is_two_segments_and_brackets_are_text() -> None:
    (pair,) = encodings(Classification(), "[SEP] one", "two")
    assert pair.segments.tolist() == [0, 0, 0, 0, 1, 1]
    assert pair.ids.tolist().count(Words.sep) == 2


def test_an_empty_text_can_be_read() -> None:
    assert encodings(Classification(), "")[0].ids.tolist() == [Words.cls, Words.sep]


# Decode.


def scored(task: Task[Any, Any], text: str, *logits: list[float]) -> Any:
    scores = [{"logits": np.array(row, dtype=np.float32)} for row in logits]
    return task.decode(Text(text), encodings(task, text), scores)


def test_classification_gives_the_likeliest() -> None:
    task = Classification(labels=("a", "b", "c"))
    label = scored(task, "x", [0.0, np.log(3.0), -100.0])
    assert label.label == "b" and label.probability == pytest.approx(0.75)


def test_windows_weigh_by_their_pieces() -> None:
    task = Classification(labels=("a", "b"), max_pieces=6, on_long="window")
    rows = np.log([[0.9, 0.1], [0.2, 0.8]]).tolist()
    windows = encodings(task, "1 2 3 4 5")
    assert [len(e) for e in windows] == [6, 3] or [len(e) for e in windows] == [6, 6]
    weights = np.array([len(e) for e in windows]) / sum(len(e) for e in windows)
    label = scored(task, "1 2 3 4 5", *rows)
    expected = weights @ np.array([[0.9, 0.1], [0.2, 0.8]])
    assert label.probability == pytest.approx(expected.max(), abs=1e-6)


def test_several_labels_reach_the_threshold() -> None:
    task = Multilabel(labels=("a", "b", "c"), threshold=0.5)
    labels = scored(task, "x", [0.1, 2.0, -0.1])
    assert [label.label for label in labels.labels] == ["b", "a"]
    assert labels.labels[0].probability == pytest.approx(1 / (1 + np.exp(-2)))
    assert scored(task, "x", [-1000.0, -1.0, -2.0]) == Labels(())


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20), st.floats(-1e6, 1e6))
def test_a_score_comes_back_in_its_own_units(scores: list[float], score: float) -> None:
    if len(set(scores)) < 2 or np.std(scores) < 1e-6:
        return
    task = Regression().fit([Score(s) for s in scores])
    aim = task.target(encodings(task, "x")[0], Score(score))["score"]
    assert scored(task, "x", [aim]).score == pytest.approx(score, rel=1e-4, abs=1e-4 * task.scale)


@pytest.mark.parametrize(
    "task", [Classification(labels=("a", "b")), Multilabel(labels=("a", "b")), Regression()]
)
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_never_an_answer(task: Task[Any, Any], wrong: float) -> None:
    with pytest.raises(ModelError, match="not finite"):
        scored(task, "x", [wrong, 0.0])


# Loss.


def test_losses_are_the_usual_ones() -> None:
    logits = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
    scores = {"logits": logits}
    task = Classification(labels=("a", "b"))
    loss = task.loss(scores, {"label": torch.tensor([1, 1])})
    assert loss.item() == pytest.approx(-np.mean([np.log(np.e / (1 + np.e)), np.log(1 / (1 + np.e**2))]))
    flags = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    p = 1 / (1 + np.exp(-logits.numpy()))
    expected = -np.mean(np.log(np.where(flags.numpy() == 1, p, 1 - p)))
    assert Multilabel(labels=("a", "b")).loss(scores, {"labels": flags}).item() == pytest.approx(expected)
    score = Regression().loss({"logits": logits[:, :1]}, {"score": torch.tensor([1.0, 1.0])})
    assert score.item() == pytest.approx(1.0)


def test_the_targets_are_what_the_losses_read() -> None:
    (encoding,) = encodings(Classification(), "x")
    assert Classification(labels=("a", "b")).target(encoding, Label("b")) == {"label": 1}
    flags = Multilabel(labels=("a", "b", "c")).target(encoding, of("c", "a"))["labels"]
    assert flags.tolist() == [1, 0, 1] and flags.dtype == np.float32
    assert Regression(mean=3, scale=2).target(encoding, Score(4.0)) == {"score": 0.5}


# Measure.


def test_tasks_measure_under_the_fixed_keys() -> None:
    classes = Classification(labels=("a", "b")).measure([Label("a"), Label("b")], [Label("a"), Label("a")])
    assert classes["accuracy"] == 0.5 and "matthews" in classes
    several_ = Multilabel(labels=("a", "b")).measure([of("a"), of()], [of("a", "b"), of()])
    assert several_["accuracy"] == 0.5 and several_["micro_f1"] == pytest.approx(2 / 3)
    scores = Regression().measure([Score(1), Score(2), Score(3)], [Score(10), Score(20), Score(90)])
    assert scores["spearman"] == 1.0 and 0 < scores["pearson"] < 1
    for task, measured in ((Classification, classes), (Multilabel, several_), (Regression, scores)):
        assert task.best in measured


def test_a_foreign_label_in_a_measure_is_told() -> None:
    with pytest.raises(LitebertError, match="no label is named 'z'"):
        Classification(labels=("a", "b")).measure([Label("a")], [Label("z")])
    with pytest.raises(LitebertError, match="no label is named 'z'"):
        Multilabel(labels=("a", "b")).measure([of("a")], [of("z")])
