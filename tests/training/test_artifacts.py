"""Confusion matrix, mistakes and model card."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Iterator
from math import nan
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.font_manager import fontManager
from matplotlib.image import imread
from sklearn.metrics import confusion_matrix

from litebert.training.artifacts import confusion, lettering
from litebert.training.artifacts.card import Card, Measured, escape, markdown, write_card
from litebert.training.artifacts.confusion import count_confusion, write_confusion
from litebert.training.artifacts.mistakes import Mistake, worst, write_mistakes
from litebert.training.report import curves

labels = st.sampled_from(["a", "b", "c"])


@settings(deadline=None)
@given(st.lists(st.tuples(labels, labels)))
def test_confusion_equals_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    wanted, answered = [a for a, _ in pairs], [b for _, b in pairs]
    counts = count_confusion(["a", "b", "c"], wanted, answered)
    assert counts.sum() == len(pairs)
    if pairs:
        np.testing.assert_array_equal(counts, confusion_matrix(wanted, answered, labels=["a", "b", "c"]))


def test_confusion_files(tmp_path: Path) -> None:
    names = ["good, or so", "=bad()", "-1", "$5"]
    counts = count_confusion(names, ["$5", "=bad()", "-1"], ["$5", "-1", "-1"])
    write_confusion(tmp_path, names, counts)
    with (tmp_path / "confusion.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["wanted \\ answered", "good, or so", "'=bad()", "-1", "$5"],
            ["good, or so", "0", "0", "0", "0"],
            ["'=bad()", "0", "0", "1", "0"],
            ["-1", "0", "0", "1", "0"],
            ["$5", "0", "0", "0", "1"],
        ]
    image = imread(tmp_path / "confusion.png")
    assert image.shape[0] > 200
    assert len(np.unique(image.reshape(-1, image.shape[-1]), axis=0)) > 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["confusion.csv", "confusion.png"]


@pytest.mark.parametrize("count", [1, 80])
def test_few_and_many_labels(tmp_path: Path, count: int) -> None:
    write_confusion(tmp_path, [f"label {n}" for n in range(count)], np.eye(count, dtype=np.int64))
    assert imread(tmp_path / "confusion.png").shape[1] < 2600


def test_letters_without_a_font_become_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "CHINESE", ())
    names = ["好评", "差评"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of letters that it cannot draw.
        write_confusion(tmp_path, names, np.eye(2, dtype=np.int64))
    assert "好评" in (tmp_path / "confusion.csv").read_text(encoding="utf-8")
    assert confusion._ticks(names) == (["1", "2"], "numbered as in confusion.csv")
    assert confusion._ticks(["good", "schön", "$5"]) == (["good", "schön", r"\$5"], "")
    assert confusion._ticks(["good", "\U0001f9a9"])[0] == ["1", "2"]
    assert curves._legend(["mean", "好/f1", "坏/f1", "好/recall"]) == (
        ["mean", "1/f1", "2/f1", "1/recall"],
        " (tasks numbered as in README.md)",
    )
    assert curves._legend(["mean", "mails/f1"]) == (["mean", "mails/f1"], "")


@pytest.fixture
def chinese_font(tmp_path: Path) -> Iterator[None]:
    """As if a font with three Chinese letters, all of them boxes, were installed under a usual name."""
    made = FontBuilder(1000, isTTF=True)
    letters = {ord(letter): f"uni{ord(letter):X}" for letter in "好差评"}
    glyphs = [".notdef", *letters.values()]
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((0, 800))
    pen.lineTo((800, 800))
    pen.closePath()
    made.setupGlyphOrder(glyphs)
    made.setupCharacterMap(letters)
    made.setupGlyf(dict.fromkeys(glyphs, pen.glyph()))
    made.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 0)))
    made.setupHorizontalHeader(ascent=800, descent=-200)
    made.setupNameTable({"familyName": "SimHei", "styleName": "Regular"})
    made.setupOS2()
    made.setupPost()
    made.save(tmp_path / "some.ttf")
    before = list(fontManager.ttflist)
    fontManager.addfont(tmp_path / "some.ttf")
    yield
    fontManager.ttflist = before


@pytest.mark.usefixtures("chinese_font")
def test_a_chinese_font_is_found_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "CHINESE", ("Not There", "SimHei"))
    names = ["好评", "差评, fair"]
    assert lettering.fonts() == ["DejaVu Sans", "SimHei"]
    assert confusion._ticks(names) == (names, "")
    assert curves._legend(["好/f1"]) == (["好/f1"], "")
    assert not lettering.drawable(["中评"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_confusion(tmp_path, names, np.eye(2, dtype=np.int64))


def _mistake(number: int, confidence: float) -> Mistake:
    return Mistake(given={"text": f"文 {number}"}, wanted="a", answered="b", confidence=confidence)


def test_the_surest_mistakes_come_first(tmp_path: Path) -> None:
    made = [_mistake(n, 0.5 + (n * 37 % 100) / 200) for n in range(100)] + [_mistake(100, nan)]
    write_mistakes(tmp_path / "mistakes.jsonl", iter(made))
    lines = (tmp_path / "mistakes.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 50
    assert "文" in lines[0]
    assert rows[0] == {"given": {"text": "文 27"}, "wanted": "a", "answered": "b", "confidence": 0.995}
    confidences = [row["confidence"] for row in rows]
    assert confidences == sorted(confidences, reverse=True)
    assert min(confidences) == 0.75


def test_of_equal_mistakes_the_earlier_is_first() -> None:
    assert worst([_mistake(n, 0.9) for n in range(5)], 2) == [_mistake(0, 0.9), _mistake(1, 0.9)]


CARD = Card(
    name="reviews",
    what="Says whether a review is good or bad.",
    task="classification",
    languages=("en", "zh"),
    labels=("good", "bad"),
    data={"train": "reviews.train (800 examples)", "dev": "a tenth of it"},
    judged_on="reviews.test, 400 examples",
    metrics={"accuracy": Measured(value=0.8125, low=0.77, high=0.85), "macro_f1": Measured(value=0.8)},
    settings={"learning_rate": "2e-05"},
    limits=("Only short texts were tested.",),
    use='import litebert\n\nlitebert.load("reviews")(["Good."])',
)


def test_a_card_says_all(tmp_path: Path) -> None:
    write_card(tmp_path / "README.md", CARD)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\nlibrary_name: litebert\nlanguage:\n- en\n- zh\ntags:")
    for said in (
        "# reviews\n",
        "Labels: `good`, `bad`.",
        '```python\nimport litebert\n\nlitebert.load("reviews")(["Good."])\n```',
        "| accuracy | 0.8125 (0.7700 to 0.8500) |",
        "| macro\\_f1 | 0.8000 |",
        "| train | reviews.train (800 examples) |",
        "- Only short texts were tested.",
        "| learning\\_rate | 2e-05 |",
    ):
        assert said in text, said


@settings(deadline=None)
@given(st.text())
def test_no_text_breaks_out_of_a_card(text: str) -> None:
    shown = escape(text)
    assert "<" not in shown
    assert "\n" not in shown
    assert shown.replace("\\|", "").count("|") == 0
    card = markdown(Card(**{**vars(CARD), "labels": (text,), "data": {text: text}}))
    table = card.split("## What it was trained on\n\n")[1].split("\n\n## Limits")[0]
    assert len(table.splitlines()) == 3
