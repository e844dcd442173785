"""The files of public sets of questions, in miniature, each in its own form; and mistakes in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from litebert.data.examples import read
from litebert.data.inputs import read_inputs
from litebert.data.reader import read_file
from litebert.errors import DataError, UsageError
from litebert.tasks.choice import Choice, Choices, Right
from litebert.tasks.question_answering import Question, QuestionAnswering
from litebert.tasks.question_answering import Right as Answered

SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Rivers",
            "paragraphs": [
                {
                    "context": "The Don is long.",
                    "qas": [
                        {"question": "Which?", "id": "1", "answers": [{"text": "Don", "answer_start": 4}]},
                        {"question": "Where?", "id": "2", "answers": [], "is_impossible": True},
                    ],
                }
            ],
        }
    ],
}
FLAT = {
    "version": 2.0,
    "data": [{"question": "Which?", "context": "A Don.", "answers": {"text": ["Don"], "answer_start": [2]}}],
}
RACE = {
    "article": "It rains.",
    "questions": ["It _ .", "Is it dry?"],
    "options": [["rains", "snows"], ["no", "yes"]],
    "answers": ["A", "A"],
}
DIALOGUE = [
    [
        ["W: Tea?", "M: No."],
        [{"question": "What?", "choice": ["tea", "no tea", "milk"], "answer": "no tea"}],
        "1-1",
    ]
]
COMMON = {
    "answerKey": "B",
    "id": "x",
    "question": {
        "stem": "Where is a cup?",
        "choices": [{"label": "A", "text": "sky"}, {"label": "B", "text": "shelf"}],
    },
}
SWAG = {"sent1": "He sat.", "sent2": "Then he", "ending0": "slept.", "ending1": "flew.", "label": 0}
SWAG_CSV = ",video-id,sent1,sent2,ending0,ending1,label\n0,x,He sat.,Then he,slept.,flew.,1\n"
COPA = {
    "premise": "It fell.",
    "choice1": "It broke.",
    "choice2": "It sang.",
    "question": "effect",
    "label": 0,
    "idx": 0,
}
COPA_XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE copa-corpus SYSTEM "copa.dtd">
<copa-corpus version="1.0">
  <item id="1" asks-for="cause" most-plausible-alternative="2">
    <p>It fell &amp; broke.</p>
    <a1>It sang.</a1>
    <a2>It slipped.</a2>
  </item>
</copa-corpus>
"""


def wrote(folder: Path, name: str, content: Any) -> str:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", ["dev-v2.0.json", "dev"])
def test_squad_is_read_however_it_is_laid_out(tmp_path: Path, indent: int | None, name: str) -> None:
    path = wrote(tmp_path, name, json.dumps(SQUAD, indent=indent))
    rows = read_file(path, QuestionAnswering())
    assert [row.given for row in rows] == [Question(q, "The Don is long.") for q in ("Which?", "Where?")]
    assert [row.wanted for row in rows] == [Answered("Don", 4, 7), Answered("")]
    assert read(path, QuestionAnswering(), fit=True).task.unanswerable  # type: ignore[attr-defined]
    assert list(read_inputs(path, QuestionAnswering())) == [row.given for row in rows]


def test_questions_of_a_passage_stay_on_one_side(tmp_path: Path) -> None:
    rows = read_file(wrote(tmp_path, "x.json", SQUAD), QuestionAnswering())
    assert {row.given.group for row in rows} == {"The Don is long."}
    assert Choices("q", ("a",)).group == "q" and Choices("q", ("a",), "p").group == "p"


def test_questions_straight_under_data(tmp_path: Path) -> None:
    (row,) = read_file(wrote(tmp_path, "x.json", FLAT), QuestionAnswering())
    assert row.wanted == Answered("Don", 2, 5)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda article: article.update(paragraphs=5), "expected 'paragraphs' to be an array of objects"),
        (lambda article: article["paragraphs"][0].pop("context"), "expected a question and its context"),
        (lambda article: article["paragraphs"][0]["qas"][0].pop("answers"), "answer is missing"),
        (lambda article: article["paragraphs"][0]["qas"][0].update(answers=5.5j), ""),
    ],
)
def test_mistakes_in_squad(tmp_path: Path, change: Any, told: str) -> None:
    broken = json.loads(json.dumps(SQUAD))
    if not told:
        text = json.dumps(broken)[:-20]
    else:
        change(broken["data"][0])
        text = json.dumps(broken)
    with pytest.raises(DataError) as caught:
        read_file(wrote(tmp_path, "x.json", text), QuestionAnswering())
    assert told in str(caught.value) and "x.json:1" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "race.jsonl",
            RACE,
            [
                (Choices("It _ .", ("rains", "snows"), "It rains."), Right(0, "rains", of=2)),
                (Choices("Is it dry?", ("no", "yes"), "It rains."), Right(0, "no", of=2)),
            ],
        ),
        (
            "c3.json",
            DIALOGUE,
            [(Choices("What?", ("tea", "no tea", "milk"), "W: Tea?\nM: No."), Right(1, "no tea", of=3))],
        ),
        ("common.jsonl", COMMON, [(Choices("Where is a cup?", ("sky", "shelf")), Right(1, "shelf", of=2))]),
        ("swag.json", SWAG, [(Choices("Then he", ("slept.", "flew."), "He sat."), Right(0, "slept.", of=2))]),
        (
            "swag.csv",
            SWAG_CSV,
            [(Choices("Then he", ("slept.", "flew."), "He sat."), Right(1, "flew.", of=2))],
        ),
        (
            "copa.jsonl",
            COPA,
            [
                (
                    Choices("What happened as a result?", ("It broke.", "It sang."), "It fell."),
                    Right(0, "It broke.", of=2),
                )
            ],
        ),
        (
            "copa.xml",
            COPA_XML,
            [
                (
                    Choices("What was the cause of this?", ("It sang.", "It slipped."), "It fell & broke."),
                    Right(1, "It slipped.", of=2),
                )
            ],
        ),
    ],
)
def test_files_of_multiple_choice(tmp_path: Path, name: str, content: Any, expected: Any) -> None:
    path = wrote(tmp_path, name, content)
    assert [(row.given, row.wanted) for row in read_file(path, Choice())] == expected
    assert list(read_inputs(path, Choice())) == [given for given, _ in expected]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "x.jsonl",
            {**RACE, "answers": ["A"]},
            "x.jsonl:1: is not as in the lines before, or not whole: there are 2 questions, 2 lists of "
            "options and 1 answers",
        ),
        ("x.jsonl", {**COMMON, "answerKey": "Q"}, "the answer 'Q' is none of 'A', 'B'"),
        ("x.jsonl", {**RACE, "answers": ["A", "E"]}, "options are numbered 0 to 1"),
        ("x.json", [[["W"], [{"question": "q", "choice": ["a"], "answer": "b"}], "1"]], "'b' is none of 'a'"),
        ("x.json", [[["W"], [{"question": "q"}], "1"]], "lacks 'choice'"),
        ("x.jsonl", {**COPA, "question": "why"}, "lacks 'why'"),
        (
            "x.xml",
            COPA_XML.replace('"cause"', '"why"'),
            "x.xml:8: an item asks for 'why', not cause or effect",
        ),
        ("x.xml", COPA_XML.replace("<p>", "<q>"), "not XML: mismatched tag"),
        ("x.xml", COPA_XML.replace("</copa-corpus>", ""), "not XML: no element found"),
        (
            "x.xml",
            COPA_XML.replace("SYSTEM", "[<!ENTITY a 'b'>] SYSTEM").replace('SYSTEM "copa.dtd"', ""),
            "entities",
        ),
    ],
)
def test_mistakes_in_files_of_multiple_choice(tmp_path: Path, name: str, content: Any, told: str) -> None:
    with pytest.raises(DataError) as caught:
        read_file(wrote(tmp_path, name, content), Choice())
    assert told in str(caught.value)


def test_questions_without_their_answer_are_inputs_all_the_same(tmp_path: Path) -> None:
    unanswered = {key: value for key, value in COMMON.items() if key != "answerKey"}
    path = wrote(tmp_path, "x.jsonl", unanswered)
    assert list(read_inputs(path, Choice())) == [Choices("Where is a cup?", ("sky", "shelf"))]
    with pytest.raises(DataError, match="index"):
        read_file(path, Choice())


def test_columns_are_named(tmp_path: Path) -> None:
    path = wrote(tmp_path, "x.csv", "ask,read,say\nWhich?,The Don is long.,Don\n")
    named = {"question": "ask", "passage": "read", "label": "say"}
    (row,) = read_file(path, QuestionAnswering(), columns=named)
    assert row.given == Question("Which?", "The Don is long.") and row.wanted == Answered("Don", 4, 7)
    with pytest.raises(UsageError, match="no field of this task is named 'options'"):
        read_file(path, QuestionAnswering(), columns={"options": "ask"})


SETS = {
    "answers.squad:train": (4_495, 2_366),
    "answers.squad:dev": (1_583, 802),
    "answers.squad:all": (6_078, 3_168),
    "answers.cmrc:train": (3_219, 0),
    "answers.cmrc:dev": (1_002, 0),
    "answers.drcd:all": (3_524, 0),
    "answers.qa_srl:train": (6_414, 0),
    "answers.qa_srl:test": (2_201, 0),
}
"""Name → questions, and how many of them have no answer."""


@pytest.mark.parametrize("name", SETS)
def test_public_questions_are_whole(data_folder: Path, name: str) -> None:  # noqa: ARG001
    rows, none = SETS[name]
    examples = read(name)
    assert len(examples) == rows and sum(not row.wanted.answer for row in examples) == none
    for row in examples:
        assert row.given.passage[row.wanted.start : row.wanted.end] == row.wanted.answer


def test_splits_share_no_passage(data_folder: Path) -> None:  # noqa: ARG001
    for name in ("answers.squad", "answers.drcd", "choices.race_high"):
        train, dev = ({row.given.passage for row in read(f"{name}:{split}")} for split in ("train", "dev"))
        assert train and dev and not train & dev


def test_two_hundred_answers_of_cmrc_are_mended_and_said(data_folder: Path) -> None:  # noqa: ARG001
    times = [int(note.split("(")[-1].split(" times")[0]) for note in read("answers.cmrc:train").notes]
    assert sum(times) == 200 and len(times) == 3


CHOICES = {
    "choices.race_middle:train": (25_421, {4}),
    "choices.race_middle:dev": (1_436, {4}),
    "choices.race_high:all": (13_479, {4}),
    "choices.dream:train": (6_116, {3}),
    "choices.dream:dev": (2_040, {3}),
    "choices.c3:train": (11_869, {2, 3, 4}),
    "choices.c3:dev": (3_816, {2, 3, 4}),
    "choices.commonsense:train": (9_741, {5}),
    "choices.commonsense:dev": (1_221, {5}),
    "choices.copa:all": (500, {2}),
    "choices.copa:test": (500, {2}),
}
"""Name → questions, and how many options they have."""


@pytest.mark.parametrize("name", CHOICES)
def test_public_choices_are_whole(data_folder: Path, name: str) -> None:  # noqa: ARG001
    rows, options = CHOICES[name]
    examples = read(name)
    assert len(examples) == rows and {len(row.given.options) for row in examples} == options
    assert all(row.wanted.option == row.given.options[row.wanted.index] for row in examples)
