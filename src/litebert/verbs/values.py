"""How the values of flags are read and shown, where tyro's own way is not ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from litebert.training.entries import Entry, parsed

NONE = "none"
"""What gives a number back its None: `--clip none`."""

Spec = PrimitiveConstructorSpec[Any]


def registry() -> ConstructorRegistry:
    """Of values that may be left out, of the entries of a mixture, and of numbers."""
    ours = ConstructorRegistry()
    for rule in (_optional, _entry, _number):
        ours.primitive_rule(rule)
    return ours


def _optional(info: PrimitiveTypeInfo) -> Spec | None:
    """`X | None` is typed as X is; leaving the flag out gives None."""
    kinds = [kind for kind in get_args(info.type) if kind is not type(None)]
    if len(kinds) != 1 or type(None) not in get_args(info.type):
        return None
    spec = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(kinds[0], info.markers))
    if not isinstance(spec, PrimitiveConstructorSpec):
        return None

    def read(given: list[str]) -> Any:
        return None if kinds[0] in (int, float) and given == [NONE] else spec.instance_from_str(given)

    return replace(
        spec,
        instance_from_str=read,
        is_instance=lambda value: value is None or spec.is_instance(value),
        str_from_instance=lambda value: [NONE] if value is None else spec.str_from_instance(value),
    )


def _entry(info: PrimitiveTypeInfo) -> Spec | None:
    """An entry of a mixture, as text."""
    if info.type is not Entry:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="[TASK=]DATA",
        instance_from_str=lambda given: parsed(given[0]),
        is_instance=lambda value: isinstance(value, Entry),
        str_from_instance=lambda value: [value.train],
    )


def _number(info: PrimitiveTypeInfo) -> Spec | None:
    """With an error in words."""
    if info.type not in (int, float):
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=info.type.__name__.upper(),
        instance_from_str=lambda given: _read_number(info.type, given[0]),
        is_instance=lambda value: isinstance(value, info.type | int) and not isinstance(value, bool),
        str_from_instance=lambda value: [str(value)],
    )


def _read_number(kind: Any, given: str) -> Any:
    try:
        return kind(given)
    except ValueError:
        expected = "a whole number" if kind is int else "a number"
        raise ValueError(f"expected {expected}, but got {given!r}") from None
