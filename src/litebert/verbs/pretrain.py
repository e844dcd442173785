"""`litebert pretrain`: train an encoder on a corpus, from new weights or from others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litebert.verbs.keywords import made
from litebert.verbs.on_corpus import OnCorpus

if TYPE_CHECKING:
    from litebert.training.distributed import World
    from litebert.training.pretrain import Pretrained


@dataclass(frozen=True, kw_only=True)
class Pretrain(OnCorpus):
    """Train an encoder to guess masked pieces, and to tell in which order two segments stand.

    The corpus is made by `litebert corpus`. The same command goes on with a run that was stopped. With
    weights to begin with (a folder, a hub name) it is continued pretraining on another domain. Started by
    torchrun, the processes share every batch.

    Example: litebert pretrain --corpus corpora/mine --model config:albert-zh-tiny --out runs/pretrained
    """

    model: str | None = None
    """A run or Hugging Face folder, a hub name, or config:NAME (new weights); left out, the embedded one."""
    also_at: tuple[int, ...] = ()
    """Take the losses after these layers, too."""

    def prepared(self, world: World) -> Pretrained:
        return self.pretraining(world, self.model, self.also_at)


def pretrain(**options: Any) -> dict[str, Any]:
    """Pretrain an encoder and return its results.

    Options are the fields of `Pretrain` (`corpus` and `out` at least), and those of `TrainSettings` and
    `Masking` beside them: `pretrain(corpus="corpora/mine", out="runs/pretrained", steps=10_000)`.
    """
    return made(Pretrain, options).run()
