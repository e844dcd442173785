"""Extraction: the sentences that say most of a text, as they stand there (extractive summarisation)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from litebert.errors import UsageError
from litebert.tasks.summarisation import DOCUMENT, DOCUMENTS, Document
from litebert.tasks.task import Target, Task
from litebert.tasks.writing import TEXTS
from litebert.tasks.written import TextTask, Written, rouge_l
from litebert.text.encoding import Encoding, join
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig

_SENTENCE = re.compile(
    r"[.!?]{2,}[\"'”’)]*(?=\s|$)|\S.*?(?:(?<![.!?])[.!?]+[\"'”’)]*(?=\s|$)|[。！？]+[”’）」]*|(?=\n|$))",
    re.MULTILINE,
)
"""An end is looked for at the first of several marks alone: a line of dots would take its square in time."""
_LOOKED_AT = 1000
"""Training examples by which it is told whether summaries quote."""
_APART = -1.0
"""The target of pieces that begin no sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class Sentences(Encoding):
    """A row of some sentences: where each begins in it, and its text."""

    places: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()


@final
@dataclass(frozen=True, kw_only=True)
class Extraction(TextTask[Document]):
    """Which sentences of this text say most of it?"""

    name = "extraction"
    Input = Document
    example = DOCUMENT
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "document": DOCUMENTS,
        "text": ("summary", "target", "highlights", "摘要", *TEXTS),
        "references": ("references",),
    }
    piecewise = frozenset({"chosen"})
    best = "rouge1"

    share: float = 0.3
    """How long a summary is, of the text's characters; filled in from the training data."""
    quotes: bool = True
    """Whether summaries are made of the text's own sentences; filled in from the training data. Where they
    are not, a sentence is worth its ROUGE-L with the summary."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise UsageError(f"share must be above 0, and 1 at most, but is {self.share}")

    @property
    def architecture(self) -> str:
        return "ForTokenClassification"

    def vocabularies(
        self,
        given: Sequence[Document],
        wanted: Sequence[Written],
        tokenizer: Tokenizer,
        *,
        before: Task[Any, Any] | None,  # noqa: ARG002
        free: bool,  # noqa: ARG002
    ) -> tuple[Extraction, Tokenizer]:
        """It reads with the model's own; share and quotes are learnt from both sides."""
        pairs = [(w.text, g.document) for g, w in zip(given, wanted, strict=True) if w.text and g.document]
        if not pairs:
            return self, tokenizer
        share = float(np.mean([min(1.0, len(summary) / len(text)) for summary, text in pairs]))
        quoting = float(np.mean([_quotes(summary, text) for summary, text in pairs[:_LOOKED_AT]]))
        return replace(self, share=share, quotes=quoting > 0.5), tokenizer

    def encode(self, given: Document, tokenizer: Tokenizer) -> list[Encoding]:
        """Rows of whole sentences, one after another; a sentence longer than a row is cut, and counted."""
        pieces = tokenizer.encode(given.document)
        spans = _sentences(given.document)
        starts = np.searchsorted(pieces.spans[:, 0], [start for start, _ in spans]).tolist()
        texts = [given.document[start:end] for start, end in spans]
        return [self._row(tokenizer, pieces, row, texts) for row in self._rows([*starts, len(pieces)])]

    def _rows(self, edges: list[int]) -> Iterator[list[tuple[int, int, int]]]:
        """(sentence, first piece, end) by row, as many sentences as fit; at least one row."""
        room = self.max_pieces - 2
        row: list[tuple[int, int, int]] = []
        for number, (start, end) in enumerate(pairwise(edges)):
            if row and end - row[0][1] > room:
                yield row
                row = []
            if end > start:
                row.append((number, start, end))
        yield row

    def _row(
        self, tokenizer: Tokenizer, pieces: Pieces, row: list[tuple[int, int, int]], texts: list[str]
    ) -> Encoding:
        start, end = (row[0][1], row[-1][2]) if row else (0, 0)
        (one,) = join(tokenizer, pieces.part(start, end), limit=self.max_pieces)
        places = tuple(first - start + 1 for _, first, _ in row)
        chosen = tuple(texts[number] for number, _, _ in row)
        return Sentences(one.ids, one.segments, one.spans, one.truncated, places, chosen)

    def target(self, encoding: Encoding, wanted: Written) -> Target:
        """`chosen`: at each sentence's first piece what it is worth, from 0 to 1: whether the summary has it,
        or how much of it."""
        chosen = np.full(len(encoding), _APART, np.float32)
        if isinstance(encoding, Sentences):
            worth = self._worth(wanted)
            chosen[list(encoding.places)] = [worth(text) for text in encoding.texts]
        return {"chosen": chosen}

    def _worth(self, wanted: Written) -> Callable[[str], float]:
        if self.quotes:
            summary = _bare(wanted.text)
            return lambda sentence: float(_bare(sentence) in summary)
        return lambda sentence: rouge_l(sentence, wanted, self.script)

    def head(self, config: EncoderConfig) -> nn.Module:
        from litebert.tasks.heads import Tokens

        return Tokens(config, 1)

    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

        begins = targets["chosen"] >= 0
        costs = cross_entropy(
            scores["logits"][:, 0].float(), targets["chosen"].clamp(min=0), reduction="none"
        )
        return (costs * begins).sum() / begins.sum().clamp(min=1)

    def decode(
        self,
        given: Document,
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> Written:
        """The best sentences, in the text's order, up to the share of its characters; one at least."""
        rows = [row for row in zip(encodings, scores, strict=True) if isinstance(row[0], Sentences)]
        texts = [text for encoding, _ in rows for text in encoding.texts]  # type: ignore[attr-defined]
        worth = [
            float(found["logits"][place, 0])
            for encoding, found in rows
            for place in encoding.places  # type: ignore[attr-defined]
        ]
        room, chosen = self.share * len(given.document), list[int]()
        for number in sorted(range(len(texts)), key=lambda i: (-worth[i], i)):
            if chosen and len(texts[number]) > room:
                break
            chosen.append(number)
            room -= len(texts[number])
        between = "" if self.script == "characters" else " "
        return Written(between.join(texts[number] for number in sorted(chosen)))


def _sentences(text: str) -> list[tuple[int, int]]:
    """Where each begins and ends."""
    return [found.span() for found in _SENTENCE.finditer(text)]


def _quotes(summary: str, text: str) -> bool:
    """Whether a sentence of the text stands in its summary."""
    held = _bare(summary)
    return any(_bare(text[start:end]) in held for start, end in _sentences(text))


def _bare(text: str) -> str:
    """Without white space, which summaries join sentences by as they like."""
    return "".join(text.split())
