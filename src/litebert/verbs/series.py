"""Several runs of one command, in subfolders of one folder: the folds of cross-validation, or several seeds.

Each run is one like any other: it goes on where it was stopped, and one that is over is not made again. So
the same command goes on with the whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litebert.errors import UsageError
from litebert.verbs.telling import tell

if TYPE_CHECKING:
    from litebert.evaluation.evaluate import Evaluation
    from litebert.training.fingerprint import Fingerprint
    from litebert.training.prepared import Prepared
    from litebert.verbs.train import Train

SUMMARY = "summary.json"
HELD_OUT = "held-out.jsonl"
MOST_RUNS = 1000


@dataclass(frozen=True)
class Done:
    """A run that is over."""

    name: str
    results: Mapping[str, Any]
    """What `results.json` holds."""
    held_out: Evaluation | None
    """What it makes of what it was not shown."""

    def row(self) -> dict[str, Any]:
        seen = {} if self.held_out is None else {"held_out": dict(self.held_out.metrics)}
        return {"name": self.name, "dev": self.results["dev"], **seen}


def run_series(verb: Train) -> dict[str, Any]:
    """All runs, one after another; returns what `summary.json` holds. Raises `UsageError`."""
    from litebert import durable
    from litebert.training.fingerprint import claim
    from litebert.training.lock import alone

    members = several(verb)
    with alone(verb.out):
        first = next(iter(members.values())).prepared()
        if verb.folds is not None and first.task.judged_by != "answers":
            raise UsageError(
                f"--folds is not for the task {first.task.name}, which is judged by likelihood, too"
            )
        if verb.overwrite:
            (verb.out / SUMMARY).unlink(missing_ok=True)
        claim(verb.out, _fingerprint(verb, first), overwrite=verb.overwrite)
        done = [_run(name, member, members) for name, member in members.items()]
        summary = {**_head(verb, done), "runs": [one.row() for one in done], **_whole(verb.out, done)}
        durable.replace_json(verb.out / SUMMARY, summary)
    return summary


def several(verb: Train) -> dict[str, Train]:
    """The runs by their names. Raises `UsageError`."""
    if verb.folds is not None and verb.seeds is not None:
        raise UsageError("--folds and --seeds are two series of runs; give one of them")
    for name, count in (("folds", verb.folds), ("seeds", verb.seeds)):
        if count is not None and not 2 <= count <= MOST_RUNS:
            raise UsageError(f"{name} must be at least 2 and at most {MOST_RUNS:,}, but is {count}")
    alone = replace(verb, folds=None, seeds=None)
    if verb.folds is not None:
        numbers = range(1, verb.folds + 1)
        parts = {n: replace(verb.drawing, fold=f"{n}/{verb.folds}") for n in numbers}
        return {f"fold-{n}": replace(alone, out=verb.out / f"fold-{n}", drawing=parts[n]) for n in numbers}
    first = verb.settings.seed
    seeds = {n: replace(verb.settings, seed=n) for n in range(first, first + (verb.seeds or 0))}
    return {f"seed-{n}": replace(alone, out=verb.out / f"seed-{n}", settings=one) for n, one in seeds.items()}


def told(summary: Mapping[str, Any], out: Path) -> str:
    """What a person is told at the end."""
    chief = summary["best_by"]
    whole = summary.get("held_out")
    rows = [f"{run['name']:<9} {run.get('held_out', run['dev'])[chief]:.4f}" for run in summary["runs"]]
    mean = summary["spread"][chief]
    low, high = mean["low"], mean["high"]
    rows.append(f"mean      {mean['mean']:.4f} (95 %: {low:.4f} to {high:.4f}), deviation {mean['sd']:.4f}")
    if whole is None:
        return "\n".join(
            [f"{chief} on dev", *rows, f"The median is {summary['chosen']}: {out / summary['chosen']}"]
        )
    low, high = whole["intervals"][chief]
    rows.append(
        f"together  {whole[chief]:.4f} (95 %: {low:.4f} to {high:.4f}) on {whole['examples']} examples"
    )
    answers = f"All answers are in {out / HELD_OUT}, the worst mistakes in {out / 'mistakes.jsonl'}"
    return "\n".join([f"{chief} on what each was not shown", *rows, answers])


def _fingerprint(verb: Train, first: Prepared) -> Fingerprint:
    """What all its runs have in common, and how many there are."""
    own = ("settings.seed", "drawing.fold", "data.", "task", "settings.evaluate_every")
    kept = {name: value for name, value in first.fingerprint.items() if not name.startswith(own)}
    data = first.fingerprint if verb.folds is None else {}
    return {
        **kept,
        **{name: value for name, value in data.items() if name == "data.dev"},
        "series": f"{verb.folds} folds" if verb.folds is not None else f"{verb.seeds} seeds",
        "first": f"{first.fingerprint['data.train']} {first.settings.seed}",
    }


def _run(name: str, member: Train, members: Mapping[str, Train]) -> Done:
    from litebert.engine.opening import open_model
    from litebert.evaluation.evaluate import evaluate
    from litebert.model.native.compiler import kernels

    tell(f"{name}: run {list(members).index(name) + 1} of {len(members)}", member.progress)
    prepared = member.prepared()
    results = member.run_prepared(prepared)
    if prepared.sets.held_out is None:
        return Done(name, results, None)
    model = open_model(str(member.out), precision=prepared.settings.precision)
    with kernels(prepared.kernels):  # A series that goes on asks again, and must get the same answers.
        return Done(name, results, evaluate(model, prepared.sets.held_out.rows, intervals=False))


def _head(verb: Train, done: Sequence[Done]) -> dict[str, Any]:
    kind = {"folds": verb.folds} if verb.folds is not None else {"seeds": verb.seeds}
    return {"task": done[0].results["task"], "best_by": done[0].results["best_by"], **kind}


def _whole(out: Path, done: Sequence[Done]) -> dict[str, Any]:
    """What the runs say together."""
    from litebert.evaluation.spread import spreads

    held_out = [one.held_out for one in done if one.held_out is not None]
    if held_out:
        whole = _together(out, done, held_out)
        return {"spread": spreads([one.metrics for one in held_out]), "held_out": whole.summary()}
    dev = [{name: value for name, value in one.results["dev"].items() if _is_measure(name)} for one in done]
    return {"spread": spreads(dev), "chosen": _median(done)}


def _is_measure(name: str) -> bool:
    return name not in ("examples", "refused", "truncated", "intervals")


def _median(done: Sequence[Done]) -> str:
    """The run in the middle by dev; of two the lower, so that the choice flatters nobody."""
    from litebert.training.progress import score

    chief = done[0].results["best_by"]
    ranked = sorted(done, key=lambda one: score(chief, float(one.results["dev"][chief])))
    return ranked[(len(ranked) - 1) // 2].name


def _together(out: Path, done: Sequence[Done], held_out: Sequence[Evaluation]) -> Evaluation:
    """All that was held out, each example answered by the run that had not seen it; written down."""
    from litebert import durable
    from litebert.evaluation.evaluate import joined
    from litebert.tasks.as_json import TASK_FILE, from_json
    from litebert.training.artifacts.mistakes import write_mistakes
    from litebert.training.outcome import mistakes

    task = from_json(json.loads((out / done[0].name / TASK_FILE).read_bytes()))
    rows = [
        {
            "run": one.name,
            "given": asdict(answered.example.given),
            "wanted": asdict(answered.example.wanted),
            "answered": asdict(answered.output),
        }
        for one, part in zip(done, held_out, strict=True)
        for answered in part.answered
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    durable.replace(out / HELD_OUT, lines.encode())
    whole = joined(task, held_out)
    write_mistakes(out / "mistakes.jsonl", mistakes(task, whole.answered))
    return whole
