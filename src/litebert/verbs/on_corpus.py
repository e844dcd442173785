"""What `pretrain` and `distill` have in common: flags, and a run on a corpus in any number of processes."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litebert.data.masking_settings import Masking
from litebert.errors import UsageError
from litebert.training.settings import TrainSettings
from litebert.verbs.stopping import going_on_later
from litebert.verbs.telling import Progress, tell

if TYPE_CHECKING:
    from litebert.training.distributed import World
    from litebert.training.events import Watcher
    from litebert.training.fingerprint import Difference, Fingerprint
    from litebert.training.pretrain import Pretrained


def pretraining_settings() -> TrainSettings:
    """Google's for pretraining (arXiv 1909.11942 §4.1): LAMB, 2.5 % of the updates to warm up."""
    return TrainSettings(
        optimizer="lamb", schedule="google", warmup=0.025, early_stopping=False, collapse_guard=False
    )


@dataclass(frozen=True, kw_only=True)
class OnCorpus(ABC):
    """A verb that trains on a corpus."""

    corpus: Path
    """A folder that `litebert corpus` made."""
    out: Path
    """The run's folder."""
    dev: Path | None = None
    """Another corpus, by which the best weights are chosen; left out, the last ones are kept."""
    length: int = 128
    """The most pieces of one sample, special ones included."""
    stack: tuple[str, ...] = ()
    """Begin with fewer layers: DEPTH:UPDATE, such as 3:1000 6:3000 for 3 up to update 1000, 6 up to 3000."""
    masking: Masking = field(default_factory=Masking)
    """How samples are made."""
    settings: TrainSettings = field(default_factory=pretraining_settings)
    """How to train."""
    progress: Progress = "auto"
    """How to show what happens, on standard error; auto is a bar in a terminal, else plain lines."""
    overwrite: bool = False
    """Start anew where the folder holds another run."""
    wait: float = 300.0
    """Seconds after which a process of several (by torchrun) takes another that is silent for lost."""
    json: bool = False
    """Print the results as one JSON object."""

    def run(self) -> dict[str, Any]:
        """Trains, or goes on, and returns what `results.json` holds."""
        from litebert.training.distributed import joined

        with joined(self.wait) as world:
            return _ran(self, world.each(partial(self.prepared, world)))

    def main(self) -> int:
        from litebert.training.distributed import place

        with going_on_later():
            results = self.run()
        if place()[0] == 0:
            print(json.dumps(results) if self.json else _told(results, self.out))
        return 0

    @abstractmethod
    def prepared(self, world: World) -> Pretrained:
        """The run before its first step, with all opened; world: the processes that train together."""

    def pretraining(self, world: World, model: str | None, also_at: Sequence[int] = ()) -> Pretrained:
        """The run of the model of that name, without a teacher."""
        from litebert.data.corpus.reader import Corpus
        from litebert.model_source import PUBLISHED, open_source
        from litebert.training.pretrain import Pretrained, check_vocabulary, decided
        from litebert.training.stacking import Stacking

        corpus, dev = Corpus(self.corpus), Corpus(self.dev) if self.dev else None
        new = model is not None and model.startswith(PUBLISHED)
        source = open_source(model, tokenizer=str(self.corpus) if new else None)
        check_vocabulary(source, corpus, dev)
        return Pretrained(
            source=source,
            corpus=corpus,
            dev=dev,
            length=self.length,
            masking=self.masking,
            stacking=Stacking.parsed(self.stack, source.config.layers),
            also_at=also_at,
            settings=decided(self.settings, self.length),
            world=world,
        )


def _ran(command: OnCorpus, prepared: Pretrained) -> dict[str, Any]:
    """The run in the command's folder, begun, gone on with, or over: what `results.json` holds.

    Of several processes the first alone has to do with the folder.
    """
    from litebert.training.pretrain import pretrain

    world, out, mine = prepared.world, command.out, prepared.fingerprint
    with ExitStack() as held:
        begin: Callable[[], dict[str, Any]] = partial(_begun, command, mine, held)
        results = world.tell(world.each(begin if world.leads else dict))
        theirs = world.tell(mine)
        world.each(lambda: _check_same(theirs, mine, world))
        if results:
            over = f"{out} holds this run, and it is over; --overwrite would make it again"
            _lead_tells(world, [over], command)
            return results
        world.each(prepared.check)
        _lead_tells(world, prepared.notes, command)
        if not world.leads:
            return pretrain(prepared, out)
        _write_run(command, prepared)
        return pretrain(prepared, out, watch=_watchers(command, prepared))


def _lead_tells(world: World, notes: Sequence[str], command: OnCorpus) -> None:
    for note in notes if world.leads else ():
        tell(note, command.progress)


def _begun(command: OnCorpus, mine: Fingerprint, held: ExitStack) -> dict[str, Any]:
    """Takes the folder, and gives the results of a run that is over, or nothing."""
    from litebert.training.fingerprint import FILE, claim
    from litebert.training.lock import alone
    from litebert.training.outcome import finished, forget
    from litebert.training.pretrain import MAY_DIFFER

    out = command.out
    held.enter_context(alone(out))
    if command.overwrite and (out / FILE).exists():
        forget(out)
    differences = claim(out, mine, overwrite=command.overwrite, may_differ=MAY_DIFFER)
    results = finished(out, holding=("updates", "train"))
    if differences and results is None:
        tell(_otherwise(differences), command.progress)
    return results or {}


def _otherwise(differences: Sequence[Difference]) -> str:
    listed = "; ".join(map(str, differences))
    return (
        f"going on otherwise than before ({listed}): the same steps with the same samples, but numbers are "
        "added up in another order, so the weights will not be the same to the bit"
    )


def _check_same(theirs: Fingerprint, mine: Fingerprint, world: World) -> None:
    """Raises `UsageError` where this process would make another run than the first."""
    from litebert.training.fingerprint import compare
    from litebert.training.pretrain import MAY_DIFFER

    differences = [one for one in compare(theirs, mine) if not one.name.startswith(MAY_DIFFER)]
    if differences:
        listed = "\n".join(f"  {difference}" for difference in differences)
        raise UsageError(
            f"process {world.rank} was started with another run than process 0 (there):\n{listed}\n"
            "Give every host the same command, corpus and model."
        )


def _write_run(command: OnCorpus, prepared: Pretrained) -> None:
    from litebert import durable
    from litebert.run import RUN

    verb = type(command).__name__.lower()
    whole = {"verb": verb, **asdict(command), "settings": asdict(prepared.settings)}
    whole |= {"ran_with": prepared.fingerprint}
    durable.replace(command.out / RUN, json.dumps(whole, indent=2, default=str).encode() + b"\n")


def _watchers(command: OnCorpus, prepared: Pretrained) -> list[Watcher]:
    from litebert.training.report.metrics import metrics_log
    from litebert.training.report.style import shown
    from litebert.training.report.tensorboard import tensorboard

    utilisation, precision = prepared.utilisation, prepared.settings.precision
    rate = f"{utilisation.rate / 1e9:,.0f} GFLOP/s, what large {precision} products have now"
    tell(f"utilisation, in TensorBoard: of {rate}", command.progress)
    log = metrics_log(command.out / "metrics.jsonl")
    curves = tensorboard(command.out / "events", flop_utilisation=utilisation)
    return [log, curves, *shown(command.progress)]


def _told(results: dict[str, Any], out: Path) -> str:
    train = ", ".join(f"{name} {value:.4f}" for name, value in results["train"].items())
    return (
        f"{results['updates']} updates, {results['pieces']:,} pieces in {results['seconds']:.0f} s: {train}\n"
        f"The model is in {out}. Try:\n"
        f"  litebert train --task classification --model {out} --train reviews.both --out runs/tuned"
    )
