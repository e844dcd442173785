"""Descriptions and the Python that does what they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from litebert.data.example import Examples
from litebert.data.plain import plain_file
from litebert.data.source import Read, Source, by_hash, from_file
from litebert.tasks.code import Code, Description
from litebert.tasks.written import Wanted

_LITERAL = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\s+""")
_BREAK = "§"
"""What stands for a line end in Hearthstone's files."""


def _part(read: Read, start: int, end: int) -> Read:
    """Some of the examples, by their order."""

    def part() -> Examples[Any, Any]:
        whole = read()
        return replace(whole, rows=whole.rows[start:end])

    return part


def _changed(read: Read, change: Callable[[str], str]) -> Read:
    """The examples with both sides changed."""

    def changed() -> Examples[Any, Any]:
        whole = read()
        rows = [
            replace(e, given=Description(change(e.given.description)), wanted=Wanted(change(e.wanted.text)))
            for e in whole
        ]
        return replace(whole, rows=rows)

    return changed


def _even(text: str) -> str:
    """White space at the ends left out, and one space for more, but in strings: in Django's files it says
    nothing of the code."""
    return _LITERAL.sub(lambda found: found[1] or " ", text.strip())


_django = _changed(plain_file(("django_code/all.anno", "django_code/all.code"), Code()), _even)
_CONALA = {"description": "rewritten_intent", "text": "snippet"}

django = Source(
    Code(),
    {
        "train": _part(_django, 0, 16_000),
        "dev": _part(_django, 16_000, 17_000),
    },
    "Django's lines of code, each described (Oda et al. 2015); the usual train and dev, in their order",
)
conala = Source(
    Code(),
    {
        **by_hash(from_file("conala/conala-train.v1.1.json", Code(), _CONALA, format="json")),
        "test": from_file(
            "conala/conala_annotations.zip/examples.annotated.test.json", Code(), _CONALA, format="json"
        ),
    },
    "CoNaLa: questions of programmers and lines that answer them (arXiv 1805.08949)",
)
hearthstone = Source(
    Code(),
    {
        split: _changed(
            plain_file((f"hearthstone_code/{split}_hs.in", f"hearthstone_code/{split}_hs.out"), Code()),
            lambda text: text.replace(_BREAK, "\n"),
        )
        for split in ("train", "dev", "test")
    },
    "Hearthstone: cards of a game and the classes that play them (arXiv 1603.06744)",
)
