"""A model's exits in its folder: the heads' weights, and what leaving early costs and saves.

`exits.safetensors` has the weights, apart from the model's own, so that whoever runs the model whole meets
nothing new; `exits.json` the curve that was measured on dev, from which `--quality` picks a rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import takewhile
from math import log
from pathlib import Path
from typing import Any, ClassVar, get_args

from litebert.durable import replace_json
from litebert.engine.leaving import By, Judge, Rule
from litebert.errors import ModelError, UsageError, first_fault
from litebert.model.checkpoints.files import read_json
from litebert.model.checkpoints.weights import read_safetensors, write_safetensors
from litebert.model.config import EncoderConfig
from litebert.model.exits import Exits
from litebert.tasks.task import Task

FILE = "exits.json"
WEIGHTS = "exits.safetensors"
HOW = "train it with exits, as with `litebert train … --exits 1 --out DIR`, or leave --quality out"


@dataclass(frozen=True, kw_only=True)
class Point:
    """A rule for leaving, and what came of it on dev."""

    by: By
    threshold: float
    layers: float
    """The share of layers that were worked out, a piece's as much as another's."""
    value: float
    """The chief measure."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What `exits.json` holds."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    depths: tuple[int, ...]
    """After how many layers there are exits, ascending."""
    measure: str
    """The chief measure's name."""
    whole: float
    """What the whole model has of it on dev."""
    examples: int
    """Of dev."""
    points: tuple[Point, ...]
    """By rising share of layers."""

    def rule(self, quality: float) -> Rule | None:
        """Of the rules that kept this share of the measure on dev, the one with the fewest layers; None where
        only the whole model does. quality: from above 0 to below 1.

        A rule counts only if all stricter ones of its kind kept as much, so that none is chosen for its luck.
        """
        least = self.whole - (1 - quality) * abs(self.whole)
        enough = [
            point
            for by in get_args(By)
            for point in takewhile(lambda point: point.value >= least, self._strictest_first(by))
        ]
        if not enough:
            return None
        best = min(enough, key=lambda point: (point.layers, -point.value))
        return Rule(best.by, best.threshold)

    def _strictest_first(self, by: By) -> list[Point]:
        return sorted((p for p in self.points if p.by == by), key=lambda point: -point.threshold)

    @property
    def best(self) -> tuple[Point, ...]:
        """The points that no other beats in both, by rising share of layers."""
        kept: list[Point] = []
        for point in sorted(self.points, key=lambda point: (point.layers, -point.value)):
            if not kept or point.value > kept[-1].value:
                kept.append(point)
        return tuple(kept)


def check_quality(quality: float) -> None:
    """Raises `UsageError` for what cannot be meant."""
    if not 0 < quality <= 1:
        raise UsageError(
            f"quality must be above 0 and at most 1, but is {quality:g}: it is the share of the whole "
            "model's measure on dev that must be kept; 1 is exact"
        )


def can_leave(task: Task[Any, Any]) -> bool:
    """Whether a text's answer is read from one state of it, so that it can be had after fewer layers."""
    return task.problem is not None


def judge_of(task: Task[Any, Any]) -> Judge:
    """How sureness is read off the scores of a task. Raises `ModelError` for one without exits."""
    if task.problem is None:
        raise ModelError(f"the task {task.name} has no exits")
    threshold = getattr(task, "threshold", 0.5)
    return Judge(task.problem, cut=log(threshold / (1 - threshold)))


def save_exits(folder: Path, exits: Exits, task: Task[Any, Any]) -> None:
    """The heads' weights, as the folder's own task reads them; the curve follows when it is measured."""
    kept = {
        f"{depth}.{name}": tensor
        for depth in exits.depths
        for name, tensor in task.published(_weights(exits, depth))[1].items()
    }
    write_safetensors(folder / WEIGHTS, kept)


def load_exits(folder: Path, depths: Sequence[int], task: Task[Any, Any], config: EncoderConfig) -> Exits:
    """Raises `ModelError` if the weights are missing, damaged or of another model."""
    if list(depths) != sorted({*depths} & {*range(config.layers)}) or not depths:
        raise ModelError(f"{folder / FILE}: exits after {list(depths)} of {config.layers} layers cannot be")
    tensors = read_safetensors(folder / WEIGHTS)
    exits = Exits(depths, partial(task.head, config))
    for depth in exits.depths:
        start = f"{depth}."
        given = {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}
        own, head = exits.at(depth).state_dict(), task.adopted(given) if given else {}
        named = {f"output.{name}": tensor for name, tensor in head.items()}
        if {n: t.shape for n, t in own.items()} != {n: t.shape for n, t in named.items()}:
            raise ModelError(f"{folder / WEIGHTS}: the exit after layer {depth} does not fit the model")
        exits.at(depth).load_state_dict(named)
    return exits.requires_grad_(False)


def save_curve(folder: Path, curve: Curve) -> None:
    replace_json(folder / FILE, asdict(curve))


def has_exits(folder: Path) -> bool:
    return (folder / FILE).is_file()


def load_curve(folder: Path) -> Curve:
    """Raises `ModelError` if it is damaged."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Curve).validate_python(read_json(folder / FILE))
    except ValidationError as error:
        where, what = first_fault(error)
        raise ModelError(f"{folder / FILE}, {where}: {what}") from None


def _weights(exits: Exits, depth: int) -> dict[str, Any]:
    state = exits.at(depth).state_dict()
    return {name.removeprefix("output."): tensor.detach() for name, tensor in state.items()}
