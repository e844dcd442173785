"""`litebert predict`: answer a file, or a pipe, of Inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litebert import __version__
from litebert.data.files import is_stream
from litebert.durable import stamped, telling
from litebert.errors import InputError, UsageError
from litebert.training.interrupts import BEGINS_ANEW
from litebert.verbs.columns import InputColumns
from litebert.verbs.keywords import made
from litebert.verbs.model_flags import ModelFlags
from litebert.verbs.resuming import resumable
from litebert.verbs.shards import shard_of, share
from litebert.verbs.stopping import going_on_later
from litebert.verbs.streams import PIPE, error_row, open_output, unanswered
from litebert.verbs.telling import tell

_TABLES = frozenset({".csv", ".tsv", ".parquet", ".xlsx"})
_KEPT = "the answers of whole windows are kept, and the same command goes on after them"
_SENT = "the answers that were written stay, and the same command begins anew"

if TYPE_CHECKING:
    from litebert.engine.predictor import Predictor
    from litebert.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Predict(ModelFlags):
    """Answer Inputs: JSONL of the task's Input to JSONL of its Output, one for each, in order.

    A row that cannot be answered becomes {"error": {"code", "message"}} in its place, and the exit code is 3.
    What comes through a pipe is answered as it comes. From a file to a file, the same command goes on where
    an earlier one was stopped or killed; N jobs with --shard 0/N, 1/N, … share the rows.

    Example: echo '{"text": "比想象的还要好"}' | litebert predict --model runs/reviews --input - --output -
    """

    input: str = PIPE
    """A file of Inputs (JSONL; or CSV, TSV, JSON, Parquet by its ending), or - for standard input."""
    output: str = PIPE
    """A JSONL file, or - for standard output."""
    columns: InputColumns = field(default_factory=InputColumns)
    """Which columns to read; those left out are guessed by their names, and said."""
    shard: str | None = None
    """i/N: answer every N-th row, from the i-th on, counted from 0; N jobs answer all of them."""

    def run(self, inputs: Iterable[Any] | None = None) -> list[Any]:
        """Outputs in order, of `inputs` or, left out, of the file; an `InputError` for one without answer."""
        predictor = self.opened()
        return list(self._answers(predictor, inputs))

    def main(self) -> int:
        shard_of(self.shard)
        self._check_apart()
        kept = self._goes_on()
        with going_on_later(_KEPT if kept else _SENT if self._is_stream() else BEGINS_ANEW):
            return self._written(self._to_file if kept else self._to_stream)

    def _check_apart(self) -> None:
        """Raises `UsageError` where the answers would take the place of what is asked."""
        given, target = Path(self.input), Path(self.output)
        with telling(f"read or write {self.output}"):
            if self.output != PIPE and target.is_file() and given.exists() and given.samefile(target):
                raise UsageError(
                    f"--output {self.output} is the file of --input, which would be lost; name another"
                )

    def _written(self, write: Callable[[Predictor[Any, Any]], tuple[int, int]]) -> int:
        """The exit code, once all answers are where they should be."""
        predictor = self.opened()
        rows, failed = write(predictor)
        if Path(self.output).suffix in _TABLES:
            tell(f"{self.output} holds JSON, a line for each row, whatever its name says")
        if self.output != PIPE:
            tell(f"{rows:,} rows are in {self.output}: {rows - failed:,} answers, {failed:,} errors")
        if predictor.truncated:
            limit = predictor.task.max_pieces
            tell(f"{predictor.truncated} inputs were longer than {limit} pieces and were cut there")
        return unanswered(failed)

    def _goes_on(self) -> bool:
        """Whether a process that was killed can be gone on with: from a file to a file."""
        return not self._is_stream() and Path(self.input).is_file()

    def _is_stream(self) -> bool:
        """Whether an answer that is written is gone: to a pipe or a device."""
        target = Path(self.output)
        return self.output == PIPE or (target.exists() and not target.is_file())

    def _to_stream(self, predictor: Predictor[Any, Any]) -> tuple[int, int]:
        """How many rows there were, and how many of them could not be answered."""
        rows = failed = 0
        with open_output(self.output) as write:
            for answer in self._answers(predictor):
                rows, failed = rows + 1, failed + isinstance(answer, InputError)
                write(_row(answer))
        return rows, failed

    def _to_file(self, predictor: Predictor[Any, Any]) -> tuple[int, int]:
        """The same, kept at the end of each window, and begun where an earlier process came to."""
        from litebert.engine.windows import windows

        with resumable(Path(self.output), self._made_of(predictor)) as answers:
            done = answers.progress.rows
            if done:
                tell(f"{done:,} rows were answered before; going on from there")
            predictor.truncated = answers.progress.truncated

            def kept(rows: Iterable[Any]) -> Iterator[list[Any]]:
                for window in windows(rows):
                    yield window
                    answers.keep(predictor.truncated)

            for answer in predictor.answers(islice(self._rows(predictor.task), done, None), kept):
                answers.write(_row(answer), failed=isinstance(answer, InputError))
        return answers.progress.rows, answers.progress.failed

    def _made_of(self, predictor: Predictor[Any, Any]) -> dict[str, Any]:
        """All that the answers depend on."""
        from litebert.engine.opening import fingerprint
        from litebert.tasks.as_json import to_json

        return {
            "litebert": __version__,
            "model": fingerprint(self.model),
            "task": to_json(predictor.task),
            "tokenizer": predictor.tokenizer.fingerprint,
            "input": stamped(Path(self.input)),
            "columns": self.columns.named(),
            "precision": self.precision,
            "quality": self.quality,
            "shard": self.shard,
        }

    def _answers(self, predictor: Predictor[Any, Any], inputs: Iterable[Any] | None = None) -> Iterator[Any]:
        from litebert.engine.windows import as_it_comes, windows

        if inputs is not None:
            return predictor.answers(share(_given(predictor.task, inputs), shard_of(self.shard)))
        return predictor.answers(
            self._rows(predictor.task), as_it_comes if is_stream(self.input) else windows
        )

    def _rows(self, task: Task[Any, Any]) -> Iterator[Any]:
        """The Inputs of the file that fall to this job."""
        from litebert.data.inputs import read_inputs

        told = None if is_stream(self.input) else tell
        given = read_inputs(self.input, task, columns=self.columns.named(), tell=told)
        return share(given, shard_of(self.shard))


def predict(inputs: Iterable[Any], **options: Any) -> list[Any]:
    """The Outputs of `inputs` (texts, dicts or Inputs) by a trained model, an `InputError` in the place of
    one that cannot be answered. Options are the fields of `Predict`: `predict(["好"], model="runs/mine")`."""
    return made(Predict, options).run(inputs)


def _row(answer: Any) -> dict[str, Any]:
    return error_row(answer) if isinstance(answer, InputError) else asdict(answer)


def _given(task: Task[Any, Any], inputs: Iterable[Any]) -> Iterator[Any]:
    from litebert.engine.opening import as_input

    for one in inputs:
        try:
            yield as_input(task, one)
        except InputError as error:
            yield error
