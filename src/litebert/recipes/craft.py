"""What each help to training does: augmentation, balance, few examples, folds, search; on one public set.

    LITEBERT_DATA=… python -m litebert.recipes.craft OUT [--seeds 3] [--translators THERE BACK]

TREC, questions of six classes of which one is rare. All with the embedded model and its presets, judged once
at the end, so that dev chooses nothing; but for the search, which is judged on the test split. The tables
have means over the seeds with a 95 % interval, and by how much a seed gains by the help, which is narrower:
both runs of a seed have the same examples. Given again, it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from litebert.recipes.over_seeds import table
from litebert.verbs.evaluate import evaluate
from litebert.verbs.series import told
from litebert.verbs.train import train
from litebert.verbs.tune import tune

SOURCE = "questions.trec"
SHOTS = 32
"""Of each class, where changed texts are to make up for few."""
CHANGES = ("deletion=0.1", "swap=0.1", "noise=0.1", "replacement=0.15", "synthesis=0.3")
BACK = "back-translation=0.3"
ALL: Mapping[str, Mapping[str, Any]] = {
    "nothing": {},
    "--sampling balanced": {"sampling": "balanced"},
    "--class-weights balanced": {"class_weights": "balanced"},
}
MINUTES = 10.0
"""Of the search."""
Found = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--translators", nargs=2, metavar=("THERE", "BACK"), help="two runs that translate")
    given = parser.parse_args()
    seeds = range(1, given.seeds + 1)
    augmented: dict[str, dict[str, Any]] = {"nothing": {"shots": SHOTS}}
    for change in CHANGES:
        augmented[change] = {"shots": SHOTS, "augment": (change,)}
    if given.translators:
        augmented[BACK] = {"shots": SHOTS, "augment": (":".join((BACK, *given.translators)),)}
    show(f"--augment, {SHOTS} of each class", compared(augmented, seeds, given.out / "few"))
    show("balance, all examples", compared(ALL, seeds, given.out / "all"))
    # The second are the runs above without changed texts, which are not made again.
    shots = {8: given.out / "shots", SHOTS: given.out / "few" / "nothing"}
    show("few examples", {f"--shots {n}": runs({"shots": n}, seeds, out) for n, out in shots.items()})
    show("search", searched(given.out / "search"))
    print(folds(given.out / "folds"))


def show(title: str, rows: Mapping[str, Sequence[Found]]) -> None:
    print("\n".join(table(title, rows)), end="\n\n", flush=True)


def compared(
    variants: Mapping[str, Mapping[str, Any]], seeds: Sequence[int], out: Path
) -> dict[str, list[Found]]:
    """Of each variant what each seed found, with what it gained over the first variant."""
    found = {
        name: runs(options, seeds, out / name.split("=")[0].strip("-")) for name, options in variants.items()
    }
    plain = next(iter(found.values()))
    return {
        name: [
            one | {f"{m} gained": one[m] - before[m] for m in before}
            for one, before in zip(many, plain, strict=True)
        ]
        for name, many in found.items()
    }


def runs(options: Mapping[str, Any], seeds: Sequence[int], out: Path) -> list[Found]:
    """What each seed's run finds on dev, at its end."""
    found = []
    for seed in seeds:
        own = {} if "shots" in options else {"early_stopping": False, "evaluate_every": 10**6}
        made = train(
            train=SOURCE, out=str(out / str(seed)), seed=seed, threads=1, progress="lines", **own, **options
        )
        found.append(_measures(made["dev"]))
    return found


def searched(out: Path) -> dict[str, list[Found]]:
    """The preset and the best of a search, both judged on the test split, which has chosen neither."""
    common: dict[str, Any] = {"train": SOURCE, "threads": 1, "progress": "lines"}
    train(**common, out=str(out / "preset"))
    best = tune(**common, out=str(out / "tune"), minutes=MINUTES)["folder"]
    folders = {"the preset": out / "preset", f"the best of {MINUTES:g} minutes": Path(best)}
    return {
        name: [_measures(evaluate(f"{SOURCE}:test", model=str(folder)).metrics)]
        for name, folder in folders.items()
    }


def folds(out: Path) -> str:
    """Cross-validation, as a person is told of it."""
    return told(train(train=SOURCE, out=str(out), folds=5, threads=1, progress="lines"), out)


def _measures(found: Mapping[str, Any]) -> Found:
    return {name: found[name] for name in ("accuracy", "macro_f1")}


if __name__ == "__main__":
    main()
