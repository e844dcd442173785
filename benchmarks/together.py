"""Three Chinese tasks on one encoder against an encoder for each, of as many rows, epochs and updates.

    LITEBERT_DATA=~/data python -m benchmarks.together --rows 1000 --epochs 3 --out runs/together

Each is fine-tuned from the embedded model; both sides take the same number of updates in all.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import litebert
from litebert.data.examples import read, sibling
from litebert.training.entries import Entry

SOURCES = ("clue.tnews", "clue.afqmc", "zh.chnsenticorp")
JUDGED = 500
"""Rows of each dev."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=1000, help="of each task")
    asked.add_argument("--epochs", type=float, default=3.0)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path, required=True)
    given = asked.parse_args()
    entries = [part(source, given.rows, given.out / "data") for source in SOURCES]
    options: dict[str, Any] = {"epochs": given.epochs, "seed": given.seed, "max_pieces": 128}
    options |= {"evaluate_every": 10_000, "progress": "lines"}
    measured = {
        "together": together(entries, given.out, options),
        "apart": apart(entries, given.out, options),
    }
    print(json.dumps(measured, indent=2))


def part(source: str, rows: int, folder: Path) -> Entry:
    """The first rows of a set, as files."""
    folder.mkdir(parents=True, exist_ok=True)
    dev = sibling(source, "dev")
    assert dev is not None
    train, judged = (folder / f"{source.rpartition('.')[2]}.{split}.jsonl" for split in ("train", "dev"))
    write(train, source, rows)
    write(judged, dev, JUDGED)
    return Entry(str(train), task="classification", dev=str(judged), name=source.rpartition(".")[2])


def write(path: Path, source: str, rows: int) -> None:
    examples = read(source, limit=rows)
    lines = [
        json.dumps({**asdict(example.given), "label": example.wanted.label}, ensure_ascii=False)
        for example in examples
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def together(entries: list[Entry], out: Path, options: dict[str, Any]) -> dict[str, Any]:
    first, *others = entries
    results = litebert.train(
        train=first.train, task=first.task, dev=first.dev, also=others, out=out / "many", **options
    )
    return {name: one["dev"]["accuracy"] for name, one in results["tasks"].items()}


def apart(entries: list[Entry], out: Path, options: dict[str, Any]) -> dict[str, Any]:
    return {
        entry.name: litebert.train(
            train=entry.train, task=entry.task, dev=entry.dev, out=out / entry.name, **options
        )["dev"]["accuracy"]
        for entry in entries
    }


if __name__ == "__main__":
    main()
