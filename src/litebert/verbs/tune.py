"""`litebert tune`: look for better settings than the preset's, within a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from litebert.errors import UsageError
from litebert.verbs.keywords import made
from litebert.verbs.one_task import OneTask
from litebert.verbs.stopping import going_on_later
from litebert.verbs.telling import tell
from litebert.verbs.train import Train

if TYPE_CHECKING:
    from litebert.training.fingerprint import Fingerprint
    from litebert.training.halving import Candidate, Rung
    from litebert.training.prepared import Prepared
    from litebert.training.tuning import Wanted

USUAL_MINUTES = 10.0


@dataclass(frozen=True, kw_only=True)
class Tune(OneTask):
    """Look for a learning rate, batch size, epochs and dropout that are better on dev than the preset's.

    Many are tried shortly, the better ones for longer (successive halving), until --minutes are over (10, if
    they are left out). What is given as a flag stays as it is given. The same command goes on where it was
    stopped.

    Example: litebert tune --task classification --train my.csv --minutes 20 --out runs/tuned
    """

    def run(self) -> dict[str, Any]:
        """Tries, or goes on, and returns what `summary.json` holds: the best run, and all trials."""
        from litebert.training.fingerprint import claim
        from litebert.training.lock import alone
        from litebert.training.tuning import Search, forget

        if self.settings.steps is not None:
            raise UsageError("tune tries runs of parts of their epochs; give --epochs in place of --steps")
        prepared = self.prepared()
        with alone(self.out, "tuning"):
            if self.overwrite:
                forget(self.out)
            claim(self.out, _fingerprint(prepared), overwrite=self.overwrite)
            say = partial(tell, progress=self.progress)
            return Search(self.out, self._wanted(prepared), self._trained, say).whole()

    def main(self) -> int:
        with going_on_later():
            summary = self.run()
        print(json.dumps(summary, ensure_ascii=False) if self.json else told(summary))
        return 0

    def _wanted(self, prepared: Prepared) -> Wanted:
        from litebert.training.halving import Candidate
        from litebert.training.tuning import SEARCHED, Wanted

        chosen = prepared.settings
        given = {**asdict(self.settings), "dropout": self.dropout}
        return Wanted(
            usual=Candidate(chosen.peak, chosen.batch_size or 1, chosen.epochs or 1.0, self.dropout),
            fixed=[name for name in SEARCHED if given[name] is not None],
            budget=60 * (self.settings.minutes or USUAL_MINUTES),
            seed=self.settings.seed,
        )

    def _trained(self, name: str, candidate: Candidate, rung: Rung) -> dict[str, Any]:
        """One trial: a run as `litebert train` makes it, in a subfolder."""
        settings = replace(
            self.settings,
            learning_rate=candidate.learning_rate,
            batch_size=candidate.batch_size,
            epochs=candidate.epochs * rung.share,
            minutes=None,
        )
        own = {field.name: getattr(self, field.name) for field in fields(OneTask)}
        own |= {"out": self.out / name, "settings": settings, "dropout": candidate.dropout}
        return Train(**{**own, "progress": "silent"}).run()


def tune(**options: Any) -> dict[str, Any]:
    """Look for better settings and return what was found: `best`, its `folder` and `settings`, all `trials`.

    Options are those of `train`; `minutes` is the time for all of it.
    """
    return made(Tune, options).run()


def told(summary: Mapping[str, Any]) -> str:
    """What a person is told at the end."""
    chief = summary["best_by"]
    head = f"{'trial':<10} {'rate':>8} {'batch':>5} {'epochs':>6} {'dropout':>7} {'seconds':>7}  {chief}"
    rows = [_row(one, chief) for one in summary["trials"]]
    short = "" if summary["whole"] else ", trained for a part of its epochs, since time was over"
    spent = f"{len(rows)} trials in {summary['minutes']:.1f} minutes"
    last = f"{spent}. The best is {summary['folder']}{short}. Dev chose it: measure it on other data"
    return "\n".join([head, *rows, last])


def _row(trial: Mapping[str, Any], chief: str) -> str:
    dropout = "preset" if trial["dropout"] is None else trial["dropout"]
    shown = (
        f"{trial['name']:<10} {trial['learning_rate']:>8.2g} {trial['batch_size']:>5} {trial['epochs']:>6.3g}"
    )
    return f"{shown} {dropout:>7} {trial['seconds']:>7.0f}  {trial['dev'][chief]:.4f}"


def _fingerprint(prepared: Prepared) -> Fingerprint:
    """Of the search; its time may differ when it goes on."""
    kept = {name: value for name, value in prepared.fingerprint.items() if name != "settings.minutes"}
    return {**kept, "series": "tuning"}
