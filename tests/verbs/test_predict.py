"""`litebert predict`: files and pipes, errors in their places, outputs whole or not at all."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import litebert
from litebert.cli import main
from litebert.embedded import tokenizer_folder
from litebert.errors import InputError
from litebert.tasks.labels import Label
from small_runs import Runs

Ask = Callable[..., tuple[int, list[Any], str]]


@pytest.fixture
def ask(runs: Runs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Predicts from standard input; gives the exit code, the rows and what was said."""

    def ask(given: str | bytes, *flags: str, model: str = "classification") -> tuple[int, list[Any], str]:
        data = given if isinstance(given, bytes) else given.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = main(["predict", "--model", str(runs.trained(model)), *flags])
        printed, said = capsys.readouterr()
        return code, [json.loads(line) for line in printed.splitlines()], said

    return ask


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def test_errors_stand_in_their_places(ask: Ask) -> None:
    given = (
        lines({"text": "wonderful"}, {"txt": "boring"}, {"text": 5}, [1])
        + "no json\n\n"
        + lines({"text": "糟糕"})
    )
    code, rows, said = ask(given)
    assert code == 3
    assert [row.get("label") for row in rows] == ["positive", None, None, None, None, "negative"]
    for row, told in zip(
        rows[1:5], ["text: field required", "valid string", "an array", "not JSON"], strict=True
    ):
        assert list(row) == ["error"] and list(row["error"]) == ["code", "message"]
        assert told in row["error"]["message"]
    assert "4 inputs could not be answered" in said


def test_what_is_cut_is_said(ask: Ask) -> None:
    code, rows, said = ask(lines({"text": "wonderful " * 100}, {"text": "wonderful"}))
    assert (code, len(rows)) == (0, 2)
    assert "1 inputs were longer than 64 pieces and were cut there" in said


def test_extra_keys_are_let_pass(ask: Ask) -> None:
    code, (row,), _ = ask(lines({"id": 7, "text": "wonderful", "label": "?"}))
    assert (code, row["label"]) == (0, "positive")


@pytest.mark.parametrize(("given", "count"), [("", 0), ("\n\n", 0), ('{"text": "fine"}', 1)])
def test_short_inputs_are_answered(ask: Ask, given: str, count: int) -> None:
    code, rows, _ = ask(given)
    assert (code, len(rows)) == (0, count)


def test_a_file_to_a_file(ask: Ask, runs: Runs, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    test = runs.held_out("classification")
    code, rows, _ = ask("", "--input", str(test), "--output", str(out))
    assert (code, rows) == (0, [])
    assert len(out.read_text().splitlines()) == len(test.read_text().splitlines())
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_table_with_columns_of_its_own(ask: Ask, tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text('what,said\n1,"wonderful, wonderful"\n2,糟糕\n', encoding="utf-8")
    code, rows, said = ask("", "--input", str(table), "--text-column", "said")
    assert (code, [row["label"] for row in rows]) == (0, ["positive", "negative"])
    assert "columns" not in said
    code, _, said = ask("", "--input", str(table), "--text-column", "sayd")
    assert code == 3 and "did you mean 'said'" in said


def test_columns_that_were_guessed_are_said(ask: Ask, tmp_path: Path) -> None:
    table, out = tmp_path / "in.csv", tmp_path / "out.jsonl"
    table.write_text("n,sentence\n1,wonderful\n2,boring\n")
    code, _, said = ask("", "--input", str(table), "--output", str(out))
    assert code == 0 and said.count("columns text = 'sentence' (guessed); not used: 'n'") == 1
    assert [json.loads(line)["label"] for line in out.read_text().splitlines()] == ["positive", "negative"]
    _, _, said = ask(lines({"sentence": "wonderful"}))
    assert "columns" not in said, "in a pipe it would stand between the answers"


@pytest.mark.parametrize("name", ["given.jsonl", "link.jsonl", "./given.jsonl"])
def test_an_input_file_is_never_the_output(ask: Ask, tmp_path: Path, name: str) -> None:
    given = tmp_path / "given.jsonl"
    given.write_text(lines({"text": "wonderful"}))
    (tmp_path / "link.jsonl").symlink_to(given)
    code, _, said = ask("", "--input", str(given), "--output", f"{tmp_path}/{name}")
    assert code == 2
    assert "is the file of --input, which would be lost" in said
    assert given.read_text() == lines({"text": "wonderful"})


def test_a_name_that_the_system_does_not_take_is_told(ask: Ask, tmp_path: Path) -> None:
    given = tmp_path / "given.jsonl"
    given.write_text(lines({"text": "wonderful"}))
    code, _, said = ask("", "--input", str(given), "--output", str(tmp_path / ("x" * 300)))
    assert code == 1
    assert "File name too long" in said


def test_a_file_cut_short_leaves_no_output(ask: Ask, tmp_path: Path) -> None:
    import gzip

    whole = gzip.compress(os.urandom(1 << 16).hex().encode())
    path, out = tmp_path / "in.jsonl.gz", tmp_path / "out.jsonl"
    path.write_bytes(gzip.compress(lines({"text": "wonderful"}).encode())[:-9] + whole[:100])
    out.write_text("from before")
    code, _, said = ask("", "--input", str(path), "--output", str(out))
    assert code == 3 and "in.jsonl.gz" in said
    assert out.read_text() == "from before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl.gz", "out.jsonl"]


def test_a_device_is_not_replaced_by_a_file(ask: Ask) -> None:
    assert ask(lines({"text": "wonderful"}), "--output", os.devnull)[0] == 0
    assert not Path(os.devnull).is_file()


def test_a_full_disk_is_told(ask: Ask) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    code, _, said = ask(lines({"text": "wonderful"}), "--output", "/dev/full")
    assert code == 1 and "cannot write /dev/full: No space left on device [disk]" in said


@pytest.mark.parametrize(
    ("flags", "code", "told"),
    [
        (["--output", "no/such/folder/out.jsonl"], 2, "there is no folder no/such/folder"),
        (["--input", "missing.jsonl"], 3, "missing.jsonl: there is no such file"),
        (["--precision", "pf32"], 2, "did you mean 'fp32'"),
    ],
)
def test_a_mistake_is_told_before_anything_is_written(
    ask: Ask, flags: list[str], code: int, told: str
) -> None:
    found, rows, said = ask(lines({"text": "fine"}), *flags)
    assert (found, rows) == (code, [])
    assert told in said


def test_python_has_errors_in_their_places(runs: Runs) -> None:
    given = ["wonderful", 5, {"text": "糟糕"}, {"text": "a\ud800"}]
    answers = litebert.predict(given, model=str(runs.trained("classification")))
    assert [getattr(a, "label", None) or a.code for a in answers] == [
        "positive",
        "input",
        "negative",
        "surrogate",
    ]
    assert isinstance(answers[0], Label) and isinstance(answers[1], InputError)


REFUSED = {"lone surrogate": "surrogate", "a bomb": "too_long", "one word of two megabytes": "too_long"}
"""The codes of those that no model can answer."""
NASTY = {
    "empty": "",
    "white space": " \t\u3000\u00a0\r",
    "nul": "a\0b",
    "lone surrogate": "a\ud800b",
    "right to left": "\u202eשלום\u202c مرحبا",
    "joiners": "👩\u200d👩\u200d👧\u200d👦 \u200b\u200c\u2060",
    "zalgo": "Z" + "\u0351\u0363\u0334" * 500,
    "bom": "\ufeffwonderful",
    "not characters": "\ufffe\uffff\U0010ffff",
    "emoji": "😀😃🏳️\u200d🌈🇨🇭",
    "one very long word": "x" * 900_000,
    "very many words": "the film " * 100_000,
    "one word of two megabytes": "x" * (1 << 21),
    "control": "".join(map(chr, range(1, 32))) + "\x7f\x85\u2028",
    "special pieces": "[CLS] wonderful [SEP] [MASK] [PAD] <unk> ▁",
    "mixed scripts": "ｗｏｎｄｅｒｆｕｌ 精彩 한국 Ωμέγα ქართული",
    "one character that becomes eighteen": "\ufdfa" * 10,
    "a bomb": "\ufdfa" * 1_000_000,
    "a lot of the same": "\u0958" * 100_000,
    "json in json": '{"text": "a"}',
    "markup": "<script>alert(1)</script>",
}


@pytest.fixture(scope="module", params=["vocab.txt", "spiece.model"])
def reader(request: pytest.FixtureRequest, runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with either kind of tokenizer."""
    if request.param == "vocab.txt":
        return runs.trained("classification")
    out = tmp_path_factory.mktemp("spiece") / "run"
    options = {**runs.options("classification"), "steps": 2}
    litebert.train(out=out, **{**options, "tokenizer": str(tokenizer_folder())})
    return out


def test_nasty_strings_are_answered_or_refused_each_by_itself(reader: Path) -> None:
    """What stands beside them is answered as ever."""
    (usual,) = litebert.predict(["wonderful"], model=str(reader), precision="fp32")
    given = [text for nasty in NASTY.values() for text in (nasty, "wonderful")]
    answers = litebert.predict(given, model=str(reader), precision="fp32")
    refused = {name: a.code for name, a in zip(NASTY, answers[::2], strict=True) if isinstance(a, InputError)}
    assert refused == REFUSED
    for beside in answers[1::2]:
        assert beside.label == usual.label
        assert beside.probability == pytest.approx(usual.probability, abs=1e-5)


def test_no_nasty_string_takes_long(reader: Path) -> None:
    model = litebert.load(str(reader))
    for name, text in NASTY.items():
        started = time.process_time()
        try:
            model([text])
        except InputError as error:
            assert error.code == REFUSED[name]
        assert time.process_time() - started < 2, name


def test_nasty_strings_through_a_file(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in NASTY.values()))
    code, rows, _ = ask("", "--input", str(path))
    assert (code, len(rows)) == (3, len(NASTY))
    assert {name for name, row in zip(NASTY, rows, strict=True) if "error" in row} == REFUSED.keys()


def litebert_process(*arguments: str, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "litebert", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", **more)


def test_a_pipe_is_answered_as_it_comes(runs: Runs) -> None:
    """Who writes a line, and waits for its answer before the next, gets it. Then many at once, in order."""
    process = litebert_process(
        "predict", "--model", str(runs.trained("classification")), stdin=subprocess.PIPE
    )
    assert process.stdin and process.stdout
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    for word, label in (("wonderful", "positive"), ("糟糕", "negative")):
        print(json.dumps({"text": word}), file=process.stdin, flush=True)
        assert json.loads(process.stdout.readline())["label"] == label
    words = ["wonderful", "boring", "lovely"] * 2000
    writer = threading.Thread(target=write_all, args=(process.stdin, words))
    writer.start()
    answers = [json.loads(line)["label"] for line in process.stdout]
    writer.join()
    watchdog.cancel()
    assert answers == ["positive", "negative", "positive"] * 2000
    assert process.wait() == 0


def write_all(pipe: Any, words: list[str]) -> None:
    for word in words:
        print(json.dumps({"text": word}), file=pipe)
    pipe.close()


def test_a_reader_that_goes_away_is_no_error(runs: Runs, tmp_path: Path) -> None:
    """As `head -1` does, while more is to be read and written."""
    given = tmp_path / "in.jsonl"
    given.write_text(lines(*({"text": "wonderful"} for _ in range(20_000))))
    with given.open() as stdin:
        process = litebert_process(
            "predict", "--model", str(runs.trained("classification")), stdin=stdin, stderr=subprocess.PIPE
        )
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


def test_an_error_ends_it_though_more_may_come(runs: Runs) -> None:
    """The thread that waits for the next line holds nothing up."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    flags = ["--model", str(runs.trained("classification")), "--output", "/dev/full"]
    process = litebert_process("predict", *flags, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin and process.stderr
    print(json.dumps({"text": "wonderful"}), file=process.stdin, flush=True)
    assert process.wait(60) == 1
    assert process.stderr.read().splitlines() == [
        "litebert: cannot write /dev/full: No space left on device [disk]"
    ]


def test_a_model_by_its_hub_name(runs: Runs, tmp_path: Path) -> None:
    """From the hub's cache, without a network."""
    folder = tmp_path / "hub" / "models--me--mine"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("c" * 40)
    (folder / "snapshots").mkdir()
    (folder / "snapshots" / ("c" * 40)).symlink_to(runs.trained("classification"))
    process = litebert_process(
        "predict",
        "--model",
        "me/mine",
        stdin=subprocess.PIPE,
        env={**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"},
    )
    printed, _ = process.communicate('{"text": "wonderful"}\n', timeout=120)
    assert json.loads(printed)["label"] == "positive"
