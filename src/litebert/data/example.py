"""An example: what is given and what is wanted, and the place that it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar, overload

from litebert.errors import DataError
from litebert.tasks.task import Task

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")


class Place(NamedTuple):
    """Where a row stands."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    def error(self, message: str) -> DataError:
        return DataError(message, path=self.path, line=self.line)


@dataclass(frozen=True, slots=True)
class Example(Generic[InputT, OutputT]):
    """An Input and the Output that is wanted of it."""

    given: InputT
    wanted: OutputT
    place: Place


@dataclass(frozen=True)
class Examples(Sequence[Example[InputT, OutputT]]):
    """The examples of one or several files, in order."""

    rows: Sequence[Example[InputT, OutputT]]
    task: Task[InputT, OutputT]
    """Fitted to these, if that was asked."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Which column each field was read from."""
    notes: tuple[str, ...] = ()
    """What a person should be told: which columns were guessed, which texts are empty, what was left out."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """`empty`: texts of white space alone, kept. `left_out`: rows that a source says are no examples."""

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Example[InputT, OutputT]]:
        return iter(self.rows)

    @overload
    def __getitem__(self, i: int) -> Example[InputT, OutputT]: ...
    @overload
    def __getitem__(self, i: slice) -> Sequence[Example[InputT, OutputT]]: ...
    def __getitem__(self, i: int | slice) -> Any:
        return self.rows[i]
