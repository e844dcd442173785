"""`litebert search`: find documents in an index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from litebert.errors import UsageError
from litebert.verbs.keywords import made
from litebert.verbs.telling import tell

if TYPE_CHECKING:
    from litebert.apps.search.search import Hit


@dataclass(frozen=True, kw_only=True)
class Search:
    """Find documents in an index, by words, by meaning, or by both.

    Example: litebert search docs.index "how long does a refund take"
    """

    positional: ClassVar[bool] = True

    index: Path
    """A folder that `litebert index` made."""
    query: str
    """What is looked for."""
    top: int = 10
    """How many documents."""
    by: Literal["both", "words", "meaning"] = "both"
    """words: BM25. meaning: the nearest vectors. both: their ranks together."""
    weight: float = 0.2
    """Of both, how much meaning counts, from 0 to 1; the better the model was trained for it, the more."""
    rerank: str | None = None
    """A run of the task ranking, which puts the first 20 into its own order."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """auto is bf16 where the chip has it."""
    json: bool = False
    """Print one JSON object."""

    def run(self) -> Sequence[Hit]:
        """The hits, best first."""
        from litebert.apps.search.search import Searcher

        if self.top < 1:
            raise UsageError(f"top must be at least 1, but is {self.top}")
        searcher = Searcher(self.index, rerank=self.rerank, precision=self.precision, tell=tell)
        return searcher(self.query, top=self.top, by=self.by, weight=self.weight)

    def main(self) -> int:
        hits = self.run()
        if self.json:
            found = [{"id": hit.id, "score": hit.score, "text": hit.text} for hit in hits]
            print(json.dumps({"hits": found}, ensure_ascii=False))
        else:
            print(
                "\n".join(f"{hit.score:8.4f}  {hit.id}\n          {_line(hit.text)}" for hit in hits)
                or "nothing"
            )
        return 0


def search(index: str | Path, query: str, **options: Any) -> Sequence[Hit]:
    """Find documents in an index. Options are the fields of `Search`."""
    return made(Search, {"index": index, "query": query, **options}).run()


def _line(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= 160 else f"{shown[:159]}…"
