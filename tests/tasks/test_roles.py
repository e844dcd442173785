"""Roles: the predicate is told by its segment, whatever way it is given."""

from __future__ import annotations

import pytest

from litebert.embedded import tokenizer_folder
from litebert.errors import InputError
from litebert.tasks.roles import Predicate, Roles, RoleTask
from litebert.tasks.spans import Span
from litebert.text.loading import load_tokenizer

TOKENIZER = load_tokenizer(tokenizer_folder())
TASK = RoleTask().fit([Roles((Span("ARG0", 0, 3), Span("ARG1", 4, 5)))])


@pytest.mark.parametrize(
    ("given", "predicate"),
    [
        (Predicate(tokens=("Ann", "gave", "Bob", "books"), predicate=1), "gave"),
        (Predicate("Ann gave Bob books", predicate=4), "gave"),
        (Predicate("Ann gave Bob books", predicate=6), "gave"),
        (Predicate("我给你书", predicate=1), "给"),
        (Predicate("I don't know.", ("I", "do", "n't", "know", "."), predicate=3), "know"),
    ],
)
def test_the_predicates_pieces_are_of_segment_1(given: Predicate, predicate: str) -> None:
    (row,) = TASK.encode(given, TOKENIZER)
    text = given.text or " ".join(given.tokens or ())
    marked = [text[start:end] for (start, end), one in zip(row.spans, row.segments, strict=True) if one]
    assert "".join(marked) == predicate
    ((many,),) = TASK.encode_many([given], TOKENIZER)
    assert many.segments.tolist() == row.segments.tolist()


@pytest.mark.parametrize(
    "given",
    [
        Predicate(tokens=("Ann", "gave"), predicate=2),
        Predicate(tokens=("Ann", "gave"), predicate=-1),
        Predicate("Ann gave", predicate=3),
        Predicate("", predicate=0),
    ],
)
def test_a_predicate_that_is_not_there_is_told(given: Predicate) -> None:
    with pytest.raises(InputError, match="the predicate: there is") as caught:
        TASK.encode(given, TOKENIZER)
    assert caught.value.code == "predicate"
    (found,) = TASK.encode_many([given], TOKENIZER)
    assert isinstance(found, InputError)
