"""`litebert corpus`: text files to the memory-mapped pieces that `litebert pretrain` reads."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from litebert.data.corpus.settings import Settings
from litebert.verbs.flags import positional
from litebert.verbs.keywords import made
from litebert.verbs.shards import shard_of

if TYPE_CHECKING:
    from litebert.data.corpus.report import Report


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Clean text files, split them into sentences, drop duplicates, and write their pieces for pretraining.

    Plain text, WikiExtractor's <doc …> files and JSONL, each also as .gz; folders are walked. The same
    command goes on where it was stopped, and says again what was dropped once all is done. With --shard 0/8 …
    7/8, jobs on several hosts that share --out each do their part, and the last one puts the parts together.

    Example: litebert corpus wiki/ books.jsonl.gz --out corpora/mine
    """

    files: Annotated[tuple[Path, ...], positional()]
    """Files and folders of text, in UTF-8."""
    out: Path
    """The corpus's folder."""
    tokenizer: str | None = None
    """A folder or file (spiece.model, vocab.txt, tokenizer.json); left out, the embedded one."""
    shard: str | None = None
    """i/N: do what falls to the i-th of N jobs, counted from 0."""
    workers: int | Literal["ray"] | None = None
    """How many processes work here (left out, one for each processor), or ray: those of a Ray cluster."""
    settings: Settings = field(default_factory=Settings)

    def run(self) -> Report | None:
        """The report, or None as long as parts of other jobs are missing."""
        from litebert.data.corpus.build import build

        return build(
            self.files,
            self.out,
            Path(self.tokenizer) if self.tokenizer else _embedded(),
            self.settings,
            workers=_processors() if self.workers is None else self.workers,
            shard=shard_of(self.shard),
            told=_tell,
        )

    def main(self) -> int:
        report = self.run()
        if report is None:
            print(f"the parts of {self.shard} are done; the corpus is whole when those of all jobs are")
        else:
            print(*report.lines(), f"{self.out} is whole", sep="\n")
        return 0


def corpus(*files: str | Path, **options: Any) -> Report | None:
    """Make a corpus: `litebert corpus` from Python, options as its flags.

    >>> corpus("wiki/", "books.jsonl.gz", out="corpora/mine")  # doctest: +SKIP
    """
    return made(Corpus, {**options, "files": tuple(map(Path, files))}).run()


def _embedded() -> Path:
    from litebert.embedded import tokenizer_folder

    return Path(tokenizer_folder())


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _tell(done: int, count: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {count} parts", end="\n" if done == count else "", file=sys.stderr, flush=True)
