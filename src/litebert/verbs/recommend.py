"""`litebert recommend`: what a person may like, from what they liked; and how well that is guessed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from litebert.errors import UsageError
from litebert.verbs.keywords import made
from litebert.verbs.telling import tell

if TYPE_CHECKING:
    from litebert.apps.likes import Floats
    from litebert.apps.recommend import Proposal, Recommender


@dataclass(frozen=True, kw_only=True)
class Recommend:
    """Propose what fits to what a person liked, by what others liked and by what it is about.

    With --judge it is measured instead: everybody's last like is held out, and looked for, beside the most
    popular and matrix factorisation in the same run.

    Example: litebert recommend ratings.csv --items movies.csv --liked "Toy Story (1995)" "Jumanji (1995)"
    """

    positional: ClassVar[bool] = True

    ratings: str
    """A table of who rated what and how much (and when): CSV, TSV, JSONL, …"""
    items: str | None = None
    """A table of what there is: an id, a title, and what it is about."""
    liked: tuple[str, ...] = ()
    """What the person liked, by ids or titles."""
    top: int = 10
    """How many to propose."""
    way: Literal["both", "together", "content", "factors", "popular"] = "both"
    """together: liked by the same people. content: of like descriptions. both: together, and content. factors
    and popular: the baselines."""
    threshold: float = 4.0
    """The rating from which a thing counts as liked."""
    model: str | None = None
    """What reads the descriptions; left out, they are compared by their words."""
    judge: bool = False
    """Measure all ways: hit rate and nDCG of the first 10."""
    json: bool = False
    """Print one JSON object."""

    def run(self) -> Sequence[Proposal]:
        """The best, best first."""
        if not self.liked:
            raise UsageError('say what was liked: --liked "Toy Story (1995)" "Jumanji (1995)", or --judge')
        if self.top < 1:
            raise UsageError(f"top must be at least 1, but is {self.top}")
        return self._recommender().propose(self.liked, top=self.top, way=self.way)

    def judged(self) -> dict[str, dict[str, Any]]:
        """Of each way the hit rate and nDCG, with intervals."""
        from litebert.apps.recommend import Recommender, judge

        whole = self._recommender()
        return judge(whole.likes, lambda likes: Recommender(likes, whole.titles, whole.read))

    def main(self) -> int:
        if self.judge:
            found = self.judged()
            print(json.dumps(found, ensure_ascii=False) if self.json else _table(found))
            return 0
        items = self.run()
        if self.json:
            print(json.dumps({"items": [asdict(one) for one in items]}, ensure_ascii=False))
        else:
            print("\n".join(f"{one.score:8.4f}  {one.text or one.id}" for one in items) or "nothing")
        return 0

    def _recommender(self) -> Recommender:
        from litebert.apps.likes import read_items, read_likes
        from litebert.apps.recommend import Recommender

        likes = read_likes(self.ratings, liked=self.threshold)
        titles = read_items(self.items) if self.items is not None else {}
        tell(f"{len(likes.user)} likes of {len(likes.items)} items by {len(likes.users)} people")
        return Recommender(likes, titles, None if self.model is None else self._reader)

    def _reader(self, texts: Sequence[str]) -> Floats:
        from litebert.apps.search.reader import Reader

        return Reader(self.model, "mean", tell=tell)(texts)


def recommend(ratings: str, **options: Any) -> Sequence[Proposal]:
    """Propose what fits to what a person liked. Options are the fields of `Recommend`."""
    return made(Recommend, {"ratings": ratings, **options}).run()


def _table(found: dict[str, dict[str, Any]]) -> str:
    """A line for each way."""
    names = [name for name in next(iter(found.values())) if "@" in name]
    head = f"{'':<10}" + "".join(f"{name:>28}" for name in names)
    lines = [
        f"{way:<10}" + "".join(f"{_cell(row, name):>28}" for name in names) for way, row in found.items()
    ]
    return "\n".join([head, *lines])


def _cell(row: dict[str, Any], name: str) -> str:
    low, high = row["intervals"][name]
    return f"{row[name]:.4f} ({low:.4f} to {high:.4f})"
