"""`litebert predict`: answer a file, or a pipe, of Inputs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from litebert.errors import InputError
from litebert.verbs.streams import error_row, open_output


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Answer Inputs: JSONL of the task's Input to JSONL of its Output, one for each, in order.

    A row that cannot be answered becomes {"error": {"code", "message"}} in its place, and the exit code is 3.

    Example: echo '{"text": "比想象的还要好"}' | litebert predict --model runs/reviews --input - --output -
    """

    model: str | None = None
    """A run folder, a Hugging Face folder or a hub name."""
    input: str = "-"
    """A file of Inputs (JSONL; or CSV, TSV, Parquet by its ending), or - for standard input."""
    output: str = "-"
    """A JSONL file, or - for standard output."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """auto is bf16 where the chip has it."""

    def run(self, inputs: Iterable[Any] | None = None) -> list[Any]:
        """Outputs in order, of `inputs` or, left out, of the file; an `InputError` for one without answer."""
        from litebert.data.inputs import read_inputs
        from litebert.engine.opening import as_input, open_model

        predictor = open_model(self.model, precision=self.precision)
        given = (
            read_inputs(self.input, predictor.task)
            if inputs is None
            else (as_input(predictor.task, one) for one in inputs)
        )
        return list(predictor.answers(given))

    def main(self) -> int:
        from litebert.data.inputs import read_inputs
        from litebert.engine.opening import open_model

        predictor = open_model(self.model, precision=self.precision)
        failed = 0
        with open_output(self.output) as write:
            for answer in predictor.answers(read_inputs(self.input, predictor.task)):
                failed += isinstance(answer, InputError)
                write(json.dumps(_row(answer), ensure_ascii=False))
        _tell(predictor.truncated, predictor.task.max_pieces, failed)
        return InputError.exit_code if failed else 0


def predict(inputs: Iterable[Any], *, model: str | None = None, **options: Any) -> list[Any]:
    """The Outputs of `inputs` (texts, dicts or Inputs) by a trained model; see `Predict`."""
    return Predict(model=model, **options).run(inputs)


def _row(answer: Any) -> dict[str, Any]:
    return error_row(answer) if isinstance(answer, InputError) else asdict(answer)


def _tell(truncated: int, limit: int, failed: int) -> None:
    if truncated:
        print(f"{truncated} inputs were longer than {limit} pieces and were cut there", file=sys.stderr)
    if failed:
        print(f'{failed} inputs could not be answered: see their "error" rows', file=sys.stderr)
