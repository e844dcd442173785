"""`litebert bench`: how fast a model answers a file of texts on this machine, and with which settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from litebert.errors import LitebertError, UsageError
from litebert.verbs.columns import InputColumns
from litebert.verbs.keywords import made
from litebert.verbs.telling import tell

if TYPE_CHECKING:
    from litebert.engine.measuring import Setting
    from litebert.tasks.task import Task

PRECISIONS = ("fp32", "bf16", "int8")
_WORTH = 1.1
"""How many times as fast int8 must be as the next, to be worth answers that are a little otherwise."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Measure how fast a model answers your texts on this machine, in each precision, and say which to use.

    Each setting has a process of its own, and they take turns; figures are medians. Latency is of one text at
    a time; memory is the peak of the whole process.

    Example: echo '{"text": "比想象的还要好"}' | litebert bench --model runs/reviews --texts - --json
    """

    texts: str
    """A file of Inputs (JSONL; or CSV, TSV, JSON, Parquet by its ending), - for standard input, or
    .txt with a text on a line."""
    model: str | None = None
    """A run folder, a Hugging Face folder or a hub name."""
    task: str | None = None
    """What to ask of a model that has no task of its own: embedding, fill-mask; left out, the model's own."""
    options: tuple[str, ...] = ()
    """Of the task, as name=value: pooling=max."""
    columns: InputColumns = field(default_factory=InputColumns)
    """Which columns to read; those left out are guessed by their names."""
    precisions: tuple[str, ...] = PRECISIONS
    """Which to try."""
    quality: float = 1.0
    """Below 1, each precision is also measured with texts that leave early, as `predict --quality` has it."""
    against: tuple[str, ...] = ()
    """More models to measure beside it, such as folders that `litebert export` wrote."""
    most: int = 1000
    """The most texts to read."""
    rounds: int = 3
    """How often all is measured."""
    alone: int = 50
    """How many texts are asked one at a time, each round."""
    threads: int | None = None
    """Of torch; left out, as many as there are processors."""
    json: bool = False
    """Print one JSON object, and nothing else, to standard output."""

    def run(self) -> dict[str, Any]:
        """`settings`, each with its figures or its error, and `recommended`."""
        from litebert.engine.measuring import Setting, answerable, measured

        self._check()
        inputs = answerable(list(islice(self._inputs(), self.most)))
        settings = [
            *(self._setting(precision, q) for q in self._qualities() for precision in self._precisions()),
            *(Setting(name, "auto", self.task, self.options, self.threads) for name in self.against),
        ]
        rounds = "1 round" if self.rounds == 1 else f"{self.rounds} rounds"
        tell(f"{len(inputs)} inputs of {self.texts}, {len(settings)} settings, {rounds}")
        found = measured(settings, inputs, rounds=self.rounds, alone=self.alone)
        rows = [
            {**_named(setting), **_figures(figures)} for setting, figures in zip(settings, found, strict=True)
        ]
        _compare(rows)
        return {"inputs": len(inputs), "settings": rows, "recommended": _recommended(rows)}

    def main(self) -> int:
        found = self.run()
        if self.json:
            print(json.dumps(found, ensure_ascii=False))
        else:
            print(_told(found))
        return 0

    def _setting(self, precision: str, quality: float) -> Setting:
        from litebert.engine.measuring import Setting

        return Setting(self.model, precision, self.task, self.options, self.threads, quality)

    def _precisions(self) -> tuple[str, ...]:
        """Of what was exported its own alone, unless others are asked for."""
        from litebert.engine.exported import is_exported

        return ("auto",) if is_exported(self.model) and self.precisions == PRECISIONS else self.precisions

    def _qualities(self) -> tuple[float, ...]:
        return (1.0,) if self.quality == 1 else (1.0, self.quality)

    def _check(self) -> None:
        for name in ("most", "rounds", "alone"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, but is {getattr(self, name)}")
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"threads must be at least 1, but is {self.threads}")
        for precision in self.precisions:
            if precision not in PRECISIONS:
                raise UsageError(f"precisions are of {', '.join(PRECISIONS)}; one given is {precision!r}")

    def _inputs(self) -> Iterator[Any]:
        from litebert.data.inputs import read_inputs
        from litebert.engine.opening import open_model

        opened = open_model(self.model, task=self.task, options=self.options, quality=self.quality, tell=tell)
        task = opened.task
        if self.texts.endswith(".txt"):
            return _lines(self.texts, task)
        return read_inputs(self.texts, task, columns=self.columns.named())


def bench(texts: str, **options: Any) -> dict[str, Any]:
    """Measure how fast a model answers. Options are the fields of `Bench`."""
    return made(Bench, {"texts": texts, **options}).run()


def _lines(path: str, task: Task[Any, Any]) -> Iterator[Any]:
    from litebert.data.files import File
    from litebert.engine.opening import as_input

    with closing(File(path)) as file:
        for _, line in file.lines():
            if line.strip():
                yield as_input(task, line.strip())


def _named(setting: Setting) -> dict[str, Any]:
    named = {"model": setting.model or "embedded", "precision": setting.precision}
    return named if setting.quality == 1 else {**named, "quality": setting.quality}


def _figures(found: Any) -> dict[str, Any]:
    if isinstance(found, LitebertError):
        return {"error": {"code": found.code, "message": found.message}}
    return dict(found)


def _compare(rows: Sequence[dict[str, Any]]) -> None:
    """In place of the labels, the share of them that is another than the first setting's."""
    labels = [row.pop("answers", None) for row in rows]
    for row, mine in zip(rows, labels, strict=True):
        if mine and labels[0] and None not in mine:
            changed = sum(a != b for a, b in zip(mine, labels[0], strict=True))
            row["changed_answers"] = round(changed / len(mine), 4)


def _recommended(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """For files the most a second, for one text at a time the shortest wait."""
    able = [row for row in rows if "error" not in row]
    if not able:
        return {}
    return {
        "files": _best(able, lambda row: row["sequences_per_second"]),
        "one at a time": _best(able, lambda row: 1 / row["latency_ms"]["p50"]),
    }


def _best(rows: Sequence[Mapping[str, Any]], speed: Any) -> dict[str, Any]:
    exact = [row for row in rows if row["precision"] != "int8" and "quality" not in row] or rows
    best = max(exact, key=speed)
    fastest = max(rows, key=speed)
    chosen = fastest if speed(fastest) >= _WORTH * speed(best) else best
    told = ("model", "precision", "quality", "changed_answers")
    return {name: chosen[name] for name in told if name in chosen}


def _told(found: Mapping[str, Any]) -> str:
    head = (
        f"{'model':<24} {'precision':<9} {'texts/s':>9} {'pieces/s':>9} "
        f"{'p50 ms':>8} {'p99 ms':>8} {'MB':>7} {'other answers':>13}"
    )
    lines = [head, *map(_line, found["settings"])]
    named = len({row["model"] for row in found["settings"]}) > 1
    lines += [f"for {what}: {_flags(best, named)}" for what, best in found["recommended"].items()]
    return "\n".join(lines)


def _flags(best: Mapping[str, Any], named: bool) -> str:
    """named: say the model, too, since there are several."""
    model = f"--model {best['model']} " if named else ""
    quality = f" --quality {best['quality']:g}" if "quality" in best else ""
    changed = best.get("changed_answers")
    told = f" ({changed:.1%} of the answers are other ones than the first row's)" if changed else ""
    return f"{model}--precision {best['precision']}{quality}{told}"


def _share(changed: float | None) -> str:
    """Of a task without labels nobody can say it."""
    return "–" if changed is None else f"{changed:.1%}"


def _line(row: Mapping[str, Any]) -> str:
    called = row["precision"] + (f" {row['quality']:g}" if "quality" in row else "")
    begin = f"{row['model'][-24:]:<24} {called:<9}"
    if "error" in row:
        return f"{begin} {row['error']['message']}"
    latency = row["latency_ms"]
    return (
        f"{begin} {row['sequences_per_second']:>9,.0f} {row['pieces_per_second']:>9,.0f} "
        f"{latency['p50']:>8.2f} {latency['p99']:>8.2f} {row['peak_memory_mb']:>7,.0f} "
        f"{_share(row.get('changed_answers')):>13}"
    )
