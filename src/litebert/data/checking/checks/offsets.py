"""Spans that do not stand where the file says: answers in a passage, entities in a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from litebert.data.checking.check import Check, Record, shown
from litebert.data.checking.finding import Finding, Kind
from litebert.tasks import places
from litebert.tasks.words import parsed

Cells = dict[str, Any]


class Offsets(Check):
    """Whether a text stands in the place where its span says that it does.

    SQuAD's `{"text", "answer_start"}`, an `answer` beside its `start`, `[{"label", "start", "end", "text"}]`
    and CLUENER's `{label: {text: [[first, last]]}}`. The nearest place where the text stands
    is the right one.
    """

    kinds: ClassVar[Mapping[str, Kind]] = {
        "offset": Kind("a span that does not stand where it says", "move it to where its text stands", True),
        "absent": Kind("a span whose text is nowhere in the text", "write it as the text has it", True),
    }

    def cells(self, record: Record) -> Iterator[Finding]:
        columns = self.study.columns
        if "answer" in columns and "passage" in columns:
            yield from self._answers(record, columns)
        for name in ("entities", "roles"):
            if columns.get(name) in record.cells and "text" in columns:
                yield from self._spans(record, columns["text"], columns[name])

    def _answers(self, record: Record, columns: Mapping[str, str]) -> Iterator[Finding]:
        passage, cell = record.cells.get(columns["passage"]), record.cells.get(columns["answer"])
        if not isinstance(passage, str):
            return
        start = columns.get("start", "start")
        if isinstance(cell, str) and record.cells.get(start) not in (None, ""):
            cell = [{"text": cell, "answer_start": _whole(record.cells[start])}]
            mended = yield from self._moved(record, passage, cell)
            if mended:
                # The end follows from the start, and is worked out anew where it is given.
                end = columns.get("end", "end")
                moved: Cells = {start: mended[0]["answer_start"]}
                if end in record.cells:
                    moved[end] = mended[0]["answer_start"] + len(mended[0]["text"])
                record.cells = {**record.cells, **moved}
        elif isinstance(cell, list) and all(isinstance(one, dict) for one in cell):
            mended = yield from self._moved(record, passage, cell)
            if mended:
                record.cells = {**record.cells, columns["answer"]: mended}

    def _moved(self, record: Record, passage: str, answers: list[Cells]) -> Any:
        """The answers where they stand, or nothing if all do already."""
        mended: list[Cells] = []
        for answer in answers:
            text, start = answer.get("text"), answer.get("answer_start")
            if not isinstance(text, str) or type(start) is not int or not text.strip():
                mended.append(answer)
                continue
            right = _place(passage, text, start)
            if right is None:
                bare = places.find(passage, text, start, lambda _: None)
                hint = f"; without the marks around it, it stands at {bare.start}" if bare.known else ""
                message = f"{_id(record)}the answer {shown(text)} is not in the passage{hint}"
                yield self.found("absent", record.place, message, number=record.number)
            elif right != start:
                there = passage[max(0, start) : max(0, start) + len(text)]
                message = (
                    f"{_id(record)}the answer {shown(text)} is said to stand at {start}, where there is "
                    f"{shown(there)}; it stands at {right}"
                )
                yield self.found("offset", record.place, message, number=record.number, mended=True)
            mended.append(answer if right is None else {**answer, "answer_start": right})
        return mended if mended != answers else []

    def _spans(self, record: Record, text_column: str, column: str) -> Iterator[Finding]:
        text, was = record.cells.get(text_column), record.cells[column]
        try:
            spans = parsed(was)
        except ValueError:
            return
        if not isinstance(text, str) or spans is None:
            return
        if isinstance(spans, dict):
            mended: Any = yield from self._by_label(record, text, spans)
        elif isinstance(spans, list):
            mended = []
            for span in spans:
                mended.append((yield from self._span(record, text, span)))
        else:
            return
        if mended != spans:
            import json

            cell = json.dumps(mended, ensure_ascii=False) if isinstance(was, str) else mended
            record.cells = {**record.cells, column: cell}

    def _span(self, record: Record, text: str, span: Any) -> Any:
        if not isinstance(span, dict):
            return span
        said, start, end = span.get("text"), span.get("start"), span.get("end")
        if not isinstance(said, str) or not said or type(start) is not int or type(end) is not int:
            return span
        right = yield from self._right(record, text, said, start, end)
        return span if right is None else {**span, "start": right, "end": right + len(said)}

    def _by_label(self, record: Record, text: str, spans: Mapping[str, Any]) -> Any:
        """CLUENER's, where an end is that of the last character."""
        mended: Cells = {}
        for label, said in spans.items():
            if not isinstance(said, dict):
                return spans
            mended[label] = {}
            for one, ends in said.items():
                if not _are_pairs(ends):
                    return spans
                mended[label][one] = moved = []
                for first, last in ends:
                    right = yield from self._right(record, text, one, first, last + 1)
                    moved.append([first, last] if right is None else [right, right + len(one) - 1])
        return mended

    def _right(self, record: Record, text: str, said: str, start: int, end: int) -> Any:
        """Where a span should begin; None if it need not move, or cannot."""
        if start >= 0 and text[start:end] == said:
            return None
        right = _place(text, said, start)
        if right is None:
            message = f"{shown(said)} is not in the text {shown(text)}"
            yield self.found("absent", record.place, message, number=record.number)
            return None
        message = (
            f"{shown(said)} is said to stand from {start} to {end}, where there is "
            f"{shown(text[max(0, start) : max(0, end)])}; it stands from {right} to {right + len(said)}"
        )
        yield self.found("offset", record.place, message, number=record.number, mended=True)
        return right


def _place(text: str, said: str, start: int) -> int | None:
    """Where a span stands: where it says, or at the nearest place. White space around it does not count."""
    heard: list[str] = []
    found = places.find(text, said, start, heard.append)
    if not found.known or found.answer != said.strip():
        return None
    return found.start - (len(said) - len(said.lstrip())) if said.strip() != said else found.start


def _are_pairs(ends: Any) -> bool:
    return isinstance(ends, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(type(one) is int for one in pair) for pair in ends
    )


def _whole(cell: Any) -> Any:
    return int(cell) if isinstance(cell, str) and cell.strip().lstrip("-").isdecimal() else cell


def _id(record: Record) -> str:
    """What a file calls a question: of many it is the line alone that is the same."""
    name = record.cells.get("id")
    return f"{name}: " if isinstance(name, str | int) else ""
