"""A part of a mixture that learns masked language from a corpus, beside tasks with labels."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

from litebert.data.corpus.merge import MANIFEST
from litebert.data.corpus.reader import Corpus
from litebert.data.example import Examples
from litebert.data.examples import read
from litebert.data.masking import Instances
from litebert.data.masking_settings import Masking
from litebert.data.pretraining_batches import PretrainingBatches
from litebert.errors import UsageError
from litebert.model_source import Source
from litebert.tasks.fill_mask import FillMask
from litebert.training.entries import Entry
from litebert.training.prepared import Prepared
from litebert.training.pretrain import check_vocabulary
from litebert.training.sets import Sets

LENGTH = 128
"""The most pieces of a sample where a person says nothing, as in `litebert pretrain`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FromCorpus(Prepared):
    """Masks are drawn anew in every epoch, a function of seed and sample. Dev is texts."""

    corpus: Corpus
    length: int

    @cached_property
    def batches(self) -> PretrainingBatches:
        instances = Instances(self.corpus, self.length, self.settings.seed, Masking(sentences="none"))
        return PretrainingBatches(instances, self.settings.batch_size or 1)

    @property
    def batches_once(self) -> int:
        return self.batches.per_epoch

    @property
    def known_by(self) -> dict[str, str]:
        return {**super().known_by, "data.train": self.corpus.fingerprint, "length": str(self.length)}


def is_corpus(name: str) -> bool:
    """Whether data are a folder that `litebert corpus` made."""
    return (Path(name) / MANIFEST).is_file()


def read_corpus(entry: Entry, source: Source) -> Sets:
    """No labelled examples to learn from, and texts to be judged by. Raises `UsageError` or `DataError`."""
    if entry.task not in (None, FillMask.name):
        raise UsageError(f"{entry.train} is a corpus: it is for the task fill-mask, not {entry.task}")
    if entry.dev is None:
        raise UsageError(
            f"{entry.train} is a corpus: say by which texts it is judged, in its table of a TOML file, as "
            'dev = "texts.jsonl"'
        )
    corpus = Corpus(entry.train)
    check_vocabulary(source, corpus)
    told = f"{entry.train}: {len(corpus):,} documents, {len(corpus.pieces):,} pieces"
    dev = read(entry.dev, FillMask(), columns=entry.columns, split=("dev", "test"))
    return Sets(
        Examples([], dev.task),
        dev,
        {"train": told, "dev": f"{entry.dev}: {len(dev)} texts"},
        (*dev.notes, f"train: {told}; dev: {len(dev)} texts, {entry.dev}"),
    )


def from_corpus(part: Prepared, entry: Entry, max_pieces: int | None) -> FromCorpus:
    """The part with its corpus. max_pieces: of a sample."""
    own = {field.name: getattr(part, field.name) for field in fields(part)}
    length = min(max_pieces or LENGTH, part.source.config.positions)
    return FromCorpus(**own, corpus=Corpus(entry.train), length=length)
