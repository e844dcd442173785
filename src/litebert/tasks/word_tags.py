"""What tasks share that read words and give each a tag: whether the tags are the answer, or spell spans."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from litebert.errors import InputError
from litebert.tasks import tags, word_pieces
from litebert.tasks.labels import check_distinct
from litebert.tasks.tags import Grammar
from litebert.tasks.task import Task
from litebert.tasks.words import Words
from litebert.text.encoding import Encoding, OnLong
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig

WordsT = TypeVar("WordsT", bound=Words)
OutputT = TypeVar("OutputT")

IGNORED = -100
"""The target of pieces at which no word is read, which the loss leaves out."""
CRF = "crf"
"""The part of a head that weighs steps from tag to tag, by its name in a checkpoint."""


@dataclass(frozen=True, kw_only=True)
class WordTags(Task[WordsT, OutputT]):
    """Abstract: how words are read, and what head and loss give them tags."""

    architecture = "ForTokenClassification"
    formats: ClassVar[tuple[str, ...]] = ("conll",)
    piecewise: ClassVar[frozenset[str]] = frozenset({"tag"})
    judges_unknown = True
    best = "f1"

    on_long: OnLong = "window"
    labels: tuple[str, ...] = ()
    """The tags; filled in from the training data."""
    crf: bool = False
    """Whether it learns which tag comes after which, too, and the whole path at once (`crf.py`)."""

    def __post_init__(self) -> None:
        check_distinct(self.labels)

    @property
    @abstractmethod
    def rules(self) -> Grammar:
        """Which tag may stand after which."""

    def encode(self, given: WordsT, tokenizer: Tokenizer) -> list[Encoding]:
        return [*word_pieces.encode(given, tokenizer, self.max_pieces, self.on_long)]

    def encode_many(self, given: Sequence[WordsT], tokenizer: Tokenizer) -> list[list[Encoding] | InputError]:
        return word_pieces.encode_many(given, tokenizer, self.max_pieces, self.on_long)

    def head(self, config: EncoderConfig) -> nn.Module:
        """A row of outputs for each piece; with `crf` a conditional random field, which begins with the
        rules."""
        from litebert.tasks.crf import Path
        from litebert.tasks.heads import Tokens

        return Path(config, self.rules) if self.crf else Tokens(config, len(self.labels))

    @property
    def head_parts(self) -> tuple[str, ...]:
        return (CRF,) if self.crf else ()

    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        return tag_loss(scores, targets["tag"])

    def keep(
        self, encoding: Encoding, scores: Mapping[str, NDArray[np.float32]]
    ) -> Mapping[str, NDArray[np.float32]]:
        return word_pieces.kept(encoding, scores)


def tag_loss(scores: Mapping[str, Tensor], wanted: Tensor) -> Tensor:
    """-ln p of the tags, by themselves or as paths, the mean over the words that are read; 0 for none."""
    from torch.nn.functional import cross_entropy

    if "nats" in scores:
        total = scores["nats"].sum()
    else:
        total = cross_entropy(scores["logits"].float(), wanted, ignore_index=IGNORED, reduction="sum")
    return total / (wanted != IGNORED).sum().clamp(min=1)


def best_path(scores: Sequence[word_pieces.Scores], rules: Grammar) -> list[int]:
    """The likeliest allowed tags of all words, by what was kept of each window."""
    rows = word_pieces.rows_of_words(scores)
    if scores and "steps" in scores[0]:
        rules = rules.weighed(scores[0]["steps"].astype(np.float64))
    return tags.best_path(rows - rows.max(axis=1, keepdims=True), rules)


def at_words(
    rows: Sequence[word_pieces.WordEncoding], numbers: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """For each row the words' numbers at the pieces where they are read, and elsewhere what is ignored."""
    for row in rows:
        placed = np.full(len(row), IGNORED, dtype=np.int64)
        placed[row.read] = numbers[row.words[row.read]]
        yield placed
