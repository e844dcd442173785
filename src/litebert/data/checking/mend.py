"""A repaired copy of a file: what has no fault stands in it to the letter."""

from __future__ import annotations

import gzip
import heapq
import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO, cast

from litebert import names
from litebert.data.checking.check import Check, Line, Study, classes
from litebert.data.checking.guess import patient
from litebert.data.checking.patient import Patient
from litebert.data.checking.report import Report
from litebert.data.checking.settings import Settings
from litebert.data.columns import by_field, looked_for
from litebert.data.fields import fields_of
from litebert.data.rows import FORMATS, format_of, opened
from litebert.durable import replacing, telling
from litebert.errors import UsageError

Mark = tuple[int, int, dict[str, Any]]
"""The line that a row begins on, its number, and its cells; of a row that cannot be read -1 and nothing."""


def check_place(out: Path, *sources: str | None) -> None:
    """Raises `UsageError` if a copy would take the place of what it is made of."""
    for source in sources:
        if source and Path(source).exists() and os.path.realpath(out) == os.path.realpath(source):
            raise UsageError(f"--fix {out} is a file that is read here; a repaired copy goes elsewhere")


def writer_of(path: str, study: Study, format: str | None) -> ModuleType:
    """The format's module. Raises `UsageError` for one that cannot be written."""
    with closing(patient(path)) as file:
        is_object = file.is_json and file.start().lstrip().removeprefix(b"\xef\xbb\xbf").startswith(b"{")
        module = (
            names.find(FORMATS, format, "format") if format else format_of(file, path, study.task.formats)
        )
    if module.__name__.endswith(".json") and is_object:
        module = names.find(FORMATS, "jsonl", "format")
    if not hasattr(module, "line") and not hasattr(module, "put"):
        name = module.__name__.rpartition(".")[2]
        raise UsageError(
            f"--fix cannot write {name}; it writes CSV, TSV, JSON, JSONL, fastText's and SQuAD's form; "
            f"mend {path} by hand"
        )
    return module


def mend(
    path: str, out: Path, report: Report, study: Study, *, named: Mapping[str, str], format: str | None
) -> None:
    """Writes the copy, whole or not at all, in UTF-8; packed if its name ends with `.gz`."""
    check_place(out, path)
    module = writer_of(path, study, format)
    with replacing(out) as fresh, telling(f"write {out}"), _text(fresh, packed=out.suffix == ".gz") as target:
        if hasattr(module, "put"):
            with closing(_mending(path, study)) as file:
                target.write(module.put(file.whole_text(), report.dropped, report.cells))
        else:
            _copy(path, target, module, report, study, named, format)


def _text(path: Path, *, packed: bool) -> TextIO:
    if packed:
        return cast(TextIO, gzip.open(path, "wt", encoding="utf-8", newline=""))
    return path.open("w", encoding="utf-8", newline="")


def _copy(
    path: str,
    target: TextIO,
    module: ModuleType,
    report: Report,
    study: Study,
    named: Mapping[str, str],
    format: str | None,
) -> None:
    """Line for line, but for the lines of rows that are left out or written anew."""
    fields = fields_of(study.task)
    known = looked_for(fields, by_field(fields, named))
    opens = partial(_mending, study=study)
    with (
        closing(_mending(path, study)) as file,
        opened(path, format=format, known=known, likely=study.task.formats, opens=opens) as table,
    ):
        rows: Iterator[Mark] = ((line, number, cells) for number, (line, cells) in enumerate(table.rows))
        faults: list[Mark] = [(line, -1, {}) for line in report.faults]
        marks = heapq.merge(faults, rows, key=lambda mark: mark[0])
        mark, copies, first = next(marks, None), True, ""
        for line, text in file.lines():
            first = first or text
            while mark is not None and mark[0] == line:
                _, number, cells = mark
                copies = number >= 0 and number not in report.dropped and number not in report.cells
                if number in report.cells and number not in report.dropped:
                    target.write(module.line({**cells, **report.cells[number]}, first))
                mark = next(marks, None)
            if copies:
                target.write(text)


def _mending(path: str, study: Study) -> Patient:
    """The file as the checks of its lines have mended it."""
    again = Study(path, study.task, Settings(near_duplicates=None), study.tokenizer)
    checks = [kind(again) for kind in classes() if kind.line is not Check.line]

    def hears(line: Line) -> None:
        for check in checks:
            for _ in check.line(line):
                pass

    return Patient(path, hears, misses=lambda _: None)
