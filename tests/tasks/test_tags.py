"""Tags and spans: conlleval's reading, judged by seqeval, and the allowed best path, judged by trying all."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, IOBES, Entities

from litebert.tasks import tags
from litebert.tasks.entities import Entities as Found
from litebert.tasks.entities import EntityTask
from litebert.tasks.spans import Span
from litebert.tasks.tagging import Tagging, Tags
from litebert.tasks.tags import Chunk, Scheme
from litebert.tasks.task import PartError

BIO = ("O", "B-A", "I-A", "B-B", "I-B")
BIOES = tags.labels("AB", "BIOES")
SENTENCE = st.lists(st.sampled_from(BIOES), max_size=8)
PAIRS = st.lists(
    st.lists(st.tuples(st.sampled_from(BIO), st.sampled_from(BIO)), min_size=1, max_size=8),
    min_size=1,
    max_size=6,
)


@given(SENTENCE)
def test_spans_are_those_of_conlleval(sentence: list[str]) -> None:
    expected = {(type_, first, last + 1) for type_, first, last in get_entities(sentence)}
    assert set(tags.chunks(sentence)) == expected


@pytest.mark.parametrize(("known", "scheme"), [(BIO, IOB2), (BIOES, IOBES)])
def test_strict_spans_are_those_of_the_scheme(known: tuple[str, ...], scheme: type) -> None:
    for sentence in product(known, repeat=4 if len(known) < 6 else 3):
        if scheme is IOBES and not any(tag[0] in "ES" for tag in sentence):
            continue  # Nothing tells that it is not BIO.
        judged = {(e.tag, e.start, e.end) for e in Entities([list(sentence)], scheme).entities[0]}
        assert set(tags.strict_chunks(sentence)) == judged


@pytest.mark.parametrize(
    ("spelt", "spans"),
    [
        ("I-PER I-PER B-PER O", [("PER", 0, 2), ("PER", 2, 3)]),  # IOB1
        ("B-X M-X E-X S-X", [("X", 0, 3), ("X", 3, 4)]),  # BMES
        ("B-X L-X U-X O U-Y", [("X", 0, 2), ("X", 2, 3), ("Y", 4, 5)]),  # BILOU
        ("I-A I-B B-B I-A", [("A", 0, 1), ("B", 1, 2), ("B", 2, 3), ("A", 3, 4)]),
        ("", []),
    ],
)
def test_every_scheme_is_read(spelt: str, spans: list[tuple[str, int, int]]) -> None:
    assert tags.chunks(spelt.split()) == [Chunk(*span) for span in spans]


@pytest.mark.parametrize("wrong", ["B_PER", "PER", "X-PER", "B-", "", "o"])
def test_what_is_no_tag_is_told_with_its_place(wrong: str) -> None:
    with pytest.raises(PartError, match="is no tag") as caught:
        tags.chunks(["O", "B-PER", wrong])
    assert caught.value.part == 2
    assert not tags.are_tags(["O", "B-PER", wrong])


def test_labels_that_spell_spans_are_known() -> None:
    assert tags.are_tags(BIO) and tags.are_tags(["I-X"])
    assert not tags.are_tags(["O"]) and not tags.are_tags([]) and not tags.are_tags(["NOUN", "VERB"])


@st.composite
def flat_spans(draw: st.DrawFn) -> tuple[int, list[Chunk]]:
    length = draw(st.integers(0, 10))
    edges = sorted(draw(st.sets(st.integers(0, length))))
    pairs = [pair for pair in pairwise(edges) if draw(st.booleans())]
    return length, [Chunk(draw(st.sampled_from("AB")), start, end) for start, end in pairs]


@given(flat_spans(), st.sampled_from(["BIO", "BIOES"]))
def test_spans_come_back_from_their_tags(spans: tuple[int, list[Chunk]], scheme: Scheme) -> None:
    length, chunks = spans
    spelt = tags.tagged(length, chunks, scheme)
    assert len(spelt) == length
    assert tags.chunks(spelt) == chunks
    assert tags.strict_chunks(spelt) == chunks
    assert set(spelt) <= set(tags.labels("AB", scheme))


@pytest.mark.parametrize("scheme", ["BIO", "BIOES", "any"])
def test_the_best_path_is_the_best_of_all_allowed(scheme: Scheme) -> None:
    known = tags.labels("AB" if scheme != "BIOES" else "A", scheme)
    rules = tags.grammar(known, scheme)
    draw = np.random.default_rng(1)
    for length in (1, 2, 4):
        scores = draw.normal(size=(length, len(known))) * 3
        best = max(
            (path for path in product(range(len(known)), repeat=length) if _allowed(path, rules)),
            key=lambda path: sum(scores[place, tag] for place, tag in enumerate(path)),
        )
        assert tuple(tags.best_path(scores, rules)) == best
    assert tags.best_path(np.zeros((0, len(known))), rules) == []


def _allowed(path: tuple[int, ...], rules: tags.Grammar) -> bool:
    steps = [rules.after[a, b] for a, b in pairwise(path)]
    return bool(np.isfinite([rules.start[path[0]], *steps, rules.end[path[-1]]]).all())


@given(st.integers(1, 9), st.sampled_from(["BIO", "BIOES"]), st.integers(0, 2**32 - 1))
def test_an_allowed_path_spells_spans(length: int, scheme: Scheme, seed: int) -> None:
    known = tags.labels("AB", scheme)
    scores = np.random.default_rng(seed).normal(size=(length, len(known)))
    spelt = [known[i] for i in tags.best_path(scores, tags.grammar(known, scheme))]
    assert tags.tagged(length, tags.chunks(spelt), scheme) == spelt


# Measures.


@given(PAIRS)
def test_measures_are_seqevals(pairs: list[list[tuple[str, str]]]) -> None:
    given_, right = ([[pair[side] for pair in sentence] for sentence in pairs] for side in (0, 1))
    expected = {
        "f1": f1_score(right, given_, zero_division=0),
        "precision": precision_score(right, given_, zero_division=0),
        "recall": recall_score(right, given_, zero_division=0),
    }
    by_tags = Tagging(labels=BIO).measure(*([Tags(tuple(one)) for one in side] for side in (given_, right)))
    by_spans = EntityTask(labels=BIO).measure(*([_found(one) for one in side] for side in (given_, right)))
    for name, value in expected.items():
        assert by_tags[name] == pytest.approx(value)
        assert by_spans[name] == pytest.approx(value)
    assert by_tags["accuracy"] == pytest.approx(accuracy_score(right, given_))
    strict = Tagging(labels=BIO, strict=True)
    measured = strict.measure(*([Tags(tuple(one)) for one in side] for side in (given_, right)))
    assert measured["f1"] == pytest.approx(
        f1_score(right, given_, mode="strict", scheme=IOB2, zero_division=0)
    )


def _found(sentence: list[str]) -> Found:
    return Found(tuple(Span(*chunk) for chunk in tags.chunks(sentence)))


def test_the_mean_over_types_is_seqevals() -> None:
    right = [["B-A", "I-A", "O", "B-B"], ["B-B", "O"]]
    given_ = [["B-A", "I-A", "O", "B-A"], ["B-B", "B-A"]]
    measured = EntityTask(labels=BIO).measure(list(map(_found, given_)), list(map(_found, right)))
    assert measured["macro_f1"] == pytest.approx(f1_score(right, given_, average="macro"))


def test_plain_tags_are_measured_by_token() -> None:
    task = Tagging(labels=("N", "V"))
    measured = task.measure([Tags(("N", "N", "V"))], [Tags(("N", "V", "V"))])
    assert measured["accuracy"] == pytest.approx(2 / 3)
    assert measured["f1"] == measured["macro_f1"] == pytest.approx(2 / 3)


def test_a_label_that_was_not_learnt_is_missed() -> None:
    task = EntityTask(labels=BIO)
    measured = task.measure([Found((Span("A", 0, 1),))], [Found((Span("A", 0, 1), Span("NEW", 2, 3)))])
    assert measured["precision"] == 1.0 and measured["recall"] == 0.5
    tagging = Tagging(labels=("N", "V")).measure([Tags(("N", "V"))], [Tags(("N", "NEW"))])
    assert tagging["accuracy"] == 0.5
