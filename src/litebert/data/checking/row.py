"""A row as a task has read it, and what of it tells it from others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

from litebert.data.example import Place


@dataclass
class Row:
    """An Input and the Output that is wanted of it, with its place and, if it is of a file, its cells."""

    number: int
    place: Place
    given: Any
    wanted: Any
    cells: Mapping[str, Any] | None = None

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The texts of the Input; its lists of words, joined, where it has no other."""
        held = [getattr(self.given, field.name) for field in fields(self.given)]
        plain = tuple(value for value in held if isinstance(value, str))
        lists = tuple(" ".join(map(str, value)) for value in held if isinstance(value, tuple))
        return plain or lists

    @property
    def is_of_group(self) -> bool:
        """Whether the task keeps it together with others, as questions to one passage."""
        group: str = self.given.group
        return group != self.texts[0] if self.texts else False

    @property
    def unit(self) -> str:
        """The text by which rows are compared: that of its group, or all of its texts."""
        group: str = self.given.group
        return group if self.is_of_group else "\n".join(self.texts)

    @cached_property
    def given_digest(self) -> int:
        """64 bits that tell an Input from others, case and white space aside."""
        return digest(self.given)

    @cached_property
    def wanted_digest(self) -> int:
        """The same of the Output."""
        return digest(self.wanted)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The names of classes in the Output: a label, several, or those of spans."""
        return tuple(_labels(self.wanted))

    @property
    def label(self) -> str | None:
        """The one label of an Output that has one."""
        found = getattr(self.wanted, "label", None)
        return found if isinstance(found, str) else None


def _labels(wanted: Any) -> Iterator[str]:
    for field in fields(wanted):
        value = getattr(wanted, field.name)
        if field.name == "label" and isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            is_names = field.name in ("labels", "tags")
            yield from (one for one in value if is_names and isinstance(one, str))
            yield from (one.label for one in value if isinstance(getattr(one, "label", None), str))


def digest(value: Any) -> int:
    """64 bits of all that a value holds, case and white space of its texts aside."""
    state = blake2b(digest_size=8)
    for part in _parts(value):
        state.update(part.encode(errors="surrogatepass") + b"\0")
    return int.from_bytes(state.digest(), "big")


def _parts(value: Any) -> Iterator[str]:
    if is_dataclass(value):
        for field in fields(value):
            yield from _parts(getattr(value, field.name))
    elif isinstance(value, str):
        yield "".join(value.casefold().split())
    elif isinstance(value, list | tuple):
        yield str(len(value))
        for one in value:
            yield from _parts(one)
    else:
        yield repr(value)
