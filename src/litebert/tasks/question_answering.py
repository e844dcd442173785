"""Question answering: where in a passage the answer to a question stands, or that it is not there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from litebert.errors import DataError, InputError
from litebert.tasks import answers, places
from litebert.tasks.candidates import Candidates, candidates
from litebert.tasks.passages import PASSAGE, beside, taken_apart
from litebert.tasks.task import Record, Target, Task, caught
from litebert.text.encoding import Encoding, OnLong
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig

HEADS = {"simple": "span", "conditional": "answer"}
"""Each kind of head by its name in a checkpoint."""
_USUAL = 0.995
"""The share of training answers that are to be found: one far longer than all others is no measure."""
_IGNORED = -100
"""The target of a question whose answers stand nowhere in the passage as they are written."""


@dataclass(frozen=True, slots=True)
class Question(Record):
    """A question, and the passage to be read for its answer."""

    question: str
    """What is asked."""
    passage: str
    """The text that may hold the answer."""

    @property
    def group(self) -> str:
        """Questions to one passage stay together."""
        return self.passage


@dataclass(frozen=True, slots=True)
class Answer(Record):
    """A part of the passage, as it stands there; or nothing."""

    answer: str
    """Empty if the passage does not say."""
    start: int = 0
    """Where it begins, in characters of the passage as given; 0 where there is none."""
    end: int = 0
    """The character after its last; 0 where there is none."""
    score: float = 1.0
    """How likely it is, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Ranked(Answer):
    """An answer with those that come next: what is given where `n_best` is more than 1."""

    others: tuple[Answer, ...] = ()
    """The next, likeliest first, and among them the empty one if there may be no answer."""
    doubt: float | None = None
    """By how much the logit of no answer is above that of the likeliest, where there may be none."""


@dataclass(frozen=True, slots=True)
class Right(Answer):
    """What data say is right: an answer to learn, with its place if it has one, and all that is right too."""

    also: tuple[str, ...] = ()
    """Other answers that are as good."""


@final
@dataclass(frozen=True, kw_only=True)
class QuestionAnswering(Task[Question, Answer]):
    """Where in this passage is the answer to this question?"""

    name = "question-answering"
    Input = Question
    Output = Answer
    Wanted = Right
    example: ClassVar = {"question": "Where does Ann live?", **PASSAGE}
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "question": ("question", "query", "query_text", "问题"),
        "passage": ("passage", "context", "context_text", "paragraph", "text", "document", "article", "文章"),
        "answer": ("answer", "answers", "answer_text", "答案"),
        "start": ("start", "answer_start"),
        "end": ("end", "answer_end"),
        "also": ("also",),
    }
    cells: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "answer": str,
        "start": int,
        "end": int,
        "also": tuple,
    }
    formats = ("squad",)
    piecewise = frozenset({"allowed"})
    best = "f1"

    on_long: OnLong = "window"
    stride: int = 128
    """How many pieces of the passage a window begins after the one before."""
    kind: Literal["simple", "conditional"] = "simple"
    """Of the head. simple: start and end each by itself, as `transformers` has it; conditional: ALBERT's for
    SQuAD 2.0, the end given the start, and whether there is an answer by a part of its own."""
    unanswerable: bool = False
    """Whether there may be no answer; filled in from the training data."""
    threshold: float = 0.0
    """How far no answer must be above the likeliest, in logits, to be given; chosen on dev."""
    longest: int = 150
    """The most characters of an answer; more if the training data have longer ones."""
    n_best: int = 1
    """How many answers to give."""

    @property
    def head_name(self) -> str:
        return HEADS[self.kind]

    @property
    def architecture(self) -> str:
        return "ForQuestionAnswering" if self.kind == "simple" else "Model"

    def row(
        self, cells: dict[str, Any], columns: Mapping[str, str], note: Callable[[str], None]
    ) -> dict[str, Any]:
        """With every answer found in the passage: the first that is there is the one to learn."""
        name = {field: columns.get(field, field) for field in self.columns}
        if name["answer"] not in cells:
            raise ValueError(f"answer is missing (this row has {', '.join(map(repr, cells))})")
        try:
            said = places.stated(cells.get(name["answer"]), cells.get(name["start"]))
        except ValueError as error:
            raise ValueError(f"answer {error}") from None
        passage = cells.get(name["passage"])
        found = [places.find(passage, *one, note) for one in said] if isinstance(passage, str) else []
        first = next((one for one in found if one.known), found[0] if found else places.NONE)
        more = [answer for answer, _ in places.stated(cells.get(name["also"]))]
        rest = dict.fromkeys(answer.strip() for answer in [*(answer for answer, _ in said), *more])
        told = {"answer": first.answer, "start": first.start, "end": first.end}
        also = tuple(answer for answer in rest if answer != first.answer)
        return {**cells, **{name[field]: value for field, value in {**told, "also": also}.items()}}

    def fit(self, wanted: Sequence[Answer]) -> QuestionAnswering:
        """Raises `DataError` if no question has an answer."""
        lengths = [len(one.answer) for one in wanted if one.answer]
        if not lengths:
            raise DataError("training needs questions that have an answer, but the data have none")
        return replace(
            self,
            unanswerable=self.unanswerable or len(lengths) < len(wanted),
            longest=max(self.longest, math.ceil(np.quantile(lengths, _USUAL))),
        )

    def encode(self, given: Question, tokenizer: Tokenizer) -> list[Encoding]:
        return self._encode(given, tokenizer, tokenizer.encode)

    def encode_many(
        self, given: Sequence[Question], tokenizer: Tokenizer
    ) -> list[list[Encoding] | InputError]:
        """A passage is taken apart once, however many questions there are to it."""
        pieces = taken_apart((text for one in given for text in (one.question, one.passage)), tokenizer)
        return [caught(self._encode, one, tokenizer, pieces) for one in given]

    def _encode(
        self, given: Question, tokenizer: Tokenizer, pieces: Callable[[str], Pieces]
    ) -> list[Encoding]:
        (rows,) = beside(
            tokenizer,
            [pieces(given.question)],
            pieces(given.passage),
            limit=self.max_pieces,
            on_long=self.on_long,
            stride=self.stride,
            first=True,
        )
        return rows

    def target(self, encoding: Encoding, wanted: Answer) -> Target:
        """The first and last piece, or `[CLS]` in a window that has not all of the answer."""
        start, end = places.pieces_of(encoding, wanted.start, wanted.end) if wanted.answer else (0, 0)
        if wanted.answer and wanted.end <= wanted.start:
            start = end = _IGNORED
        allowed = places.allowed(encoding)
        return {"start": start, "end": end, "pieces": len(encoding), "allowed": allowed}

    def head(self, config: EncoderConfig) -> nn.Module:
        from litebert.tasks.answer_head import Answer as Conditional
        from litebert.tasks.heads import Span

        return Span(config) if self.kind == "simple" else Conditional(config)

    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        """The mean of the two cross entropies over the windows; and half that of whether there is an answer,
        where the head says so (google-research/albert, `squad_utils.py`)."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        learnt = targets["start"] != _IGNORED
        sides = [
            _cross_entropy(scores[side], targets["allowed"], targets["pieces"], targets[side])
            for side in ("start", "end")
        ]
        losses = (sides[0] + sides[1]) / 2
        if "none" in scores:
            none = (targets["start"] == 0).float()
            losses = losses + 0.5 * binary_cross_entropy_with_logits(scores["none"], none, reduction="none")
        return (losses * learnt).sum() / learnt.sum().clamp(min=1)

    def decode(
        self,
        given: Question,
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> Answer:
        """The likeliest span of all windows; or none, where there may be none and it is likelier by far."""
        found = candidates(given.passage, encodings, scores, stride=self.stride, longest=self.longest)
        shares, none, doubt = self._shared(found)
        ranked = [
            Answer(given.passage[start:end], start, end, share)
            for (start, end), share in zip(found.spans.tolist(), shares, strict=True)
        ]
        empty = Answer("", score=none)
        if not ranked:
            return empty
        chosen = empty if self.unanswerable and doubt > self.threshold else ranked[0]
        if self.n_best == 1:
            return chosen
        others = [one for one in [*ranked, *[empty] * self.unanswerable] if one is not chosen]
        others.sort(key=lambda one: -one.score)
        kept = tuple(others[: self.n_best - 1])
        return Ranked(
            chosen.answer, chosen.start, chosen.end, chosen.score, kept, doubt if self.unanswerable else None
        )

    def _shared(self, found: Candidates) -> tuple[list[float], float, float]:
        """The probability of each span and of none, and by how much the logit of none is above the best's.

        Of the simple head the logits are comparable; the conditional's of none is one by itself.
        """
        if len(found.logits) == 0:
            return [], 1.0, math.inf
        if not self.unanswerable:
            return _softmax(found.logits).tolist(), 0.0, -math.inf
        if not found.pooled:
            none = 1 / (1 + math.exp(-max(min(found.none, 700.0), -700.0)))
            return (_softmax(found.logits) * (1 - none)).tolist(), none, found.none
        *shares, none = _softmax(np.append(found.logits, found.none)).tolist()
        return shares, none, found.none - float(found.logits[0])

    def undecided(self) -> QuestionAnswering:
        """Always with an answer, and with the doubt about it."""
        return replace(self, threshold=math.inf, n_best=2) if self.unanswerable else self

    def decided(
        self, outputs: Sequence[Answer], wanted: Sequence[Answer]
    ) -> tuple[QuestionAnswering, Sequence[Answer]]:
        """The threshold by which F1 is best, as `evaluate-v2.0.py` finds it."""
        if not self.unanswerable:
            return self, outputs
        doubts = [math.inf if (doubt := getattr(one, "doubt", None)) is None else doubt for one in outputs]
        gains = self.each(outputs, wanted)["f1"] - [float(not _right(one)) for one in wanted]
        threshold = _threshold(np.array(doubts), gains)
        none = [Answer("") if doubt > threshold else one for one, doubt in zip(outputs, doubts, strict=True)]
        return replace(self, threshold=threshold), none

    def mistake(self, output: Answer, wanted: Answer) -> float | None:
        exact, _ = answers.scorer([_right(wanted)])(output.answer, _right(wanted))
        return None if exact else output.score

    def each(self, outputs: Sequence[Answer], wanted: Sequence[Answer]) -> Mapping[str, NDArray[np.float64]]:
        """Exact match and F1: SQuAD's, or CMRC's where most right answers are Chinese (`answers.py`)."""
        right = [_right(one) for one in wanted]
        score = answers.scorer(right)
        scored = [score(output.answer, known) for output, known in zip(outputs, right, strict=True)]
        exact, f1 = np.array(scored, np.float64).reshape(-1, 2).T
        return {"exact_match": exact, "f1": f1}

    def measure(self, outputs: Sequence[Answer], wanted: Sequence[Answer]) -> dict[str, float]:
        means = self.each(outputs, wanted).items()
        return {name: float(values.mean()) if len(values) else 0.0 for name, values in means}


def _right(wanted: Answer) -> tuple[str, ...]:
    """Every right answer; none where the passage has none."""
    also = wanted.also if isinstance(wanted, Right) else ()
    return (wanted.answer, *also) if wanted.answer else ()


def _cross_entropy(scores: Tensor, allowed: Tensor, pieces: Tensor, target: Tensor) -> Tensor:
    """[B], of the target piece among those allowed in its sequence; 0 where it is ignored."""
    from torch import split
    from torch.nn.functional import cross_entropy
    from torch.nn.utils.rnn import pad_sequence

    flat = scores.float().masked_fill(~allowed, -math.inf)
    rows = pad_sequence(list(split(flat, pieces.tolist())), batch_first=True, padding_value=-math.inf)
    return cross_entropy(rows, target, ignore_index=_IGNORED, reduction="none")


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    chances: NDArray[np.float64] = np.exp(logits - logits.max())
    shares: NDArray[np.float64] = chances / chances.sum()
    return shares


def _threshold(doubts: NDArray[np.float64], gains: NDArray[np.float64]) -> float:
    """Up to which doubt answers gain most, each by so much over none: half way to the next doubt."""
    order = np.argsort(doubts, kind="stable")
    levels, ends = np.unique(doubts[order], return_index=True)
    gained = np.concatenate([[0.0], np.cumsum(gains[order])])[np.append(ends, len(doubts))]
    best = int(gained.argmax())
    if len(levels) == 0 or best == 0:
        return float(levels[0]) - 1 if len(levels) and math.isfinite(levels[0]) else 0.0
    if best == len(levels) or not math.isfinite(levels[best]):
        return float(levels[best - 1]) + 1 if math.isfinite(levels[best - 1]) else 0.0
    return float(levels[best - 1] + levels[best]) / 2
