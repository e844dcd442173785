"""`litebert evaluate`: measure a trained model on labelled data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from litebert.verbs.columns import Columns
from litebert.verbs.keywords import made
from litebert.verbs.model_flags import ModelFlags
from litebert.verbs.telling import tell

if TYPE_CHECKING:
    from litebert.evaluation.evaluate import Evaluation


@dataclass(frozen=True, kw_only=True)
class Evaluate(ModelFlags):
    """Measure a trained model on labelled data, with 95 % intervals.

    Example: litebert evaluate --model runs/reviews --data reviews.both:test --json
    """

    data: str
    """A file, several with commas, or a source such as glue.sst2:dev; without a split, test or else dev."""
    columns: Columns = field(default_factory=Columns)
    """Which columns to read; those left out are guessed by their names, and said."""
    json: bool = False
    """Print one JSON object, and nothing else, to standard output."""

    def run(self) -> Evaluation:
        """Every measure of the model's task, and what was answered."""
        from litebert.data.examples import read
        from litebert.evaluation.evaluate import evaluate

        predictor = self.opened()
        where = self._where()
        examples = read(where, predictor.task, columns=self.columns.named())
        for note in (*examples.notes, f"{len(examples)} examples of {where}"):
            tell(note)
        return evaluate(predictor, examples.rows)

    def main(self) -> int:
        found = self.run()
        if self.json:
            print(json.dumps(found.summary(), ensure_ascii=False))
        else:
            print(_told(found))
        return 0

    def _where(self) -> str:
        """The data with the split of a source that is not asked for one: a model is not judged on train."""
        from litebert.data.examples import sibling

        if ":" in self.data:
            return self.data
        return sibling(self.data, "test") or sibling(self.data, "dev") or self.data


def evaluate(data: str, **options: Any) -> Evaluation:
    """Measure a trained model on labelled data. Options are the fields of `Evaluate`, and of `Columns` beside
    them: `evaluate("my.csv", model="runs/mine", text_column="body").metrics["accuracy"]`."""
    return made(Evaluate, {"data": data, **options}).run()


def _told(found: Evaluation) -> str:
    counts = {"examples": len(found.answered), "refused": len(found.refused), "truncated": found.truncated}
    rows = {name: found.shown(name) for name in found.metrics} | {n: str(c) for n, c in counts.items() if c}
    return "\n".join(f"{name:<12} {value}" for name, value in rows.items())
