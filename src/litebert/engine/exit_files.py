"""A model's exits in its folder: the heads' weights, and what leaving early costs and saves.

`exits.safetensors` has the weights, apart from the model's own, so that whoever runs the model whole meets
nothing new; `exits.json` the curve that was measured on dev, from which `--quality` picks a rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

from litebert.durable import replace_json
from litebert.engine.exit_curve import Curve
from litebert.errors import ModelError, first_fault
from litebert.model.checkpoints.files import read_json
from litebert.model.checkpoints.weights import read_safetensors, write_safetensors
from litebert.model.config import EncoderConfig
from litebert.model.exits import Exits
from litebert.tasks.task import Task

FILE = "exits.json"
WEIGHTS = "exits.safetensors"
HOW = "train it with exits, as with `litebert train … --exits 1 --out DIR`, or leave --quality out"


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
    """Last: a folder that has it has exits."""
    replace_json(folder / FILE, asdict(curve))


def has_exits(folder: Path) -> bool:
    return (folder / FILE).is_file()


def load_curve(folder: Path) -> Curve:
    """Raises `ModelError` if it is damaged."""
    from pydantic import TypeAdapter, ValidationError

    try:
        curve = TypeAdapter(Curve).validate_python(read_json(folder / FILE))
    except ValidationError as error:
        where, what = first_fault(error)
        raise ModelError(f"{folder / FILE}, {where}: {what}") from None
    for number, point in enumerate(curve.points):
        if not (0 <= point.layers <= 1 and point.threshold >= 0 and isfinite(point.value)):
            raise ModelError(f"{folder / FILE}, points.{number}: {point} cannot have been measured")
    return curve


def _weights(exits: Exits, depth: int) -> dict[str, Any]:
    state = exits.at(depth).state_dict()
    return {name.removeprefix("output."): tensor.detach() for name, tensor in state.items()}
