"""A verb from Python's keyword arguments, which are flat, as its flags are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from litebert.errors import UsageError, nearest

T = TypeVar("T")


def made(verb: type[T], options: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> T:
    """The dataclass with these options, also those of the dataclasses in its fields; others as `before`.

    A path may be given as text. Raises `UsageError` for an option that there is not, and for one missing.
    """
    hints, left, values = get_type_hints(verb), dict(options), dict(before or {})
    for field in fields(verb):  # type: ignore[arg-type]
        kind = hints[field.name]
        if field.name in left:
            values[field.name] = _value(kind, left.pop(field.name))
        if is_dataclass(kind):
            inner = {one.name: left.pop(one.name) for one in fields(kind) if one.name in left}
            values[field.name] = replace(values.get(field.name) or kind(), **inner)  # type: ignore[operator]
        elif field.name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise UsageError(f"{verb.__name__.lower()} needs {field.name}=…")
    if left:
        raise UsageError(nearest(min(left), _names(verb), f"option of {verb.__name__.lower()}"))
    return verb(**values)


def _value(kind: Any, given: Any) -> Any:
    return Path(given) if Path in (kind, *get_args(kind)) and isinstance(given, str) else given


def _names(verb: Any) -> list[str]:
    hints = get_type_hints(verb)
    return [
        name
        for field in fields(verb)
        for name in (_names(hints[field.name]) if is_dataclass(hints[field.name]) else [field.name])
    ]
