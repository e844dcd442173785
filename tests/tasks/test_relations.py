"""Relations: marked parts, and the score of SemEval-2010 task 8."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.embedded import tokenizer_folder
from litebert.errors import InputError
from litebert.tasks.labels import Label
from litebert.tasks.relations import Marked, Relations, undirected, unmarked
from litebert.text.loading import load_tokenizer

LABELS = ("A(e1,e2)", "A(e2,e1)", "B(e1,e2)", "B(e2,e1)", "Other")
TASK = Relations(labels=LABELS)
TOKENIZER = load_tokenizer(tokenizer_folder())


def measured(given_: list[str], wanted: list[str]) -> dict[str, float]:
    return TASK.measure(list(map(Label, given_)), list(map(Label, wanted)))


def official(given_: list[str], wanted: list[str]) -> float:
    """The official score as its scorer's text defines it, from its tables (1.2, scoring iii)."""
    f1 = []
    for relation in sorted({undirected(label) for label in wanted} - {"Other"}):
        rows = list(zip(given_, wanted, strict=True))
        wrong_way = sum(undirected(g) == undirected(w) == relation and g != w for g, w in rows)
        proposed = sum(undirected(g) == relation for g, w in rows) - wrong_way
        actual = sum(undirected(w) == relation for _, w in rows)
        hits = sum(g == w and undirected(w) == relation for g, w in rows)
        p = hits / (proposed + wrong_way) if proposed else 0.0
        r = hits / actual
        f1.append(2 * p * r / (p + r) if p + r else 0.0)
    return sum(f1) / len(f1) if f1 else 0.0


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1))
def test_the_score_is_the_official_one(pairs: list[tuple[str, str]]) -> None:
    given_, wanted = ([pair[side] for pair in pairs] for side in (0, 1))
    assert measured(given_, wanted)["macro_f1"] == pytest.approx(official(given_, wanted))


def test_a_wrong_direction_costs_precision_and_recall_and_other_does_not_count() -> None:
    wanted = ["A(e1,e2)", "A(e1,e2)", "B(e1,e2)", "Other", "Other"]
    given_ = ["A(e1,e2)", "A(e2,e1)", "B(e1,e2)", "Other", "B(e1,e2)"]
    scores = measured(given_, wanted)
    # A: 1 right of 2 given and 2 wanted, F1 1/2; B: 1 of 2 and 1, F1 2/3.
    assert scores["macro_f1"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert scores["micro_f1"] == pytest.approx(2 * 2 / (4 + 3))
    assert scores["accuracy"] == pytest.approx(3 / 5)


def test_marks_are_taken_out_and_their_places_kept() -> None:
    text = "a <e2>film</e2> by <e1>Ann</e1>."
    plain, (first, second) = unmarked(text)
    assert plain == "a film by Ann."
    assert plain[slice(*first)] == "Ann" and plain[slice(*second)] == "film"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no marks",
        "<e1>a</e1>",
        "<e1>a</e1> <e1>b</e1> <e2>c</e2>",
        "<e1></e1> <e2>c</e2>",
        "</e1>a<e1> <e2>c</e2>",
        "<e1>a <e2>b</e1> c</e2>",
        "<e1>a <e2>b</e2></e1>",
    ],
)
def test_marks_that_are_wrong_are_told(text: str) -> None:
    with pytest.raises(InputError) as caught:
        TASK.encode(Marked(text), TOKENIZER)
    assert caught.value.code == "marks"


def test_parts_are_between_signs_and_of_segment_1() -> None:
    (row,) = TASK.encode(Marked("The <e1>river</e1> of <e2>spring</e2>."), TOKENIZER)
    pieces = [TOKENIZER.piece(int(id)) for id in row.ids]
    assert "".join(pieces[1:-1]).replace("▁", "") == "the$river$of#spring#."
    marked = "".join(p for p, segment in zip(pieces, row.segments, strict=True) if segment)
    assert marked.replace("▁", "") == "$river$#spring#"


def test_of_a_long_text_the_parts_are_kept() -> None:
    text = "so " * 200 + "the <e1>river</e1> of <e2>spring</e2>" + " so" * 200
    for on_long in ("truncate", "window"):
        (row,) = Relations(labels=LABELS, max_pieces=40, on_long=on_long).encode(Marked(text), TOKENIZER)
        assert len(row) == 40 and row.truncated > 300
        assert row.segments.sum() >= 6
    with pytest.raises(InputError) as caught:
        Relations(labels=LABELS, max_pieces=40, on_long="refuse").encode(Marked(text), TOKENIZER)
    assert caught.value.code == "too_long"
    far = "<e1>river</e1> " + "so " * 200 + "<e2>spring</e2>"
    with pytest.raises(InputError, match="have 2"):
        Relations(labels=LABELS, max_pieces=40).encode(Marked(far), TOKENIZER)
