"""Documents → passages: what a hit shows, and what has a vector. Sentences are not cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from litebert.apps.search.documents import Document
from litebert.data.corpus.sentences import split

LETTERS = 800
"""Characters of a passage, unless one sentence has more."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text."""

    start: int
    end: int


def sentences(text: str) -> Iterator[Span]:
    """The sentences of a text, without the white space around them."""
    start = 0
    for line in text.splitlines(keepends=True):
        at = start
        for sentence in split(line):
            if sentence:
                at = text.index(sentence, at)
                yield Span(at, at + len(sentence))
                at += len(sentence)
        start += len(line)


def passages(document: Document) -> Iterator[Span]:
    """Runs of whole sentences of at most `LETTERS` characters; of a FAQ the whole answer."""
    if document.faq:
        yield Span(0, len(document.text))
        return
    start = end = -1
    for sentence in sentences(document.text):
        if start >= 0 and sentence.end - start > LETTERS:
            yield Span(start, end)
            start = -1
        start, end = (sentence.start if start < 0 else start), sentence.end
    if start >= 0:
        yield Span(start, end)
