"""`litebert predict`: answer a file, or a pipe, of Inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from litebert.errors import InputError
from litebert.verbs.columns import InputColumns
from litebert.verbs.keywords import made
from litebert.verbs.streams import PIPE, error_row, open_output, unanswered
from litebert.verbs.telling import tell
from litebert.verbs.writing import WritingFlags

if TYPE_CHECKING:
    from litebert.engine.predictor import Predictor
    from litebert.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Answer Inputs: JSONL of the task's Input to JSONL of its Output, one for each, in order.

    A row that cannot be answered becomes {"error": {"code", "message"}} in its place, and the exit code is 3.
    What comes through a pipe is answered as it comes.

    Example: echo '{"text": "比想象的还要好"}' | litebert predict --model runs/reviews --input - --output -
    """

    model: str | None = None
    """A run folder, a Hugging Face folder or a hub name."""
    task: str | None = None
    """What to ask of a model that has no task of its own: embedding, fill-mask; left out, the model's own."""
    options: tuple[str, ...] = ()
    """Of the task, as name=value: pooling=max, or top=10."""
    input: str = PIPE
    """A file of Inputs (JSONL; or CSV, TSV, JSON, Parquet by its ending), or - for standard input."""
    output: str = PIPE
    """A JSONL file, or - for standard output."""
    columns: InputColumns = field(default_factory=InputColumns)
    """Which columns to read; those left out are guessed by their names."""
    writing: WritingFlags = field(default_factory=WritingFlags)
    """How a task that writes does so."""
    precision: Literal["auto", "fp32", "bf16", "int8"] = "auto"
    """auto is bf16 where the chip has it; int8 is faster, and answers a little otherwise."""

    def run(self, inputs: Iterable[Any] | None = None) -> list[Any]:
        """Outputs in order, of `inputs` or, left out, of the file; an `InputError` for one without answer."""
        predictor = self._open()
        return list(self._answers(predictor, inputs))

    def main(self) -> int:
        predictor, failed = self._open(), 0
        with open_output(self.output) as write:
            for answer in self._answers(predictor):
                failed += isinstance(answer, InputError)
                write(error_row(answer) if isinstance(answer, InputError) else asdict(answer))
        if predictor.truncated:
            limit = predictor.task.max_pieces
            tell(f"{predictor.truncated} inputs were longer than {limit} pieces and were cut there")
        return unanswered(failed)

    def _open(self) -> Predictor[Any, Any]:
        from litebert.engine.opening import open_model

        options = (*self.options, *self.writing.options())
        return open_model(self.model, task=self.task, options=options, precision=self.precision, tell=tell)

    def _answers(self, predictor: Predictor[Any, Any], inputs: Iterable[Any] | None = None) -> Iterator[Any]:
        from litebert.data.inputs import read_inputs
        from litebert.engine.windows import as_it_comes, windows

        if inputs is not None:
            return predictor.answers(_given(predictor.task, inputs))
        rows = read_inputs(self.input, predictor.task, columns=self.columns.named())
        return predictor.answers(rows, as_it_comes if self.input == PIPE else windows)


def predict(inputs: Iterable[Any], **options: Any) -> list[Any]:
    """The Outputs of `inputs` (texts, dicts or Inputs) by a trained model, an `InputError` in the place of
    one that cannot be answered. Options are the fields of `Predict`: `predict(["好"], model="runs/mine")`."""
    return made(Predict, options).run(inputs)


def _given(task: Task[Any, Any], inputs: Iterable[Any]) -> Iterator[Any]:
    from litebert.engine.opening import as_input

    for one in inputs:
        try:
            yield as_input(task, one)
        except InputError as error:
            yield error
