"""`litebert evaluate`: measure a trained model on labelled data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from litebert.verbs.columns import Columns

if TYPE_CHECKING:
    from litebert.evaluation.evaluate import Evaluation


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Measure a trained model on labelled data, with 95 % intervals.

    Example: litebert evaluate --model runs/reviews --data reviews.both:test --json
    """

    data: str
    """A file, several with commas, or a source such as glue.sst2:dev."""
    model: str | None = None
    """A run folder, a Hugging Face folder or a hub name."""
    columns: Columns = field(default_factory=Columns)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """auto is bf16 where the chip has it."""
    json: bool = False
    """Print one JSON object, and nothing else, to standard output."""

    def run(self) -> Evaluation:
        from litebert.data.examples import read
        from litebert.engine.opening import open_model
        from litebert.evaluation.evaluate import evaluate

        predictor = open_model(self.model, precision=self.precision)
        examples = read(self.data, predictor.task, columns=self.columns.named())
        return evaluate(predictor, examples.rows)

    def main(self) -> int:
        summary = self.run().summary()
        if self.json:
            print(json.dumps(summary, ensure_ascii=False))
        else:
            _show(summary)
        return 0


def evaluate(data: str, *, model: str | None = None, **options: Any) -> Evaluation:
    """Measure a trained model on labelled data; see `Evaluate`."""
    return Evaluate(data=data, model=model, **options).run()


def _show(summary: dict[str, Any]) -> None:
    intervals = summary.pop("intervals")
    for name, value in summary.items():
        low, high = intervals.get(name, (None, None))
        between = "" if low is None else f"   95 %: {low:.4f} to {high:.4f}"
        print(f"{name:<12} {value:.4f}{between}" if isinstance(value, float) else f"{name:<12} {value}")
