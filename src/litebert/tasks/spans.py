"""Tasks whose answers are labelled spans of a text, none in another: found by a tag for each word.

A task of this kind is a subclass with an Input of words, an Output of spans, and the name of its one field.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from litebert.tasks import metrics, span_cells, tags, word_pieces, words
from litebert.tasks.labels import fit_labels, label_number
from litebert.tasks.rewording import Change, Reworded, Spans
from litebert.tasks.tags import Chunk, Grammar, Scheme
from litebert.tasks.task import Record, Target
from litebert.tasks.word_tags import OutputT, WordsT, WordTags, at_words, best_path
from litebert.tasks.words import Bounds, laid_out
from litebert.text.encoding import Encoding

Cells = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span(Record):
    """A part of the text and what it is."""

    label: str
    """Its type, as the training data have it."""
    start: int
    """The number of its first character in the text, from 0."""
    end: int
    """The number after that of its last character."""
    text: str = ""
    """The characters themselves."""


@dataclass(frozen=True, kw_only=True)
class SpanTask(WordTags[WordsT, OutputT]):
    """Abstract: everything but the Input's and Output's names."""

    answer: ClassVar[str]
    """The name of the Output's field of spans."""

    scheme: Scheme = "BIO"
    """How tags spell spans."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scheme != "any":
            for label in self.labels:
                tags.parted(label)

    @property
    def rules(self) -> Grammar:
        return _grammar(self.labels, self.scheme)

    @property
    def types(self) -> tuple[str, ...]:
        """The types of spans, in the order of the tags."""
        return tuple(dict.fromkeys(type_ for tag in self.labels if (type_ := tags.parted(tag)[1])))

    def fit(self, wanted: Sequence[OutputT]) -> Self:
        found = (span.label for one in wanted for span in self.spans(one))
        return replace(self, labels=self.labels or tags.labels(fit_labels((), found, least=1), self.scheme))

    def check(self, wanted: OutputT) -> None:
        for span in self.spans(wanted) if self.labels else ():
            label_number(span.label, self.types)

    def spans(self, output: OutputT) -> tuple[Span, ...]:
        spans: tuple[Span, ...] = getattr(output, self.answer)
        return spans

    def row(self, cells: Cells, columns: Mapping[str, str], note: Callable[[str], None]) -> Cells:
        """With a text, where there are only tokens, and spans of it, however they are given."""
        given, answer = words.of_cells(cells, columns), columns.get(self.answer, self.answer)
        text, bounds = words.checked(given)
        made = words.cells_of(cells, columns, given, text)
        if (spans := words.parsed(cells.get(answer))) is not None:
            made[answer] = span_cells.read(spans, text, bounds, name=self.answer, note=note)
        return made

    def reworded(self, given: WordsT, wanted: OutputT, change: Change) -> tuple[WordsT, OutputT]:
        """The spans stay as they are, wherever they have gone."""
        text, bounds = laid_out(given)
        spans = self.spans(wanted)
        kept = [*((span.start, span.end) for span in spans), *self.fixed(given)]
        done = change(text, None if given.tokens is None else bounds, kept)
        moved = (replace(one, start=done.moved(one.start), end=done.moved(one.end)) for one in spans)
        return self.placed(given, done), self.made(tuple(moved))

    def fixed(self, given: WordsT) -> Spans:  # noqa: ARG002
        """What must stay of a text besides its spans."""
        return ()

    def placed(self, given: WordsT, done: Reworded) -> WordsT:
        """The Input with its text changed."""
        return replace(given, text=done.text, tokens=None if given.tokens is None else done.words)

    def target(self, encoding: Encoding, wanted: OutputT) -> Target:
        return self.targets([encoding], wanted)[0]

    def targets(self, encodings: Sequence[Encoding], wanted: OutputT) -> list[Target]:
        """The tags of all words at once, since a span may begin in one window and end in another."""
        rows = list(word_pieces.words_of(encodings))
        bounds = np.concatenate([row.bounds[row.read] for row in rows])
        known = [span for span in self.spans(wanted) if span.label in self.types]
        spelt = tags.tagged(len(bounds), covering(known, bounds), self.scheme)
        numbers = np.array([label_number(tag, self.labels) for tag in spelt], dtype=np.int64)
        return [{"tag": placed} for placed in at_words(rows, numbers)]

    def decode(
        self,
        given: WordsT,
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> OutputT:
        """The likeliest sequence of tags of those that spell spans, as spans of the text."""
        bounds = np.concatenate([row.bounds[row.read] for row in word_pieces.words_of(encodings)])
        path = best_path(scores, self.rules)
        text = given.text if given.text is not None else laid_out(given)[0]
        found = tags.chunks([self.labels[number] for number in path])
        return self.made(tuple(_span(chunk, bounds, text) for chunk in found))

    @abstractmethod
    def made(self, spans: tuple[Span, ...]) -> OutputT:
        """An Output of these spans."""

    def mistake(self, output: OutputT, wanted: OutputT) -> float | None:
        """How many spans were found that should not be, or should be and were not."""
        wrong = set(map(_key, self.spans(output))) ^ set(map(_key, self.spans(wanted)))
        return float(len(wrong)) or None

    def measure(self, outputs: Sequence[OutputT], wanted: Sequence[OutputT]) -> dict[str, float]:
        """By entities, as conlleval and seqeval count them: one is right if its ends and its type are."""
        return self.measured(self.counts(outputs, wanted).sum(axis=0))

    def counts(self, outputs: Sequence[OutputT], wanted: Sequence[OutputT]) -> NDArray[np.int64]:
        """[Inputs, types and one for all unknown, 3]: right, found and wanted."""
        place = {type_: number for number, type_ in enumerate(self.types)}
        table = np.zeros((len(wanted), len(place) + 1, 3), dtype=np.int64)
        for row, output, right in zip(table, outputs, wanted, strict=True):
            found, there = set(map(_key, self.spans(output))), set(map(_key, self.spans(right)))
            for column, some in enumerate((found & there, found, there)):
                for label, _, _ in some:
                    row[place.get(label, -1), column] += 1
        return table

    def measured(self, sums: NDArray[np.int64]) -> dict[str, float]:
        return metrics.found(sums)


@lru_cache(maxsize=64)
def _grammar(labels: tuple[str, ...], scheme: Scheme) -> tags.Grammar:
    return tags.grammar(labels, scheme)


def _key(span: Span) -> tuple[str, int, int]:
    return span.label, span.start, span.end


def _span(chunk: Chunk, bounds: Bounds, text: str) -> Span:
    start, end = int(bounds[chunk.start, 0]), int(bounds[chunk.end - 1, 1])
    return Span(chunk.type, start, end, text[start:end])


def covering(spans: Sequence[Span], bounds: Bounds) -> Iterator[Chunk]:
    """The words that each span has some of, in their order."""
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        first = int(np.searchsorted(bounds[:, 1], span.start, side="right"))
        yield Chunk(span.label, first, int(np.searchsorted(bounds[:, 0], span.end, side="left")))
