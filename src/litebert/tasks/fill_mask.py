"""Fill-mask: which piece stood in each gap of a text? What encoders are pretrained by.

`[MASK]` in the Input is the one special string that counts. A text without one can have some of its pieces
hidden, which is how a model is judged, and goes on learning, on plain text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from litebert.errors import DataError, InputError, ModelError, UsageError
from litebert.tasks import texts
from litebert.tasks.gaps import MASK, UNKNOWN, Gapped, gapped, hidden, with_gaps
from litebert.tasks.task import AT, Record, Target, Task
from litebert.text.encoding import Encoding, join
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig

HIDE = 0.15
"""The share of pieces that BERT hides."""
_SPECIALS = 5


@dataclass(frozen=True, slots=True)
class Cloze(Record):
    """A text with gaps."""

    text: str
    """The text, with [MASK] in the place of each piece to find."""
    answers: tuple[str, ...] = ()
    """What stood in the gaps, in order, where it is known: it is learnt, and its probability told. Each must
    be one piece of the vocabulary."""
    hide: float = 0.0
    """Of a text without [MASK], the share of pieces to hide; 0.15 in pretraining. The text decides which."""


@dataclass(frozen=True, slots=True)
class Candidate(Record):
    """What may have stood in a gap."""

    text: str
    """As readable text."""
    probability: float
    """From 0 to 1."""


@dataclass(frozen=True, slots=True)
class Gap(Record):
    """A gap, and what may have stood there."""

    start: int
    """Where the gap begins in the text, in characters."""
    end: int
    """Where it ends; the character there is no part of it."""
    candidates: tuple[Candidate, ...]
    """The likeliest, likeliest first."""
    answer: Candidate | None = None
    """What did stand there, where it is known."""


@dataclass(frozen=True, slots=True)
class Filled(Record):
    """The gaps of a text, filled."""

    gaps: tuple[Gap, ...] = ()
    """In their order in the text."""


def several(cell: Any) -> tuple[str, ...]:
    """The answers of one cell: one as it stands, or a list of them."""
    if isinstance(cell, str):
        return (cell,)
    if not isinstance(cell, list) or not all(isinstance(one, str) for one in cell):
        raise ValueError(f"must be a text or a list of texts, but is {cell!r}")
    return tuple(cell)


@final
@dataclass(frozen=True, kw_only=True)
class FillMask(Task[Cloze, Filled]):
    """What stood in the gaps of this text?"""

    name = "fill-mask"
    Input = Cloze
    Output = Filled
    example: ClassVar = {"text": "The parcel is [MASK] again."}
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "text": texts.COLUMNS["text"],
        "answers": ("answers", "answer", "words", "word", "targets"),
        "hide": ("hide",),
    }
    plain = ("text",)
    cells: ClassVar[Mapping[str, Callable[[Any], Any]]] = {"answers": several}
    piecewise = frozenset({"answer"})
    architecture = "ForMaskedLM"
    head_name = "masked"
    best = "accuracy"

    top: int = 5
    """Candidates for each gap."""

    def __post_init__(self) -> None:
        if self.top < 1:
            raise UsageError(f"top must be at least 1, but is {self.top}")

    def fit(self, wanted: Sequence[Filled]) -> FillMask:  # noqa: ARG002 (there is nothing to know of them)
        return self

    def exercise(self, given: Cloze, wanted: Filled) -> tuple[Cloze, Filled]:
        """A text without gaps gets some."""
        if MASK in given.text and not given.answers:
            raise ValueError(f"has {MASK}, but there are no answers to learn from or to judge by")
        return (given if MASK in given.text or given.hide else replace(given, hide=HIDE)), wanted

    def encode(self, given: Cloze, tokenizer: Tokenizer) -> list[Encoding]:
        if MASK in given.text:
            pieces, answers = with_gaps(given.text, given.answers, tokenizer)
            return self._encodings(pieces, answers, tokenizer)
        if not 0 < given.hide <= 1:
            raise InputError(
                f"the text has no {MASK}: put it in the place of what is to be found "
                '(or give "hide", from 0 to 1, to hide that share of its pieces)',
                code="no_gap",
            )
        pieces = tokenizer.encode(given.text)
        whole = self._encodings(pieces, np.full(len(pieces), UNKNOWN), tokenizer)
        return [hidden(one, given.text, given.hide) for one in whole]

    def _encodings(self, pieces: Pieces, answers: NDArray[np.int64], tokenizer: Tokenizer) -> list[Encoding]:
        """Windows stand side by side, so that each gap is in one; none may be cut off."""
        rows = join(tokenizer, pieces, limit=self.max_pieces, on_long=self.on_long, stride=self.max_pieces)
        last = np.flatnonzero(pieces.ids == tokenizer.mask)[-1:]
        if len(last) and last[0] >= sum(len(row) - 2 for row in rows):
            raise InputError(
                f"the {MASK} at character {pieces.spans[last[0], 0]} stands after the first "
                f"{self.max_pieces} pieces, which are all that is read; --on-long window reads all",
                code="too_long",
            )
        ends = accumulate((len(row) - 2 for row in rows), initial=0)
        return [
            Gapped(
                row.ids,
                row.segments,
                row.spans,
                row.truncated,
                answers=np.pad(answers[start : start + len(row) - 2], 1, constant_values=UNKNOWN),
                tokenizer=tokenizer,
            )
            for row, start in zip(rows, ends, strict=False)
        ]

    def target(self, encoding: Encoding, wanted: Filled) -> Target:  # noqa: ARG002 (the encoding knows)
        return {"answer": gapped(encoding).answers}

    def targets(self, encodings: Sequence[Encoding], wanted: Filled) -> list[Target]:
        if all((gapped(one).answers == UNKNOWN).all() for one in encodings):
            raise DataError("there is nothing to learn from: no gap whose answer is known")
        return [self.target(one, wanted) for one in encodings]

    def head(self, config: EncoderConfig) -> nn.Module:
        from litebert.tasks.heads import Gaps

        return Gaps(config)

    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        """The mean over the gaps whose answers are known."""
        from torch.nn.functional import cross_entropy

        answers = targets["answer"][scores[AT]]
        total = cross_entropy(scores["vocabulary"], answers, ignore_index=UNKNOWN, reduction="sum")
        return total / (answers != UNKNOWN).sum().clamp(min=1)

    def keep(
        self, encoding: Encoding, scores: Mapping[str, NDArray[np.float32]]
    ) -> Mapping[str, NDArray[np.float32]]:
        """Of each gap's whole vocabulary the likeliest pieces, and the answer's logarithm."""
        rows, at = scores["vocabulary"], scores[AT]
        if not np.isfinite(rows).all():
            raise ModelError("the model's scores are not finite: its training diverged, or it is damaged")
        whole = _log_sum_exp(rows)
        answers = gapped(encoding).answers[at.astype(np.int64)]
        likely = _likeliest(rows, self.top + _SPECIALS)
        return {
            AT: at,
            "ids": likely.astype(np.float32),
            "log": np.take_along_axis(rows, likely, axis=1) - whole[:, None],
            "answer": rows[np.arange(len(rows)), answers] - whole,
        }

    def decode(
        self,
        given: Cloze,  # noqa: ARG002 (the encodings know the places in the text)
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> Filled:
        return Filled(
            tuple(
                self._gap(gapped(one), kept, row)
                for one, kept in zip(encodings, scores, strict=True)
                for row in range(len(kept[AT]))
            )
        )

    def _gap(self, encoding: Gapped, kept: Mapping[str, NDArray[np.float32]], row: int) -> Gap:
        tokenizer, at = encoding.tokenizer, int(kept[AT][row])
        specials = {tokenizer.cls, tokenizer.sep, tokenizer.pad, tokenizer.mask, tokenizer.unknown}
        found = [
            Candidate(readable(tokenizer, int(id)), float(np.exp(log)))
            for id, log in zip(kept["ids"][row], kept["log"][row], strict=True)
            if int(id) not in specials
        ]
        known = int(encoding.answers[at])
        answer = None
        if known != UNKNOWN:
            answer = Candidate(readable(tokenizer, known), float(np.exp(np.float64(kept["answer"][row]))))
        start, end = encoding.spans[at].tolist()
        return Gap(start, end, tuple(found[: self.top]), answer)

    def mistake(self, output: Filled, wanted: Filled) -> float | None:  # noqa: ARG002 (the gaps know)
        wrong = [gap.candidates[0].probability for gap in _judged([output]) if not _right(gap)]
        return max(wrong, default=None)

    def measure(self, outputs: Sequence[Filled], wanted: Sequence[Filled]) -> dict[str, float]:  # noqa: ARG002
        """Of the gaps whose answer is known: how many got it first, and e^(mean -log of its probability)."""
        gaps = list(_judged(outputs))
        if not gaps:
            return {"accuracy": 0.0, "perplexity": 0.0}
        logs = [-np.log(max(gap.answer.probability, 1e-300)) for gap in gaps if gap.answer]
        return {
            "accuracy": sum(map(_right, gaps)) / len(gaps),
            "perplexity": float(np.exp(np.mean(logs))),
        }


def readable(tokenizer: Tokenizer, id: int) -> str:
    """A piece as text; one that only continues a word, or is no text, as the vocabulary writes it."""
    piece = tokenizer.piece(id)
    return piece if piece.startswith("##") else tokenizer.decode([id]).strip() or piece


def _log_sum_exp(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """[M, V] → [M]."""
    top = rows.max(axis=1, initial=0.0)
    whole: NDArray[np.float32] = np.log(np.exp(rows - top[:, None]).sum(axis=1)) + top
    return whole


def _likeliest(rows: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The places of each row's greatest values, greatest first, [M, count]; of equals the first."""
    count = min(count, rows.shape[1])
    found = np.sort(np.argpartition(-rows, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(rows, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)


def _judged(outputs: Sequence[Filled]) -> list[Gap]:
    return [gap for output in outputs for gap in output.gaps if gap.answer is not None]


def _right(gap: Gap) -> bool:
    return gap.answer is not None and gap.candidates[0].text == gap.answer.text
