"""The paper's two ablations at a tiny scale: what is told of two segments, and what layers share.

    LITEBERT_DATA=… python -m litebert.recipes.ablations OUT [--seeds 3] [--steps 1000]

Each variant is pretrained from nothing on featured English Wikipedia, by several seeds, with all else
alike, and fine-tuned on TREC, questions of six kinds. A vocabulary of 4,000 pieces and samples of 64 let so
small a model learn something in the minutes that a run takes. The table that is printed has the mean
over the seeds and a 95 % interval of that mean (Student's t). Given again, it goes on where it was
stopped. (arXiv 1909.11942, Tables 4 and 5, have the same at ALBERT-base, 125,000 updates of 4,096
samples.)
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from litebert import durable
from litebert.data.corpus.build import build
from litebert.data.corpus.distinct import sentences
from litebert.data.corpus.report import Report
from litebert.data.corpus.settings import Settings
from litebert.data.masking_settings import Sentences
from litebert.model.checkpoints.huggingface_config import config_to_huggingface
from litebert.model.config import EncoderConfig, Order
from litebert.recipes.over_seeds import table
from litebert.text.vocabulary import train_sentencepiece
from litebert.verbs.pretrain import pretrain
from litebert.verbs.train import train

LAYERS = 4
PIECES = 4_000
SHARED, OWN = (0,) * LAYERS, tuple(range(LAYERS))
LENGTH, BATCH = 64, 64
TASKS = {"questions.trec": "accuracy"}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What a line of a table pretrains."""

    name: str
    sentences: Sentences = "order"
    attention: Order = SHARED
    feedforward: Order = SHARED

    @property
    def folder(self) -> str:
        """The same for two lines that pretrain the same."""
        own = [part for part in ("attention", "feedforward") if getattr(self, part) == OWN]
        return "-".join((self.sentences, "own" if own else "shared", *own))


OBJECTIVES = (
    Variant(name="none", sentences="none"),
    Variant(name="next sentence", sentences="next"),
    Variant(name="sentence order", sentences="order"),
)
SHARING = (
    Variant(name="all"),
    Variant(name="attention", feedforward=OWN),
    Variant(name="feed-forward", attention=OWN),
    Variant(name="nothing", attention=OWN, feedforward=OWN),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1000)
    given = parser.parse_args()
    data = Path(os.environ["LITEBERT_DATA"])
    for title, variants in (("sentence objective", OBJECTIVES), ("shared by all layers", SHARING)):
        rows = {
            variant.name: [
                results(variant, seed, data, given.out, given.steps) for seed in _seeds(given.seeds)
            ]
            for variant in variants
        }
        print("\n".join(table(title, rows)), end="\n\n")


def _seeds(count: int) -> Iterator[int]:
    return iter(range(1, count + 1))


def results(variant: Variant, seed: int, data: Path, out: Path, steps: int) -> dict[str, float]:
    """The measures of one pretraining run and of what was fine-tuned from it."""
    place = out / f"{variant.folder}-{seed}"
    judged = _pretrained(variant, seed, data, out, place, steps)
    found = {"masked words": judged["mlm_accuracy"], "sentences": judged.get("order_accuracy", float("nan"))}
    for source, measure in TASKS.items():
        tuned = train(
            train=source,
            model=str(place / "pretrained"),
            out=place / source,
            epochs=3.0,
            seed=seed,
            threads=1,
            progress="lines",
        )
        found[source] = tuned["dev"][measure]
    return found


def _pretrained(
    variant: Variant, seed: int, data: Path, out: Path, place: Path, steps: int
) -> dict[str, float]:
    """The measures on dev of one pretraining run, in `place`."""
    corpus, dev = corpora(data, out)
    measures: dict[str, float] = pretrain(
        corpus=corpus,
        dev=dev,
        model=str(untrained(variant, out, place / "new")),
        out=place / "pretrained",
        sentences=variant.sentences,
        length=LENGTH,
        batch_size=BATCH,
        steps=steps,
        evaluate_every=steps,
        optimizer="adamw",
        schedule="linear",
        learning_rate=1e-3,
        seed=seed,
        threads=1,
        progress="lines",
    )["dev"]
    return measures


def corpora(data: Path, out: Path) -> tuple[Path, Path]:
    """Featured Wikipedia but for its last two files, and these."""
    files = sorted((data / "wiki_en_featured").glob("*.gz"))
    model = vocabulary(files[:-2], out / "spiece.model")
    for name, part in (("train", files[:-2]), ("dev", files[-2:])):
        build(part, out / name, model, Settings(), workers=1)
    return out / "train", out / "dev"


def vocabulary(files: list[Path], path: Path) -> Path:
    """The pieces that all variants have, learnt from the text that they are pretrained on."""
    if not path.exists():
        learnt = train_sentencepiece(sentences(files, Settings(), Report()), PIECES)
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, learnt.model)
    return path


def untrained(variant: Variant, out: Path, folder: Path) -> Path:
    """A folder with the variant's configuration, and no weights."""
    config = EncoderConfig(
        vocabulary=PIECES,
        embedding=64,
        hidden=128,
        heads=4,
        intermediate=512,
        attention=variant.attention,
        feedforward=variant.feedforward,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_to_huggingface(config), indent=2))
    (folder / "spiece.model").write_bytes((out / "spiece.model").read_bytes())
    return folder


if __name__ == "__main__":
    main()
