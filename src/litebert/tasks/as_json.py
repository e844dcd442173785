"""A task as JSON, as a model's folder keeps it, and what its Input looks like as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any

from litebert.errors import ModelError, UsageError, first_fault
from litebert.tasks.naming import named
from litebert.tasks.task import Task

LEAST_PIECES = 3
TASK_FILE = "task.json"
"""Where a model's folder keeps its task."""


def to_json(task: Task[Any, Any]) -> dict[str, Any]:
    """What `task.json` holds: the task's name and its fields."""
    module = type(task).__module__
    house, _, name = module.rpartition(".")
    name = name.replace("_", "-") if house == "litebert.tasks" else module
    return {"task": name, **json.loads(json.dumps(asdict(task)))}


def from_json(saved: Mapping[str, Any]) -> Task[Any, Any]:
    """The task that `to_json` wrote. Raises `ModelError` for a field that is missing, unknown or wrong."""
    from pydantic import TypeAdapter, ValidationError

    held = dict(saved)
    name = held.pop("task", None)
    if not isinstance(name, str):
        raise ModelError("task.json does not say which task it is: 'task' must be a name")
    try:
        task: Task[Any, Any] = TypeAdapter(named(name)).validate_python(held)
    except UsageError as error:
        raise ModelError(f"task.json: {error}") from None
    except ValidationError as error:
        where, what = first_fault(error)
        raise ModelError(f"task.json, {where}: {what}") from None
    if task.max_pieces < LEAST_PIECES:
        raise ModelError(
            f"task.json, max_pieces: it is {task.max_pieces}, but must be {LEAST_PIECES} or more, to hold "
            "the special pieces and some text"
        )
    return task


def sample(kind: type[Task[Any, Any]]) -> dict[str, Any]:
    """What an Input looks like as JSON, for one to try: what it must have, `…` for each text."""
    required = [field for field in fields(kind.Input) if MISSING is field.default is field.default_factory]
    return {field.name: ["…", "…"] if "tuple" in str(field.type) else "…" for field in required}


def to_try(task: Task[Any, Any], like: Any) -> dict[str, Any]:
    """An Input as JSON, for one to try, with what `like`, an Input that was learnt from, also has."""
    also = {name: value for name, value in task.also.items() if getattr(like, name, None)}
    return {**(task.example or sample(type(task))), **also}
