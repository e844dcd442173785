"""What litebert says when it cannot go on: what was given, where, what was expected, what to do.

Every error that a person can cause is one of these; anything else that escapes is a fault of ours.
The exit codes are those of the command line (`docs/errors.md`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

_NAME = 80
"""Characters of a name that a message shows: more is no name that a person gave."""
_LISTED = 100
_SEARCHED = 1000
"""How many names a message lists, and how many are searched for the nearest."""


class LitebertError(Exception):
    """Something asked of litebert cannot be done.

    `code` is a stable word for programs (it stands in `{"error": {"code", "message"}}`);
    `exit_code` is what the command line ends with.
    """

    code = "failed"
    exit_code = 1

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class UsageError(LitebertError):
    """A flag, a name or a setting is wrong: mend the command."""

    code = "usage"
    exit_code = 2


class DataError(LitebertError):
    """A data file is wrong at a place that the message names: mend the file."""

    code = "data"
    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        column: int | None = None,
        code: str | None = None,
    ) -> None:
        self.path, self.line, self.column = path, line, column
        place = ":".join(str(part) for part in (path, line, column) if part is not None)
        super().__init__(f"{place}: {message}" if place else message, code=code)


class InputError(LitebertError):
    """One Input cannot be answered; the others can. Becomes that row's `{"error": …}`."""

    code = "input"
    exit_code = 3


class ModelError(LitebertError):
    """A model, checkpoint or run folder is missing, damaged or of another kind."""

    code = "model"
    exit_code = 4


def nearest(given: str, known: Iterable[str], kind: str) -> str:
    """The sentence for a name that is not known: the nearest one, and all that there are.

    >>> nearest("entites", ["choice", "entities"], "task")
    "no task is named 'entites'; did you mean 'entities'? Known: choice, entities"
    """
    names = sorted(known)
    close = get_close_matches(given[:_NAME], [name[:_NAME] for name in names[:_SEARCHED]], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"no {kind} is named {short(given)!r}{hint} Known: {listed(names)}"


def listed(names: Sequence[str]) -> str:
    """Names with commas between them: of very many the first, of a very long one its beginning."""
    more = [f"… ({len(names):,} in all)"] if len(names) > _LISTED else []
    return ", ".join([*map(short, names[:_LISTED]), *more])


def short(name: str) -> str:
    """A name, or the beginning of a very long one."""
    return name if len(name) <= _NAME else f"{name[:_NAME]}…"


def first_fault(error: ValidationError) -> tuple[str, str]:
    """The first that pydantic finds wrong: where, as keys with points between them, and what; as it says."""
    first = error.errors()[0]
    return ".".join(map(str, first["loc"])), first["msg"]
