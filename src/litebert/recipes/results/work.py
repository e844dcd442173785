"""What a row needs, worked out and kept: a run's folder for each model, and a file of what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litebert import durable, strict_json
from litebert.data.source import data_file
from litebert.evaluation.baseline import baselines, judge
from litebert.recipes.results.rows import MOVIES, Row
from litebert.training.checkpoint import latest
from litebert.training.outcome import finished
from litebert.verbs.keywords import made
from litebert.verbs.recommend import Recommend
from litebert.verbs.train import Train

RECURRENT = "config:lstm-tiny"
Found = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where everything is kept."""

    out: Path
    model: str | None = None
    """What is trained; left out, the embedded model."""

    def baselines(self, row: Row) -> Found:
        """Of each baseline all measures with their intervals; worked out once."""
        path = self.out / "baselines" / f"{row.source}.json"
        if path.exists():
            return dict(strict_json.loads(path.read_text("utf-8")))
        found = _recommended(row) if row.source == MOVIES else self._judged(row)
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace_json(path, found)
        return found

    def train(self, row: Row, *, recurrent: bool = False) -> None:
        """Begins the run of a row, or goes on with it; a finished one is left alone."""
        if row.source != MOVIES and finished(self.folder(row, recurrent=recurrent)) is None:
            self._training(row, recurrent=recurrent).run()

    def trained(self, row: Row, *, recurrent: bool = False) -> Found | None:
        """What the finished run of a row found, with its minutes and settings; None if there is none."""
        folder = self.folder(row, recurrent=recurrent)
        results = finished(folder)
        if results is None:
            return None
        kept = latest(folder / "checkpoint")
        minutes = None if kept is None else kept.progress.seconds / 60
        return {**results["dev"], "minutes": minutes, "settings": _settings(folder)}

    def folder(self, row: Row, *, recurrent: bool = False) -> Path:
        return self.out / ("recurrent" if recurrent else "runs") / row.source

    def _judged(self, row: Row) -> Found:
        prepared = self._training(row, recurrent=False).prepared()
        train, dev = prepared.sets.train.rows, prepared.sets.dev.rows
        found = {name: judge(name, prepared.task, train, dev) for name in baselines(prepared.task)}
        return {name: one.summary() for name, one in found.items()}

    def _training(self, row: Row, *, recurrent: bool) -> Train:
        own: Mapping[str, Any] = {
            name: v for name, v in row.settings.items() if not (recurrent and name == "epochs")
        }
        options = {"progress": "lines", "model": RECURRENT if recurrent else self.model, "threads": 1, **own}
        folder = self.folder(row, recurrent=recurrent)
        return made(Train, {"train": row.source, "out": folder, "options": row.options, **options})


def _recommended(_row: Row) -> Found:
    """All ways of recommending, ours among them: nothing is trained that would be kept."""
    ratings, movies = (data_file(f"movielens_latest_small/{name}.csv") for name in ("ratings", "movies"))
    return Recommend(ratings=ratings, items=movies).judged()


def _settings(folder: Path) -> str:
    """How the run was made, as a person says it."""
    from litebert.verbs import again

    kept = again.read(folder / "run.json")["settings"]
    rate, size, epochs = kept.learning_rate, kept.batch_size, kept.epochs
    return f"rate {rate:g}, batches of {size}, {epochs:g} epochs"
