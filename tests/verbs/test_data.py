"""`litebert data check` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from litebert.cli import main


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("text,label\nfine,yes\nfine,no\nworse,no\nworse,no\n", "utf-8")
    return path


def test_what_is_serious_ends_with_3_only_if_it_shall(
    faulty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "check", str(faulty)]) == 0
    assert f"! 1 conflict: decide, and drop one\n    {faulty}:3:" in capsys.readouterr().out
    assert main(["data", "check", str(faulty), "--strict"]) == 3


def test_a_file_without_anything_serious_ends_with_0(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\nfine,yes\nbad,no\n", "utf-8")
    assert main(["data", "check", str(path), "--strict"]) == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty; expected rows of text"),
        (b"PK\3\4 and so on", "is a workbook, of Excel or the like; save the sheet as CSV (UTF-8) there"),
    ],
)
def test_what_is_no_table_at_all_is_told_before_its_task(
    content: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    assert main(["data", "check", str(path)]) == 3
    assert capsys.readouterr().err == f"litebert: {path}: {told} [data]\n"


def test_json_is_one_object(faulty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", str(faulty), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["counts"]["conflict"] == 1
    (found,) = (one for one in report["findings"] if one["code"] == "conflict")
    assert (found["line"], found["serious"], found["path"]) == (3, True, str(faulty))


def test_changes_are_told_line_by_line(faulty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = faulty.with_name("b.csv")
    assert main(["data", "check", str(faulty), "--fix", str(out), "--changes"]) == 0
    told = capsys.readouterr().err
    assert f"{faulty}:5: left out (duplicate)" in told
    assert f"{out}: 1 row left out" in told
    assert out.read_text("utf-8") == "text,label\nfine,yes\nfine,no\nworse,no\n"


def test_how_many_places_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\nno,no\n" + "fine,yes\n" * 9, "utf-8")
    main(["data", "check", str(path), "--show", "2"])
    assert "… 6 more" in capsys.readouterr().out
    main(["data", "check", str(path), "--show", "none"])
    assert "more" not in capsys.readouterr().out


def test_a_file_of_unknown_purpose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"colour": "red"}\n', "utf-8")
    assert main(["data", "check", str(path)]) == 2
    assert "Say --task" in capsys.readouterr().err
