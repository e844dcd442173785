"""`litebert tokenizer train`, from the command line and from Python."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import litebert
from litebert.cli import main
from litebert.errors import UsageError
from litebert.text.loading import load_tokenizer

ENGLISH = (
    "The old sailor found a broken clock in the harbour. He sold it at once, or so he said. Nobody knew why."
)
CHINESE = "昨天早上，我的朋友在图书馆找到了那封信。研究人员喜欢自然语言处理！这只小狗打开了窗户。"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a plain file in `.gz`, JSONL, WikiExtractor's, and one that says the same again."""
    folder = tmp_path / "texts"
    folder.mkdir()
    with gzip.open(folder / "a.txt.gz", "wt", encoding="utf-8") as packed:
        packed.write(f"{ENGLISH}\n\n{CHINESE}{CHINESE}")
    (folder / "b.jsonl").write_text(json.dumps({"text": f"{ENGLISH} {ENGLISH}"}), encoding="utf-8")
    (folder / "c.txt").write_text(f'<doc id="1" title="x">\nx\n\n{CHINESE}\n</doc>\n', encoding="utf-8")
    (folder / "d.txt").write_text(ENGLISH, encoding="utf-8")
    return folder


def test_a_vocabulary_of_all_forms(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    command = ["tokenizer", "train", str(files), "--out", str(out), "--size", "90", "--min-chars", "20"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 of 5 documents kept") and said.endswith(f"{out} is a vocabulary\n")
    assert "1 dropped: nearly an earlier one (texts/c.txt:1)" in said
    assert "1 dropped: same as an earlier one (texts/d.txt:1)" in said
    tokenizer = load_tokenizer(out)
    assert (tokenizer.kind, tokenizer.size) == ("sentencepiece", 90)
    assert tokenizer.unknown not in tokenizer.encode(ENGLISH + CHINESE).ids
    assert main(command) == 2  # What is there stays.
    assert "holds other files" in capsys.readouterr().err


def test_python_trains_as_the_command_line_does(files: Path, tmp_path: Path) -> None:
    report = litebert.train_tokenizer(
        files, out=tmp_path / "out", kind="wordpiece", size=300, languages=("zh",)
    )
    assert report.dropped["language: en"].count == 3
    tokenizer = load_tokenizer(tmp_path / "out")
    assert tokenizer.kind == "wordpiece"
    assert tokenizer.unknown not in tokenizer.encode(CHINESE).ids
    assert tokenizer.unknown in tokenizer.encode(ENGLISH).ids


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 5}, "--size is 5; five pieces are special"),
        ({"coverage": 1.5}, "--coverage is 1.5"),
        ({"coverage": 0}, "--coverage is 0"),
        ({"languages": ("en",), "min_chars": 10_000}, "there is no text to train a vocabulary on"),
        ({"size": 30_000}, "it yields at most"),
        ({"kidn": "wordpiece"}, "did you mean 'kind'"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    files: Path, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        litebert.train_tokenizer(files, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
