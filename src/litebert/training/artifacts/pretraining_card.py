"""`README.md` of a pretrained model: what it was made of, how, and how well it guesses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litebert.data.corpus.reader import Corpus
from litebert.model_source import Source
from litebert.training.artifacts.card import Card, Measured, write_card


def write_pretraining_card(
    path: Path, source: Source, corpus: Corpus, results: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:
    """results: what `results.json` holds."""
    config = source.config
    judged = "dev" if "dev" in results else "train"
    where = {
        "dev": "the dev corpus, by which the best weights were chosen",
        "train": "the last updates",
    }
    folder = path.parent.resolve().name
    card = Card(
        name=folder,
        what=(
            f"An encoder of {config.layers} layers, hidden size {config.hidden}, "
            f"{config.parameters / 1e6:.1f} million parameters, pretrained to guess masked pieces. "
            f"It began as {source.name}."
        ),
        task="fill-mask",
        data={"train": f"{len(corpus):,} documents, {len(corpus.pieces):,} pieces"},
        judged_on=where[judged],
        metrics={name: Measured(value=value) for name, value in results[judged].items()},
        settings={name: str(value) for name, value in settings.items()},
        limits=["It knows what its corpus says, right or wrong, and answers no question before fine-tuning."],
        use=f'import litebert\n\nlitebert.train(model="{path.parent}", train="my.csv", out="runs/mine")',
    )
    write_card(path, card)
