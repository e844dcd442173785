"""What else a person may like: from what they liked, by what others liked with it, and by what it is about.

- `popular`: what most people liked; the baseline.
- `factors`: matrix factorisation of likes (iALS, Hu, Koren & Volinsky 2008), the other baseline.
- `together`: a linear model of which things are liked together, without the diagonal, in closed form (EASE,
  Steck, arXiv 1905.03375).
- `content`: the nearest by their descriptions, by a model's vectors or by their words; also for what is new.
- `both`: `together`, and `content` for what too few people have liked to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from litebert.apps.likes import Floats, Ints, Likes
from litebert.errors import DataError, UsageError, nearest
from litebert.tasks.metrics import interval_of_mean
from litebert.text.bm25 import WordIndex, terms

Way = Literal["both", "together", "content", "factors", "popular"]
RIDGE = 250.0
"""EASE's penalty."""
CONTENT = 0.1
"""How much the content counts in `both`, beside the likes."""


@dataclass(frozen=True)
class Proposal:
    """Something that a person may like."""

    id: str
    score: float
    text: str
    """Its title, where it has one."""


@dataclass(frozen=True, eq=False)
class Recommender:
    """Likes, what the items are, and what proposes from them."""

    likes: Likes
    titles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    read: Callable[[Sequence[str]], Floats] | None = None
    """Texts to vectors, for `content`; without it, by words."""

    @cached_property
    def items(self) -> tuple[str, ...]:
        """All items: those that somebody liked, and then the others."""
        return tuple(dict.fromkeys([*self.likes.items, *self.titles]))

    def propose(self, liked: Sequence[str], *, top: int = 10, way: Way = "both") -> list[Proposal]:
        """What fits best to what a person liked, and is none of that. Items are named by id or title."""
        numbers = [self.number(one) for one in liked]
        scores = self.scores([np.array(numbers, np.int64)], way)[0]
        order = [row for row in np.argsort(-scores, kind="stable").tolist() if np.isfinite(scores[row])]
        return [
            Proposal(self.items[row], float(scores[row]), self.titles.get(self.items[row], ("", ""))[0])
            for row in order[:top]
        ]

    def number(self, name: str) -> int:
        """The number of an item by its id or title. Raises `UsageError` with the nearest."""
        if name in self._numbers:
            return self._numbers[name]
        by_title = {title.casefold(): id for id, (title, _) in self.titles.items()}
        if name.casefold() in by_title:
            return self._numbers[by_title[name.casefold()]]
        close = nearest(name, [title for title, _ in self.titles.values()] or self.items, "item")
        raise UsageError(close.partition(" Known:")[0])

    def scores(self, liked: Sequence[Ints], way: Way) -> Floats:
        """[people, items]: how well each item fits what each person liked; -inf for what they did."""
        if way not in get_args(Way):
            raise UsageError(nearest(way, get_args(Way), "way"))
        ways: Mapping[str, Callable[[Sequence[Ints]], Floats]] = {
            "both": self._both,
            "together": self._together,
            "content": self._content,
            "factors": self._factors,
            "popular": self._popular,
        }
        found = ways[way](liked).astype(np.float32)
        for row, one in enumerate(liked):
            found[row, one] = -np.inf
        return found

    def _popular(self, liked: Sequence[Ints]) -> Floats:
        whole: Floats = np.repeat(self._popularity[None], len(liked), axis=0)
        return whole

    def _together(self, liked: Sequence[Ints]) -> Floats:
        return self._spread(np.asarray(self._rows(liked) @ self._ease))

    def _factors(self, liked: Sequence[Ints]) -> Floats:
        items = self._als
        small = items.T @ items + 0.1 * np.eye(items.shape[1], dtype=np.float32)
        return self._spread(np.stack([_folded(row, items, small) for row in self._rows(liked)]) @ items.T)

    def _content(self, liked: Sequence[Ints]) -> Floats:
        """The mean cosine to what was liked, each less its mean over all items: what sets it apart."""
        rows = [self._vectors @ self._vectors[one].sum(axis=0) / max(len(one), 1) for one in liked]
        return np.stack(rows)

    def _both(self, liked: Sequence[Ints]) -> Floats:
        together, content = self._together(liked), self._content(liked)
        known = together[:, self.likes.known]
        spread = known.std(axis=1, keepdims=True) if known.size else np.zeros((len(known), 1), np.float32)
        spread[spread == 0] = 1  # Others' likes tell nothing: what it is about decides.
        scale = content.std(axis=1, keepdims=True)
        whole: Floats = together + CONTENT * spread * content / np.maximum(scale, 1e-9)
        return whole

    def _rows(self, liked: Sequence[Ints]) -> Floats:
        """[people, known items]: 1 for what was liked."""
        rows = np.zeros((len(liked), len(self.items)), np.float32)
        for row, one in zip(rows, liked, strict=True):
            row[one] = 1
        return rows[:, self.likes.known]

    def _spread(self, rows: Floats) -> Floats:
        """Scores of the known items among all; of the others nothing is known, so they score 0."""
        whole = np.zeros((len(rows), len(self.items)), np.float32)
        whole[:, self.likes.known] = rows
        return whole

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {item: n for n, item in enumerate(self.items)}

    @cached_property
    def _popularity(self) -> Floats:
        return np.pad(self.likes.counts, (0, len(self.items) - len(self.likes.items))).astype(np.float32)

    @cached_property
    def _ease(self) -> Floats:
        """B = I - P diag(1/P), P the inverse of XᵀX + λI; its diagonal is 0."""
        x = self.likes.matrix(self.likes.known)
        gram = (x.T @ x).astype(np.float64)
        gram[np.diag_indices(len(gram))] += RIDGE
        inverse = np.linalg.inv(gram)
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0)
        return weights.astype(np.float32)

    @cached_property
    def _als(self) -> Floats:
        """Items' factors [known, 32], after 10 rounds of alternating least squares; drawn from seed 0."""
        x = self.likes.matrix(self.likes.known)
        draw = np.random.Generator(np.random.Philox(0))
        items = draw.normal(0, 0.1, (x.shape[1], 32)).astype(np.float32)
        for _ in range(10):
            people = _solved(x, items)
            items = _solved(x.T, people)
        return items

    @cached_property
    def _vectors(self) -> Floats:
        """[items, width] of length 1, less their mean."""
        texts = [" ".join(self.titles.get(item, (item, ""))) for item in self.items]
        vectors = self.read(texts) if self.read is not None else _by_words(texts)
        vectors = vectors - vectors.mean(axis=0)
        unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return unit


def judge(whole: Likes, make: Callable[[Likes], Recommender], *, top: int = 10) -> dict[str, dict[str, Any]]:
    """How well each way finds the last thing that each person liked, among all that they had not.

    Everybody's last like is held out, where there are at least two; all ways learn from the rest in the same
    run. hit_rate@10: in the first ten; ndcg@10: 1 / log2(1 + rank) there. With 95 % bootstrap intervals.
    """
    last = {int(user): row for row, user in enumerate(whole.user.tolist())}
    held = [row for user, row in last.items() if np.count_nonzero(whole.user == user) > 1]
    rest = np.setdiff1d(np.arange(len(whole.user)), held)
    left = Likes(whole.users, whole.items, whole.user[rest], whole.item[rest])
    if not held:
        raise DataError("nobody has liked two things, so that one could be held out")
    recommender = make(left)
    liked = [left.item[left.user == whole.user[row]] for row in held]
    wanted = whole.item[held]
    return {way: _judged(recommender.scores(liked, way), wanted, top) for way in get_args(Way)}


def _judged(scores: Floats, wanted: Ints, top: int) -> dict[str, Any]:
    own = scores[np.arange(len(wanted)), wanted][:, None]
    # Of equal scores half stand before, so that a way that knows nothing gains nothing by its ties.
    ranks = 1 + (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) // 2
    inside = ranks <= top
    each = {
        f"hit_rate@{top}": inside.astype(np.float64),
        f"ndcg@{top}": np.where(inside, 1 / np.log2(1 + ranks), 0.0),
    }
    return {
        **{name: float(values.mean()) for name, values in each.items()},
        "people": len(wanted),
        "intervals": {name: list(interval_of_mean(values)) for name, values in each.items()},
    }


def _solved(x: Floats, other: Floats) -> Floats:
    """The factors of the rows of x, by weighted least squares against the others' (Hu et al. 2008, eq. 4)."""
    small = other.T @ other + 0.1 * np.eye(other.shape[1], dtype=np.float32)
    rows = [_folded(row, other, small) for row in x]
    return np.array(rows, np.float32).reshape(len(x), other.shape[1])


def _folded(row: Floats, other: Floats, small: Floats) -> Floats:
    """One row: what was liked weighs 40 times as much as what was not."""
    held = other[row > 0]
    found: Floats = np.linalg.solve(small + 40 * held.T @ held, 41 * held.sum(axis=0))
    return found


def _by_words(texts: Sequence[str]) -> Floats:
    """Terms weighted by how rare they are, brought to 128 numbers by a random projection from seed 0
    (Johnson & Lindenstrauss), by which cosines stay about what they are."""
    words = WordIndex.of(texts)
    draw = np.random.Generator(np.random.Philox(0))
    table = draw.normal(0, 1, (len(words.vocabulary), 128)).astype(np.float32)
    table *= np.array([words.weight(term) for term in words.vocabulary], np.float32)[:, None]
    number = {term: n for n, term in enumerate(words.vocabulary)}
    return np.stack([table[[number[term] for term in set(terms(text))]].sum(axis=0) for text in texts])
