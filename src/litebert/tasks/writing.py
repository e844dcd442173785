"""What tasks that write share: texts in, a text out, by a decoder on the encoder's bricks.

What is written is in pieces of the task's own, learnt from the training data: cased, exact to the character.
Where neither weights nor a tokenizer were chosen, sources are read in the same pieces (`joint`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from litebert.errors import InputError, UsageError
from litebert.tasks.decoding import Decoding
from litebert.tasks.defaults import InputT, JudgedBy
from litebert.tasks.task import Target, Task, caught
from litebert.tasks.written import TextTask, Written
from litebert.text.encoding import Encoding, join
from litebert.text.exact import MARK, Spaces, back, shown
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig
    from litebert.text.learning import Vocabulary
    from litebert.text.sentencepiece import SentencePieceTokenizer

BEGIN = 2
"""The piece that a text begins with, `[CLS]` (`text/learning.py`)."""
TEXTS = ("text", "target", "summary", "translation", "output", "reference", "answer", "目标", "摘要", "译文")
"""The column names that mean a text to write, in any of these tasks."""
_SECONDS = 1000
"""Texts that are encoded at once."""


@dataclass(frozen=True, kw_only=True)
class Writing(TextTask[InputT], Decoding):
    """Abstract: an Input's first field is a text, and the Output is one."""

    runner = "writing"
    lists: ClassVar[frozenset[str]] = frozenset({"written"})
    best: ClassVar[str] = "bleu"
    judged_by: ClassVar[JudgedBy] = "both"
    spaces: ClassVar[Spaces] = "between"
    """Which white space is a piece of its own."""
    crosses: ClassVar[bool] = True
    """Whether there is a source to read."""

    vocabulary: int = 8000
    """About how many pieces to learn."""
    shares: bool = False
    """Whether the decoder's layers are the encoder's own blocks, rather than a block of its own."""
    copies: bool = False
    """Whether pieces of the source may be copied; needs one vocabulary for both."""
    smoothing: float = 0.1
    """The share of the target that is spread over all pieces (arXiv 1512.00567 §7)."""
    pieces: tuple[tuple[str, float], ...] = ()
    """What is written is written in these; filled in from the training data."""
    joint: bool = False
    """Whether sources are read in the same pieces; filled in."""
    longest: int = 0
    """Pieces of the longest text in the training data; filled in."""

    def __post_init__(self) -> None:
        Decoding.__post_init__(self)
        if not 0 <= self.smoothing < 1:
            raise UsageError(f"smoothing must be from 0 to below 1, but is {self.smoothing}")
        if self.vocabulary < 100:
            raise UsageError(f"vocabulary must be at least 100, but is {self.vocabulary}")

    @property
    def architecture(self) -> str:
        """`transformers` opens the encoder; the decoder's weights are beside it, under `decoder.`."""
        return "Model"

    @property
    def head_name(self) -> str:
        return "decoder"

    @property
    def decoding(self) -> Decoding:
        """How to write, with its longest filled in."""
        chosen = {field.name: getattr(self, field.name) for field in fields(Decoding)}
        return Decoding(**{**chosen, "most": self.most or max(self.longest, 1)})

    @property
    def quick(self) -> Self:
        """Without beams: for looks at dev during training."""
        return replace(self, beams=1)

    def vocabularies(
        self,
        given: Sequence[InputT],
        wanted: Sequence[Written],
        tokenizer: Tokenizer,
        *,
        before: Task[Any, Any] | None,
        free: bool,
    ) -> tuple[Self, Tokenizer]:
        from litebert.text.learning import learn, tokenizer_of

        targets = [shown(one.text, self.spaces) for one in wanted]
        if isinstance(before, Writing):
            kept = ("pieces", "joint", "shares", "copies")
            task = replace(self, **{name: getattr(before, name) for name in kept})
        else:
            sources = [shown(self.read(one), self.spaces) for one in given] if free else []
            task = replace(self, pieces=learn([*sources, *targets], self.vocabulary), joint=free)
        longest = max((len(pieces) for pieces in task.tokenizer.encode_many(targets)), default=0)
        task = replace(task, longest=min(longest, self.max_pieces - 1), copies=task.copies and task.joint)
        made = task.joint and not isinstance(before, Writing)
        return task, tokenizer_of(task.pieces) if made else tokenizer

    @property
    def notes(self) -> tuple[str, ...]:
        read = "read and written" if self.joint else "written; texts are read with the model's own tokenizer"
        copies = "pieces of the source may be copied" if self.copies else "nothing is copied"
        return (f"{len(self.pieces):,} pieces, learnt from the data, in which texts are {read}; {copies}",)

    @property
    def tokenizer(self) -> SentencePieceTokenizer:
        """What text is written in. Raises `UsageError` before there is a vocabulary."""
        if not self.pieces:
            raise UsageError(f"the task {self.name} has no vocabulary yet: it learns one when it is trained")
        return _tokenizer(self.pieces)

    def read(self, given: InputT) -> str:
        """The text of an Input."""
        text: str = getattr(given, fields(self.Input)[0].name)
        return text

    def encode(self, given: InputT, tokenizer: Tokenizer) -> list[Encoding]:
        return self._framed(tokenizer, tokenizer.encode(self._source(given)))

    def encode_many(self, given: Sequence[InputT], tokenizer: Tokenizer) -> list[list[Encoding] | InputError]:
        try:
            sources = tokenizer.encode_many([self._source(one) for one in given])
        except InputError:  # Only one by one can it be told which, and that the others are well.
            return [caught(self.encode, one, tokenizer) for one in given]
        return [caught(self._framed, tokenizer, pieces) for pieces in sources]

    def _source(self, given: InputT) -> str:
        own = self.joint or not self.crosses
        return shown(self.read(given), self.spaces) if own else self.read(given)

    def _framed(self, tokenizer: Tokenizer, pieces: Pieces) -> list[Encoding]:
        way = "truncate" if self.on_long == "window" else self.on_long
        return join(tokenizer, pieces, limit=self.max_pieces, on_long=way)

    def target(self, encoding: Encoding, wanted: Written) -> Target:  # noqa: ARG002 (but for a prompt)
        """`written`: from `[CLS]` on, without the end."""
        ids = self.tokenizer.encode(shown(wanted.text, self.spaces)).ids
        return {"written": np.concatenate(([BEGIN], ids[: self.max_pieces - 1])).astype(np.int64)}

    def head(self, config: EncoderConfig) -> nn.Module:
        from litebert.model.decoder import Decoder, DecoderPlan

        own = None if self.joint else len(self.pieces)
        plan = DecoderPlan(vocabulary=own, shares=self.shares, crosses=self.crosses, copies=self.copies)
        return Decoder(config, plan)

    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        from litebert.model.decoder import aims
        from litebert.model.likelihood import logarithms

        own, mean = logarithms(scores, aims(targets))
        return -((1 - self.smoothing) * own + self.smoothing * mean).mean()

    def decode(
        self,
        given: InputT,
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[Any]]],
    ) -> Written:
        """The text of the pieces; an unknown piece that was copied is what stands there in the source."""
        (encoding,), (found,) = encodings, scores
        ids = found["written"][found["written"] >= 0]
        return Written(self.cut(self.spelled(ids, self._copied(given, encoding, ids, found))))

    def cut(self, text: str) -> str:
        """Up to the first stop word."""
        ends = [at for word in self.stop if (at := text.find(word)) >= 0]
        return text[: min(ends, default=len(text))]

    def spelled(self, ids: Sequence[int] | NDArray[Any], copied: Mapping[int, str] | None = None) -> str:
        """The text that pieces spell. copied: what to write at places of unknown pieces."""
        vocabulary, unknown = self.tokenizer.vocabulary.pieces, self.tokenizer.unknown
        held = copied or {}
        found = (held.get(at, "") if id == unknown else vocabulary[id] for at, id in enumerate(ids))
        return back("".join(found).replace(MARK, " ").removeprefix(" "))

    def _copied(
        self, given: InputT, encoding: Encoding, ids: NDArray[Any], found: Mapping[str, NDArray[Any]]
    ) -> dict[int, str]:
        if "copied" not in found:
            return {}
        source = self._source(given)
        unknown = np.flatnonzero(ids == self.tokenizer.unknown).tolist()
        spans = {at: encoding.spans[found["copied"][at]] for at in unknown}
        return {at: source[start:end] for at, (start, end) in spans.items() if start >= 0}


@lru_cache(maxsize=4)
def _tokenizer(vocabulary: Vocabulary) -> SentencePieceTokenizer:
    from litebert.text.learning import tokenizer_of

    return tokenizer_of(vocabulary)
