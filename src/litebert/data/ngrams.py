"""Which pieces a language model has to guess: n-grams of whole words.

p(n) ∝ 1/n for n up to 3 (Lan et al. 2020, §4.1), so 6/11, 3/11 and 2/11. The words of a segment are laid out
into n-grams of such lengths from its start, and n-grams are taken in a random order until the share of pieces
is reached; whether the last, which would pass it, is taken too is drawn so that the share is met on average.
google-research/albert instead draws a place and then a length, and drops what overlaps: its long n-grams come
out rarer than the formula says. `published` does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Words:
    """The words of several sequences.

    owner: [w], the sequence of each; sizes: [w], its pieces; run: [w], the segment it stands in, numbered on
    through the sequences.
    """

    owner: Ints
    sizes: Ints
    run: Ints


class Draws(NamedTuple):
    """Random numbers from 0 to 1, one of each kind for each word: lengths, order, and for the last n-gram."""

    lengths: Floats
    order: Floats
    edge: Floats


def chances(longest: int) -> Floats:
    """p(n) for n from 1 to `longest`."""
    weights: Floats = 1 / np.arange(1, longest + 1)
    return np.divide(weights, weights.sum())


def choose(words: Words, draws: Draws, budgets: Floats, longest: int, cap: int | None) -> Bools:
    """Whether each word is to be guessed.

    budgets: [b], how many pieces of each sequence, on average; at least one n-gram is taken. cap: no more
    pieces than this, whatever the budget.
    """
    first = lay_out(words.run, draws.lengths, longest)
    gram = np.cumsum(first) - 1
    owner, order, edge = words.owner[first], draws.order[first], draws.edge[first]
    sizes = np.bincount(gram, weights=words.sizes).astype(np.int64)
    taken = np.argsort(owner + order)  # Within each sequence by chance: its number is the whole part.
    owner, sizes, edge = owner[taken], sizes[taken], edge[taken]
    is_first = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    before = np.cumsum(sizes) - sizes
    before -= np.repeat(before[is_first], np.diff(np.append(np.flatnonzero(is_first), len(owner))))
    room = budgets[owner] - before
    is_chosen = (room >= sizes) | (edge * sizes < room) | is_first
    if cap is not None:
        is_chosen &= before + sizes <= cap
    chosen = np.zeros(len(sizes), bool)
    chosen[taken] = is_chosen
    of_word: Bools = chosen[gram]
    return of_word


def lay_out(run: Ints, draws: Floats, longest: int) -> Bools:
    """Whether an n-gram starts with each word. A run's n-grams follow one another from its first word."""
    lengths = 1 + np.searchsorted(np.cumsum(chances(longest))[:-1], draws, side="right")
    begins = np.flatnonzero(np.append(True, run[1:] != run[:-1])[: len(run)])
    counts = np.diff(np.append(begins, len(run)))
    before = np.cumsum(lengths) - lengths
    start = np.repeat(begins - before[begins], counts) + before
    first = np.zeros(len(run), bool)
    first[start[start < np.repeat(begins + counts, counts)]] = True
    return first


def published(sizes: list[int], draws: Draws, budget: int, longest: int) -> list[int]:
    """google-research/albert, `create_masked_lm_predictions`, for one sequence: the words to be guessed.

    Words are visited in a random order, an n-gram is drawn at each, made shorter while it would pass the
    budget, and dropped if it still does or if it covers a word that was taken. It may reach over a `[SEP]`.
    """
    bounds = np.cumsum(chances(longest))[:-1]
    lengths = (1 + np.searchsorted(bounds, draws.lengths, side="right")).tolist()
    covered: set[int] = set()
    count = 0
    for word in np.argsort(draws.order).tolist():
        if count >= budget:
            break
        gram = range(word, min(word + lengths[word], len(sizes)))
        while len(gram) > 1 and count + sum(sizes[each] for each in gram) > budget:
            gram = gram[:-1]
        size = sum(sizes[each] for each in gram)
        if count + size <= budget and covered.isdisjoint(gram):
            covered.update(gram)
            count += size
    return sorted(covered)
