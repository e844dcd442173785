"""`litebert compress`: a trained model made smaller."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from litebert.training.interrupts import BEGINS_ANEW
from litebert.training.settings import TrainSettings
from litebert.verbs.columns import Columns
from litebert.verbs.flags import positional
from litebert.verbs.keywords import made
from litebert.verbs.stopping import going_on_later
from litebert.verbs.telling import tell

if TYPE_CHECKING:
    from litebert.compression.figures import Compressed


@dataclass(frozen=True, kw_only=True)
class Compress:
    """Make a trained model smaller, and say what that costs: size, speed, memory and measure.

    What goes from a block that layers share goes from all of them. Say how far, or give labelled data and
    --within, and as much goes as the measure allows; --train brings back a part of what was lost.

    Example: litebert compress runs/reviews --out runs/small --data reviews.both --within 0.01
    """

    model: Annotated[str, positional()]
    """A run folder, a Hugging Face folder or a hub name."""
    out: Path
    """The folder to write; it must be new or empty."""
    data: str | None = None
    """Labelled data to judge by: a file or a source; left out, --train's own."""
    within: float | None = None
    """As small as possible, with so much of the measure on --data lost at the most: 0.01 is a point. These
    data choose, so judge the result by others."""
    heads: tuple[int, ...] = ()
    """How many attention heads stay in each block, or a number for each block."""
    units: tuple[int, ...] = ()
    """How many feed-forward units stay in each block, or a number for each block."""
    embedding: int | None = None
    """How many numbers a piece has in the word table."""
    rank: int | None = None
    """Of the blocks' matrices: two thin ones in place of each that they are smaller than."""
    vocabulary: str | None = None
    """A file or a source: pieces that its texts do not use go."""
    sparsity: float | None = None
    """The share of the blocks' weights that become zero: for --weights packed, it makes nothing faster."""
    weights: Literal["fp32", "int8", "packed"] = "fp32"
    """How they are written: int8 is a quarter of the size, packed less; transformers opens fp32 alone."""
    train: str | None = None
    """Data to train on afterwards, with the larger model's scores: a file or a source."""
    sample: str | None = None
    """A file of Inputs that decide what goes; left out, --train's texts or --data's."""
    task: str | None = None
    """What is asked of a model that has no task of its own: embedding."""
    options: tuple[str, ...] = ()
    """Of the task, as name=value: pooling=max."""
    columns: Columns = field(default_factory=Columns)
    """Which columns to read; those left out are guessed by their names, and said."""
    settings: TrainSettings = field(default_factory=TrainSettings)
    """How to train afterwards; left out, one epoch."""
    json: bool = False
    """Print one JSON object, and nothing else, to standard output."""

    def run(self) -> Compressed:
        """Writes the folder, whole or not at all; returns what was done and what came of it."""
        from litebert.compression.asked import Asked
        from litebert.compression.compress import compress

        asked = Asked(
            ways=self._ways(),
            within=self.within,
            data=self.data,
            train=self.train,
            sample=self.sample,
            columns=self.columns.named(),
            settings=self.settings,
            weights=self.weights,
        )
        return compress(self.model, self.out, asked, task=self.task, options=self.options, tell=tell)

    def main(self) -> int:
        from litebert.compression.report import table

        with going_on_later(BEGINS_ANEW):
            found = self.run()
        if self.json:
            print(json.dumps(found.to_json(), ensure_ascii=False))
        else:
            print(
                f"{table(found)}\n\n{found.changed:.1%} of the answers are other ones. {self.out} has it all"
            )
        return 0

    def _ways(self) -> Mapping[str, Any]:
        """Those that were asked for."""
        ways = ("heads", "units", "embedding", "rank", "vocabulary", "sparsity")
        return {way: how for way in ways if (how := getattr(self, way)) not in (None, ())}


def compress(model: str | Path, out: str | Path, **options: Any) -> Compressed:
    """Make the model `model` smaller and write it to the folder `out`. Options are the fields of `Compress`,
    and those of `TrainSettings` and `Columns` beside them."""
    return made(Compress, {"model": str(model), "out": Path(out), **options}).run()
