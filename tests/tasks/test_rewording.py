"""Changed texts: what must stay stays, and is found where it has gone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.tasks.entities import Entities, EntityTask
from litebert.tasks.labels import Label
from litebert.tasks.relations import Marked, Relations
from litebert.tasks.rewording import Change, Reworded, Spans, reword
from litebert.tasks.roles import Predicate, Roles, RoleTask
from litebert.tasks.similarity import Pair, Similarity
from litebert.tasks.spans import Span
from litebert.tasks.texts import Text, reworded
from litebert.tasks.words import Bounds, Words, cut, laid_out
from litebert.training.augmentation.augmentation import by_words

WORDS = ("John", "在", "北京", "2004", "年", "the", "well-known", "É", ",", "。", "x")
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12)
GLUE = st.sampled_from(["", " ", "  ", "\n"])
NEW = st.sampled_from(["", "new", "新词", "7"])


def changing(new: Sequence[str]) -> Change:
    """Every word that may be changed becomes the next of some, over and over; a star leaves it."""

    def change(text: str, words: Bounds | None = None, kept: Spans = ()) -> Reworded:
        def choose(_words: Sequence[str], free: Sequence[int], _draw: object) -> dict[int, str]:
            told = {i: new[at % len(new)] for at, i in enumerate(free)}
            return {i: word for i, word in told.items() if word != "*"}

        return by_words(choose, None)(text, words, kept)  # type: ignore[arg-type]

    return change


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Span]]:
    words, glue = draw(TEXTS), draw(GLUE)
    text = glue.join(words)
    bounds = cut(text)
    spans: list[Span] = []
    at = 0
    while at < len(bounds):
        length = draw(st.integers(1, 3))
        if draw(st.booleans()) and at + length <= len(bounds):
            start, end = int(bounds[at, 0]), int(bounds[at + length - 1, 1])
            spans.append(Span("X", start, end, text[start:end]))
        at += length
    return text, spans


@settings(max_examples=300, deadline=None)
@given(texts_with_spans(), st.lists(NEW | st.just("*"), min_size=1, max_size=5), st.booleans())
def test_spans_are_found_again(made: tuple[str, list[Span]], new: list[str], tokens: bool) -> None:
    """And are words of the new text, so that they can be spelt as tags."""
    text, spans = made
    words = tuple(text[start:end] for start, end in cut(text)) if tokens else None
    task = EntityTask(labels=("O", "B-X", "I-X"))
    given, wanted = task.reworded(Words(text, words), Entities(tuple(spans)), changing(new))
    assert given.text is not None
    assert [one.text for one in wanted.entities] == [one.text for one in spans]
    assert all(given.text[one.start : one.end] == one.text for one in wanted.entities)
    starts, ends = laid_out(given)[1].T.tolist() or ([], [])
    assert {one.start for one in wanted.entities} <= set(starts)
    assert {one.end for one in wanted.entities} <= set(ends)
    if tokens:
        assert given.tokens is not None and "" not in given.tokens


@settings(max_examples=100, deadline=None)
@given(TEXTS, GLUE)
def test_without_a_change_nothing_changes(words: list[str], glue: str) -> None:
    text = glue.join(words)
    done = reword(text, cut(text), {})
    assert done.text == text and all(done.moved(place) == place for place in range(len(text) + 1))


def test_words_that_would_grow_together_stay_apart() -> None:
    given, wanted = EntityTask().reworded(
        Words("John在Paris"), Entities((Span("P", 0, 4, "John"), Span("L", 5, 10, "Paris"))), changing([""])
    )
    assert given.text == "John Paris"
    assert [(one.start, one.end) for one in wanted.entities] == [(0, 4), (5, 10)]


def test_white_space_goes_with_a_word() -> None:
    assert reword("a b  c", cut("a b  c"), {0: "", 1: ""}).text == "c"
    assert reword("a b", cut("a b"), {1: ""}).text == "a "


def test_roles_keep_their_predicate() -> None:
    task, roles = RoleTask(), Roles((Span("A0", 8, 12, "John"),))
    by_place = Predicate("so then John fell down", predicate=13)
    given, wanted = task.reworded(by_place, roles, changing([""]))
    assert (given.text, given.predicate, wanted.roles[0].start) == ("John fell ", 5, 0)
    by_token = Predicate(None, ("so", "then", "John", "fell", "down"), predicate=3)
    given, wanted = task.reworded(by_token, roles, changing(["", "*"]))
    assert given.tokens == ("then", "John", "fell") and given.tokens[given.predicate] == "fell"
    assert wanted.roles[0].start == 5


def test_relations_keep_their_marks() -> None:
    marked = Marked("the <e1>cat</e1> of the <e2>old house</e2> sleeps")
    given, wanted = Relations().reworded(marked, Label("Other"), changing(["a"]))
    assert given.text == "a <e1>cat</e1> a a <e2>old house</e2> a" and wanted.label == "Other"


def test_both_texts_of_a_pair_are_changed() -> None:
    assert reworded(Text("a b", "c"), changing(["x"])) == Text("x x", "x")
    assert reworded(Text("a"), changing(["x"])) == Text("x")
    task = Similarity()
    assert task.reworded(Pair("a", "b"), None, changing(["x"]))[0] == Pair("x", "x")  # type: ignore[arg-type]


def test_a_pointless_task_refuses() -> None:
    from litebert.errors import UsageError
    from litebert.tasks.tagging import Tagging, Tags

    with pytest.raises(UsageError, match="--augment is not for the task tagging"):
        Tagging().reworded(Words("a b"), Tags(("X", "Y")), changing(["x"]))
