"""`litebert predict` from a file to a file: killed anywhere, begun again, all answers are there, once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from itertools import zip_longest
from pathlib import Path

import pytest

import litebert
from litebert.cli import main
from litebert.errors import UsageError
from litebert.verbs.resuming import Progress, resumable
from litebert.verbs.shards import share
from small_runs import Runs

ROWS = 1200
WINDOW = """
import sys
from litebert.cli import main
from litebert.engine import windows
windows.MOST = 50
sys.exit(main())
"""
"""The command with small windows, so that many end."""


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of many lengths, some of which cannot be answered."""
    path = tmp_path_factory.mktemp("given") / "in.jsonl"
    rows = [{"text": f"wonderful {'film ' * (n % 37)}{n}"} if n % 100 else {"txt": n} for n in range(ROWS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def predicting(
    runs: Runs, given: Path, out: Path, *flags: str, of: str = "classification"
) -> subprocess.Popen[str]:
    model = str(runs.trained(of))
    command = ["predict", "--model", model, "--input", str(given), "--output", str(out), *flags]
    return subprocess.Popen([sys.executable, "-c", WINDOW, *command], stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def whole(runs: Runs, given: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What comes of it undisturbed."""
    out = tmp_path_factory.mktemp("whole") / "out.jsonl"
    process = predicting(runs, given, out)
    _, said = process.communicate()
    assert process.returncode == 3 and "12 inputs could not be answered" in said
    assert f"{ROWS:,} rows are in {out}: {ROWS - 12:,} answers, 12 errors" in said
    text = out.read_text()
    assert len(text.splitlines()) == ROWS
    return text


def rows_kept(out: Path) -> int:
    try:
        return int(json.loads((out.with_name(f".{out.name}.part") / "state.json").read_text())["rows"])
    except (OSError, ValueError):
        return 0


def killed_after(process: subprocess.Popen[str], out: Path, rows: int) -> None:
    """By SIGKILL, as soon as more than so many rows are kept."""
    while process.poll() is None and rows_kept(out) <= rows:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_killed_again_and_again_nothing_is_lost_or_doubled(
    runs: Runs, given: Path, whole: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    kept = []
    for _ in range(4):
        killed_after(predicting(runs, given, out), out, rows_kept(out) + 60)
        kept.append(rows_kept(out))
        assert not out.exists()
    assert kept == sorted(set(kept)) and kept[-1] < ROWS
    process = predicting(runs, given, out)
    _, said = process.communicate()
    assert f"{kept[-1]:,} rows were answered before" in said
    assert "12 inputs could not be answered" in said and process.returncode == 3
    assert out.read_text() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_asked_to_stop_it_says_that_it_goes_on(runs: Runs, given: Path, whole: str, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    process = predicting(runs, given, out)
    while process.poll() is None and rows_kept(out) <= 100:
        time.sleep(0.001)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate()
    assert process.returncode == 75
    told = "the answers of whole windows are kept, and the same command goes on after them"
    assert said.splitlines()[-1] == f"stopped by SIGTERM; {told}"
    kept = rows_kept(out)
    assert 100 < kept < ROWS and not out.exists()
    _, said = predicting(runs, given, out).communicate()
    assert f"{kept:,} rows were answered before" in said
    assert out.read_text() == whole


@pytest.mark.parametrize("output", ["-", "out.jsonl"])
@pytest.mark.parametrize(
    ("number", "name", "code"), [(signal.SIGTERM, "SIGTERM", 75), (signal.SIGINT, "Ctrl-C", 130)], ids=str
)
def test_a_pipe_that_is_stopped_says_what_became_of_the_answers(
    runs: Runs, tmp_path: Path, output: str, number: signal.Signals, name: str, code: int
) -> None:
    model, out = str(runs.trained("classification")), output if output == "-" else str(tmp_path / output)
    process = subprocess.Popen(
        [sys.executable, "-m", "litebert", "predict", "--model", model, "--output", out],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write('{"text": "wonderful"}\n')
    process.stdin.flush()
    if output == "-":
        assert json.loads(process.stdout.readline())["label"] == "positive"
    else:
        while not list(tmp_path.glob(".*.new/*")):
            assert process.poll() is None, "it ended before it was stopped"
            time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate()
    became = "the answers that were written stay" if output == "-" else "nothing is written yet"
    assert said.splitlines()[-1] == f"stopped by {name}; {became}, and the same command begins anew"
    assert process.returncode == code and list(tmp_path.iterdir()) == []


def test_killed_while_texts_leave_early(runs: Runs, given: Path, tmp_path: Path) -> None:
    def started(out: Path, quality: str = "0.9") -> subprocess.Popen[str]:
        return predicting(runs, given, out, "--quality", quality, of="exits")

    whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    started(whole).communicate()
    for _ in range(2):
        killed_after(started(out), out, rows_kept(out) + 60)
    kept = rows_kept(out)
    assert 0 < kept < ROWS
    _, said = started(out).communicate()
    assert f"{kept:,} rows were answered before" in said
    assert out.read_text() == whole.read_text()
    killed_after(started(out), out, 60)
    _, said = started(out, "1").communicate()
    assert "answered before" not in said, "answers of another quality are others"


def test_half_a_row_is_cut_off(runs: Runs, given: Path, whole: str, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    killed_after(predicting(runs, given, out), out, 100)
    with (tmp_path / ".out.jsonl.part" / "answers.jsonl").open("a") as answers:
        answers.write('{"label": "posi')
    predicting(runs, given, out).communicate()
    assert out.read_text() == whole


def test_of_another_input_nothing_is_taken(runs: Runs, given: Path, tmp_path: Path) -> None:
    out, changed = tmp_path / "out.jsonl", tmp_path / "in.jsonl"
    changed.write_text(given.read_text())
    killed_after(predicting(runs, changed, out), out, 100)
    changed.write_text(json.dumps({"text": "糟糕"}) + "\n")
    process = predicting(runs, changed, out)
    _, said = process.communicate()
    assert "answered before" not in said
    assert [json.loads(line)["label"] for line in out.read_text().splitlines()] == ["negative"]


def test_the_jobs_share_the_rows(runs: Runs, given: Path, whole: str, tmp_path: Path) -> None:
    parts = []
    for i in range(3):
        out = tmp_path / f"{i}.jsonl"
        model = str(runs.trained("classification"))
        flags = ["--model", model, "--input", str(given), "--output", str(out), "--shard", f"{i}/3"]
        assert main(["predict", *flags]) == 3
        parts.append(out.read_text().splitlines())
    together = [row for rows in zip_longest(*parts) for row in rows if row is not None]
    for mine, theirs in zip(together, whole.splitlines(), strict=True):
        mine, theirs = json.loads(mine), json.loads(theirs)
        assert mine.get("label") == theirs.get("label") and mine.get("error") == theirs.get("error")
    assert list(share(range(10), (1, 3))) == [1, 4, 7]


@pytest.mark.parametrize("shard", ["3/3", "1", "-1/2", "a/b", "0/0", "١/٣"])
def test_a_shard_is_i_of_n(runs: Runs, shard: str) -> None:
    with pytest.raises(UsageError, match="i/N"):
        litebert.predict(["a"], model=str(runs.trained("classification")), shard=shard)


def test_two_do_not_write_one_file(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    with (
        resumable(target, {}),
        pytest.raises(UsageError, match="another process is writing"),
        resumable(target, {}),
    ):
        pass
    assert target.exists()


def test_a_state_that_is_none_is_begun_anew(tmp_path: Path) -> None:
    part = tmp_path / ".out.jsonl.part"
    for state in ("", "[]", "{}", '{"made of": {}, "rows": 5}', '{"made of": {}, "rows": 5, "bytes": 99}'):
        part.mkdir(exist_ok=True)
        (part / "state.json").write_text(state)
        (part / "answers.jsonl").write_text("half")
        with resumable(tmp_path / "out.jsonl", {}) as answers:
            assert answers.progress == Progress(0, 0, 0, 0)
            answers.write({"a": 1}, failed=False)
        assert (tmp_path / "out.jsonl").read_text() == '{"a": 1}\n'
        assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
