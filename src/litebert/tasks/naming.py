"""A task by its name, with options as a person types them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from litebert import names, strict_json
from litebert.errors import UsageError, first_fault, nearest
from litebert.tasks.defaults import InputT, OutputT
from litebert.tasks.task import Task


def named(name: str) -> type[Task[Any, Any]]:
    """The task of that name, `classification` or `my_lab.sarcasm`. Raises `UsageError`."""
    module = names.find("litebert.tasks", name, "task")
    own = [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Task) and thing.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise UsageError(f"{module.__name__} must hold one subclass of Task, but holds {len(own)}")
    return own[0]


def with_options(task: Task[InputT, OutputT], options: Sequence[str]) -> Task[InputT, OutputT]:
    """The task with some of its fields set: `("pooling=max", "temperature=0.1")`. Raises `UsageError`."""
    from pydantic import TypeAdapter, ValidationError

    known = {field.name: getattr(task, field.name) for field in fields(task)}
    given: dict[str, Any] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise UsageError(f"{option!r} is no option: expected name=value")
        if name not in known:
            raise UsageError(nearest(name, known, f"option of the task {task.name}"))
        try:
            given[name] = strict_json.loads(value) if value[:1] in ("[", "{") else value
        except strict_json.JsonError as error:
            raise UsageError(f"option {name}: {value!r} is not JSON: {error}") from None
    try:
        return TypeAdapter(type(task)).validate_python({**known, **given}) if given else task
    except ValidationError as error:
        where, what = first_fault(error)
        raise UsageError(f"option {where}: {what[:1].lower()}{what[1:]}") from None
