"""Relations: how two marked parts of a text are related, and in which direction."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from litebert.errors import InputError
from litebert.tasks import metrics, texts
from litebert.tasks.labels import LABEL_COLUMNS, Label
from litebert.tasks.one_label import OneLabel
from litebert.tasks.task import Record
from litebert.text.encoding import Encoding, join
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from litebert.tasks.rewording import Change

MARKS = ("<e1>", "</e1>", "<e2>", "</e2>")
_MARK = re.compile("|".join(MARKS))
_SIGNS = ("$", "#")
"""What stands around the first part and around the second in place of their marks (Wu & He 2019)."""
_DIRECTED = re.compile(r"(.+)\(e[12],e[12]\)")


@dataclass(frozen=True, slots=True)
class Marked(Record):
    """A text with two of its parts marked."""

    text: str
    """With `<e1>` and `</e1>` around the one part, `<e2>` and `</e2>` around the other."""


@final
@dataclass(frozen=True, kw_only=True)
class Relations(OneLabel[Marked]):
    """How are the two marked parts of this text related?"""

    name = "relations"
    Input = Marked
    example: ClassVar = {"text": "The <e1>storm</e1> caused a <e2>flood</e2>."}
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "text": texts.COLUMNS["text"],
        "label": ("relation", "relations", *LABEL_COLUMNS, "关系"),
    }
    formats: ClassVar[tuple[str, ...]] = ("semeval",)
    best = "macro_f1"

    labels: tuple[str, ...] = ()
    """The relations, `Name(e1,e2)` and `Name(e2,e1)` where they have a direction; from the training data."""
    other: str = "Other"
    """The label of no relation, which does not count in precision, recall and F1."""

    def encode(self, given: Marked, tokenizer: Tokenizer) -> list[Encoding]:
        """The parts stand between signs, `$` and `#`, and are of segment 1. A text that is too long, if it is
        not refused, is cut before and after the parts, whatever `on_long` says otherwise.

        Raises `InputError` for marks that are missing, twice there, or across each other.
        """
        plain, spans = unmarked(given.text)
        pieces, of_parts = _signed(tokenizer, tokenizer.encode(plain), spans)
        room = self.max_pieces - 2
        start, end = (0, len(pieces)) if self.on_long == "refuse" else _around(of_parts, room)
        (row,) = join(tokenizer, pieces.part(start, end), limit=self.max_pieces, on_long="refuse")
        segments = np.zeros(len(row), dtype=np.int8)
        segments[1:-1] = of_parts[start:end]
        return [replace(row, segments=segments, truncated=len(pieces) - (end - start))]

    def reworded(self, given: Marked, wanted: Label, change: Change) -> tuple[Marked, Label]:
        """The marked parts stay as they are."""
        at = {mark[0]: mark.span() for mark in _MARK.finditer(given.text)}
        kept = [(at[f"<e{n}>"][0], at[f"</e{n}>"][1]) for n in (1, 2)]
        return Marked(change(given.text, None, kept).text), wanted

    def measure(self, outputs: Sequence[Label], wanted: Sequence[Label]) -> dict[str, float]:
        return self.measured(self.counts(outputs, wanted).sum(axis=0))

    def counts(self, outputs: Sequence[Label], wanted: Sequence[Label]) -> NDArray[np.int64]:
        """[Inputs, relations and, last, all Inputs, 3]: right, given and wanted, in any direction.

        Right is an Input whose relation and direction are. The last row counts what is right among all.
        """
        place = {name: number for number, name in enumerate(self.relations)}
        table = np.zeros((len(wanted), len(place) + 1, 3), dtype=np.int64)
        for row, output, right in zip(table, outputs, wanted, strict=True):
            same = output.label == right.label
            row[-1] = (same, 1, 1)
            for column, label in ((1, output.label), (2, right.label)):
                if (name := undirected(label)) in place:
                    row[place[name], column] += 1
                    row[place[name], 0] += same and column == 1
        return table

    def measured(self, sums: NDArray[np.int64]) -> dict[str, float]:
        """As SemEval-2010 task 8's scorer does: macro_f1 is its official score, the mean over the relations
        that are wanted somewhere, direction counted, `other` left out; f1, precision and recall are such
        means too, micro_f1 counts them together, accuracy all labels."""
        of_relations = sums[:-1][sums[:-1, 2] > 0]
        means = metrics.found_means(of_relations)
        return {
            "accuracy": metrics.found(sums[-1:])["recall"],
            "macro_f1": means["f1"],
            "micro_f1": metrics.found(of_relations)["f1"],
            **means,
        }

    @property
    def relations(self) -> tuple[str, ...]:
        """Their names without directions, but for `other`."""
        names = dict.fromkeys(undirected(label) for label in self.labels if label != self.other)
        return tuple(names)


def undirected(label: str) -> str:
    """A relation's name.

    >>> undirected("Cause-Effect(e2,e1)"), undirected("Other")
    ('Cause-Effect', 'Other')
    """
    match = _DIRECTED.fullmatch(label)
    return match[1] if match else label


def unmarked(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without the marks, and where its two parts stand. Raises `InputError`."""
    found = list(_MARK.finditer(text))
    if sorted(mark[0] for mark in found) != sorted(MARKS):
        have = " ".join(mark[0] for mark in found) or "none"
        raise InputError(
            f"expected the marks {' '.join(MARKS)}, each once, but there are {have}", code="marks"
        )
    at = {mark[0]: mark.start() - len("".join(m[0] for m in found[:i])) for i, mark in enumerate(found)}
    first, second = ((at[f"<e{number}>"], at[f"</e{number}>"]) for number in (1, 2))
    if not (first[0] < first[1] and second[0] < second[1]):
        raise InputError("a marked part is empty, or ends before it begins", code="marks")
    if first[0] < second[1] and second[0] < first[1]:
        raise InputError("the marked parts overlap", code="marks")
    return _MARK.sub("", text), [first, second]


def _signed(
    tokenizer: Tokenizer, pieces: Pieces, spans: Sequence[tuple[int, int]]
) -> tuple[Pieces, NDArray[np.int8]]:
    """The pieces with signs around the parts, and 1 for those of the parts and their signs."""
    inserted: list[tuple[int, int, int]] = []
    of_parts = np.zeros(len(pieces), dtype=np.int8)
    for sign, (start, end) in zip(_SIGNS, spans, strict=True):
        inside = np.flatnonzero((pieces.spans[:, 0] < end) & (pieces.spans[:, 1] > start))
        low, high = (
            (inside[0], inside[-1] + 1) if len(inside) else [np.searchsorted(pieces.spans[:, 0], end)] * 2
        )
        of_parts[low:high] = 1
        inserted += [(int(low), tokenizer.id(sign), start), (int(high), tokenizer.id(sign), end)]
    inserted.sort(key=lambda one: (one[0], one[2]))
    places = [place for place, _, _ in inserted]
    ids = np.insert(pieces.ids, places, [id for _, id, _ in inserted])
    there = np.insert(pieces.spans, places, [(at, at) for _, _, at in inserted], axis=0)
    return Pieces(ids, there), np.insert(of_parts, places, 1)


def _around(of_parts: NDArray[np.int8], room: int) -> tuple[int, int]:
    """The pieces to keep: the parts, in the middle, and as much around them as there is room for.

    Raises `InputError` if the parts and what is between them have no room.
    """
    first, last = (int(edge) for edge in np.flatnonzero(of_parts)[[0, -1]])
    if last + 1 - first > room:
        raise InputError(
            f"the marked parts and what is between them have {last + 1 - first:,} pieces; "
            f"there is room for {max(room, 0):,}",
            code="too_long",
        )
    start = max(0, min(first - (room - (last + 1 - first)) // 2, len(of_parts) - room))
    return start, min(len(of_parts), start + room)
