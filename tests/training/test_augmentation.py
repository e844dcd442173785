"""Augmentation: drawn of (seed, epoch, example), right for its task, refused where it makes no sense."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import litebert
from litebert import names
from litebert.data.batches import Batches
from litebert.data.example import Example, Place
from litebert.data.orders import Balanced
from litebert.errors import UsageError
from litebert.model_source import Source, open_source
from litebert.tasks.classification import Classification
from litebert.tasks.entities import Entities, EntityTask
from litebert.tasks.labels import Label
from litebert.tasks.multilabel import Labels, Multilabel
from litebert.tasks.spans import Span
from litebert.tasks.task import Task
from litebert.tasks.texts import Text
from litebert.tasks.words import Words as Tokens
from litebert.training.augmentation import cutting
from litebert.training.augmentation.augmentation import PACKAGE, Ground, Setting, made
from litebert.training.augmentation.augmented import Augmented
from litebert.training.augmentation.noise import mistyped
from litebert.training.events import Event
from litebert.training.loop import Step
from litebert.verbs.train import Train
from small_runs import FAST, Runs, feeling, write
from small_runs import made as rows_of
from words import Words

OF_WORDS = ("deletion", "noise", "swap")
PLAIN = (*OF_WORDS, "synthesis")
TASK = Classification(labels=("bad", "good"))
SENTENCES = (
    ("It was fun, and we laughed a lot. Go there!", "good"),
    ("送餐很快，态度也好，谢谢！", "good"),
    ("Not for me; far too loud, and cold food.", "bad"),
    ("等了两个小时，饭都凉了，差评。", "bad"),
    ("", "bad"),
    ("好", "good"),
)


@pytest.fixture(scope="module")
def source(runs: Runs) -> Source:
    return open_source(str(runs.model))


def classified(texts: Sequence[tuple[str, str]] = SENTENCES) -> list[Example[Any, Any]]:
    return [Example(Text(text), Label(label), Place("x", i)) for i, (text, label) in enumerate(texts)]


def augmented(
    source: Source,
    *asked: str,
    rows: Sequence[Example[Any, Any]] | None = None,
    task: Task[Any, Any] = TASK,
    seed: int = 1,
) -> Augmented:
    rows = classified() if rows is None else rows
    ground = Ground(rows=rows, task=task, source=source)
    return Augmented(
        task=task,
        tokenizer=Words(),
        rows=rows,
        augmentations=[made(Setting.read(one), ground) for one in asked],
        seed=seed,
    )


def texts(rows: Sequence[Example[Any, Any]]) -> list[str]:
    return [row.given.text for row in rows]


@pytest.mark.parametrize("name", PLAIN)
def test_drawn_of_seed_epoch_and_example(source: Source, name: str) -> None:
    order = np.arange(len(SENTENCES))
    one, other = (augmented(source, f"{name}=0.5") for _ in range(2))
    first = texts(one.changed(3, order))
    assert texts(one.changed(4, order)) != first
    assert texts(other.changed(3, order)) == first
    assert texts(other.changed(3, order[::-1])) == first[::-1]
    assert texts(augmented(source, f"{name}=0.5", seed=2).changed(3, order)) != first
    assert first != [text for text, _ in SENTENCES]


@pytest.mark.parametrize("name", PLAIN)
def test_labels_are_never_lost(source: Source, name: str) -> None:
    rows = augmented(source, f"{name}=1").changed(0, np.arange(len(SENTENCES)))
    assert [row.wanted.label for row in rows] == [label for _, label in SENTENCES]
    assert all(bool(row.given.text) == bool(text) for row, (text, _) in zip(rows, SENTENCES, strict=True))


def test_what_comes_twice_is_changed_twice(source: Source) -> None:
    rows = augmented(source, "swap=1").changed(0, np.zeros(6, np.int64))
    assert len(set(texts(rows))) > 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(PLAIN), min_size=1, unique=True), st.integers(0, 99), st.integers(1, 4))
def test_batches_are_the_same_whenever_and_wherever_they_are_made(
    runs: Runs, asked: list[str], seed: int, size: int
) -> None:
    """A run that goes on in the middle of an epoch, or in several processes, sees the same texts."""
    settings_ = [f"{name}=0.4" for name in asked]
    order = Balanced([label for _, label in SENTENCES[1:]])

    def batches(rank: int = 0, world: int = 1) -> Batches:
        rows = classified(SENTENCES[1:])
        drawn = augmented(open_source(str(runs.model)), *settings_, rows=rows, seed=seed)
        return Batches(drawn, size, seed, rank, world, order)

    straight, late, second = batches(), batches(), batches(1, 2)
    count = 2 * straight.per_epoch
    all_of_them = [straight(k) for k in range(count)]
    again = late(count - 1)
    assert again.examples == all_of_them[-1].examples
    assert again.packed.lengths == all_of_them[-1].packed.lengths
    assert second(count - 2).examples == all_of_them[count - 2].examples[1::2]


def test_entities_stay_right(source: Source) -> None:
    text = "Yesterday John Smith of 北京大学 went to see the old Tower"
    spans = tuple(
        Span("X", text.index(name), text.index(name) + len(name), name)
        for name in ("John Smith", "北京大学", "Tower")
    )
    task = EntityTask(labels=("O", "B-X", "I-X"))
    rows = [Example(Tokens(text), Entities(spans), Place("x", 1))]
    drawn = augmented(source, *(f"{name}=0.5" for name in OF_WORDS), rows=rows, task=task)
    for epoch in range(30):
        (row,) = drawn.changed(epoch, np.zeros(1, np.int64))
        assert [one.text for one in row.wanted.entities] == [one.text for one in spans]
        for one in row.wanted.entities:
            assert row.given.text[one.start : one.end] == one.text


def test_synthesis_takes_from_the_same_class(source: Source) -> None:
    of = {"good": {"It was fun,", "and we laughed a lot.", "Go there!", "送餐很快，", "态度也好，", "谢谢！"}}
    drawn = augmented(source, "synthesis=1")
    for epoch in range(20):
        for row in drawn.changed(epoch, np.arange(2)):
            parts = row.given.text
            for known in of["good"]:
                parts = parts.replace(known, "")
            assert not parts.strip()


def test_several_labels_are_synthesised_with_the_same_labels(source: Source) -> None:
    both = Labels((Label("a"), Label("b")))
    rows = [
        Example(Text(text), wanted, Place("x", i))
        for i, (text, wanted) in enumerate(
            [
                ("one, two", both),
                ("three, four", both),
                ("five, six", Labels((Label("a"),))),
                ("x, y", Labels(())),
            ]
        )
    ]
    drawn = augmented(source, "synthesis=1", rows=rows, task=Multilabel(labels=("a", "b")))
    seen = {text for epoch in range(30) for text in texts(drawn.changed(epoch, np.arange(4)))}
    assert {"one, four", "three, two", "five, six", "x, y"} <= seen
    assert not any("five" in text and text != "five, six" for text in seen)


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=8), st.integers(0, 2**31))
def test_a_mistyped_word_is_one_error_away(word: str, seed: int) -> None:
    found = mistyped(word, np.random.default_rng(seed))
    assert found and abs(len(found) - len(word)) <= 1
    same = sum(a == b for a, b in zip(found, word, strict=False))
    backwards = sum(a == b for a, b in zip(found[::-1], word[::-1], strict=False))
    assert same + backwards >= len(word) - 2


def test_chinese_noise_sounds_alike() -> None:
    draws = (np.random.default_rng(seed) for seed in range(20))
    assert {mistyped("马", draw) for draw in draws} == set("码蚂骂嘛")


def test_words_are_those_of_jieba_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rjieba")
    text = "我在2004年去了北京大学, ok"
    told = [text[start:end] for start, end in cutting.cut(text)]
    assert "北京大学" in told and "".join(told) == text.replace(" ", "")
    monkeypatch.setattr(cutting, "_jieba", lambda: None)
    assert len(cutting.cut(text)) > len(told) and cutting.cutter() == "characters"


def test_one_that_cannot_be_encoded_as_changed_stays_as_it_is(source: Source) -> None:
    task = replace(TASK, max_pieces=6, on_long="refuse")
    rows = classified([("a b, c", "good"), ("d, e f g", "good")])
    drawn = augmented(source, "synthesis=0.5", rows=rows, task=task)
    order = np.arange(2)
    too_long = [epoch for epoch in range(30) if texts(drawn.changed(epoch, order))[0] == "a b, e f g"]
    assert too_long
    for epoch in too_long:
        encoded, _ = drawn.epoch(epoch, order)
        assert len(encoded) == 2 and np.diff(encoded.starts)[0] == 5  # [CLS] a b, c [SEP]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("delete=0.1", "no augmentation is named 'delete'; did you mean 'deletion'"),
        ("deletion", "expected deletion=RATE, a rate above 0, and 1 at most, such as deletion=0.1"),
        ("deletion=0", "expected deletion=RATE"),
        ("deletion=1.5", "expected deletion=RATE"),
        ("deletion=nan", "expected deletion=RATE"),
        ("deletion=much", "expected deletion=RATE"),
        ("back-translation=0.3", "needs two runs that translate, there and back"),
        ("replacement=0.1", "tiny has no masked-language head"),
        ("deletion=0.1 deletion=0.2", "names deletion twice, with the rates 0.1 and 0.2; give one"),
        ("deletion=0.1 swap=0.1 deletion=0.1", "names deletion twice"),
    ],
)
def test_what_cannot_be_done_is_told_before_the_run(
    runs: Runs, tmp_path: Path, asked: str, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        litebert.train(out=tmp_path / "run", augment=tuple(asked.split()), **runs.options("classification"))
    assert not (tmp_path / "run").exists()


def test_back_translation_needs_translations(runs: Runs, tmp_path: Path) -> None:
    other = runs.trained("classification")
    with pytest.raises(UsageError, match="is no run of the task translation"):
        litebert.train(
            out=tmp_path / "run",
            augment=(f"back-translation=0.3:{other}:{other}",),
            **runs.options("classification"),
        )


def test_what_points_at_words_is_not_written_anew(source: Source) -> None:
    rows = [Example(Tokens("John, go."), Entities((Span("X", 0, 4, "John"),)), Place("x", 1))]
    task = EntityTask(labels=("O", "B-X", "I-X"))
    with pytest.raises(UsageError, match="not for the task entities, which points at words"):
        augmented(source, "synthesis=0.5", rows=rows, task=task)


def test_parts_of_pairs_are_not_put_together(source: Source) -> None:
    rows = [Example(Text("a", "b"), Label("good"), Place("x", 1))]
    with pytest.raises(UsageError, match="for single texts"):
        augmented(source, "synthesis=0.5", rows=rows)


def test_replacement_takes_words_that_the_model_holds_likely() -> None:
    """The embedded model, on texts of both languages."""
    sentences = (("The film was very good", "good"), ("这个电影非常好看", "good"), ("", "bad"))
    rows = classified(sentences)
    drawn = augmented(open_source(None), "replacement=1", rows=rows)
    seen = [texts(drawn.changed(epoch, np.arange(3))) for epoch in range(5)]
    assert seen == [texts(drawn.changed(epoch, np.arange(3))) for epoch in range(5)]
    english = [text for text, _, _ in seen]
    assert all(len(text.split()) == 5 for text in english) and len(set(english)) > 1
    assert all(text != sentences[0][0] for text in english)
    assert {empty for _, _, empty in seen} == {""}


def stopping(at: int) -> Any:
    """A watcher whose process is gone after so many updates."""

    def watch(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Step) and event.step > at:
                raise KeyboardInterrupt
            yield event

    return watch


@pytest.mark.parametrize(
    "drawing",
    [
        {"augment": tuple(f"{name}=0.3" for name in PLAIN)},
        {"augment": ("noise=0.3",), "sampling": "balanced"},
        {"class_weights": "balanced"},
    ],
    ids=["augmented", "balanced", "weighted"],
)
def test_a_run_that_goes_on_ends_in_the_same_weights(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawing: dict[str, Any]
) -> None:
    monkeypatch.setattr("litebert.training.outcome.draw_curves", lambda *_: None)
    monkeypatch.setattr("litebert.training.artifacts.confusion._picture", lambda *_: b"")
    rows = [row for row in rows_of(90, feeling) if row["label"] == "positive" or len(row["text"]) % 3 == 0]
    data = write(tmp_path / "data.jsonl", rows)
    options = {**FAST, "task": "classification", "train": str(data), "model": str(runs.model), **drawing}
    options |= {"steps": 14, "save_steps": 3, "evaluate_every": 5}
    litebert.train(out=tmp_path / "whole", **options)
    with monkeypatch.context() as patch:
        usual = Train._watchers
        patch.setattr(Train, "_watchers", lambda self: [*usual(self), stopping(10)])
        with pytest.raises(KeyboardInterrupt):
            litebert.train(out=tmp_path / "stopped", **options)
    litebert.train(out=tmp_path / "stopped", **options)
    one, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "stopped"))
    assert one == other
    plain = litebert.train(out=tmp_path / "plain", **{**options, **dict.fromkeys(drawing, ()), **_USUAL})
    assert plain["task"] == "classification"
    assert (tmp_path / "plain" / "model.safetensors").read_bytes() != one
    held = json.loads((tmp_path / "whole" / "run.json").read_text())["drawing"]
    assert {name: tuple(held[name]) if name == "augment" else held[name] for name in drawing} == drawing


_USUAL = {"augment": (), "sampling": "shuffled", "class_weights": "none"}


def test_back_translation_is_kept_in_the_folder(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Translated once, by real runs (which were hardly trained); a second process takes what is there."""
    pairs = [{"source": f"river walk {i} spring", "text": f"people there {i} film"} for i in range(40)]
    pairs_file = write(tmp_path / "pairs.jsonl", pairs)
    for name in ("there", "back"):
        litebert.train(
            task="translation",
            train=str(pairs_file),
            model=str(runs.model),
            out=tmp_path / name,
            options=("vocabulary=100",),
            **{**FAST, "steps": 2, "early_stopping": False},
        )
    rows = classified([("a b 1", "good"), ("a b 2", "bad")])
    setting = Setting.read(f"back-translation=1:{tmp_path / 'there'}:{tmp_path / 'back'}")
    ground = Ground(rows=rows, task=TASK, source=open_source(str(runs.model)), folder=tmp_path)
    drawn = replace(augmented(ground.source, rows=rows), augmentations=[made(setting, ground)])
    first = texts(drawn.changed(0, np.arange(2)))
    held = json.loads((tmp_path / "back-translation.json").read_text())
    assert [text or row.given.text for text, row in zip(held["texts"], rows, strict=True)] == first
    monkeypatch.setattr("litebert.training.augmentation.back_translation._answered", None)
    again = replace(drawn, augmentations=[made(setting, ground)])
    assert texts(again.changed(0, np.arange(2))) == first


def test_every_augmentation_is_told_of_in_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    assert all(f"`{name}" in page for name in names.known(PACKAGE))
