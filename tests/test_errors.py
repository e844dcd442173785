"""What messages are made of."""

from __future__ import annotations

from litebert.errors import listed, nearest, short


def test_the_nearest_name_and_all_that_there_are() -> None:
    assert nearest("entites", ["choice", "entities"], "task") == (
        "no task is named 'entites'; did you mean 'entities'? Known: choice, entities"
    )
    assert nearest("xyz", ["choice"], "task") == "no task is named 'xyz'. Known: choice"


def test_a_message_stays_one_that_can_be_read() -> None:
    many = [f"column {number:06}" for number in range(100_000)]
    said = nearest("x" * 1_000_000, [*many, "y" * 1_000_000], "column")
    assert len(said) < 2_000 and said.endswith("column 000099, … (100,001 in all)")
    assert short("a" * 80) == "a" * 80 and short("a" * 81) == "a" * 80 + "…"
    assert listed(["b", "a"]) == "b, a"
