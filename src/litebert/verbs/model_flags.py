"""The flags that say which trained model answers, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from litebert.verbs.telling import tell
from litebert.verbs.writing import WritingFlags

if TYPE_CHECKING:
    from litebert.engine.predictor import Predictor


@dataclass(frozen=True, kw_only=True)
class ModelFlags:
    """A trained model, what is asked of it, and how exactly."""

    model: str | None = None
    """A run folder, a Hugging Face folder or a hub name."""
    task: str | None = None
    """Which of a model's several heads; or what to ask of one without, as embedding; left out, its own."""
    options: tuple[str, ...] = ()
    """Of the task, as name=value: pooling=max, or top=10."""
    writing: WritingFlags = field(default_factory=WritingFlags)
    """How a task that writes does so."""
    precision: Literal["auto", "fp32", "bf16", "int8"] = "auto"
    """auto is bf16 where the chip has it; int8 is faster, and answers a little otherwise."""
    quality: float = 1.0
    """The share of the whole model's measure on dev to keep: 1 is exact; below, texts leave early when they
    are sure, if the model was trained with --exits."""

    def opened(self) -> Predictor[Any, Any]:
        """The model, ready to answer. Raises as `open_model` does."""
        from litebert.engine.opening import open_model

        return open_model(
            self.model,
            task=self.task,
            options=(*self.options, *self.writing.options()),
            precision=self.precision,
            quality=self.quality,
            tell=tell,
        )
