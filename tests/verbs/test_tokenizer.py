"""`litebert tokenizer`: text to ids and offsets, and back, as JSONL."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from litebert.cli import main
from litebert.embedded import tokenizer_folder
from litebert.text.loading import load_tokenizer
from small_runs import Runs

Ask = Callable[..., tuple[int, list[Any], str]]
TEXTS = ["Café 9,9", "比想象的还要好。", "", "a [SEP] b", "\u202eשלום", "½ ﬁ", " \n"]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Runs a verb of `litebert tokenizer` on standard input."""

    def ask(verb: str, given: str, *flags: str) -> tuple[int, list[Any], str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        code = main(["tokenizer", verb, *flags])
        printed, said = capsys.readouterr()
        return code, [json.loads(line) for line in printed.splitlines()], said

    return ask


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_each_text_in_order(ask: Ask) -> None:
    tokenizer = load_tokenizer(tokenizer_folder())
    code, rows, _ = ask("encode", lines(*({"text": text, "id": 3} for text in TEXTS)))
    assert code == 0
    for text, row in zip(TEXTS, rows, strict=True):
        pieces = tokenizer.encode(text)
        assert row == {"ids": pieces.ids.tolist(), "offsets": pieces.spans.tolist()}
        assert all(0 <= start <= end <= len(text) for start, end in row["offsets"])
        assert not {tokenizer.cls, tokenizer.sep, tokenizer.pad, tokenizer.mask} & set(row["ids"])


def test_offsets_are_in_characters_of_the_text_as_given(ask: Ask) -> None:
    _, ((row),), _ = ask("encode", lines({"text": "  Café 比好"}))
    shown = "".join("  Café 比好"[start:end] for start, end in row["offsets"])
    assert shown == "Café比好"


def test_errors_stand_in_their_places(ask: Ask) -> None:
    given = lines({"text": "a"}, {"txt": "b"}, {"text": 5}) + 'no\n{"text": "\\ud800"}\n'
    code, rows, said = ask("encode", given + lines({"text": "\ufdfa" * 300_000}, {"text": "b"}))
    assert code == 3 and "5 inputs could not be answered" in said
    assert ["error" in row for row in rows] == [False, True, True, True, True, True, False]
    assert rows[1]["error"] == {"code": "input", "message": 'the row must be {"text": "…"}, but has \'txt\''}
    assert rows[5]["error"]["code"] == "too_long"


@pytest.mark.parametrize(
    ("closed", "code", "printed"),
    [("<&-", 0, ""), (">&-", 1, "it is closed [disk]"), ("2>&-", 0, '"offsets": [[0, 1]]}')],
)
def test_closed_streams_end_without_a_traceback(closed: str, code: int, printed: str) -> None:
    command = f'echo \'{{"text": "a"}}\' | "$0" -m litebert tokenizer encode {closed}'
    done = subprocess.run(["sh", "-c", command, sys.executable], capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert (done.stdout + done.stderr).strip().endswith(printed)


def test_a_text_comes_back_from_its_ids(ask: Ask) -> None:
    _, rows, _ = ask("encode", lines({"text": "the river was wide"}))
    code, back, _ = ask("decode", lines(*({"ids": row["ids"]} for row in rows)))
    assert (code, back) == (0, [{"text": "the river was wide"}])


def test_ids_that_are_none(ask: Ask) -> None:
    code, rows, _ = ask(
        "decode", lines({"ids": [10**9]}, {"ids": ["a"]}, {"ids": [1.5]}, {"id": 3}, {"ids": []})
    )
    assert code == 3
    assert ["error" in row for row in rows] == [True, True, True, True, False]
    assert rows[0]["error"]["code"] == "id"


def test_any_models_tokenizer(ask: Ask, runs: Runs) -> None:
    """A run's folder, a file, a configuration; the embedded one when none is named."""
    given = lines({"text": "the film"})
    run, file = runs.trained("classification"), runs.model / "vocab.txt"
    assert ask("encode", given, "--tokenizer", str(run)) == ask("encode", given, "--tokenizer", str(file))
    embedded = ask("encode", given)
    for name in ("embedded", "config:albert-zh-tiny", str(tokenizer_folder() / "spiece.model")):
        assert ask("encode", given, "--tokenizer", name) == embedded


def test_from_a_file_to_a_file(ask: Ask, tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(lines(*({"text": f"number {i}"} for i in range(5000))))
    assert ask("encode", "", "--input", str(source), "--output", str(target))[:2] == (0, [])
    assert len(target.read_text().splitlines()) == 5000


@pytest.mark.parametrize(
    ("flags", "code", "told"),
    [
        (["--tokenizer", "no/such/one"], 4, "no/such/one: there is no such file or folder"),
        (["--tokenizer", "."], 4, "holds no tokenizer"),
        (["--input", "missing.jsonl"], 3, "missing.jsonl: there is no such file"),
    ],
)
def test_a_mistake_is_told_before_anything_is_written(
    ask: Ask, flags: list[str], code: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found, rows, said = ask("encode", lines({"text": "a"}), *flags)
    assert (found, rows) == (code, [])
    assert told in said
