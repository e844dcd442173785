"""`litebert train`: fine-tune a model on labelled data; go on where a run was stopped."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litebert.errors import UsageError
from litebert.training.entries import TOML, Entry, as_entries, read_entries
from litebert.verbs.keywords import made
from litebert.verbs.one_task import OneTask
from litebert.verbs.stopping import going_on_later
from litebert.verbs.telling import tell

if TYPE_CHECKING:
    from litebert.training.events import Watcher
    from litebert.training.mixture import Mixture
    from litebert.training.prepared import Prepared


_OF_ONE = ("task", "dev", "options")
"""Flags of the one task that --train names."""


@dataclass(frozen=True, kw_only=True)
class Train(OneTask):
    """Fine-tune a model on labelled data, keep the weights that are best on dev, and say how good they are.

    The same command goes on with a run that was stopped, and on a finished one prints its results. It writes
    nothing outside --out.

    With --also, several tasks are learnt together on one encoder, each with a head of its own.

    Example: litebert train --task classification --train reviews.both --out runs/reviews
    """

    also: tuple[Entry, ...] = ()
    """Further tasks for the same encoder: each a source, or TASK=DATA such as similarity=pairs.csv."""
    temperature: float = 1.0
    """Of several tasks: at 1 an epoch goes through each once; above, more often through small ones."""
    folds: int | None = None
    """Cross-validation: so many runs, each judged on a part that it was not shown."""
    seeds: int | None = None
    """So many runs, of this seed and those after it: how much they differ, and the median."""
    again: Path | None = None
    """The run.json of a run to make again: flags that are left out, but --out, are as they were there."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "also", as_entries(self.also))

    @classmethod
    def defaults(cls, arguments: Sequence[str]) -> Train | None:
        """What flags that are left out take: `--again` gives those of another run."""
        import tyro

        from litebert.verbs import again

        path = _after("--again", arguments)
        return None if path is None else cls(**again.read(path), out=tyro.MISSING)

    def run(self) -> dict[str, Any]:
        """Trains, or goes on, and returns what `results.json` holds; of several runs, `summary.json`."""
        entries = self._entries()
        if self.folds is None and self.seeds is None:
            return self.run_prepared(self._mixture(entries) if entries else self.prepared())
        if entries:
            raise UsageError("runs that --seeds or --folds make are of one task; leave --also out")
        from litebert.verbs.series import run_series

        return run_series(self)

    def run_prepared(self, prepared: Prepared | Mixture) -> dict[str, Any]:
        """The one run that `prepared` gave."""
        from litebert.training.lock import alone
        from litebert.training.outcome import finished

        with alone(self.out):
            self._claim(prepared)
            results = finished(self.out)
            if results is None:
                return self._train(prepared)
        tell(f"{self.out} holds this run, and it is over; --overwrite would make it again", self.progress)
        return results

    def main(self) -> int:
        with going_on_later():
            results = self.run()
        print(json.dumps(results, ensure_ascii=False) if self.json else _told(results, self.out))
        return 0

    def _entries(self) -> tuple[Entry, ...]:
        """The tasks that are to be learnt together; none where it is one task alone."""
        if self.train.endswith(TOML):
            if odd := next((flag for flag in _OF_ONE if getattr(self, flag)), None):
                raise UsageError(f"--{odd} is said in {self.train}, for each task; leave the flag out")
            return (*read_entries(Path(self.train)), *self.also)
        if not self.also:
            return ()
        first = Entry(self.train, self.task, dev=self.dev, options=self.options, columns=self.columns.named())
        return (first, *self.also)

    def _mixture(self, entries: Sequence[Entry]) -> Mixture:
        """The run of several tasks before its first step."""
        from litebert.model_source import open_source
        from litebert.training.mixture import prepare_mixture

        alone = {"exits": self.exits, "shots": self.drawing.shots, "fold": self.drawing.fold}
        if odd := next((flag for flag, value in alone.items() if value is not None), None):
            raise UsageError(f"--{odd} is for a run of one task; leave it out where several are learnt")
        return prepare_mixture(
            open_source(self.model, tokenizer=self.tokenizer),
            entries,
            self.settings,
            temperature=self.temperature,
            drawing=self.drawing,
            dropout=self.dropout,
            max_pieces=self.max_pieces,
            on_long=self.on_long,
        )

    def _claim(self, prepared: Prepared | Mixture) -> None:
        from litebert.training.fingerprint import FILE, claim
        from litebert.training.outcome import forget

        if self.overwrite and (self.out / FILE).exists():
            forget(self.out)
        claim(self.out, prepared.fingerprint, overwrite=self.overwrite)

    def _train(self, prepared: Prepared | Mixture) -> dict[str, Any]:
        from litebert import durable
        from litebert.run import RUN
        from litebert.training.finetune import finetune
        from litebert.training.prepared import Prepared
        from litebert.training.together import learn_together
        from litebert.verbs import again

        for note in prepared.notes:
            tell(note, self.progress)
        durable.replace(self.out / RUN, again.written(self, prepared))
        watch, say = self._watchers(), partial(tell, progress=self.progress)
        if isinstance(prepared, Prepared):
            return finetune(prepared, self.out, watch=watch, tell=say)
        return learn_together(prepared, self.out, watch=watch, tell=say)

    def _watchers(self) -> list[Watcher]:
        from litebert.training.report.metrics import metrics_log
        from litebert.training.report.style import shown
        from litebert.training.report.tensorboard import tensorboard

        kept = [metrics_log(self.out / "metrics.jsonl"), tensorboard(self.out / "events")]
        return [*kept, *shown(self.progress)]


def train(**options: Any) -> dict[str, Any]:
    """Fine-tune a model and return its results on dev.

    Options are the fields of `Train` (`train` and `out` at least, or `again` and `out`), and those of
    `TrainSettings` and `Columns` beside them: `train(train="my.csv", out="runs/mine", epochs=3)`. Several
    tasks on one encoder: `train(train="clue.tnews", also=["stsb.zh", Entry("mails.csv", task="…")], out=…)`.
    """
    from litebert.verbs import again

    before = again.read(options["again"]) if options.get("again") is not None else None
    return made(Train, options, before).run()


def _after(flag: str, arguments: Sequence[str]) -> str | None:
    """The value of a flag on a command line that is not yet read."""
    for argument, after in zip_longest(arguments, arguments[1:]):
        name, equals, value = argument.partition("=")
        if name == flag:
            return value if equals else after
    return None


def _told(results: dict[str, Any], out: Path) -> str:
    """What a person is told at the end."""
    if "runs" in results:
        from litebert.verbs.series import told

        return told(results, out)
    return _told_of_several(results, out) if "tasks" in results else _told_of_one(results, out)


def _told_of_several(results: dict[str, Any], out: Path) -> str:
    lines = [
        f"{name}: {_chief(one['dev'], one['best_by'])} ({one['task']})"
        for name, one in results["tasks"].items()
    ]
    name, one = next(iter(results["tasks"].items()))
    return "\n".join(
        [
            *lines,
            f"The mean of these, by which the best weights were chosen: {results['dev']['mean']:.4f}",
            f"The encoder and a head for each task are in {out}, with card, curves and worst mistakes. Try:",
            tried(one, f"{shlex.quote(str(out))} --task {shlex.quote(name)}"),
        ]
    )


def _told_of_one(results: dict[str, Any], out: Path) -> str:
    return (
        f"{_chief(results['dev'], results['best_by'])}\n"
        f"The model, its card, curves and worst mistakes are in {out}. Try:\n"
        f"{tried(results, shlex.quote(str(out)))}"
    )


def tried(results: dict[str, Any], model: str) -> str:
    """A line that works where it is pasted into a shell. model: as a shell reads it."""
    given = json.dumps(results.get("example", {"text": "…"}), ensure_ascii=False)  # Older runs have none.
    return f"  echo {shlex.quote(given)} | litebert predict --model {model}"


def _chief(dev: dict[str, Any], chief: str) -> str:
    """Of very few examples no interval is told; nor where all are right: resampling finds no other."""
    from litebert.training.sets import FEW

    low, high = dev["intervals"][chief]
    sure = f"95 %: {low:.4f} to {high:.4f}"
    if dev["examples"] < FEW or f"{low:.4f}" == f"{high:.4f}":
        sure = "too few examples to say how sure that is"
    told = "1 dev example" if dev["examples"] == 1 else f"{dev['examples']} dev examples"
    return f"{chief} {dev[chief]:.4f} ({sure}) on {told}"
