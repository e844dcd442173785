"""The flags that name a file's columns."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from litebert.errors import UsageError, short


@dataclass(frozen=True, kw_only=True)
class InputColumns:
    """Which columns to read; those left out are guessed by their names."""

    text_column: str | None = None
    """The column of the text."""
    second_column: str | None = None
    """The column of a pair's second text."""
    question_column: str | None = None
    """The column of the question."""
    passage_column: str | None = None
    """The column of the passage that a question is about."""
    options_column: str | None = None
    """The column of the answers to choose from."""
    column: tuple[str, ...] = ()
    """The column of any field of the task, as FIELD=COLUMN: predicate=verb."""

    def named(self) -> dict[str, str]:
        """field → column, for those that were given. Raises `UsageError`."""
        given = asdict(self)
        others = dict(map(_pair, given.pop("column")))
        return {name.removesuffix("_column"): column for name, column in given.items() if column} | others


@dataclass(frozen=True, kw_only=True)
class Columns(InputColumns):
    """Which columns to read; those left out are guessed by their names, and said."""

    label_column: str | None = None
    """The column of the label, of the labels, or of the score."""


def _pair(said: str) -> tuple[str, str]:
    field, equals, column = said.partition("=")
    if not (field and equals and column):
        raise UsageError(f"--column: expected FIELD=COLUMN, such as predicate=verb, but got {short(said)!r}")
    return field, column
