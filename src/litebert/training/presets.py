"""Settings that work: by the model's size, whether it was pretrained, and how much there is to learn from.

Fine-tuning: the paper's learning rates are 1e-5 to 5e-5 (arXiv 1909.11942, Table 14); from xlarge on users
report that more than 1e-5 diverges, and small models want more (`docs/training.md`). New weights: what worked
in first trials on SST-2 and ChnSentiCorp (`docs/performance.md`); no search has been made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litebert.data.example import Example
from litebert.model.config import EncoderConfig
from litebert.model.native.compiler import compiler
from litebert.training.settings import TrainSettings

FEW = 200
"""Examples below which the number of updates is what matters."""
FEW_UPDATES = 200
SMALL = 512
"""Hidden size up to which a model is small."""
WRITING = "writing"
"""The runner of tasks that write (`Task.runner`)."""
LARGE = 2048
"""Hidden size from which a model is xlarge."""
COMPILING = 2e13
"""Operations above which compiling the kernels, ten seconds where nobody has yet, is soon won back."""
_LETTERS_A_PIECE = 4
_FEW_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What is used where a person says nothing."""

    learning_rate: float
    batch_size: int
    epochs: float
    dropout: float | None = None
    """Of the encoder; None leaves it as the model has it."""

    def fill(self, settings: TrainSettings) -> TrainSettings:
        return settings.filled(
            learning_rate=self.learning_rate, batch_size=self.batch_size, epochs=self.epochs
        )


def preset(config: EncoderConfig, *, pretrained: bool, examples: int, writes: bool = False) -> Preset:
    """For fine-tuning a model of this size on so many examples. writes: with a decoder, which is new and has
    more to learn than a head."""
    if writes:
        rate = 1e-3 if config.hidden <= SMALL else 3e-4
        return Preset(
            learning_rate=rate / 3 if pretrained else rate,
            batch_size=64 if examples >= 5_000 else 32,
            epochs=30.0 if examples >= 5_000 else 60.0,
            dropout=0.1,
        )
    if examples < FEW:
        rate = _tuning_rate(config.hidden) if pretrained else _new_rate(config)
        epochs = max(1.0, round(FEW_UPDATES * _FEW_AT_ONCE / examples))
        return Preset(
            learning_rate=rate, batch_size=_FEW_AT_ONCE, epochs=epochs, dropout=None if pretrained else 0.1
        )
    if pretrained:
        return Preset(learning_rate=_tuning_rate(config.hidden), batch_size=32, epochs=_epochs(examples, 3))
    rate = _new_rate(config)
    size = 64 if examples >= 5_000 else 32 if examples >= 2_000 else 16
    return Preset(learning_rate=rate, batch_size=size, epochs=_epochs(examples, 4), dropout=0.1)


def worth_compiling(
    config: EncoderConfig, settings: TrainSettings, examples: Sequence[Example[Any, Any]]
) -> bool:
    """Whether a run is long enough for kernels to be compiled first: by data, settings and machine alone, so
    that a run that goes on decides as it did when it began."""
    letters = sum(len(repr(example.given)) + len(repr(example.wanted)) for example in examples)
    epochs = settings.epochs or 1
    if settings.steps is not None:
        epochs = settings.steps * settings.accumulation * (settings.batch_size or 1) / max(1, len(examples))
    one_way = sum(map(config.multiplications, range(config.layers)))
    forward_and_back = 6 * one_way * epochs * letters / _LETTERS_A_PIECE
    return forward_and_back > COMPILING and compiler() is not None


def _tuning_rate(hidden: int) -> float:
    return 3e-4 if hidden <= SMALL else 2e-5 if hidden < LARGE else 1e-5


def _new_rate(config: EncoderConfig) -> float:
    """Of new weights; gradients of an LSTM are tamer, and 1e-3 is what most begin with."""
    if config.family == "lstm":
        return 1e-3
    return 5e-4 if config.hidden <= SMALL else 1e-4


def _epochs(examples: int, enough: float) -> float:
    """Few examples are gone through more often."""
    return enough * (5 if examples < 2_000 else 2 if examples < 5_000 else 1)
