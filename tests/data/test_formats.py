"""What is written in any format is read back as it was, with the line that it stands on."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pyarrow
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from litebert.data.examples import Examples, read
from litebert.data.rows import opened
from litebert.tasks.classification import Classification
from litebert.tasks.multilabel import Labels, Multilabel
from litebert.tasks.regression import Regression

Rows = list[tuple[str, str]]

# Any text that UTF-8 can hold, without the NUL that no text file should have.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
labels = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)
several = st.lists(st.tuples(texts, labels), min_size=1, max_size=8)


def as_csv(rows: Rows) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["text", "label"])
    writer.writerows(rows)
    return out.getvalue().encode()


def as_tsv(rows: Rows) -> bytes:
    return "".join("\t".join(row) + "\n" for row in [("text", "label"), *rows]).encode()


def as_jsonl(rows: Rows) -> bytes:
    return "".join(json.dumps({"text": t, "label": n}, ensure_ascii=False) + "\n" for t, n in rows).encode()


def as_json(rows: Rows) -> bytes:
    return json.dumps([{"text": text, "label": label} for text, label in rows], indent=1).encode()


def as_parquet(rows: Rows) -> bytes:
    out = BytesIO()
    columns = {"text": [text for text, _ in rows], "label": [label for _, label in rows]}
    parquet.write_table(pyarrow.table(columns), out)
    return out.getvalue()


def as_fasttext(rows: Rows) -> bytes:
    return "".join(f"__label__{label} {text}\n" for text, label in rows).encode()


WRITERS: dict[str, Callable[[Rows], bytes]] = {
    "csv": as_csv,
    "tsv": as_tsv,
    "jsonl": as_jsonl,
    "json": as_json,
    "parquet": as_parquet,
    "fasttext": as_fasttext,
}


def writable(name: str, rows: Rows) -> bool:
    """Whether a format can hold the rows as they are: TSV has no way to write a tab."""
    if name == "tsv":
        return not any(set("\t\n\r") & set(text) for text, _ in rows)
    if name == "fasttext":
        plain = not any(set("\n\r") & set(text) or "__label__" in text for text, _ in rows)
        return plain and not any(label.startswith("__label__") for _, label in rows)
    return True


def pairs(examples: Examples[object, object]) -> Rows:
    return [(e.given.text, e.wanted.label) for e in examples]  # type: ignore[attr-defined]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=several)
def test_rows_come_back_from_every_format(tmp_path: Path, name: str, packed: bool, rows: Rows) -> None:
    assume(writable(name, rows))
    data = WRITERS[name](rows)
    path = tmp_path / (f"x.{name}.gz" if packed else f"x.{name}")
    path.write_bytes(gzip.compress(data) if packed else data)
    assert pairs(read(path, Classification())) == rows


@pytest.mark.parametrize("name", [n for n in WRITERS if n != "parquet"])
def test_places_are_lines(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"x.{name}"
    path.write_bytes(WRITERS[name]([("one", "a"), ("two", "b"), ("three", "a")]))
    lines = path.read_text().splitlines()
    for example in read(path, Classification(), fit=True):
        near = lines[example.place.line - 1 : example.place.line + 2]
        assert any(example.given.text in line for line in near)
        assert str(example.place) == f"{path}:{example.place.line}"


def test_a_record_of_several_lines_stands_on_its_first(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('text,label\n"one\ntwo",a\n\nthree,b\n')
    assert [e.place.line for e in read(path, Classification(), fit=True)] == [2, 5]


@pytest.mark.parametrize("name", ["csv", "tsv", "jsonl", "json", "fasttext"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_windows_files_are_read(tmp_path: Path, name: str, mark: str, end: str) -> None:
    rows = [("很好 good", "a"), ("不好 bad", "b")]
    text = WRITERS[name](rows).decode().replace("\r\n", "\n").replace("\n", end)
    path = tmp_path / f"x.{name}"
    path.write_bytes((mark + text).encode())
    assert pairs(read(path, Classification(), fit=True)) == rows


@pytest.mark.parametrize("name", WRITERS)
def test_the_format_is_known_without_its_ending(tmp_path: Path, name: str) -> None:
    rows = [("well, good", "a"), ("bad", "b")]
    path = tmp_path / "data"
    path.write_bytes(WRITERS[name](rows))
    assert pairs(read(path, Classification(), fit=True)) == rows


@pytest.mark.parametrize("name", WRITERS)
def test_standard_input_in_any_format(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    rows = [("good", "a"), ("bad", "b")]
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(gzip.compress(WRITERS[name](rows)))))
    assert pairs(read("-", Classification(), fit=True, format=name)) == rows


def test_standard_input_is_jsonl_if_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(as_jsonl([("x", "a"), ("y", "b")]))))
    assert pairs(read("-", Classification(), fit=True)) == [("x", "a"), ("y", "b")]


def test_quotes_in_tsv_are_text(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text('sentence\tlabel\n"quoted\t1\nhalf " quoted"\t0\n')
    assert [text for text, _ in pairs(read(path, Classification(), fit=True))] == [
        '"quoted',
        'half " quoted"',
    ]


def test_clue_names_its_jsonl_json(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(as_jsonl([("x", "a"), ("y", "b")]))
    assert pairs(read(path, Classification(), fit=True)) == [("x", "a"), ("y", "b")]


def test_semicolons_and_tabs_in_csv(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    for mark in ";\t":
        path.write_text(f'text{mark}label\n"a{mark} b"{mark}1\nc, d{mark}0\n')
        assert pairs(read(path, Classification(), fit=True)) == [(f"a{mark} b", "1"), ("c, d", "0")]


def test_line_separators_within_a_text_end_no_line(tmp_path: Path) -> None:
    rows = [("one\u2028two\u0085three\x0bfour\x1cfive", "a"), ("six", "b")]
    for name in WRITERS:
        path = tmp_path / f"x.{name}"
        path.write_bytes(WRITERS[name](rows))
        assert pairs(read(path, Classification(), fit=True)) == rows


def test_a_long_text_in_one_cell(tmp_path: Path) -> None:
    rows = [("x" * 1_000_000, "a"), ("y", "b")]
    for name in WRITERS:
        path = tmp_path / f"x.{name}"
        path.write_bytes(WRITERS[name](rows))
        assert pairs(read(path, Classification(), fit=True)) == rows


def test_fasttext_with_several_labels(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("__label__a __label__b good  film\n\nno label\n__label__b x\n")
    examples = read(path, Multilabel(), fit=True)
    assert [e.given.text for e in examples] == ["good  film", "no label", "x"]
    assert [[n.label for n in e.wanted.labels] for e in examples] == [["a", "b"], [], ["b"]]
    assert isinstance(examples[1].wanted, Labels)


def test_parquet_of_numbers_and_gaps(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    table = pyarrow.table({"review": ["a", "b"], "stars": [4, 5], "sentence2": [None, "c"]})
    parquet.write_table(table, path)
    assert [(e.given.text, e.given.second, e.wanted.score) for e in read(path, Regression(), fit=True)] == [
        ("a", None, 4.0),
        ("b", "c", 5.0),
    ]
    assert pairs(read(path, Classification(), fit=True, columns={"label": "stars"})) == [
        ("a", "4"),
        ("b", "5"),
    ]


def test_a_stream_takes_no_more_memory_than_a_row(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "x.csv"
    path.write_text("text,label\n" + f"{'a rather long text ' * 15},1\n" * 30_000)
    tracemalloc.start()
    with opened(str(path)) as table:
        assert sum(1 for _ in table.rows) == 30_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20 < path.stat().st_size
