"""Multiple choice: which of some answers to a question is right, by a passage or by what one knows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from litebert.errors import DataError, InputError
from litebert.tasks import lexical, texts
from litebert.tasks.options import number_of, options_of
from litebert.tasks.passages import PASSAGE, beside, taken_apart
from litebert.tasks.task import EXAMPLE, Record, Target, Task, caught
from litebert.text.encoding import Encoding
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig

_BLANK = re.compile(r"(?<![^\W_])_+(?![^\W_])")
"""Where the question leaves room for the answer, as RACE's do."""
_LOOKED_AT = 2000
"""About how many training questions are asked what shared words tell."""


@dataclass(frozen=True, slots=True, eq=False)
class Favoured(Encoding):
    """A row of an option, and what is added to its score before the passage is read."""

    favour: float = 0.0


@dataclass(frozen=True, slots=True)
class Choices(Record):
    """A question with the answers to choose from."""

    question: str
    """What is asked; an answer stands in the place of a blank `_`, if it has one, else after it."""
    options: tuple[str, ...]
    """The answers, any number of them."""
    passage: str = ""
    """What to read for it; may be empty."""

    @property
    def group(self) -> str:
        """Questions to one passage stay together."""
        return self.passage or self.question


@dataclass(frozen=True, slots=True)
class Chosen(Record):
    """One of the answers."""

    index: int
    """Which of the options it is, from 0."""
    option: str = ""
    """Its text."""
    probability: float = 1.0
    """From 0 to 1; those of all options are 1 together."""


@dataclass(frozen=True, slots=True)
class Right(Chosen):
    """The right answer, among so many."""

    of: int = 0
    """How many options there are; 0 if that is not known."""


@final
@dataclass(frozen=True, kw_only=True)
class Choice(Task[Choices, Chosen]):
    """Which of these answers is right?"""

    name = "choice"
    Input = Choices
    Output = Chosen
    Wanted = Right
    example: ClassVar = {"question": "Where does Ann live?", "options": ["Rome", "Paris"]}
    also = PASSAGE
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "question": ("question", "stem", "query", "问题"),
        "options": ("options", "choices", "choice", "candidates", "endings", "选项"),
        "passage": ("passage", "context", "article", "premise", "text", "document", "文章"),
        "index": ("index", "label", "answer", "answerKey", "correct", "gold", "答案"),
        "option": (),
        "of": (),
    }
    cells: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "options": options_of,
        "index": int,
        "option": str,
        "of": int,
    }
    formats = ("choices", "copa")
    best = "accuracy"

    stride: int = 128
    """How many pieces of the passage a window begins after the one before, where it is read in windows."""
    overlap: bool = False
    """Whether the words that an option shares with the passage count, too, by as much as they tell in the
    training data (`lexical.py`): small models choose better with it."""
    worth: tuple[float, ...] = ()
    """How much each of these numbers counts; filled in from the training data."""

    @property
    def architecture(self) -> str:
        return "ForMultipleChoice"

    def row(
        self,
        cells: dict[str, Any],
        columns: Mapping[str, str],
        note: Callable[[str], None],  # noqa: ARG002 (nothing is mended)
    ) -> dict[str, Any]:
        """With the number and the text of the right option, which may be told by its letter or its text."""
        name = {field: columns.get(field, field) for field in self.columns}
        field = name["options"]
        try:
            options = options_of(cells.get(field))
            field = name["index"]
            index = number_of(cells.get(field), options)
        except ValueError as error:
            raise ValueError(f"{field} {error}") from None
        told = {"options": options, "index": index, "option": options[index], "of": len(options)}
        return {**cells, **{name[field]: value for field, value in told.items()}}

    def fit(self, wanted: Sequence[Chosen]) -> Choice:
        if not wanted:
            raise DataError("training needs questions, but the data have none")
        return self

    def vocabularies(
        self,
        given: Sequence[Choices],
        wanted: Sequence[Chosen],
        tokenizer: Tokenizer,
        *,
        before: Task[Any, Any] | None,
        free: bool,  # noqa: ARG002 (it reads with the model's own)
    ) -> tuple[Choice, Tokenizer]:
        """With what shared words tell; a head that was learnt with it keeps what it had."""
        if isinstance(before, Choice) and before.worth:
            return replace(self, overlap=True, worth=before.worth), tokenizer
        if not self.overlap or not given:
            return self, tokenizer
        each = range(0, len(given), max(1, len(given) // _LOOKED_AT))
        questions = [lexical.shared(given[i].passage, given[i].question, given[i].options) for i in each]
        return replace(self, worth=lexical.learnt(questions, [wanted[i].index for i in each])), tokenizer

    def encode(self, given: Choices, tokenizer: Tokenizer) -> list[Encoding]:
        return self._encode(given, tokenizer, tokenizer.encode)

    def encode_many(
        self, given: Sequence[Choices], tokenizer: Tokenizer
    ) -> list[list[Encoding] | InputError]:
        """A passage is taken apart once, however many questions and options there are to it."""
        pieces = taken_apart((text for one in given for text in _texts(one)), tokenizer)
        return [caught(self._encode, one, tokenizer, pieces) for one in given]

    def _encode(
        self, given: Choices, tokenizer: Tokenizer, pieces: Callable[[str], Pieces]
    ) -> list[Encoding]:
        """`[CLS] passage [SEP] question and option [SEP]` for each option; without a passage the question
        stands in its place. The windows of an option follow one another."""
        if not given.options:
            raise InputError("there are no options to choose from")
        first, *others = _texts(given)
        rows = beside(
            tokenizer,
            [pieces(other) for other in others],
            pieces(first),
            limit=self.max_pieces,
            on_long=self.on_long if given.passage else "refuse",
            stride=self.stride,
            first=False,
        )
        if not self.worth:
            return [encoding for windows in rows for encoding in windows]
        known = lexical.shared(given.passage, given.question, given.options) @ np.array(self.worth)
        return [
            Favoured(one.ids, one.segments, one.spans, one.truncated, float(favour))
            for windows, favour in zip(rows, known, strict=True)
            for one in windows
        ]

    def target(self, encoding: Encoding, wanted: Chosen) -> Target:
        """Of the only option."""
        (one,) = self.targets([encoding], wanted)
        return one

    def targets(self, encodings: Sequence[Encoding], wanted: Chosen) -> list[Target]:
        """Which option each row is of, which is right, and what shared words tell of the row's."""
        options = getattr(wanted, "of", 0) or len(encodings)
        windows = len(encodings) // options
        return [
            {"option": i // windows, "right": wanted.index, "favour": np.float32(_favour(encoding))}
            for i, encoding in enumerate(encodings)
        ]

    def head(self, config: EncoderConfig) -> nn.Module:
        from litebert.tasks.heads import Choice as Head

        return Head(config)

    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        """Cross entropy among each question's options, of which there may be different numbers. An option is
        as likely as in the window that speaks most for it."""
        import torch
        from torch.nn.functional import cross_entropy

        example, option = targets[EXAMPLE], targets["option"]
        questions, most = int(example.max()) + 1, int(option.max()) + 1
        table = torch.full((questions * most,), -math.inf)
        logits = scores["logits"][:, 0].float() + targets["favour"]
        table = table.scatter_reduce(0, example * most + option, logits, "amax")
        right = torch.zeros(questions, dtype=torch.int64).scatter(0, example, targets["right"])
        return cross_entropy(table.view(questions, most), right)

    def counted(self, targets: Mapping[str, Tensor]) -> float:
        """The questions."""
        return float(targets[EXAMPLE].max()) + 1

    def decode(
        self,
        given: Choices,
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> Chosen:
        windows = len(encodings) // len(given.options)
        each = texts.logits(scores).reshape(len(encodings)) + [_favour(one) for one in encodings]
        logits = each.reshape(len(given.options), windows).max(axis=1)
        chances = np.exp(logits - logits.max())
        best = int(chances.argmax())
        return Chosen(best, given.options[best], float(chances[best] / chances.sum()))

    def mistake(self, output: Chosen, wanted: Chosen) -> float | None:
        return None if output.index == wanted.index else output.probability

    def each(self, outputs: Sequence[Chosen], wanted: Sequence[Chosen]) -> Mapping[str, NDArray[np.float64]]:
        right = [float(output.index == one.index) for output, one in zip(outputs, wanted, strict=True)]
        return {"accuracy": np.array(right, dtype=np.float64)}

    def measure(self, outputs: Sequence[Chosen], wanted: Sequence[Chosen]) -> dict[str, float]:
        right = self.each(outputs, wanted)["accuracy"]
        return {"accuracy": float(right.mean()) if len(right) else 0.0}


def _favour(encoding: Encoding) -> float:
    return encoding.favour if isinstance(encoding, Favoured) else 0.0


def _texts(given: Choices) -> list[str]:
    """The text that stands first, and what stands beside it for each option."""
    if not given.passage:
        return [given.question, *given.options]
    return [given.passage, *(_filled(given.question, option) for option in given.options)]


def _filled(question: str, option: str) -> str:
    """The question with the option in its blanks, or after it (google-research/albert, `race_utils.py`)."""
    filled, blanks = _BLANK.subn(lambda _: option, question)
    return filled if blanks else f"{question} {option}"
