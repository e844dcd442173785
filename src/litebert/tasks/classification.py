"""Classification: one text, or a pair, is of one class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from litebert.errors import InputError
from litebert.tasks import metrics, texts
from litebert.tasks.labels import LABEL_COLUMNS, Label
from litebert.tasks.one_label import OneLabel
from litebert.tasks.texts import Text
from litebert.text.encoding import Encoding
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from litebert.tasks.rewording import Change


@final
@dataclass(frozen=True, kw_only=True)
class Classification(OneLabel[Text]):
    """Which class is this text, or this pair of texts, of?"""

    name = "classification"
    Input = Text
    example, also = texts.TRIED, texts.SECOND
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {**texts.COLUMNS, "label": LABEL_COLUMNS}
    best = "accuracy"

    def encode(self, given: Text, tokenizer: Tokenizer) -> list[Encoding]:
        return texts.encode(given, tokenizer, self.max_pieces, self.on_long)

    def encode_many(self, given: Sequence[Text], tokenizer: Tokenizer) -> list[list[Encoding] | InputError]:
        return texts.encode_many(given, tokenizer, self.max_pieces, self.on_long)

    def reworded(self, given: Text, wanted: Label, change: Change) -> tuple[Text, Label]:
        return texts.reworded(given, change), wanted

    def measure(self, outputs: Sequence[Label], wanted: Sequence[Label]) -> dict[str, float]:
        return metrics.classes([o.label for o in outputs], [w.label for w in wanted], self.labels)
