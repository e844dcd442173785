"""What a task is: it reads an Input and gives an Output; everything else follows from this one object.

Training data are pairs (given, wanted) of an Input and an Output. A task says how an Input is encoded,
what is aimed at, what head reads the encoder, what the loss is, how scores become an Output, and how
Outputs are measured. Training, evaluation, the command line and, later, HTTP, page and export ask it.

To add a task, add one file here with a final frozen dataclass; `names.py` finds it by the file's name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from litebert.text.encoding import Encoding
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from litebert.model.config import EncoderConfig

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")
Target = dict[str, Any]
"""One encoding's target: numbers or small arrays under the names that `loss` reads."""
Row = Mapping[str, Any]
"""One row of a data file: columns by name, strings or what JSON gives."""
OnLong = Literal["truncate", "window", "refuse"]


@dataclass(frozen=True, kw_only=True)
class Task(ABC, Generic[InputT, OutputT]):
    """Abstract; a task is a final subclass, and a data set's task is an instance of it."""

    name: ClassVar[str]
    """The file's name with dashes: what `--task` takes."""
    Input: ClassVar[type]
    Output: ClassVar[type]
    columns: ClassVar[Mapping[str, tuple[str, ...]]]
    """For each field of Input and Output, the column names that mean it, likeliest first."""
    best: ClassVar[str]
    """The measure by which the best weights are kept; higher is better."""

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

    @abstractmethod
    def target(self, encoding: Encoding, wanted: OutputT) -> Target:
        """What the loss aims at for one encoding. Raises `DataError` for a wanted that is not of the task."""

    @abstractmethod
    def head(self, config: EncoderConfig) -> nn.Module:
        """Hidden → Scores: tensors by name, with a row for each sequence [B, …] or piece [N, …]."""

    @abstractmethod
    def loss(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> torch.Tensor:
        """The mean loss of a batch, a scalar. Targets are stacked in the order of the sequences."""

    @abstractmethod
    def decode(
        self, given: InputT, encodings: Sequence[Encoding], scores: Sequence[Mapping[str, NDArray[np.float32]]]
    ) -> OutputT:
        """The Output, from the scores of each of the Input's encodings."""

    @abstractmethod
    def measure(self, outputs: Sequence[OutputT], wanted: Sequence[OutputT]) -> dict[str, float]:
        """Fractions under the house's fixed keys (`metrics.py`)."""
