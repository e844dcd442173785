"""Inputs to answer: one for each row, errors in their places."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from litebert.data.files import is_stream
from litebert.data.inputs import read_inputs
from litebert.errors import DataError, InputError
from litebert.tasks.classification import Classification
from litebert.tasks.code import Code, Description
from litebert.tasks.entities import EntityTask
from litebert.tasks.summarisation import Document, Summarisation
from litebert.tasks.texts import Text
from litebert.tasks.words import Words

TASK = Classification(labels=("a", "b"))


def told(answers: Iterator[Text | InputError]) -> list[Text | str]:
    return [one.message if isinstance(one, InputError) else one for one in answers]


def test_a_bad_row_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_bytes(
        b'\xef\xbb\xbf{"text":"a"}\n\n{"txt":"b"}\nno json\n{"text":5}\n   \r\n'
        b'{"text":"b","second":"c","label":"x"}\r\n\xff\n[1]\n{"text":"\\ud83d"}\n{"text":null}\n{"text":""}'
    )
    shape = 'expected {"text": …, "second"?: …}'
    inputs = 'an Input is {"text": …, "second"?: …}'
    one = f"expected one object a line; {inputs}"
    assert told(read_inputs("in.jsonl", TASK)) == [
        Text("a"),
        f"in.jsonl:3: text: field required; {shape}",
        f"in.jsonl:4:1: not JSON: expecting value; {one}",
        f"in.jsonl:5: text: input should be a valid string; {shape}",
        Text("b", "c"),
        "in.jsonl:8:1: the byte 0xff is not UTF-8; it may be cp1252: iconv -f cp1252 -t utf-8 "
        "in.jsonl > in.utf8.jsonl",
        f"in.jsonl:9: expected a JSON object, {{…}}, but this is an array; {inputs}",
        f"in.jsonl:10:1: not JSON: \\ud83d is half of a character (a lone surrogate); {one}",
        f"in.jsonl:11: text: input should be a valid string; {shape}",
        Text(""),
    ]


def test_a_line_too_long_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("litebert.data.files.MAX_LINE", 1 << 16)
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"text":"a"}\n{"text":"' + b"x" * (1 << 20) + b'"}\n{"text":"b"}\n')
    first, second, third = read_inputs(str(path), TASK)
    assert (first, third) == (Text("a"), Text("b"))
    assert isinstance(second, InputError) and "the line is longer than" in second.message


def test_standard_input_is_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b'{"text":"a"}\n{}\n')))
    first, second = told(read_inputs("-", TASK))
    assert first == Text("a")
    assert str(second).startswith("standard input:2: text: field required")


def test_a_table_in_a_pipe_is_told_to_come_as_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"text,label\na,1\n")))
    first, second = told(read_inputs("-", TASK))
    assert str(first).endswith("other formats are read from files, not from pipes")
    assert "files" not in str(second)


def test_nothing_in_is_nothing_out(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text("")
    assert list(read_inputs(str(path), TASK)) == []


def test_columns_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"review":"a"}\n{"text":"b"}\n')
    assert list(read_inputs(str(path), TASK, columns={"text": "review"})) == [Text("a"), Text("b")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.csv", "sentence,idx\na,0\n,1\n"),
        ("in.tsv", "idx\tsentence\n0\ta\n1\t\n"),
        ("in.json", '[{"sentence":"a"},{"sentence":""}]'),
    ],
)
def test_other_formats_are_read_by_their_columns(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert list(read_inputs(str(tmp_path / name), TASK)) == [Text("a"), Text("")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("in.csv", "sentence,idx\na,0\n,1\n", "text = 'sentence' (guessed); not used: 'idx'"),
        ("in.json", '[{"text":"a","second":"b"},{"text":""}]', "text = 'text', second = 'second'"),
        ("in.jsonl", '5\n{"sentence":"a","n":1}\n{"text":""}', "text = 'sentence' (guessed); not used: 'n'"),
        ("own.jsonl", '{"text":"a","sentence":1}\n{"sentence":""}', None),
    ],
)
def test_which_columns_were_guessed_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, said: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(content)
    heard: list[str] = []
    list(read_inputs(name, TASK, tell=heard.append))
    assert heard == ([f"{name}: columns {said}"] if said else [])


@pytest.mark.parametrize(("name", "content"), [("in.csv", "a,b\nx,1\n"), ("in.jsonl", '{"a":"x","b":1}')])
def test_columns_that_were_named_are_not_told(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    heard: list[str] = []
    given = read_inputs(str(tmp_path / name), TASK, columns={"text": "a"}, tell=heard.append)
    assert list(given) == [Text("x")] and not heard


def test_in_other_formats_too_a_bad_row_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.json").write_text('[{"text":"a"},\n{"text":3},\n{"text":"c"}]')
    assert told(read_inputs("in.json", TASK)) == [
        Text("a"),
        "in.json:2: text must be text, but is 3",
        Text("c"),
    ]


def test_a_file_that_cannot_be_read_on_ends_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        list(read_inputs(str(tmp_path / "in.jsonl"), TASK))
    (tmp_path / "in.csv").write_text("text,idx\na,0\nb,1,2\n")
    answers = read_inputs(str(tmp_path / "in.csv"), TASK)
    with pytest.raises(DataError, match=r"in\.csv:3: 3 cells; expected 2"):
        list(answers)


@pytest.mark.parametrize(
    "content",
    [
        "text,label\n好,b\nfine,c\n",
        "text\tlabel\n好\tb\nfine\tc\n",
        '{"text": "好"}\n{"text": "fine"}\n',
        "__label__a 好\n__label__b fine\n",
    ],
)
def test_a_name_that_does_not_tell_is_no_matter(tmp_path: Path, content: str) -> None:
    """As in training: AFQMC's tables are `.txt`."""
    path = tmp_path / "in.txt"
    path.write_text(content)
    assert [one.text for one in read_inputs(str(path), TASK)] == ["好", "fine"]


def test_standard_input_is_a_stream_where_a_file_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "-").write_text("a,b\n")
    monkeypatch.chdir(tmp_path)
    assert is_stream("-")
    assert not is_stream("./-")


def test_a_named_pipe_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    task = EntityTask(labels=("O", "B-PER"))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(path.write_text, '{"text": "Ann"}\n')
        assert list(read_inputs(str(path), task)) == [Words("Ann")]


@pytest.mark.parametrize("name", ["in.jsonl", "in.json"])
def test_rows_of_other_sets_are_asked_as_they_come(tmp_path: Path, name: str) -> None:
    """SciTLDR has sentences for a text; CoNaLa null where it has not rewritten a question."""
    for task, row, given in (
        (Summarisation(), {"source": ["One.", "Two."], "target": ["A."]}, Document("One. Two.")),
        (Code(), {"rewritten_intent": None, "intent": "sort x", "snippet": "y"}, Description("sort x")),
        (Code(), {"rewritten_intent": "sort y", "intent": "sort x"}, Description("sort y")),
    ):
        (tmp_path / name).write_text(json.dumps(row if name == "in.jsonl" else [row]))
        assert list(read_inputs(str(tmp_path / name), task)) == [given]
