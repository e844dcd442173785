"""`litebert pretrain`: train an encoder on a corpus, from new weights or from others."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litebert.data.masking import Masking
from litebert.training.settings import TrainSettings
from litebert.verbs.keywords import made
from litebert.verbs.stopping import going_on_later
from litebert.verbs.telling import Progress, tell

if TYPE_CHECKING:
    from litebert.training.events import Watcher
    from litebert.training.pretrain import Pretrained


def _settings() -> TrainSettings:
    """Google's for pretraining (arXiv 1909.11942 §4.1): LAMB, 2.5 % of the updates to warm up."""
    return TrainSettings(
        optimizer="lamb", schedule="google", warmup=0.025, early_stopping=False, collapse_guard=False
    )


@dataclass(frozen=True, kw_only=True)
class Pretrain:
    """Train an encoder to guess masked pieces, and to tell in which order two segments stand.

    The corpus is made by `litebert corpus`. The same command goes on with a run that was stopped. With
    weights to begin with (a folder, a hub name) it is continued pretraining on another domain.

    Example: litebert pretrain --corpus corpora/mine --model config:albert-zh-tiny --out runs/pretrained
    """

    corpus: Path
    """A folder that `litebert corpus` made."""
    out: Path
    """The run's folder."""
    model: str | None = None
    """A run or Hugging Face folder, a hub name, or config:NAME (new weights); left out, the embedded one."""
    dev: Path | None = None
    """Another corpus, by which the best weights are chosen; left out, the last ones are kept."""
    length: int = 128
    """The most pieces of one sample, special ones included."""
    stack: tuple[str, ...] = ()
    """Begin with fewer layers: DEPTH:UPDATE, such as 3:1000 6:3000 for 3 up to update 1000, 6 up to 3000."""
    also_at: tuple[int, ...] = ()
    """Take the losses after these layers, too."""
    masking: Masking = field(default_factory=Masking)
    """How samples are made."""
    settings: TrainSettings = field(default_factory=_settings)
    """How to train."""
    progress: Progress = "auto"
    """How to show what happens, on standard error; auto is a bar in a terminal, else plain lines."""
    overwrite: bool = False
    """Start anew where the folder holds another run."""
    json: bool = False
    """Print the results as one JSON object."""

    def run(self) -> dict[str, Any]:
        """Trains, or goes on, and returns what `results.json` holds."""
        from litebert.training.fingerprint import FILE, claim
        from litebert.training.lock import alone
        from litebert.training.outcome import finished, forget
        from litebert.training.pretrain import pretrain

        prepared = self.prepared()
        with alone(self.out):
            if self.overwrite and (self.out / FILE).exists():
                forget(self.out)
            claim(self.out, prepared.fingerprint, overwrite=self.overwrite)
            results = finished(self.out, holding=("updates", "train"))
            if results is None:
                for note in prepared.notes:
                    tell(note, self.progress)
                self._write_run(prepared)
                return pretrain(prepared, self.out, watch=self._watchers())
        tell(f"{self.out} holds this run, and it is over; --overwrite would make it again", self.progress)
        return results

    def main(self) -> int:
        with going_on_later():
            results = self.run()
        print(json.dumps(results) if self.json else _told(results, self.out))
        return 0

    def prepared(self) -> Pretrained:
        """The run before its first step, with the model and the corpora opened."""
        from litebert.data.corpus.reader import Corpus
        from litebert.run import PUBLISHED, open_source
        from litebert.training.pretrain import Pretrained, check_vocabulary, decided
        from litebert.training.stacking import Stacking

        corpus, dev = Corpus(self.corpus), Corpus(self.dev) if self.dev else None
        new = self.model is not None and self.model.startswith(PUBLISHED)
        source = open_source(self.model, tokenizer=str(self.corpus) if new else None)
        check_vocabulary(source, corpus, dev)
        return Pretrained(
            source=source,
            corpus=corpus,
            dev=dev,
            length=self.length,
            masking=self.masking,
            stacking=Stacking.parsed(self.stack, source.config.layers),
            also_at=self.also_at,
            settings=decided(self.settings, self.length),
        )

    def _write_run(self, prepared: Pretrained) -> None:
        from litebert import durable
        from litebert.run import RUN

        command = {"verb": "pretrain", **asdict(self), "settings": asdict(prepared.settings)}
        whole = json.dumps({**command, "ran_with": prepared.fingerprint}, indent=2, default=str)
        durable.replace(self.out / RUN, whole.encode() + b"\n")

    def _watchers(self) -> list[Watcher]:
        from litebert.training.report.metrics import metrics_log
        from litebert.training.report.style import shown
        from litebert.training.report.tensorboard import tensorboard

        kept = [metrics_log(self.out / "metrics.jsonl"), tensorboard(self.out / "events")]
        return [*kept, *shown(self.progress)]


def pretrain(**options: Any) -> dict[str, Any]:
    """Pretrain an encoder and return its results.

    Options are the fields of `Pretrain` (`corpus` and `out` at least), and those of `TrainSettings` and
    `Masking` beside them: `pretrain(corpus="corpora/mine", out="runs/pretrained", steps=10_000)`.
    """
    return made(Pretrain, options).run()


def _told(results: dict[str, Any], out: Path) -> str:
    train = ", ".join(f"{name} {value:.4f}" for name, value in results["train"].items())
    return (
        f"{results['updates']} updates, {results['pieces']:,} pieces in {results['seconds']:.0f} s: {train}\n"
        f"The model is in {out}. Try:\n"
        f"  litebert train --task classification --model {out} --train reviews.both --out runs/tuned"
    )
