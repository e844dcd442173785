"""`litebert index`: documents → an index to search in and to ask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from litebert.errors import UsageError
from litebert.verbs.keywords import made
from litebert.verbs.stopping import going_on_later
from litebert.verbs.telling import tell

if TYPE_CHECKING:
    from litebert.apps.search.indexing import Changes


@dataclass(frozen=True, kw_only=True)
class Index:
    """Make an index of documents, or bring one up to date: what has not changed is not read again.

    A folder's text files and tables, or one table whose rows have a text, or a question and an answer.

    Example: litebert index docs/ --out docs.index
    """

    positional: ClassVar[bool] = True

    source: str
    """A folder, or a file: text, or JSONL, JSON, CSV, TSV, Parquet."""
    out: Path | None = None
    """The index's folder. Needed."""
    model: str | None = None
    """What reads the texts, or none for words alone; left out, as the index has it, or the embedded one."""
    pooling: Literal["mean", "first", "max"] | None = None
    """How the states of a text's pieces become one vector; left out, as the index has it, or the mean."""
    neighbours: Literal["exact", "approximate"] | None = None
    """How the nearest vectors are found; left out, as the index has it, or exactly."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """auto is bf16 where the chip has it."""
    overwrite: bool = False
    """Make it anew, whatever index the folder holds."""

    def run(self) -> Changes:
        """Writes the index, whole or not at all, and says what became of the documents."""
        from litebert.apps.search.indexing import make

        if self.out is None:
            raise UsageError(f"where to? litebert index {self.source} --out {_usual(self.source)}")
        return make(
            self.source,
            self.out,
            model=self.model,
            pooling=self.pooling,
            neighbours=self.neighbours,
            precision=self.precision,
            overwrite=self.overwrite,
            tell=tell,
        )

    def main(self) -> int:
        with going_on_later("the folder holds what it held before, and the same command begins anew"):
            done = self.run()
        counts = {"new": done.added, "changed": done.changed, "deleted": done.deleted, "as before": done.kept}
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "no change"
        print(f'{told}; {done.passages} passages in all. Try: litebert search {self.out} "…"')
        return 0


def index(source: str, out: str | Path, **options: Any) -> Changes:
    """Make an index, or bring one up to date. Options are the fields of `Index`."""
    return made(Index, {"source": source, "out": out, **options}).run()


def _usual(source: str) -> str:
    return f"{Path(source).resolve().stem}.index"
