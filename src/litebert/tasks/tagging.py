"""Tagging: each word of a text has a tag: its part of speech, its chunk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from litebert.errors import DataError
from litebert.tasks import metrics, tags, word_pieces, words
from litebert.tasks.labels import LABEL_COLUMNS, fit_labels, label_number
from litebert.tasks.tags import Chunk
from litebert.tasks.task import Record, Target
from litebert.tasks.word_tags import IGNORED, WordTags, at_words, best_path
from litebert.tasks.words import Words, laid_out
from litebert.text.encoding import Encoding

COLUMNS = ("tags", "pos_tags", "pos", "upos", "chunk_tags", "ner_tags", *LABEL_COLUMNS)
"""The column names that mean tags."""


@dataclass(frozen=True, slots=True)
class Tags(Record):
    """A tag for each token, in order."""

    tags: tuple[str, ...]
    """As many as there are tokens; without them, as words, marks and Chinese characters."""


@final
@dataclass(frozen=True, kw_only=True)
class Tagging(WordTags[Words, Tags]):
    """What is the tag of each token of this text?"""

    name = "tagging"
    Input = Words
    Output = Tags
    example: ClassVar = {"text": "Ann Smith lives in Paris."}
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {**words.COLUMNS, "tags": COLUMNS}

    strict: bool = False
    """Of tags that spell spans, whether F1 counts only spans that are spelt as BIO or BIOES has it."""

    def fit(self, wanted: Sequence[Tags]) -> Tagging:
        found = (tag for one in wanted for tag in set(one.tags))
        return replace(self, labels=fit_labels(self.labels, found, least=2))

    def check(self, wanted: Tags) -> None:
        for tag in set(wanted.tags) if self.labels else ():
            label_number(tag, self.labels)

    def row(
        self,
        cells: dict[str, Any],
        columns: Mapping[str, str],
        note: Callable[[str], None],  # noqa: ARG002 (there is nothing to tell)
    ) -> dict[str, Any]:
        """With a text, where there are only tokens, by which one row is told from another."""
        given, wanted = words.of_cells(cells, columns), words.parsed(cells.get(columns["tags"]))
        if isinstance(wanted, str):
            wanted = wanted.split()
        text, bounds = words.checked(given)
        if isinstance(wanted, list) and len(wanted) != len(bounds):
            raise ValueError(f"there are {len(wanted)} tags, but {len(bounds)} tokens")
        return {**words.cells_of(cells, columns, given, text), columns["tags"]: wanted}

    def target(self, encoding: Encoding, wanted: Tags) -> Target:
        (row,) = word_pieces.words_of([encoding])
        if row.words.max(initial=-1) >= len(wanted.tags):
            raise DataError(f"there are {len(wanted.tags)} tags, but more tokens")
        place = {tag: number for number, tag in enumerate(self.labels)}
        numbers = np.array([place.get(tag, IGNORED) for tag in wanted.tags], dtype=np.int64)
        return {"tag": next(at_words([row], numbers))}

    def decode(
        self,
        given: Words,
        encodings: Sequence[Encoding],  # noqa: ARG002 (the rows are in the words' order)
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> Tags:
        """Each word's likeliest tag; where the end was cut off, `O` or the first there is."""
        rows = word_pieces.rows_of_words(scores)
        numbers = best_path(scores, self.rules) if self.crf else rows.argmax(axis=1).tolist()
        cut = len(laid_out(given)[1]) - len(numbers)
        filler = tags.OUTSIDE if tags.OUTSIDE in self.labels else self.labels[0]
        return Tags((*(self.labels[number] for number in numbers), *[filler] * cut))

    def mistake(self, output: Tags, wanted: Tags) -> float | None:
        """How many tags are wrong."""
        return float(sum(o != w for o, w in zip(output.tags, wanted.tags, strict=True))) or None

    def measure(self, outputs: Sequence[Tags], wanted: Sequence[Tags]) -> dict[str, float]:
        """By tokens: accuracy, macro_f1, micro_f1. f1, precision and recall are of the spans that the tags
        spell, as conlleval counts them, or else the tokens' means over tags."""
        return self.measured(self.counts(outputs, wanted).sum(axis=0))

    def counts(self, outputs: Sequence[Tags], wanted: Sequence[Tags]) -> NDArray[np.int64]:
        """[Inputs, tags and one for all unknown and the same of spans' types, 3]: right, given and wanted."""
        tag_at = {tag: number for number, tag in enumerate(self.labels)}
        type_at = {type_: len(tag_at) + 1 + number for number, type_ in enumerate(self._types)}
        table = np.zeros((len(wanted), len(tag_at) + len(type_at) + 2, 3), dtype=np.int64)
        for row, output, right in zip(table, outputs, wanted, strict=True):
            for column, some in enumerate(_tokens(output, right)):
                np.add.at(row[:, column], [tag_at.get(tag, len(tag_at)) for tag in some], 1)
            for column, chunks in enumerate(self._spans(output, right) if type_at else ()):
                np.add.at(row[:, column], [type_at.get(chunk.type, -1) for chunk in chunks], 1)
        return table

    def measured(self, sums: NDArray[np.int64]) -> dict[str, float]:
        tokens, spans = sums[: len(self.labels) + 1], sums[len(self.labels) + 1 :]
        by_token = metrics.found(tokens)
        of = metrics.found(spans) if self._types else metrics.found_means(tokens)
        return {
            "accuracy": by_token["recall"],
            "macro_f1": by_token["macro_f1"],
            "micro_f1": by_token["micro_f1"],
            **{name: of[name] for name in ("f1", "precision", "recall")},
        }

    @property
    def rules(self) -> tags.Grammar:
        """Any tag may stand anywhere."""
        return tags.grammar(self.labels, "any")

    @property
    def _types(self) -> tuple[str, ...]:
        """Of the spans that the tags spell, if they do."""
        if not tags.are_tags(self.labels):
            return ()
        return tuple(dict.fromkeys(type_ for tag in self.labels if (type_ := tags.parted(tag)[1])))

    def _spans(self, output: Tags, wanted: Tags) -> tuple[set[Chunk], set[Chunk], set[Chunk]]:
        """The spans that both have, and each."""
        read = tags.strict_chunks if self.strict else tags.chunks
        given, right = set(read(output.tags)), set(read(wanted.tags))
        return given & right, given, right


def _tokens(output: Tags, wanted: Tags) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """The tags that both have in the same place, and each."""
    both = [o for o, w in zip(output.tags, wanted.tags, strict=True) if o == w]
    return both, output.tags, wanted.tags
