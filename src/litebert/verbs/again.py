"""`run.json`: a run's command with every default written out, which makes it again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from litebert import strict_json
from litebert.errors import UsageError, first_fault

if TYPE_CHECKING:
    from litebert.model_source import Source
    from litebert.training.mixture import Mixture
    from litebert.training.prepared import Prepared
    from litebert.verbs.train import Train

_NOT_THE_RUN = ("out", "again", "progress", "overwrite", "json")
"""What of the command says where and how, not what."""


def written(verb: Train, prepared: Prepared | Mixture) -> bytes:
    """What `run.json` holds; `ran_with` is what else the result follows from."""
    command = asdict(verb) | {"dropout": _dropout(prepared.source), "settings": asdict(prepared.settings)}
    if (task := getattr(prepared, "task", None)) is not None:
        command |= {"task": task.name, "max_pieces": task.max_pieces, "on_long": task.on_long}
    kept = {name: value for name, value in command.items() if name not in _NOT_THE_RUN}
    whole = {"verb": "train", **kept, "ran_with": prepared.fingerprint}
    return json.dumps(whole, indent=2, ensure_ascii=False, default=str).encode() + b"\n"


def read(path: str | Path) -> dict[str, Any]:
    """The fields of a `Train` that a `run.json` holds, but where to run. Raises `UsageError`."""
    from pydantic import TypeAdapter, ValidationError

    from litebert.verbs.train import Train

    held = {name: value for name, value in _object(Path(path)).items() if name not in ("verb", "ran_with")}
    if odd := next(_unknown(Train, held), None):
        raise UsageError(f"{path}: {odd}: this litebert has no such setting, so the run would be another")
    try:
        verb = TypeAdapter(Train).validate_python({**held, "out": Path()})
    except ValidationError as error:
        where, what = first_fault(error)
        raise UsageError(f"{path}: {where}: {what.lower()}") from None
    return {name: getattr(verb, name) for name in Train.__dataclass_fields__ if name not in _NOT_THE_RUN}


def _unknown(kind: Any, held: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """The keys, with those that they are in, for which a dataclass has no field."""
    hints = get_type_hints(kind)
    for name, value in held.items():
        if name not in kind.__dataclass_fields__:
            yield f"{where}{name}"
        elif is_dataclass(hints[name]) and isinstance(value, Mapping):
            yield from _unknown(hints[name], value, f"{where}{name}.")


def _object(path: Path) -> Mapping[str, Any]:
    try:
        held = strict_json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} is not the run.json of a run: {error}") from None
    if not isinstance(held, dict) or held.get("verb") != "train":
        raise UsageError(f"{path} is not the run.json of a run")
    return held


def _dropout(source: Source) -> float | None:
    """The one that the encoder was trained with; None if it has two, which no flag says."""
    config = source.config
    return config.hidden_dropout if config.hidden_dropout == config.attention_dropout else None
