"""A repaired copy: what had no fault stands in it to the letter, and what can be mended is."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import litebert
from litebert.data.examples import read
from litebert.errors import UsageError
from litebert.tasks.classification import Classification

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)
LABELS = st.sampled_from(["yes", "no", "Yes", " no ", "", "maybe"])
QUICK = {"suspicious": 0, "near_duplicates": None}


def csv_of(rows: list[tuple[str, str]]) -> str:
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerows([("text", "label"), *rows])
    return held.getvalue()


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(CELLS, LABELS), min_size=1, max_size=12),
    st.sampled_from(["csv", "tsv", "jsonl", "json"]),
)
def test_a_repaired_copy_can_be_read_and_needs_no_repair(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], form: str
) -> None:
    folder = tmp_path_factory.mktemp("mending")
    path, out = folder / f"a.{form}", folder / f"b.{form}"
    rows = [*rows, ("one that is well", "yes"), ("another that is well", "no")]
    objects = [{"text": text, "label": label} for text, label in rows]
    whole = {
        "csv": lambda: csv_of(rows),
        "tsv": lambda: "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows),
        "jsonl": lambda: "".join(json.dumps(row) + "\n" for row in objects),
        "json": lambda: json.dumps(objects, ensure_ascii=False),
    }[form]()
    path.write_bytes(whole.encode())
    before = path.read_bytes()
    report = litebert.check_data(path, task="classification", fix=out, **QUICK)
    assert path.read_bytes() == before
    left = read(out, Classification())
    assert len(left) == report.rows - len(report.dropped)
    again = litebert.check_data(out, task="classification", **QUICK)
    assert not [
        found for found in again.findings if found.code in ("unreadable", "invisible", "spelling", "encoding")
    ]


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["csv", "tsv", "jsonl", "json", "ft", "conll"]))
def test_any_bytes_give_a_report_or_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, form: str
) -> None:
    path = tmp_path_factory.mktemp("bytes") / f"a.{form}"
    path.write_bytes(b"text,label\ngood,yes\n" * (form == "csv") + raw)
    task = "entities" if form == "conll" else "classification"
    try:
        report = litebert.check_data(path, task=task, **QUICK)
    except litebert.LitebertError:
        return
    assert report.rows + report.unreadable > 0


def test_what_has_no_fault_stands_as_it_was(tmp_path: Path) -> None:
    """Quotes, blank lines and a cell of two lines; of two spellings the commoner one is right."""
    well = ['"text";label', '"a; ""b""";yes', "", '"two\nlines";no', "d;yes", " e ;no", "f;yes"]
    path, out = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("\n".join([*well, "c;Yes", "d;yes"]) + "\n", "utf-8")
    litebert.check_data(path, fix=out, **QUICK)
    assert out.read_text("utf-8") == "\n".join([*well, "c;yes"]) + "\n"


def test_blanks_around_a_label_are_taken_away_where_others_have_none(tmp_path: Path) -> None:
    path, out = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("text,label\na, yes \nb,yes\nc, no\nd, no\n", "utf-8")
    litebert.check_data(path, fix=out, **QUICK)
    assert out.read_text("utf-8") == "text,label\na,yes\nb,yes\nc, no\nd, no\n"


def test_a_packed_copy_is_packed(tmp_path: Path) -> None:
    path, out = tmp_path / "a.tsv.gz", tmp_path / "b.tsv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("text\tlabel\na\tyes\nb\tno\na\tyes\n")
    litebert.check_data(path, fix=out, **QUICK)
    with gzip.open(out, "rt", encoding="utf-8") as file:
        assert file.read() == "text\tlabel\na\tyes\nb\tno\n"


@pytest.mark.parametrize("other", ["a.csv", "./a.csv", "link.csv"])
def test_the_file_itself_is_never_written(
    tmp_path: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("text,label\na,yes\na,yes\n", "utf-8")
    Path("link.csv").symlink_to("a.csv")
    with pytest.raises(UsageError, match="goes elsewhere"):
        litebert.check_data("a.csv", fix=Path(other))
    with pytest.raises(UsageError, match="goes elsewhere"):
        litebert.check_data("reviews.en:test", against="a.csv", fix=Path(other), task="classification")
    assert Path("a.csv").read_text("utf-8") == "text,label\na,yes\na,yes\n"


def test_what_cannot_be_written_is_said_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Ann B-PER\nlives O\n", "utf-8")
    with pytest.raises(UsageError, match="cannot write conll"):
        litebert.check_data(path, fix=tmp_path / "b.conll")
    with pytest.raises(UsageError, match="a file of rows"):
        litebert.check_data("reviews.en:test", fix=tmp_path / "b.csv")
