"""n-grams of whole words: their lengths, their share, and that every word is as likely as another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from litebert.data import ngrams
from litebert.data.ngrams import Draws, Words


def words_of(rng: np.random.Generator, sequences: int, runs: int, each: int, largest: int = 3) -> Words:
    run = np.repeat(np.arange(sequences * runs), each)
    return Words(owner=run // runs, sizes=rng.integers(1, largest + 1, len(run)), run=run)


def draws(rng: np.random.Generator, count: int, sequences: int = 1) -> Draws:
    return Draws(*rng.random((3, count)), turn=rng.random(sequences))


def pieces(words: Words, chosen: np.ndarray) -> np.ndarray:
    return np.bincount(words.owner, weights=words.sizes * chosen)


def test_chances_are_those_of_the_paper() -> None:
    np.testing.assert_allclose(ngrams.chances(3), [6 / 11, 3 / 11, 2 / 11])


def test_lengths_are_as_likely_as_the_paper_says() -> None:
    rng = np.random.default_rng(0)
    run = np.zeros(60_000, np.int64)
    first = ngrams.lay_out(run, rng.random(len(run)), 3)
    lengths = np.diff(np.append(np.flatnonzero(first), len(run)))
    counts = np.bincount(lengths, minlength=4)[1:]
    assert chisquare(counts, ngrams.chances(3) * counts.sum()).pvalue > 1e-3


def test_long_ngrams_are_chosen_as_often_as_short_ones() -> None:
    rng = np.random.default_rng(1)
    words = words_of(rng, 3000, 1, 90)
    noise = draws(rng, len(words.run), 3000)
    starts = np.flatnonzero(ngrams.lay_out(words.run, noise.lengths, 3))
    chosen = ngrams.choose(words, noise, 0.15 * pieces(words, np.ones(len(words.run))), 3, None)[starts]
    lengths = np.diff(np.append(starts, len(words.run)))
    for length in (1, 2, 3):
        assert np.mean(chosen[lengths == length]) == pytest.approx(0.15, abs=0.006)
    counts = np.bincount(lengths[chosen], minlength=4)[1:]
    np.testing.assert_allclose(
        counts / counts.sum(), ngrams.chances(3), atol=0.02
    )  # the last of a row is cut


@pytest.mark.parametrize("rate", [0.05, 0.15, 0.4])
def test_the_share_is_met(rate: float) -> None:
    rng = np.random.default_rng(2)
    words = words_of(rng, 4000, 2, 40)
    total = pieces(words, np.ones(len(words.run)))
    chosen = pieces(words, ngrams.choose(words, draws(rng, len(words.run), 4000), rate * total, 3, None))
    assert chosen.sum() / total.sum() == pytest.approx(rate, rel=0.01)
    assert np.abs(chosen - rate * total).max() < 18  # at most two n-grams of three words of three pieces off


def test_no_place_is_favoured() -> None:
    rng = np.random.default_rng(3)
    words = words_of(rng, 6000, 1, 40, largest=1)
    chosen = ngrams.choose(words, draws(rng, len(words.run), 6000), np.full(6000, 6.0), 3, None)
    by_place = chosen.reshape(6000, 40).mean(axis=0)
    np.testing.assert_allclose(by_place, 6 / 40, atol=0.025)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 3), st.integers(1, 30), st.integers(1, 4))
def test_an_ngram_keeps_to_its_segment_and_its_length(
    seed: int, sequences: int, runs: int, each: int, longest: int
) -> None:
    rng = np.random.default_rng(seed)
    words = words_of(rng, sequences, runs, each)
    first = ngrams.lay_out(words.run, rng.random(len(words.run)), longest)
    begins = np.append(True, words.run[1:] != words.run[:-1])
    assert first[begins].all()
    assert np.diff(np.append(np.flatnonzero(first), len(first))).max() <= longest


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 20), st.integers(1, 12))
def test_a_cap_holds_and_without_one_something_is_chosen(
    seed: int, sequences: int, each: int, cap: int
) -> None:
    rng = np.random.default_rng(seed)
    words = words_of(rng, sequences, 1, each)
    noise = draws(rng, len(words.run), sequences)
    budgets = np.full(sequences, 5.0)
    assert (pieces(words, ngrams.choose(words, noise, budgets, 3, cap)) <= cap).all()
    assert (pieces(words, ngrams.choose(words, noise, budgets, 3, None)) >= 1).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 4), max_size=40), st.integers(1, 20))
def test_the_published_way_keeps_its_budget(seed: int, sizes: list[int], budget: int) -> None:
    found = ngrams.published(sizes, draws(np.random.default_rng(seed), len(sizes)), budget, 3)
    assert found == sorted(set(found))
    assert sum(sizes[word] for word in found) <= budget
    if sum(sizes) <= budget and set(sizes) == {1}:
        assert len(found) == len(sizes) or len(found) >= len(sizes) - 2


def test_the_published_way_finds_long_ngrams_rarer() -> None:
    """Because it drops what overlaps: the reason why the default does not do so."""
    rng = np.random.default_rng(4)
    runs: list[int] = []
    for _ in range(1500):
        found = ngrams.published([1] * 125, draws(rng, 125), 19, 3)
        cuts = np.flatnonzero(np.diff(found) > 1)
        runs += np.diff(np.concatenate([[-1], cuts, [len(found) - 1]])).tolist()
    words = words_of(rng, 1500, 1, 125, largest=1)
    chosen = ngrams.choose(words, draws(rng, 1500 * 125, 1500), np.full(1500, 19.0), 3, None).reshape(
        1500, 125
    )
    ours = [len(run) for row in chosen for run in "".join("x" if is_in else " " for is_in in row).split()]
    assert np.mean(runs) < np.mean(ours)
