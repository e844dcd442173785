"""What a check is: it sees a file's lines, cells and rows go by, and says what is wrong with them.

To add one, add a file to `checks/` with one subclass of `Check`; nothing else needs to change. It keeps of
what goes by as little as it needs: a file may have millions of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from litebert import names
from litebert.data.checking.finding import Finding, Kind
from litebert.data.checking.row import Row
from litebert.data.checking.settings import Settings
from litebert.data.example import Place
from litebert.data.formats.table import Cells
from litebert.tasks.task import Task

if TYPE_CHECKING:
    from litebert.text.tokenizer import Tokenizer

CHECKS = "litebert.data.checking.checks"


@dataclass
class Study:
    """What is being checked: what every check may ask."""

    path: str
    task: Task[Any, Any]
    settings: Settings
    tokenizer: Callable[[], Tokenizer]
    against: str | None = None
    """The other file, if there is one."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Which column each field is read from, once that is known."""
    unchecked: list[str] = field(default_factory=list)
    """Sentences on what could not be checked."""


@dataclass(slots=True)
class Line:
    """One line of the file, as text. Who mends it sets the text."""

    place: Place
    text: str
    was: str | None
    """What it was encoded in, if that was not UTF-8."""
    is_json: bool
    """Whether it is of a file of JSON, which may hold numbers of characters."""


@dataclass(slots=True)
class Record:
    """One row as the format has it, before the task reads it. Who mends it sets the cells anew."""

    number: int
    place: Place
    cells: Cells


class Check:
    """Sees everything in its order, as far as a source has it: a data set by name has rows alone."""

    kinds: ClassVar[Mapping[str, Kind]]
    """The codes of what it finds."""

    def __init__(self, study: Study) -> None:
        self.study = study

    def line(self, line: Line) -> Iterator[Finding]:  # noqa: ARG002 (for those who override it)
        """A line, before anybody reads it. Checks have it in the order of their names."""
        yield from ()

    def cells(self, record: Record) -> Iterator[Finding]:  # noqa: ARG002
        """A row, before the task reads it."""
        yield from ()

    def other(self, row: Row) -> None:
        """A row of the other file. All of them come before the first of `row`."""

    def row(self, row: Row) -> Iterator[Finding]:  # noqa: ARG002
        """A row as the task has read it."""
        yield from ()

    def end(self) -> Iterator[Finding]:
        """What only all rows together tell."""
        yield from ()

    def summary(self) -> dict[str, Any]:
        """What is said of the file as a whole."""
        return {}

    def found(self, code: str, place: Place, message: str, **more: Any) -> Finding:
        return finding(self.kinds, code, place, message, **more)


def finding(kinds: Mapping[str, Kind], code: str, place: Place, message: str, **more: Any) -> Finding:
    """A finding with what its kind says of it."""
    kind = kinds[code]
    return Finding(code=code, place=place, message=message, fix=kind.fix, serious=kind.serious, **more)


def classes() -> list[type[Check]]:
    """Every check there is, by the names of their files."""
    modules = (names.find(CHECKS, name, "check") for name in names.known(CHECKS))
    return [
        thing
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Check) and thing.__module__ == module.__name__
    ]


def shown(text: str, most: int = 60) -> str:
    """A text, or its beginning, in quotes."""
    return repr(text if len(text) <= most else text[: most - 1] + "…")
