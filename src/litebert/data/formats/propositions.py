"""Propositions beside CoNLL-U's columns, as Universal Propositions has them: roles for each predicate.

After the columns of CoNLL-U (ten, or eight and a flag, `Y`) stand the predicate's sense and one column for
each predicate of the sentence, with the tokens' roles for it. A row is one predicate: `tokens`, its number
among them as `predicate`, its `sense`, and a tag for each token as `roles`.
"""

from __future__ import annotations

from collections.abc import Iterator

from litebert.data.files import File
from litebert.data.formats import conllu
from litebert.data.formats.conllu import Sentence
from litebert.data.formats.table import Cells, Known, Table

suffixes = ()
COLUMNS = ("tokens", "predicate", "sense", "roles")

_EMPTY = ("_", "")
_FLAG = 8
_SENSE = 10


def begins(start: str) -> bool:
    """Whether it is CoNLL-U; whether it has propositions, the sentences tell."""
    return conllu.begins(start)


def read(file: File, known: Known) -> Table:  # noqa: ARG001 (the columns are fixed)
    """A row for each predicate; sentences without one have none. Raises `DataError`."""
    return Table(_all(file), COLUMNS)


def _all(file: File) -> Iterator[tuple[int, Cells]]:
    sentences = found = 0
    for sentence in conllu.sentences(file):
        sentences += 1
        for row in _rows(file, sentence):
            found += 1
            yield row
    if sentences and not found:
        raise file.error(
            "has no predicates: expected their senses after the columns of CoNLL-U, and a column of roles "
            "for each, as in Universal Propositions",
            1,
        )


def _rows(file: File, sentence: Sentence) -> Iterator[tuple[int, Cells]]:
    width, column = len(sentence.tokens[0]), _sense_column(sentence)
    if width <= column:
        raise file.error(
            f"{width} columns; expected the predicates' senses in column {column + 1}, and a column of roles "
            "for each predicate after it",
            sentence.line,
        )
    predicates = [at for at, token in enumerate(sentence.tokens) if token[column] not in _EMPTY]
    if predicates and width != column + 1 + len(predicates):
        raise file.error(
            f"{len(predicates)} predicates have a sense in column {column + 1}, but after it come "
            f"{width - column - 1} columns of roles",
            sentence.line,
        )
    for roles, at in enumerate(predicates, start=column + 1):
        yield sentence.line + at, _row(sentence, at, column, roles)


def _row(sentence: Sentence, at: int, sense: int, roles: int) -> Cells:
    """The predicate at a token, whose roles are in that column; that of itself, `V`, is none."""
    return {
        "tokens": sentence.column(conllu.COLUMNS["tokens"]),
        "predicate": at,
        "sense": sentence.tokens[at][sense],
        "roles": ["O" if role in (*_EMPTY, "V") else f"B-{role}" for role in sentence.column(roles)],
    }


def _sense_column(sentence: Sentence) -> int:
    """After the flag, if nothing else stands in its column; there CoNLL-U has the graph's edges."""
    width = len(sentence.tokens[0])
    flags = sentence.column(_FLAG) if width > _FLAG else [""]
    return _FLAG + 1 if width <= _SENSE or set(flags) <= {"_", "Y"} else _SENSE
