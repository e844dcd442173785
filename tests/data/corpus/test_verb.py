"""`litebert corpus`: flags to settings, jobs to parts, and what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import tyro

from litebert.data.corpus.reader import Corpus as Made
from litebert.errors import UsageError
from litebert.verbs.corpus import Corpus
from small_corpora import documents

CONFIG = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagConversionOff)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join(documents(40)), encoding="utf-8")
    return path


def test_flags_are_followed_and_the_same_command_goes_on(
    tmp_path: Path, source: Path, tokenizer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = f"{source} --out {tmp_path / 'out'} --tokenizer {tokenizer} --languages en --scrub True"
    given += " --near-duplicates None --documents blank-line --workers 1"
    verb = tyro.cli(Corpus, args=given.split(), config=CONFIG)
    assert verb.main() == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("26 of 40 documents kept") and said[-1].endswith("out is whole")
    assert any("dropped: language: zh (a.txt:" in line for line in said)
    assert len(Made(tmp_path / "out")) == 26
    assert verb.main() == 0
    assert capsys.readouterr().out.splitlines() == said


def test_jobs_share_the_parts_and_the_last_one_merges(
    tmp_path: Path, source: Path, tokenizer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for job in ("1/2", "0/2"):
        given = (
            f"{source} --out {tmp_path / 'out'} --tokenizer {tokenizer} --near-duplicates None --workers 1"
        )
        verb = tyro.cli(
            Corpus,
            args=[*given.split(), "--shard", job, "--shard-bytes", "2000", "--documents", "blank-line"],
            config=CONFIG,
        )
        assert verb.main() == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "the parts of 1/2 are done; the corpus is whole when those of all jobs are"
    assert "is whole" in rest[-1]


@pytest.mark.parametrize("shard", ["2/2", "1", "a/b", "-1/2", "1/0"])
def test_a_job_that_cannot_be(tmp_path: Path, source: Path, tokenizer: Path, shard: str) -> None:
    with pytest.raises(UsageError, match="--shard is"):
        Corpus(files=(source,), out=tmp_path / "out", tokenizer=str(tokenizer), shard=shard).run()


def test_help_and_reading_do_not_load_torch() -> None:
    program = "import litebert.verbs.corpus, litebert.data.corpus.build, sys; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout == "False\n"
