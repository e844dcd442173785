"""The flags that name a file's columns."""

from __future__ import annotations

from dataclasses import asdict, dataclass


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

    def named(self) -> dict[str, str]:
        """field → column, for those that were given."""
        return {name.removesuffix("_column"): column for name, column in asdict(self).items() if column}


@dataclass(frozen=True, kw_only=True)
class Columns(InputColumns):
    """Which columns to read; those left out are guessed by their names, and said."""

    label_column: str | None = None
    """The column of the label, of the labels, or of the score."""
