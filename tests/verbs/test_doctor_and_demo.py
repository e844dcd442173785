"""`litebert doctor` and `litebert demo`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from litebert import __version__
from litebert.cli import main
from litebert.verbs.demo import SENTENCES
from small_runs import Runs


def test_the_doctor_says_what_is_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LITEBERT_DATA", raising=False)
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["litebert"] == __version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["packages"]["torch"] and found["packages"]["numpy"]
    assert found["problems"] == []
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert all(line.split()[0] in {name.split()[0] for name in found} for line in printed.splitlines())


def test_the_doctor_finds_problems(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LITEBERT_DATA", str(tmp_path / "nowhere"))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("litebert.verbs.doctor._version", lambda name: None if name == "rich" else "1")
    assert main(["doctor", "--json"]) == 1
    problems = "\n".join(json.loads(capsys.readouterr().out)["problems"])
    for told in ("LITEBERT_DATA names", "nowhere", "rich is not installed", "cannot be written"):
        assert told in problems


def test_the_demo_walks_the_road(runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "demo"
    flags = ["--out", str(out), "--model", str(runs.model), "--epochs", "0.2", "--progress", "silent"]
    assert main(["demo", *flags]) == 0
    printed = capsys.readouterr().out
    accuracy, low, high = map(
        float, re.findall(r"reviews: ([\d.]+) \(95 %: ([\d.]+) to ([\d.]+)\)", printed)[0]
    )
    assert 0 <= low <= accuracy <= high <= 1
    (baseline,) = re.findall(r"TF-IDF and a linear model: +([\d.]+)", printed)
    assert float(baseline) > 0.6
    for text in SENTENCES:
        assert re.search(rf"{re.escape(text)}  →  (negative|positive) \([01]\.\d\d\)", printed)
    assert f"litebert predict --model {out}" in printed
