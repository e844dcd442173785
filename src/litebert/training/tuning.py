"""A search for settings in a folder: what was tried, what comes next, and what was best.

Every trial is a run in a subfolder, which begins anew on each rung (`halving.py`). What came of those that
are over stands in `trials.json`, so that a search that was stopped goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from litebert import durable, strict_json
from litebert.errors import ModelError
from litebert.training import halving
from litebert.training.halving import Candidate, Rung
from litebert.training.progress import score

TRIALS, SUMMARY = "trials.json", "summary.json"
SEARCHED = ("learning_rate", "batch_size", "epochs", "dropout")
"""The settings that are looked for: the fields of a `Candidate`."""

Run = Callable[[str, Candidate, Rung], dict[str, Any]]
"""Trains a candidate for a rung's share of its epochs, in the subfolder of that name; gives what
`results.json` holds."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is looked for."""

    usual: Candidate
    """What the preset has, or was given: it is tried first."""
    fixed: Sequence[str]
    """Those of `SEARCHED` that were given, and stay."""
    budget: float
    """Seconds for all trials."""
    seed: int
    """Of the candidates that are drawn."""


class Search:
    """The trials of a folder, those that are over and those to come. Raises `ModelError` for a folder that is
    damaged."""

    def __init__(self, out: Path, wanted: Wanted, run: Run, tell: Callable[[str], None]) -> None:
        self.out, self.wanted, self._run, self._tell = out, wanted, run, tell
        self.held = _read(out / TRIALS)

    def whole(self) -> dict[str, Any]:
        """All rungs that there is time for; written and returned. Raises `UsageError` if there is time for
        none."""
        usual, seed = self.wanted.usual, self.wanted.seed
        first = self._tried(0, usual, Rung(1, 1 / halving.THIRD**2))
        plan = self._plan(float(first["seconds"]) / first["share"])
        tried = halving.candidates(usual, plan[0].count, seed, self.wanted.fixed)
        going, ended = list(range(len(tried))), ""
        for number, rung in enumerate(plan, start=1):
            done, late = self._climbed(rung, {trial: tried[trial] for trial in going[: rung.count]})
            if done:
                going = [int(one["trial"]) for one in sorted(done, key=_by_score)]
            if late:
                ended = f"time was over in rung {number} of {len(plan)}"
                break
        summary = self._summary(ended)
        durable.replace_json(self.out / SUMMARY, summary)
        return summary

    def _climbed(self, rung: Rung, candidates: Mapping[int, Candidate]) -> tuple[list[dict[str, Any]], bool]:
        """What came of the trials of a rung, and whether time was over before the last."""
        done: list[dict[str, Any]] = []
        for trial, candidate in candidates.items():
            if self._late(trial, candidate, rung):
                return done, True
            done.append(self._tried(trial, candidate, rung))
        return done, False

    def _plan(self, full: float) -> list[Rung]:
        """The rungs, those of before if there are some. full: seconds of one whole run."""
        if self.held["plan"]:
            return [Rung(**rung) for rung in self.held["plan"]]
        rungs = halving.plan(full, self.wanted.budget - self.spent, self.spent)
        self.held["plan"] = [asdict(rung) for rung in rungs]
        self._keep()
        steps = ", ".join(f"{rung.count} for {rung.share:.2g} of their epochs" for rung in rungs)
        minutes = halving.cost(rungs) * full / 60
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
        return self.spent + max(speeds[-3:]) * candidate.epochs * rung.share > self.wanted.budget

    def _tried(self, trial: int, candidate: Candidate, rung: Rung) -> dict[str, Any]:
        """What came of one trial; made, if it has not been."""
        name = _name(trial, rung)
        for one in self.held["trials"]:
            if one["name"] == name:
                return dict(one)
        started = monotonic() - self.held["begun"].get(name, 0.0)
        try:
            results = self._run(name, candidate, rung)
        finally:  # If it was stopped, it goes on, and all its seconds count.
            self.held["begun"] = {name: monotonic() - started}
            self._keep()
        kept = {"name": name, "trial": trial, "share": rung.share, **asdict(candidate)}
        kept |= {"epochs": candidate.epochs * rung.share, "seconds": self.held["begun"].pop(name)}
        kept |= {"dev": {k: v for k, v in results["dev"].items() if isinstance(v, float)}}
        kept["score"] = _score(results)
        self.held |= {"task": results["task"], "best_by": results["best_by"]}
        self.held["trials"].append(kept)
        self._keep()
        self._tidy()
        left = max(0.0, self.wanted.budget - self.spent) / 60
        found = f"{results['best_by']} {results['dev'][results['best_by']]:.4f}"
        self._tell(f"{name}: {found}; {left:.1f} minutes left")
        return kept

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
            "settings": {name: best[name] for name in SEARCHED},
            "whole": best["share"] == 1,
            "minutes": self.spent / 60,
            "ended": ended or "plan",
            "trials": self.held["trials"],
        }

    def _keep(self) -> None:
        durable.replace_json(self.out / TRIALS, self.held)


def forget(out: Path) -> None:
    """Removes an earlier search, with its runs."""
    for name in (TRIALS, SUMMARY):
        (out / name).unlink(missing_ok=True)
    for folder in out.glob("trial-*.*"):
        shutil.rmtree(folder, ignore_errors=True)


def _name(trial: int, rung: Rung) -> str:
    """By the number of the candidate, and which part of its epochs it was trained for."""
    return f"trial-{trial:02d}.{round(1 / rung.share)}"


def _score(results: Mapping[str, Any]) -> float:
    """Of dev; higher is better."""
    chief = results["best_by"]
    return score(chief, float(results["dev"][chief]))


def _by_score(trial: Any) -> tuple[float, int]:
    """The best first; of equals the earlier, so the preset before others."""
    return -float(trial["score"]), int(trial["trial"])


def _read(path: Path) -> dict[str, Any]:
    """What an earlier process kept. Raises `ModelError` if it is damaged."""
    try:
        held = strict_json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {"plan": [], "trials": [], "begun": {}}
    except ValueError as error:
        raise ModelError(f"{path} is damaged ({error}); --overwrite starts anew") from None
    if not isinstance(held, dict) or not {"plan", "trials"} <= held.keys():
        raise ModelError(f"{path} is damaged; --overwrite starts anew")
    return {"begun": {}, **held}
