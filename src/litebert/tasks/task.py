"""What a task is: it reads an Input and gives an Output; everything else follows from this one object.

Training data are pairs (given, wanted) of an Input and an Output. A task says how an Input is encoded,
what is aimed at, what head reads the encoder, what the loss is, how scores become an Output, and how
Outputs are measured. Training, evaluation, the command line and, later, HTTP, page and export ask it.

To add a task, add one file here with a final frozen dataclass; `naming.py` finds it by the file's name. What
is abstract in `Task` it must answer; what is asked beside that has usual answers, in `defaults.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec

import numpy as np
from numpy.typing import NDArray

from litebert.errors import InputError
from litebert.tasks.defaults import (
    FileDefaults,
    HeadDefaults,
    InputT,
    JudgingDefaults,
    OutputT,
    TrainingDefaults,
)
from litebert.text.encoding import Encoding, OnLong
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig

P = ParamSpec("P")
Target = dict[str, Any]
"""One encoding's target: numbers or small arrays under the names that `loss` reads."""
EXAMPLE = "example"
"""The target that every batch has: of each sequence the number, from 0, of the example in the batch."""
LENGTHS = "/lengths"
"""After the name of a target that is a list: how long each sequence's is, int64 [B]."""
AT = "at"
"""The scores that a head gives for some pieces alone: their numbers in the batch, ascending [M]; the rows of
the other scores are theirs."""


class PartError(ValueError):
    """What is wrong with one part of a row, counted from 0: with one token of a sentence."""

    def __init__(self, message: str, part: int) -> None:
        super().__init__(message)
        self.part = part


@dataclass(frozen=True, slots=True)
class Record:
    """What every Input and Output is: a frozen dataclass whose strings under the fields describe them."""

    __pydantic_config__: ClassVar[Any] = {"use_attribute_docstrings": True}

    @property
    def group(self) -> str:
        """Those alike in this are never on two sides of a split: by the first field, if no other is said."""
        first = getattr(self, fields(self)[0].name)
        return first if isinstance(first, str) else repr(first)


@dataclass(frozen=True, kw_only=True)
class Task(
    FileDefaults[InputT, OutputT],
    TrainingDefaults[InputT, OutputT],
    HeadDefaults,
    JudgingDefaults[OutputT],
    ABC,
    Generic[InputT, OutputT],
):
    """Abstract; a task is a final subclass, and a data set's task is an instance of it.

    Its questions come in the order of the road: fit, encode, target, head, loss, decode, mistake, measure.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "use_attribute_docstrings": True}

    name: ClassVar[str]
    """The file's name with dashes: what `--task` takes."""
    Input: ClassVar[type]
    Output: ClassVar[type]
    columns: ClassVar[Mapping[str, tuple[str, ...]]]
    """For each field of Input and Output (or Wanted) that a data file gives, the column names that mean it,
    likeliest first."""
    example: ClassVar[Mapping[str, Any]] = {}
    """An Input as JSON, for one to try; left out, `…` for each text that one must have."""
    also: ClassVar[Mapping[str, Any]] = {}
    """What else that one has where the training data's Inputs have it: a second text."""
    best: ClassVar[str]
    """The measure by which the best weights are kept; higher is better, but for perplexity."""
    Wanted: ClassVar[type | None] = None
    """What data say is right, where that is more than one Output: several answers. A subclass of Output."""
    piecewise: ClassVar[frozenset[str]] = frozenset()
    """The names of targets that have a value for each piece of an encoding, not one for the whole."""
    lists: ClassVar[frozenset[str]] = frozenset()
    """The names of targets that have any number of values for each encoding, as a text that is written has
    pieces. A batch has them one after another, and their lengths under the name and `LENGTHS`."""
    runner: ClassVar[str] = "eager"
    """What works out the answers, by its name in `engine/runners/`."""

    max_pieces: int = 512
    """The most pieces of one sequence, special pieces included."""
    on_long: OnLong = "truncate"
    """What becomes of a longer Input: cut (with a count shown), read in windows, or refused."""

    @abstractmethod
    def fit(self, wanted: Sequence[OutputT]) -> Task[InputT, OutputT]:
        """This task with what it must know of the training data filled in: label names, a scale."""

    @abstractmethod
    def encode(self, given: InputT, tokenizer: Tokenizer) -> list[Encoding]:
        """One sequence, or one for each window or choice. Raises `InputError`."""

    def encode_many(self, given: Sequence[InputT], tokenizer: Tokenizer) -> list[list[Encoding] | InputError]:
        """`encode` of each, with an `InputError` in the place of one that cannot be; tasks may be faster."""
        return [caught(self.encode, one, tokenizer) for one in given]

    @abstractmethod
    def target(self, encoding: Encoding, wanted: OutputT) -> Target:
        """What the loss aims at for one encoding. Raises `DataError` for a wanted that is not of the task."""

    def targets(self, encodings: Sequence[Encoding], wanted: OutputT) -> list[Target]:
        """`target` of each encoding of one Input, where they differ: a question, its answers."""
        return [self.target(encoding, wanted) for encoding in encodings]

    @abstractmethod
    def head(self, config: EncoderConfig) -> nn.Module:
        """Hidden → Scores: tensors by name, with a row for each sequence [B, …] or piece [N, …]."""

    @abstractmethod
    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> torch.Tensor:
        """The mean loss of a batch, a scalar. Targets are stacked in the order of the sequences.

        `targets[EXAMPLE]` tells which sequences are of one example.
        """

    def keep(
        self,
        encoding: Encoding,  # noqa: ARG002 (for those who override it)
        scores: Mapping[str, NDArray[np.float32]],
    ) -> Mapping[str, NDArray[np.float32]]:
        """What of one encoding's scores `decode` needs: they wait until all of a window's are there."""
        return scores

    @abstractmethod
    def decode(
        self,
        given: InputT,
        encodings: Sequence[Encoding],
        scores: Sequence[Mapping[str, NDArray[np.float32]]],
    ) -> OutputT:
        """The Output, from the scores of each of the Input's encodings."""

    @abstractmethod
    def mistake(self, output: OutputT, wanted: OutputT) -> float | None:
        """How badly an Output is wrong, greater for worse: how sure it was, or how far off. None if right."""

    @abstractmethod
    def measure(self, outputs: Sequence[OutputT], wanted: Sequence[OutputT]) -> dict[str, float]:
        """Fractions under the house's fixed keys (`metrics.py`)."""


def caught(
    encode: Callable[P, list[Encoding]], *args: P.args, **kwargs: P.kwargs
) -> list[Encoding] | InputError:
    """What `encode` gives, or the `InputError` that it raises."""
    try:
        return encode(*args, **kwargs)
    except InputError as error:
        return error
