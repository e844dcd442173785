"""A file or a source → what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from litebert.data import examples
from litebert.data.checking.check import Check, Study, classes
from litebert.data.checking.guess import guess
from litebert.data.checking.reading import Reading
from litebert.data.checking.report import Report
from litebert.data.checking.row import Row
from litebert.data.checking.settings import Settings
from litebert.data.plain import is_plain
from litebert.data.source import looks_like_one
from litebert.errors import UsageError
from litebert.tasks.task import Task
from litebert.text.tokenizer import Tokenizer

_WHOLE = "lines, encodings, columns and offsets: {path} is {what}, which is read as it is or not at all"


def examine(
    where: str,
    *,
    task: Task[Any, Any] | None,
    tokenizer: Callable[[], Tokenizer],
    against: str | None = None,
    columns: Mapping[str, str] | None = None,
    format: str | None = None,
    settings: Settings = Settings(),  # noqa: B008 (frozen)
) -> Report:
    """Checks one file, or a source, perhaps against another. Nothing is written.

    task: what it is for; left out, a source's own, or the one that the file looks like. tokenizer: in whose
    pieces lengths are measured. Raises `DataError` for a file of which nothing can be read, and `UsageError`.
    """
    named = columns or {}
    chosen = task or examples.task_of(where) or guess(where, named, format)
    study = Study(where, chosen, settings, cache(tokenizer), against)
    report = Report(where, chosen.name, unchecked=study.unchecked)
    checks = [kind(study) for kind in classes()]
    if against is not None:
        _hold_against(against, study, checks, named, format)
    for row in _rows(where, study, checks, report, named, format):
        for check in checks:
            for found in check.row(row):
                report.hear(found)
    for check in checks:
        for found in check.end():
            report.hear(found)
        report.summary |= check.summary()
    report.columns = study.columns
    return report


def is_table(where: str, task: Task[Any, Any]) -> bool:
    """Whether it is one file of rows, which can be read row by row, and mended."""
    return _is_file(where) and not is_plain(where, task)


def _is_file(where: str) -> bool:
    return Path(where).exists() or (not looks_like_one(where) and "," not in where)


def _rows(
    where: str,
    study: Study,
    checks: list[Check],
    report: Report,
    named: Mapping[str, str],
    format: str | None,
) -> Iterator[Row]:
    if is_table(where, study.task):
        reading = Reading(where, study, checks, report.hear, report.mend, named=named, format=format)
        yield from reading.rows()
        report.rows, report.unreadable = reading.counts["rows"], reading.counts["unreadable"]
        report.faults = sorted(reading.faults)
        return
    what = "plain text" if _is_file(where) or "," in where else "a source"
    study.unchecked.append(_WHOLE.format(path=where, what=what))
    for row in _whole(where, study.task, named, format):
        report.rows += 1
        yield row


def _whole(where: str, task: Task[Any, Any], named: Mapping[str, str], format: str | None) -> Iterator[Row]:
    split = ("train", "dev", "test")
    for number, one in enumerate(examples.read(where, task, columns=named, format=format, split=split)):
        yield Row(number, one.place, one.given, one.wanted)


def _hold_against(
    against: str, study: Study, checks: list[Check], named: Mapping[str, str], format: str | None
) -> None:
    """Shows the checks the rows of the other file; what is wrong with them is not told here."""
    other = Study(against, study.task, study.settings, study.tokenizer)
    if is_table(against, study.task):
        reading = Reading(against, other, [], lambda _: None, lambda *_: None, named=named, format=format)
        rows = reading.rows()
    else:
        rows = _whole(against, study.task, named, format)
    count = 0
    for row in rows:
        count += 1
        for check in checks:
            check.other(row)
    if not count:
        raise UsageError(f"{against} holds no row that can be held against {study.path}")
