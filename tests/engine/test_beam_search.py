"""Writing: the search finds what there is to find, a draw is a function of seed and source, stops stop."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from litebert.engine.search import Begun, search
from litebert.errors import UsageError
from litebert.model.decoder import END
from litebert.tasks.decoding import Decoding

PIECES = 7
"""0 to 3 are special, 4 to 6 are written."""


class Chain:
    """Steps of a model that looks at the last piece only: a table of probabilities for each source."""

    pointed = None

    def __init__(self, tables: Tensor, beams: int = 1) -> None:
        self.tables, self.beams, self.sources, self.written = tables, beams, list(range(len(tables))), 0

    def __call__(self, ids: Tensor) -> Tensor:
        owner = torch.tensor(self.sources).repeat_interleave(self.beams)
        self.written += 1
        return self.tables[owner, ids].clone()

    def select(self, rows: Tensor, sources: Tensor | None = None) -> None:
        assert rows.max() < len(self.sources) * self.beams
        if sources is not None:
            self.sources = [self.sources[i] for i in sources.tolist()]


def tables(count: int = 3, seed: int = 0) -> Tensor:
    scores = torch.randn(count, PIECES, PIECES, generator=torch.Generator().manual_seed(seed))
    scores[:, :, :3] = -torch.inf
    return scores.log_softmax(-1)


def begun(count: int = 3, most: int = 4, prefix: tuple[int, ...] = ()) -> list[Begun]:
    return [Begun(prefix, most, bytes([i])) for i in range(count)]


def written(steps: Any, decoding: Decoding, most: int = 4, **more: Any) -> list[tuple[int, ...]]:
    return [one.ids for one in search(steps, begun(len(steps.tables), most), decoding, **more)]


def exhaustive(table: Tensor, most: int, penalty: float) -> tuple[int, ...]:
    """The best of all texts of at most `most` pieces."""
    best, worth = (), -np.inf
    for length in range(most + 1):
        for text in product((4, 5, 6), repeat=length):
            path = [2, *text, END]
            cost = sum(float(table[a, b]) for a, b in pairwise(path))
            if (value := cost / ((5 + length + 1) / 6) ** penalty) > worth:
                best, worth = text, value
    return best


@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.0])
def test_many_beams_find_the_best_text_of_all(penalty: float) -> None:
    table = tables(4)
    found = written(Chain(table, 60), Decoding(beams=60, length_penalty=penalty), most=3)
    assert found == [exhaustive(one, 3, penalty) for one in table]


def test_one_beam_takes_the_likeliest_each_time() -> None:
    table = tables()
    for source, text in enumerate(written(Chain(table), Decoding(beams=1))):
        path = [2, *text]
        for before, piece in zip(path, [*text, END], strict=True):
            if len(text) < 4 or piece != END:
                assert int(table[source, before].argmax()) == piece


@pytest.mark.parametrize(
    "decoding", [Decoding(beams=1), Decoding(beams=3), Decoding(beams=1, temperature=1.0)]
)
def test_a_text_is_the_same_alone_and_among_others(decoding: Decoding) -> None:
    table = tables(6, seed=3)
    together = search(Chain(table, decoding.beams), begun(6), decoding)
    for i in range(6):
        (alone,) = search(Chain(table[i : i + 1], decoding.beams), [begun(6)[i]], decoding)
        assert alone.ids == together[i].ids
        assert alone.logarithm == pytest.approx(together[i].logarithm, abs=1e-5)


def test_draws_follow_the_seed_and_the_probabilities() -> None:
    table = tables(1, seed=5).expand(4000, -1, -1)
    sources = [Begun((), 1, i.to_bytes(2, "little")) for i in range(4000)]
    draw = Decoding(temperature=1.0, seed=7)
    first = [one.ids for one in search(Chain(table), sources, draw)]
    assert first == [one.ids for one in search(Chain(table), sources, draw)]
    assert first != [one.ids for one in search(Chain(table), sources, Decoding(temperature=1.0, seed=8))]
    for piece in (4, 5, 6):
        share = sum(ids == (piece,) for ids in first) / len(first)
        assert share == pytest.approx(float(table[0, 2, piece].exp()), abs=0.03)


def test_only_likely_pieces_are_drawn_where_that_is_asked() -> None:
    table = tables(1, seed=5).expand(500, -1, -1)
    sources = [Begun((), 1, i.to_bytes(2, "little")) for i in range(500)]
    best = int(table[0, 2].argmax())
    only = ((best,),) if best != END else ((),)
    for decoding in (Decoding(temperature=1.0, top_k=1), Decoding(temperature=1.0, top_p=1e-6)):
        assert {one.ids for one in search(Chain(table), sources, decoding)} == set(only)
    two = {one.ids for one in search(Chain(table), sources, Decoding(temperature=1.0, top_k=2))}
    assert len(two) == 2


@pytest.mark.parametrize("beams", [1, 3])
def test_what_is_given_is_gone_on_with(beams: int) -> None:
    table = tables(2, seed=9)
    found = search(Chain(table, beams), begun(2, most=5, prefix=(6, 6)), Decoding(beams=beams))
    assert all(len(one.ids) <= 3 for one in found)
    moved = table.clone()
    moved[:, 2] = table[:, 6]
    without = search(Chain(moved, beams), begun(2, most=3), Decoding(beams=beams))
    assert [one.ids for one in found] == [one.ids for one in without]


@pytest.mark.parametrize("beams", [1, 4])
def test_a_stop_ends_a_text_and_no_run_comes_twice(beams: int) -> None:
    table = torch.full((1, PIECES, PIECES), -torch.inf)
    table[0, :, 4], table[0, :, 5], table[0, :, END] = np.log(0.6), np.log(0.39), np.log(0.01)
    stopped = written(Chain(table, beams), Decoding(beams=beams), most=9, stops=lambda ids: ids[-1] == 4)
    assert stopped[0][-1:] == (4,) or 4 not in stopped[0]
    (once,) = written(Chain(table, beams), Decoding(beams=beams, no_repeat=2), most=9)
    pairs = list(pairwise(once))
    assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize(
    "options",
    [
        {"beams": 0},
        {"temperature": -1.0},
        {"top_p": 0.0},
        {"top_k": -1},
        {"most": 0},
        {"stop": ("",)},
        {"beams": 2, "temperature": 1.0},
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Decoding(**options)
