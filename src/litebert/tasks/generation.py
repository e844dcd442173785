"""Generation: a text is gone on with. A language model of the encoder's blocks, made causal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from litebert.tasks import written
from litebert.tasks.task import Record, Target, Task
from litebert.tasks.writing import BEGIN, Writing
from litebert.tasks.written import Written
from litebert.text.encoding import Encoding
from litebert.text.exact import shown
from litebert.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Prompt(Record):
    """How a text begins."""

    prompt: str = ""
    """The beginning; nothing, for a text from its first word on."""


@final
@dataclass(frozen=True, kw_only=True)
class Generation(Writing[Prompt]):
    """How does this text go on?"""

    name = "generation"
    Input = Prompt
    example: ClassVar = {"prompt": "The parcel"}
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "prompt": ("prompt", "start", "beginning", "context"),
        "text": ("text", "completion", "continuation", "document", "content", "正文", "文本"),
    }
    plain = ("text",)
    best = "perplexity"
    judged_by = "likelihood"
    crosses = False

    shares: bool = True
    smoothing: float = 0.0
    temperature: float = 0.8
    top_p: float = 0.95

    def vocabularies(
        self,
        given: Sequence[Prompt],
        wanted: Sequence[Written],
        tokenizer: Tokenizer,
        *,
        before: Task[Any, Any] | None,
        free: bool,
    ) -> tuple[Generation, Tokenizer]:
        """A prompt is read in the pieces of what follows, always."""
        found, own = super().vocabularies(given, wanted, tokenizer, before=before, free=free)
        return replace(found, most=self.most or min(found.longest, 64)), own

    def encode(self, given: Prompt, tokenizer: Tokenizer) -> list[Encoding]:
        return super().encode(given, self.tokenizer if self.pieces else tokenizer)

    def encode_many(self, given: Sequence[Prompt], tokenizer: Tokenizer) -> list[Any]:
        return super().encode_many(given, self.tokenizer if self.pieces else tokenizer)

    def target(self, encoding: Encoding, wanted: Written) -> Target:
        """The text from its first piece on, what was given of it included."""
        prompt = encoding.ids[1:-1]
        ids = self.tokenizer.encode(shown(wanted.text, self.spaces)).ids
        whole = np.concatenate(([BEGIN], prompt, ids))
        return {"written": whole[: self.max_pieces].astype(np.int64)}

    def decode(
        self, given: Prompt, encodings: Sequence[Encoding], scores: Sequence[Mapping[str, NDArray[Any]]]
    ) -> Written:
        """The prompt as it was given, and what follows."""
        (found,) = scores
        after = self.spelled([*encodings[0].ids[1:-1], *found["written"][found["written"] >= 0]])
        before = self.spelled(encodings[0].ids[1:-1])
        return Written(given.prompt + self.cut(after[len(before) :]))

    def counts(self, outputs: Sequence[Written], wanted: Sequence[Written]) -> NDArray[np.float64]:  # noqa: ARG002
        """No text is the only one that may follow: how likely the wanted one was is all that is measured."""
        return np.array([written.weight(output) for output in outputs]).reshape(len(outputs), 2)

    def measured(self, sums: NDArray[np.float64]) -> dict[str, float]:
        return {"perplexity": 0.0, **written.perplexity(*sums.tolist())}

    def mistake(self, output: Written, wanted: Written) -> float | None:  # noqa: ARG002
        return None
