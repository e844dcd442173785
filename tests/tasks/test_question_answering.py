"""Questions: places of answers in data, windows and scores; what is right; the two heads."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.data.reader import read_file
from litebert.engine.predictor import Predictor
from litebert.engine.runners.eager import Eager
from litebert.errors import DataError, InputError, ModelError
from litebert.model.config import EncoderConfig
from litebert.model.encoders.albert import Encoder
from litebert.model.model import Model
from litebert.model.packing import pack
from litebert.tasks import answers, places
from litebert.tasks.answer_head import Answer as Conditional
from litebert.tasks.question_answering import Answer, Question, QuestionAnswering, Ranked, Right
from small_runs import FAST, Runs, made, write
from words import Words

WORDS = Words()
CONFIG = EncoderConfig(vocabulary=1000, embedding=8, hidden=16, heads=2, intermediate=32)
PASSAGE = " ".join(f"w{i}" for i in range(40))
TASK = QuestionAnswering(max_pieces=20, stride=4)


# How right an answer is: worked cases of the published scorers


@pytest.mark.parametrize(
    ("answer", "right", "exact", "f1"),
    [
        ("the Norman people.", ["norman people"], 1, 1),
        ("in the 10th century", ["10th century", "century"], 0, 0.8),
        ("a an the", ["of"], 0, 0),
        ("", [], 1, 1),
        ("", ["France"], 0, 0),
        ("France", [], 0, 0),
        ("the", [""], 1, 1),
        ("to be to", ["be to be"], 0, 2 / 3),
    ],
)
def test_words_are_scored_as_squad_has_it(answer: str, right: list[str], exact: float, f1: float) -> None:
    assert answers.words(answer, right) == (exact, pytest.approx(f1))


@pytest.mark.parametrize(
    ("answer", "right", "exact", "f1"),
    [
        ("光荣和ω-force", ["光荣和ωforce。"], 1, 1),
        ("由光荣和", ["光荣和ω-force"], 0, 6 / 8),
        ("1986", ["1986年"], 0, 2 / 3),
        ("北京，上海", ["北京", "上海"], 0, 2 / 3),
        ("共1,000 km。", ["1,000 km"], 0, 4 / 5),
        ("U.S. Army", ["u.s. army"], 1, 1),
        ("", ["光荣"], 0, 0),
        ("", [], 1, 1),
        ("光", [], 0, 0),
        ("。", ["，"], 1, 0),
    ],
)
def test_characters_are_scored_as_cmrc_has_it(answer: str, right: list[str], exact: float, f1: float) -> None:
    assert answers.characters(answer, right) == (exact, pytest.approx(f1))


def test_a_set_is_scored_as_most_of_its_answers_are_written() -> None:
    assert answers.scorer([["光荣"], ["1986"], ["三国"]]) is answers.characters
    assert answers.scorer([["Yuan (元朝)"], ["1986"], ["Kublai"], []]) is answers.words
    assert answers.scorer([[]]) is answers.words


@given(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=3))
def test_scores_are_shares_and_what_is_right_is_right(answer: str, right: list[str]) -> None:
    for score in (answers.words, answers.characters):
        for value in score(answer, right):
            assert 0 <= value <= 1
    assert answers.words(answer, [answer]) == (1, 1)


def test_measures_are_means_of_what_each_adds() -> None:
    wanted = [Right("some people", 10, 21, also=("people",)), Right("")]
    outputs = [Answer("the people"), Answer("a bird")]
    assert TASK.measure(outputs, wanted) == {"exact_match": 0.5, "f1": 0.5}
    assert TASK.each(outputs, wanted)["f1"].tolist() == [1, 0]
    assert TASK.measure([], []) == {"exact_match": 0, "f1": 0}
    assert TASK.mistake(Answer("The people", score=0.7), wanted[0]) is None
    assert TASK.mistake(Answer("a bird", score=0.7), wanted[1]) == 0.7


# What data say


def found(passage: str, answer: str, start: int | None) -> tuple[places.Place, list[str]]:
    told: list[str] = []
    return places.find(passage, answer, start, told.append), told


def test_a_wrong_place_is_mended_and_said() -> None:
    text = "one two one two one"
    assert found(text, "one", 8) == (places.Place("one", 8, 11), [])
    assert found(text, " two", 3) == (places.Place("two", 4, 7), [])
    assert found(text, "one", 15) == (places.Place("one", 16, 19), [places.MOVED])
    assert found(text, "two", None) == (places.Place("two", 4, 7), [places.FOUND])
    assert found("他说：好的吗", "好的。", -1) == (places.Place("好的", 3, 5), [places.TRIMMED])
    assert found(text, "39764.0", 5) == (places.Place("39764.0", 0, 0), [places.ABSENT])


@pytest.mark.parametrize(
    ("cell", "start", "expected"),
    [
        ("two", "4", [("two", 4)]),
        (1986, None, [("1986", None)]),
        (None, None, []),
        ("", None, []),
        ([], None, []),
        (["a", "b"], None, [("a", None), ("b", None)]),
        ([{"text": "a", "answer_start": 3}, {"text": "b", "answer_start": None}], 9, [("a", 3), ("b", None)]),
        ({"text": ["a", "b"], "answer_start": [1, 2]}, None, [("a", 1), ("b", 2)]),
        ({"text": [], "answer_start": []}, None, []),
        ('{"text": ["a"], "answer_start": [1]}', None, [("a", 1)]),
        ("[citation needed]", None, [("[citation needed]", None)]),
        ("[1]", None, [("[1]", None)]),
    ],
)
def test_answers_are_read_in_every_usual_form(cell: Any, start: Any, expected: Any) -> None:
    assert places.stated(cell, start) == expected


@pytest.mark.parametrize("cell", [True, {"text": 5}, [5], [{"text": "a", "answer_start": "x"}], {"a": 1}])
def test_other_forms_are_refused(cell: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        places.stated(cell)


def test_rows_of_a_file(tmp_path: Path) -> None:
    rows = [
        {
            "question": "q",
            "context": "one two",
            "answers": {"text": ["two", "one two"], "answer_start": [4, 0]},
        },
        {"question": "q", "context": "one two", "answers": {"text": [], "answer_start": []}},
        {
            "question": "q",
            "context": "one two",
            "answers": {"text": ["three", "one"], "answer_start": [4, 2]},
        },
    ]
    read = read_file(str(write(tmp_path / "x.jsonl", rows)), QuestionAnswering())
    assert [row.wanted for row in read] == [
        Right("two", 4, 7, also=("one two",)),
        Right(""),
        Right("one", 0, 3, also=("three",)),
    ]
    assert any(places.ABSENT in note and "line 3" in note for note in read.notes)
    assert any(places.MOVED in note for note in read.notes)
    with pytest.raises(DataError, match=r"x\.jsonl:2: answer is missing"):
        read_file(str(write(tmp_path / "x.jsonl", [rows[0], {"question": "q", "context": "c"}])), TASK)


def test_what_is_learnt_of_the_data() -> None:
    task = QuestionAnswering().fit([Right("a" * 300, 0, 300), Right("")])
    assert task.unanswerable and task.longest == 300
    assert not QuestionAnswering().fit([Right("a", 0, 1)]).unanswerable
    with pytest.raises(DataError, match="questions that have an answer"):
        QuestionAnswering().fit([Right("")])


# Windows and targets


def test_every_window_has_the_question_and_all_pieces_are_read() -> None:
    given_ = Question("who is it ?", PASSAGE)
    rows = TASK.encode(given_, WORDS)
    question = WORDS.encode(given_.question).ids.tolist()
    assert all(row.ids[1:5].tolist() == question and len(row) <= 20 for row in rows)
    read = {tuple(span) for row in rows for span in row.spans[row.segments == 1].tolist() if span[0] >= 0}
    assert read == {tuple(span) for span in WORDS.encode(PASSAGE).spans.tolist()}
    (many,) = TASK.encode_many([given_], WORDS)
    assert not isinstance(many, InputError)
    assert [row.ids.tolist() for row in many] == [row.ids.tolist() for row in rows]


def test_a_question_is_never_cut() -> None:
    with pytest.raises(InputError, match="never cut"):
        TASK.encode(Question(PASSAGE, PASSAGE), WORDS)
    (cut,) = replace(TASK, on_long="truncate").encode(Question("who ?", PASSAGE), WORDS)
    assert len(cut) == 20 and cut.truncated == 40 - 15
    with pytest.raises(InputError):
        replace(TASK, on_long="refuse").encode(Question("who ?", PASSAGE), WORDS)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 39), st.integers(1, 6), st.integers(8, 30), st.integers(1, 12))
def test_a_target_is_the_answer_or_none(first: int, length: int, limit: int, stride: int) -> None:
    """In every window that holds it whole, and `[CLS]` in the others; offsets come back from the pieces."""
    words = WORDS.encode(PASSAGE).spans[first : first + length]
    start, end = int(words[0, 0]), int(words[-1, 1])
    wanted = Right(PASSAGE[start:end], start, end)
    for row in replace(TASK, max_pieces=limit, stride=stride).encode(Question("q", PASSAGE), WORDS):
        held = row.spans[(row.segments == 1) & (row.spans[:, 0] >= 0)]
        whole = held[0, 0] <= start and end <= held[-1, 1]
        target = TASK.target(row, wanted)
        assert target["allowed"][[target["start"], target["end"]]].all()
        if whole:
            assert (row.spans[target["start"], 0], row.spans[target["end"], 1]) == (start, end)
        else:
            assert (target["start"], target["end"]) == (0, 0)


def test_what_stands_nowhere_is_not_learnt() -> None:
    rows = TASK.encode(Question("q", "a b c"), WORDS)
    lost, none = TASK.target(rows[0], Right("d")), TASK.target(rows[0], Right(""))
    assert (none["start"], none["end"]) == (0, 0) and lost["start"] < 0
    scores = {"start": torch.randn(len(rows[0])), "end": torch.randn(len(rows[0])), "none": torch.randn(1)}
    targets = {name: torch.as_tensor(np.atleast_1d(value)) for name, value in lost.items()}
    assert TASK.loss(scores, targets).item() == 0


def test_the_loss_is_two_cross_entropies() -> None:
    rows = TASK.encode(Question("q", "a b"), WORDS) + TASK.encode(Question("q r", "a b c"), WORDS)
    wanted = [Right("b", 2, 3), Right("")]
    targets = [TASK.target(row, one) for row, one in zip(rows, wanted, strict=True)]
    start, end = torch.randn(2, sum(map(len, rows)))
    joined = {
        name: torch.as_tensor(np.concatenate([np.atleast_1d(t[name]) for t in targets]))
        for name in targets[0]
    }
    first = len(rows[0])
    by_hand = [
        -torch.log_softmax(side[piece], 0)[at]
        for side in (start, end)
        for piece, at in (([0, 3, 4], 2), ([first, first + 4, first + 5, first + 6], 0))
    ]
    assert TASK.loss({"start": start, "end": end}, joined).item() == pytest.approx(sum(by_hand).item() / 4)


# Decoding


def brute_force(rows: Any, scores: Any, longest: int) -> tuple[float, int, int]:
    """The best span of all windows, each looked at only where it has the most context."""
    best = (-math.inf, 0, 0)
    width = np.count_nonzero(rows[0].segments == 1) - 1
    step = min(TASK.stride, width)
    holds = [(k * step, k * step + np.count_nonzero(row.segments == 1) - 1) for k, row in enumerate(rows)]
    for k, (row, score) in enumerate(zip(rows, scores, strict=True)):
        inside = np.flatnonzero(row.segments == 1)[:-1]
        for i, a in enumerate(inside):
            place = holds[k][0] + i
            context = [
                min(place - s, e - 1 - place) + 0.01 * (e - s) if s <= place < e else -1 for s, e in holds
            ]
            for b in inside[i:]:
                short = row.spans[b, 1] - row.spans[a, 0] <= longest
                total = float(score["start"][a]) + float(score["end"][b])
                if short and int(np.argmax(context)) == k and total > best[0]:
                    best = (total, int(row.spans[a, 0]), int(row.spans[b, 1]))
    return best


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 45), st.sampled_from([1, 5, 12, 400]))
def test_the_best_span_is_found(seed: int, words: int, longest: int) -> None:
    draw = np.random.default_rng(seed)
    passage = " ".join(f"w{i}" for i in range(words))
    task = replace(TASK, longest=longest)
    rows = task.encode(Question("who ?", passage), WORDS)
    scores = [
        {name: draw.standard_normal(len(row)).astype(np.float32) for name in ("start", "end")} for row in rows
    ]
    answer = task.decode(Question("who ?", passage), rows, scores)
    total, start, end = brute_force(rows, scores, longest)
    assert passage[answer.start : answer.end] == answer.answer
    if total == -math.inf:
        assert answer.answer == ""
    else:
        assert (answer.start, answer.end) == (start, end) and 0 < answer.score <= 1


def scored(task: QuestionAnswering, passage: str, start: list[float], end: list[float]) -> Answer:
    given_ = Question("q", passage)
    scores = {"start": np.array(start, np.float32), "end": np.array(end, np.float32)}
    return task.decode(given_, task.encode(given_, WORDS), [scores])


def test_no_answer_is_given_by_the_threshold() -> None:
    start, end = [2.0, 0, 0, 1.0, 0, 0], [2.0, 0, 0, 1.5, 0, 0]
    assert scored(TASK, "a b", start, end).answer == "a"
    task = replace(TASK, unanswerable=True)
    none = scored(task, "a b", start, end)
    assert none == Answer("", 0, 0, none.score) and none.score > 0.5
    assert scored(replace(task, threshold=1.6), "a b", start, end).answer == "a"
    ranked = scored(replace(task, threshold=1.6, n_best=3), "a b", start, end)
    assert isinstance(ranked, Ranked) and ranked.doubt == pytest.approx(1.5)
    assert [one.answer for one in ranked.others] == ["", "a b"]


def test_scores_that_are_no_numbers_are_never_an_answer() -> None:
    for wrong in (np.nan, np.inf):
        with pytest.raises(ModelError, match="not finite"):
            scored(TASK, "a b", [0, 0, 0, wrong, 0, 0], [0.0] * 6)


def test_the_threshold_is_the_best_on_dev() -> None:
    task = replace(TASK, unanswerable=True)
    doubts = [-2.0, -1.0, 0.5, 0.8, 1.0, 3.0]
    wanted = [Right(name, 0, 1) if name else Right("") for name in ("b", "c", "", "d", "e", "")]
    outputs = [Ranked(name, 0, 1, doubt=doubt) for name, doubt in zip("bcxdey", doubts, strict=True)]
    chosen, decided = task.decided(outputs, wanted)
    assert 1.0 < chosen.threshold < 3.0
    assert [one.answer for one in decided] == ["b", "c", "x", "d", "e", ""]
    never, decided = task.decided(outputs[2:3], wanted[2:3])
    assert never.threshold < 0.5 and decided[0].answer == ""
    best = max(
        task.measure([o if o.doubt <= t else Answer("") for o in outputs], wanted)["f1"]  # type: ignore[operator]
        for t in (-9, *doubts)
    )
    assert task.measure(task.decided(outputs, wanted)[1], wanted)["f1"] == best


# ALBERT's head


def a_model(kind: str) -> Predictor[Any, Any]:
    torch.manual_seed(0)
    task = QuestionAnswering(max_pieces=20, stride=4, kind=kind, unanswerable=True, n_best=3)  # type: ignore[arg-type]
    model = Model(Encoder(CONFIG), task.head(CONFIG)).eval()
    for parameter in model.head.parameters():
        torch.nn.init.normal_(parameter)
    return Predictor(Eager(model), task, WORDS)


@pytest.mark.parametrize("kind", ["simple", "conditional"])
def test_an_answer_stands_in_the_passage_and_is_the_same_in_any_batch(kind: str) -> None:
    predictor = a_model(kind)
    asked = [Question("who ?", PASSAGE), Question("x", "b c d"), Question("x", ""), Question("", "a " * 50)]
    alone = [predictor([one])[0] for one in asked]
    for one, first, second in zip(asked, alone, predictor(asked), strict=True):
        assert one.passage[first.start : first.end] == first.answer == second.answer
        assert first.score == pytest.approx(second.score, abs=1e-5)


def test_the_end_is_told_by_the_start() -> None:
    """In training by the right one, else by the likeliest: of the same start both make the same."""
    head = Conditional(CONFIG).eval()
    encoder = Encoder(CONFIG).eval()
    rows = TASK.encode(Question("who ?", "a b c d"), WORDS) + TASK.encode(Question("q", "e f"), WORDS)
    hidden = encoder(pack(rows), "pieces")
    free = head(hidden)
    told = head(hidden, {"start": free["top"][:, 0]})
    starts = np.cumsum([0, *map(len, rows)])
    for i in range(2):
        part = slice(starts[i], starts[i + 1])
        torch.testing.assert_close(told["end"][part].log_softmax(0), free["end"][part, 0])
        assert torch.isinf(told["start"][part]).tolist() == (~places.allowed(rows[i])).tolist()
    torch.testing.assert_close(told["none"], free["none"])


def test_learning_reaches_every_weight_of_the_head() -> None:
    torch.manual_seed(1)
    head = Conditional(CONFIG)
    rows = TASK.encode(Question("who ?", "a b c d"), WORDS)
    target = TASK.target(rows[0], Right("b", 2, 3))
    targets = {name: torch.as_tensor(np.atleast_1d(value)) for name, value in target.items()}
    TASK.loss(head(Encoder(CONFIG)(pack(rows), "pieces"), targets), targets).backward()
    slopes = {name: p.grad for name, p in head.named_parameters()}
    assert all(slope is not None for slope in slopes.values())
    # What is added to all scores of a softmax alike changes nothing.
    alike = {"start.bias", "end.bias", "end_norm.bias"}
    assert {name for name, slope in slopes.items() if slope.abs().sum() < 1e-6} == alike  # type: ignore[union-attr]


# A run


def colour(draw: Any, words: list[str]) -> dict[str, Any]:
    """What stands after `it`, if `it` is there."""
    if draw.random() < 0.3:
        return {"question": "good", "passage": " ".join(words), "answer": ""}
    at = draw.randrange(len(words))
    words[at:at] = ["it", answer := draw.choice(["excellent", "bad"])]
    return {"question": "good", "passage": " ".join(words), "answer": answer}


@pytest.mark.parametrize("kind", ["simple", "conditional"])
def test_a_run_learns_and_is_opened_again(runs: Runs, tmp_path: Path, kind: str) -> None:
    import litebert

    train, test = (write(tmp_path / f"{n}.jsonl", made(n, colour, seed=n)) for n in (160, 40))
    options = {**FAST, "epochs": 5.0, "learning_rate": 1e-2, "options": (f"kind={kind}",)}
    results = litebert.train(
        task="question-answering",
        train=str(train),
        dev=str(test),
        model=str(runs.model),
        out=tmp_path / "run",
        **options,
    )
    assert results["dev"]["f1"] > 0.6
    assert litebert.evaluate(str(test), model=str(tmp_path / "run")).metrics["f1"] == results["dev"]["f1"]
