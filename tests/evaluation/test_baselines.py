"""Baselines: each answers by its rule, every Output in its form; every task but some has one."""

from __future__ import annotations

from typing import Any

import pytest

from litebert.data.example import Example, Place
from litebert.evaluation.baseline import ROOM, baselines, judge
from litebert.names import find, known
from litebert.tasks.naming import named
from litebert.tasks.task import Task

HERE = Place("a.jsonl", 1)


def pairs(task: Task[Any, Any], *rows: tuple[Any, Any]) -> list[Example[Any, Any]]:
    """Examples of Inputs and wanted Outputs, each given by its fields."""
    wanted = task.Wanted or task.Output
    return [Example(task.Input(**given), wanted(**right), HERE) for given, right in rows]


def answered(name: str, task: Task[Any, Any], train: Any, dev: Any) -> list[Any]:
    return [one.output for one in judge(name, task, train, dev).answered]


def test_every_baseline_is_for_tasks_that_there_are() -> None:
    tasks = set(known("litebert.tasks"))
    for name in known(ROOM):
        assert set(find(ROOM, name, "baseline").TASKS) <= tasks
    assert baselines(named("entities")()) == ["frequent-tag"]
    assert baselines(named("question-answering")()) == ["none", "overlap"]


def test_the_majority_is_what_is_commonest_in_train() -> None:
    task = named("classification")(labels=("no", "yes"))  # type: ignore[call-arg]
    train = pairs(task, *(({"text": "x"}, {"label": label}) for label in ("yes", "no", "yes")))
    found = judge("majority", task, train, train)
    assert {one.output.label for one in found.answered} == {"yes"}
    assert found.metrics["accuracy"] == pytest.approx(2 / 3)
    low, high = found.intervals["accuracy"]
    assert low <= 2 / 3 <= high


def test_scores_of_pairs_grow_with_the_words_they_share() -> None:
    task = named("similarity")()
    rows = [("a red fox", "a red fox", 5.0), ("a red fox", "the red hen", 2.0), ("好电影", "坏天气", 0.0)]
    train = pairs(task, *(({"text": a, "second": b}, {"score": score}) for a, b, score in rows))
    same, some, none = (one.score for one in answered("shared-words", task, train, train))
    assert same == pytest.approx(5) and 0 < some < 5 and none == 0


def test_bm25_prefers_the_candidate_with_the_querys_words() -> None:
    task = named("ranking")()
    (dev,) = pairs(
        task,
        ({"query": "red fox", "candidates": ("a hen", "a red fox", "red")}, {"scores": (0.0, 1.0, 0.0)}),
    )
    found = judge("bm25", task, [], [dev])
    assert found.answered[0].output.order == (1, 2, 0) and found.metrics["mrr"] == 1.0


@pytest.mark.parametrize("task", ["entities", "tagging"])
def test_a_word_has_the_tag_that_it_mostly_had(task: str) -> None:
    kind = named(task)(labels=("O", "B-PER", "I-PER"))  # type: ignore[call-arg]
    text, tokens = "so Ada Lovelace wrote", ("so", "Ada", "Lovelace", "wrote")
    right = (
        {"tags": ("O", "B-PER", "I-PER", "O")}
        if task == "tagging"
        else {"entities": ({"label": "PER", "start": 3, "end": 15, "text": "Ada Lovelace"},)}
    )
    from pydantic import TypeAdapter

    wanted = TypeAdapter(kind.Output).validate_python(right)
    train = [Example(kind.Input(text, tokens), wanted, HERE)]
    new = Example(kind.Input("then Ada Lovelace slept", ("then", "Ada", "Lovelace", "slept")), wanted, HERE)
    (found,) = answered("frequent-tag", kind, train, [new])
    if task == "tagging":
        assert found.tags == ("O", "B-PER", "I-PER", "O")
    else:
        assert [(one.label, one.start, one.end, one.text) for one in found.entities] == [
            ("PER", 5, 17, "Ada Lovelace")
        ]


def test_answers_are_looked_for_beside_the_questions_words() -> None:
    task = named("question-answering")()
    asked = [
        ("Who built the tower?", "Rain fell. The tower was built by Gustave Eiffel.", "Gustave Eiffel"),
        ("谁建了那座塔？", "下雨了。那座塔是工程师埃菲尔建的。", "埃菲尔"),
    ]
    dev = pairs(task, *(({"question": q, "passage": p}, {"answer": a}) for q, p, a in asked))
    english, chinese = answered("overlap", task, [], dev)
    assert english.answer == "Gustave Eiffel" and asked[0][1][english.start : english.end] == english.answer
    assert "埃菲尔" in chinese.answer and asked[1][1][chinese.start : chinese.end] == chinese.answer
    assert all(one.answer == "" for one in answered("none", task, [], dev))


def test_the_option_that_the_passage_has_is_chosen() -> None:
    task = named("choice")()
    given = {
        "question": "Where does she live?",
        "options": ("London", "Paris"),
        "passage": "She went. Paris!",
    }
    assert answered("overlap", task, [], pairs(task, (given, {"index": 1})))[0].index == 1


def test_the_lead_is_as_long_as_summaries_are() -> None:
    task = named("summarisation")()
    train = pairs(task, ({"document": "One. Two. Three. Four."}, {"text": "One. Two."}))
    dev = pairs(task, ({"document": "Red. Fox. Hen. Owl."}, {"text": "Red."}))
    assert answered("lead", task, train, dev)[0].text == "Red. Fox."
    once = pairs(task, ({"document": "一句。两句。三句。"}, {"text": "一句。"}))
    assert answered("lead", task, once, once)[0].text == "一句。"


def test_writing_copies_what_was_given_or_what_was_right_for_the_nearest() -> None:
    task = named("translation")()
    train = pairs(
        task, ({"source": "a red fox"}, {"text": "ein roter Fuchs"}), ({"source": "x"}, {"text": "y"})
    )
    dev = pairs(task, ({"source": "the red fox"}, {"text": "der rote Fuchs"}))
    assert answered("copied", task, train, dev)[0].text == "the red fox"
    assert answered("neighbour", task, train, dev)[0].text == "ein roter Fuchs"
