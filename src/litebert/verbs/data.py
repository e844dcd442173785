"""`litebert data`: what is wrong with data, before anything is trained on it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from litebert.data.checking.settings import Settings
from litebert.errors import DataError, UsageError
from litebert.verbs.columns import Columns
from litebert.verbs.keywords import made
from litebert.verbs.telling import tell

if TYPE_CHECKING:
    from litebert.data.checking.report import Report
    from litebert.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Check:
    """Look for what is wrong with a data file: duplicates, leakage, conflicts, encodings, spans, labels.

    Each finding has a code, a place, and what to do about it; what is serious is marked with !. The exit code
    is 0 all the same, unless --strict is given.

    Example: litebert data check train.csv --against test.csv --fix train.clean.csv
    """

    positional: ClassVar[bool] = True

    data: str
    """A file, or a source such as glue.sst2:train."""
    task: str | None = None
    """What it is for; left out, a source's own, or the task that the file looks like."""
    against: str | None = None
    """A file or source that must share nothing with it: the test set."""
    fix: Path | None = None
    """Where to write a repaired copy; the file itself is never written."""
    show: int | None = 5
    """How many places of each finding to print; none prints all."""
    changes: bool = False
    """With --fix: also print each change."""
    columns: Columns = field(default_factory=Columns)
    """Which columns to read; those left out are guessed by their names."""
    format: str | None = None
    """The format, if neither the name nor the beginning of the file tells."""
    tokenizer: str | None = None
    """In whose pieces lengths are measured: a folder, a file or a hub name; left out, the embedded one."""
    settings: Settings = field(default_factory=Settings)
    strict: bool = False
    """End with exit code 3 if anything serious is found."""
    json: bool = False
    """Print one JSON object with every finding."""

    def run(self) -> Report:
        """All that was found; writes the repaired copy, if one is asked for."""
        from litebert.data.checking.check import Study
        from litebert.data.checking.examine import examine, is_table
        from litebert.data.checking.guess import guess
        from litebert.data.checking.mend import check_place, mend, writer_of
        from litebert.data.examples import task_of

        named = self.columns.named()
        task = self._task() or task_of(self.data) or guess(self.data, named, self.format)
        study = Study(self.data, task, self.settings, self._tokenizer)
        if self.fix is not None:
            check_place(self.fix, self.data, self.against)
            if not is_table(self.data, task):
                raise UsageError(f"--fix mends a file of rows, which {self.data} is not")
            writer_of(self.data, study, self.format)
        report = examine(
            self.data,
            task=task,
            tokenizer=self._tokenizer,
            against=self.against,
            columns=named,
            format=self.format,
            settings=self.settings,
        )
        if self.fix is not None:
            mend(self.data, self.fix, report, study, named=named, format=self.format)
        return report

    def main(self) -> int:
        report = self.run()
        if self.json:
            print(json.dumps(report.json(), ensure_ascii=False))
        else:
            print(*report.lines(self.show), sep="\n")
        if self.fix is not None:
            self._tell_fix(report)
        return DataError.exit_code if self.strict and report.serious else 0

    def _tell_fix(self, report: Report) -> None:
        from litebert.data.checking.report import counted

        left = len(report.dropped) + len(report.faults)
        changed = len(report.cells.keys() - report.dropped)
        if self.changes:
            for line in report.changes():
                tell(line)
        lines = counted(report.mended_lines, "line")
        tell(f"{self.fix}: {counted(left)} left out, {counted(changed)} written anew, {lines} mended")

    def _task(self) -> Task[Any, Any] | None:
        from litebert.tasks.naming import named

        return None if self.task is None else named(self.task)()

    def _tokenizer(self) -> Any:
        from litebert.verbs.tokenizer import open_tokenizer

        return open_tokenizer(self.tokenizer)


def check_data(data: str | Path, **options: Any) -> Report:
    """Look for what is wrong with a data file, or a source. Options are the fields of `Check`, and of
    `Settings` and `Columns` beside them.

    >>> check_data("train.csv", against="test.csv").counts  # doctest: +SKIP
    """
    return made(Check, {"data": str(data), **options}).run()
