"""Which pieces a language model has to guess: n-grams of whole words.

p(n) ∝ 1/n for n up to 3 (Lan et al. 2020, §4.1), so 6/11, 3/11 and 2/11. The words of a segment are laid out
into n-grams of such lengths from its start. The n-grams of a sequence are put on a ring in a random order,
and those are taken that lie on a random stretch of it, as long as the share of pieces asked for; one that
lies there in part is taken with the probability of that part. So each n-gram, long or short, is as likely as
any other to be taken, and the share is met on average.
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
    """Random numbers from 0 to 1: for each word [w] one of each kind, for each sequence [b] one to turn the
    ring."""

    lengths: Floats
    order: Floats
    edge: Floats
    turn: Floats


def chances(longest: int) -> Floats:
    """p(n) for n from 1 to `longest`."""
    weights: Floats = 1 / np.arange(1, longest + 1)
    return np.asarray(weights / weights.sum())


def choose(words: Words, draws: Draws, budgets: Floats, longest: int, cap: int | None) -> Bools:
    """Whether each word is to be guessed.

    budgets: [b], how many pieces of each sequence, on average; at least one n-gram is taken. cap: no more
    pieces than this, whatever the budget; then an n-gram that lies on the stretch in part is left out.
    """
    first = lay_out(words.run, draws.lengths, longest)
    gram = np.cumsum(first) - 1
    owner, order, edge = words.owner[first], draws.order[first], draws.edge[first]
    sizes: Floats = np.bincount(gram, weights=words.sizes).astype(np.float64)
    ring = np.argsort(owner + order)  # Within each sequence by chance: its number is the whole part.
    covered = np.zeros(len(sizes))
    covered[ring] = _covered(
        owner[ring], sizes[ring], draws.turn, budgets if cap is None else np.minimum(budgets, cap)
    )
    if cap is not None:
        return np.asarray((covered == sizes)[gram])
    chosen = edge * sizes < covered
    starts = np.flatnonzero(np.append(True, owner[1:] != owner[:-1])[: len(owner)])
    is_none = np.logical_or.reduceat(chosen, starts) == 0 if len(starts) else starts
    chosen[ring[starts[is_none]]] = True
    return np.asarray(chosen[gram])


def _covered(owner: Ints, sizes: Floats, turn: Floats, stretch: Floats) -> Floats:
    """How much of each n-gram lies on its ring's stretch, where the n-grams follow one another as they stand
    here."""
    ends = np.cumsum(sizes)
    around = np.bincount(owner, weights=sizes, minlength=len(turn))
    ends -= (np.cumsum(around) - around)[owner]
    begins = ends - sizes
    start = (turn * around)[owner]
    stop = start + np.minimum(stretch, around)[owner]
    once = np.minimum(ends, stop) - np.maximum(begins, start)
    again = np.minimum(ends, stop - around[owner]) - begins
    return np.asarray(np.maximum(once, 0) + np.maximum(again, 0))


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
