"""`litebert tune`: look for better settings than the preset's, within a time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from litebert import strict_json
from litebert.errors import ModelError, UsageError
from litebert.verbs.keywords import made
from litebert.verbs.stopping import going_on_later
from litebert.verbs.telling import tell
from litebert.verbs.train import Train

if TYPE_CHECKING:
    from litebert.training.fingerprint import Fingerprint
    from litebert.training.halving import Candidate, Rung
    from litebert.training.prepared import Prepared

USUAL_MINUTES = 10.0
TRIALS, SUMMARY = "trials.json", "summary.json"
_SEARCHED = ("learning_rate", "batch_size", "epochs", "dropout")


@dataclass(frozen=True, kw_only=True)
class Tune(Train):
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

        for name in ("folds", "seeds", "again"):
            if getattr(self, name) is not None:
                raise UsageError(
                    f"--{name} is for `litebert train`; tune first, and train with what it finds"
                )
        if self.settings.steps is not None:
            raise UsageError("tune tries runs of parts of their epochs; give --epochs in place of --steps")
        prepared = self.prepared()
        with alone(self.out, "tuning"):
            if self.overwrite:
                _forget(self.out)
            claim(self.out, _fingerprint(prepared), overwrite=self.overwrite)
            return Search(self, prepared).whole()

    def main(self) -> int:
        with going_on_later():
            summary = self.run()
        print(json.dumps(summary, ensure_ascii=False) if self.json else told(summary))
        return 0


class Search:
    """The trials of a folder, those that are over and those to come."""

    def __init__(self, verb: Tune, prepared: Prepared) -> None:
        from litebert.training.halving import Candidate

        chosen = prepared.settings
        self.verb, self.out, self.prepared = verb, verb.out, prepared
        self.budget = 60 * (verb.settings.minutes or USUAL_MINUTES)
        self.usual = Candidate(chosen.peak, chosen.batch_size or 1, chosen.epochs or 1.0, verb.dropout)
        given = {**asdict(verb.settings), "dropout": verb.dropout}
        self.fixed = [name for name in _SEARCHED if given[name] is not None]
        self.held = _read(self.out / TRIALS)

    def whole(self) -> dict[str, Any]:
        """All rungs that there is time for; written and returned."""
        from litebert import durable
        from litebert.training.halving import Rung, candidates

        first = self._tried(0, self.usual, Rung(1, 1 / 9))
        plan = [Rung(**rung) for rung in self.held["plan"]] or self._plan(float(first["seconds"]) * 9)
        tried = candidates(self.usual, plan[0].count, self.verb.settings.seed, self.fixed)
        going, ended = list(range(len(tried))), ""
        for number, rung in enumerate(plan):
            done = []
            for trial in going[: rung.count]:
                if self._late(trial, tried[trial], rung):
                    ended = f"time was over in rung {number + 1} of {len(plan)}"
                    break
                done.append(self._tried(trial, tried[trial], rung))
            if done:
                going = [int(one["trial"]) for one in sorted(done, key=_by_score)]
            if ended:
                break
        summary = self._summary(ended)
        durable.replace_json(self.out / SUMMARY, summary)
        return summary

    def _plan(self, full: float) -> list[Rung]:
        from litebert.training.halving import cost, plan

        rungs = plan(full, self.budget - self.spent)
        self.held["plan"] = [asdict(rung) for rung in rungs]
        self._keep()
        steps = ", ".join(f"{rung.count} for {rung.share:.2g} of their epochs" for rung in rungs)
        minutes = cost(rungs) * full / 60
        whole = f"a whole run takes about {full / 60:.1f} minutes"
        self._tell(f"{whole}; plan: {steps}, about {minutes:.0f} minutes")
        return rungs

    @property
    def spent(self) -> float:
        """Seconds, of all trials that are over."""
        return sum(float(trial["seconds"]) for trial in self.held["trials"])

    def _late(self, trial: int, candidate: Candidate, rung: Rung) -> bool:
        """Whether a trial that is still to come would take longer than there is."""
        if _name(trial, rung) in {one["name"] for one in self.held["trials"]}:
            return False
        speeds = [float(one["seconds"]) / float(one["epochs"]) for one in self.held["trials"]]
        return self.spent + max(speeds[-3:]) * candidate.epochs * rung.share > self.budget

    def _tried(self, trial: int, candidate: Candidate, rung: Rung) -> dict[str, Any]:
        """What came of one trial; made, if it has not been."""
        name = _name(trial, rung)
        for one in self.held["trials"]:
            if one["name"] == name:
                return dict(one)
        started = monotonic()
        results = self._run(name, candidate, rung)
        kept = {"name": name, "trial": trial, "share": rung.share, **asdict(candidate)}
        kept |= {"epochs": candidate.epochs * rung.share, "seconds": monotonic() - started}
        kept |= {"dev": {k: v for k, v in results["dev"].items() if isinstance(v, float)}}
        kept["score"] = _score(results)
        self.held |= {"task": results["task"], "best_by": results["best_by"]}
        self.held["trials"].append(kept)
        self._keep()
        self._tidy()
        left = max(0.0, self.budget - self.spent) / 60
        found = f"{results['best_by']} {results['dev'][results['best_by']]:.4f}"
        self._tell(f"{name}: {found}; {left:.1f} minutes left")
        return kept

    def _run(self, name: str, candidate: Candidate, rung: Rung) -> dict[str, Any]:
        settings = replace(
            self.verb.settings,
            learning_rate=candidate.learning_rate,
            batch_size=candidate.batch_size,
            epochs=candidate.epochs * rung.share,
            minutes=None,
        )
        own = {field.name: getattr(self.verb, field.name) for field in fields(Train)}
        own |= {"out": self.out / name, "settings": settings, "dropout": candidate.dropout}
        return Train(**{**own, "progress": "silent"}).run()

    def _tidy(self) -> None:
        """Keeps the weights of the best trial alone, and nobody's state."""
        best = self._best()["name"]
        for one in self.held["trials"]:
            folder = self.out / one["name"]
            for left in ("checkpoint", "events"):
                shutil.rmtree(folder / left, ignore_errors=True)
            if one["name"] != best:
                (folder / "model.safetensors").unlink(missing_ok=True)

    def _best(self) -> dict[str, Any]:
        """Of those that were trained longest the one that is best on dev."""
        longest = max(one["share"] for one in self.held["trials"])
        return dict(sorted((one for one in self.held["trials"] if one["share"] == longest), key=_by_score)[0])

    def _summary(self, ended: str) -> dict[str, Any]:
        best = self._best()
        return {
            "task": self.held["task"],
            "best_by": self.held["best_by"],
            "best": best["name"],
            "folder": str(self.out / best["name"]),
            "settings": {name: best[name] for name in _SEARCHED},
            "whole": best["share"] == 1,
            "minutes": self.spent / 60,
            "ended": ended or "plan",
            "trials": self.held["trials"],
        }

    def _keep(self) -> None:
        from litebert import durable

        durable.replace_json(self.out / TRIALS, self.held)

    def _tell(self, note: str) -> None:
        tell(note, self.verb.progress)


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


def _name(trial: int, rung: Rung) -> str:
    """By the number of the candidate, and which part of its epochs it was trained for."""
    return f"trial-{trial:02d}.{round(1 / rung.share)}"


def _score(results: Mapping[str, Any]) -> float:
    """Of dev; higher is better."""
    from litebert.training.progress import score

    chief = results["best_by"]
    return score(chief, float(results["dev"][chief]))


def _by_score(trial: Any) -> tuple[float, int]:
    """The best first; of equals the earlier, so the preset before others."""
    return -float(trial["score"]), int(trial["trial"])


def _fingerprint(prepared: Prepared) -> Fingerprint:
    """Of the search; its time may differ when it goes on."""
    kept = {name: value for name, value in prepared.fingerprint.items() if name != "settings.minutes"}
    return {**kept, "series": "tuning"}


def _forget(out: Path) -> None:
    for name in (TRIALS, SUMMARY):
        (out / name).unlink(missing_ok=True)
    for folder in out.glob("trial-*.*"):
        shutil.rmtree(folder, ignore_errors=True)


def _read(path: Path) -> dict[str, Any]:
    """What an earlier process kept. Raises `ModelError` if it is damaged."""
    try:
        held = strict_json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {"plan": [], "trials": []}
    except ValueError as error:
        raise ModelError(f"{path} is damaged ({error}); --overwrite starts anew") from None
    if not isinstance(held, dict) or not {"plan", "trials"} <= held.keys():
        raise ModelError(f"{path} is damaged; --overwrite starts anew")
    return held
