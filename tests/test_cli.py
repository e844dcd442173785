"""The command line as a person meets it: help, mistakes, exit codes, completion, pipes."""

from __future__ import annotations

import os
import re
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from litebert import __version__
from litebert.cli import main
from litebert.verbs import VERBS, find
from small_runs import Runs

HEAVY = ("torch", "numpy", "sklearn", "pydantic", "tokenizers", "sentencepiece", "huggingface_hub", "rich")
LITEBERT = [sys.executable, "-m", "litebert"]


def run(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LITEBERT, *arguments], capture_output=True, text=True, timeout=300, **more)  # type: ignore[call-overload, no-any-return]


def test_help_lists_the_verbs_the_exit_codes_and_completion(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--help"], ["-h"]):
        assert main(arguments) == 0
        printed = capsys.readouterr().out
        for told in (
            *VERBS,
            "litebert demo",
            "Exit codes: 0 done; 1 failed; 2",
            "--tyro-write-completion bash",
        ):
            assert told in printed
        assert max(map(len, printed.splitlines())) <= 130


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"litebert {__version__}\n"


@pytest.mark.parametrize("asked", [["help"], ["help", "tokenizer"]])
def test_help_may_be_asked_for_as_a_verb(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert main([*asked[1:], "--help"]) == 0
    assert said == capsys.readouterr().out
    assert said.startswith("usage: litebert")


@pytest.mark.parametrize("verb", VERBS)
def test_each_verbs_help_has_an_example_and_every_flag_a_sentence(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([*verb.split(), "--help"])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert f"usage: litebert {verb}" in printed
    assert f"litebert {verb}" in example(verb)
    bare = re.findall(r"(--[\w-]+)(?: [A-Z]+| \{[\w,]+\})?\s*│?\s*\((?:default|required)", printed)
    # These speak for themselves.
    assert set(bare) <= {"--optimizer", "--patience", "--save-minutes"}


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    """At most 0.3 s of work: the wall clock's on a machine that does nothing else."""
    code = (
        "import sys\nfrom litebert.cli import main\n"
        "for verb in [[], *(v.split() for v in sys.argv[1:])]:\n"
        "    try: main([*verb, '--help'])\n"
        "    except SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *VERBS], capture_output=True, text=True, timeout=120)
    assert done.stderr.strip() == "[]"
    assert min(processor_time("--help") for _ in range(5)) < 0.3


def processor_time(*arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(*arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def example(verb: str) -> str:
    """The command in a verb's help."""
    (found,) = re.findall(r"^ *Example: (.*)$", find(verb).__doc__, re.MULTILINE)
    return str(found)


@pytest.fixture
def workplace(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a trained model where the examples have it, and `litebert` on the path."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "reviews").symlink_to(runs.trained("classification"))
    (tmp_path / "litebert").write_text(f'#!/bin/sh\nexec {shlex.join(LITEBERT)} "$@"\n')
    (tmp_path / "litebert").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


THEIR_OWN = {
    "tokenizer train": "wiki",
    "corpus": "wiki",
    "pretrain": "corpora/mine",
    "distill": "corpora/mine",
    "index": "docs/",
    "search": "docs.index",
    "ask": "docs.index",
    "recommend": "ratings.csv",
    "data check": "train.csv",
    "tune": "my.csv",
}
"""Examples that begin with what a person has, and what that is; the pages run them on real files."""


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("verb", THEIR_OWN)
def test_an_example_on_a_persons_own_files_names_what_is_not_there(verb: str) -> None:
    done = subprocess.run(example(verb), shell=True, capture_output=True, text=True, timeout=300)
    assert done.returncode in (3, 4), done.stderr
    assert THEIR_OWN[verb] in done.stderr


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("demo", "train", *THEIR_OWN)])
def test_each_verbs_example_runs_as_it_stands(verb: str) -> None:
    done = subprocess.run(example(verb), shell=True, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("verb", ["demo", "train"])
def test_the_examples_that_train_begin_as_they_stand(verb: str, workplace: Path) -> None:
    """Asked to stop once they have begun, they say that the same command goes on."""
    (workplace / "runs" / "reviews").unlink()
    out = workplace / "runs" / ("reviews" if verb == "train" else "demo")
    with (workplace / "said").open("w") as said:
        process = subprocess.Popen(["sh", "-c", f"exec {example(verb)}"], stdout=said, stderr=said)
    log = out / "metrics.jsonl"
    for _ in range(6000):
        if (log.exists() and log.stat().st_size) or process.poll() is not None:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 75, (workplace / "said").read_text()
    assert "the same command goes on" in (workplace / "said").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["demo", "train"])
def test_the_examples_that_train_run_as_they_stand(verb: str, workplace: Path) -> None:
    (workplace / "runs" / "reviews").unlink()
    assert subprocess.run(example(verb), shell=True, timeout=1800).returncode == 0


MISTAKES = [
    (["trian"], 2, "no verb is named 'trian'; did you mean 'train'?"),
    (["--hlep"], 2, "no flag --hlep; a verb comes first: `litebert --help` lists them"),
    (["tokenizer", "encod"], 2, "did you mean 'encode'?"),
    (["tokenise"], 2, "did you mean 'tokenizer'?"),
    (["train"], 2, "litebert: missing from litebert train: --train STR A file, several with commas, or"),
    (
        ["train", "--train", "a.csv"],
        2,
        "--out PATH The run's folder. `litebert train --help` lists the flags",
    ),
    (["train", "--tarin", "a.csv"], 2, "has no flag --tarin; did you mean --train? `litebert train --help`"),
    (["train", "--learning_rat", "1"], 2, "did you mean --learning-rate?"),
    (["train", "--xyzzy"], 2, "has no flag --xyzzy. `litebert train --help`"),
    (["train", "--optimizer", "adam"], 2, "did you mean 'adamw'? Known: adamw, lamb, muon, sgd"),
    (["train", "--schedule=cosin"], 2, "did you mean 'cosine'?"),
    (["train", "--progress", "plain"], 2, "Known: auto, bar, json, lines, silent"),
    (["train", "--train=a", "--out=b", "--seed", "one"], 2, "expected a whole number, but got 'one'"),
    (["train", "--train=a", "--out=b", "--epochs", "few"], 2, "expected a number, but got 'few'"),
    (["train", "--train=a", "--out=b", "--seed", "1.5"], 2, "expected a whole number"),
    (["train", "--train=a", "--out=b", "--batch-size", "0"], 2, "batch_size must be at least 1, but is 0"),
    (["train", "--train=a", "--out=b", "--epochs", "nan"], 2, "epochs must be more than 0, but is nan"),
    (
        ["train", "--train=a", "--out=b", "--epochs", "inf"],
        2,
        "epochs may be 1e+18 at most, but is inf",
    ),
    (["train", "--train=a", "--out=b", "--warmup", "1"], 2, "warmup must be from 0 to below 1"),
    (["train", "--train=a", "--out=b", "extra"], 2, "litebert: unrecognized options: extra. `litebert train"),
    (
        ["train", "--train=a", "--out=b", "-x"],
        2,
        "litebert: unrecognized options: -x. `litebert train --help",
    ),
    (["train", "--train=a", "--out"], 2, "litebert: missing value for argument '--out'. Expected 1 values."),
    (["train", "--train=a", "--out=b", "--dev", ""], 2, "--dev is empty; give it a value, or leave it out"),
    (["predict", "--model="], 2, "--model is empty"),
    (["train", "--train=glue.sst", "--out=b"], 2, "did you mean 'glue.sst2'?"),
    (["train", "--train=glue.sst2:tset", "--out=b"], 2, "no split is named 'tset'"),
    (["train", "--train=reviews.en", "--out=b", "--model=config:albert-bse-v2"], 4, "'albert-base-v2'"),
    (["train", "--train=reviews.en", "--out=b", "--task=clasification"], 2, "did you mean 'classification'?"),
    (["train", "--train=reviews.en", "--out=b", "--task=regression"], 2, "is for the task classification"),
    (["evaluate"], 2, "--data STR"),
    (["evaluate", "--data", "a.csv", "--jsn"], 2, "did you mean --json?"),
    (["predict", "--model", "runs/nope/here"], 4, "there is no such file or folder"),
    (["predict", "--model", "."], 4, "neither a config.json nor any weights"),
    (["predict", "--inptu", "a"], 2, "did you mean --input?"),
    (["convert", "a", "b", "--sharing", "atention"], 2, "did you mean 'attention'?"),
    (["doctor", "--verbose"], 2, "has no flag --verbose"),
    (["convert", "a", "b", "--to", "hf"], 2, "did you mean 'huggingface'? Known: huggingface, tensorflow"),
    (["export", "a", "b", "--to", "onnxruntime"], 2, "did you mean 'onnx'?"),
    (["train", "--train=a.csv", "--out=b", "--task=分类"], 2, "did you mean 'classification'?"),
    (["train", "--train=a.csv", "--out=b", "--task=NER"], 2, "did you mean 'entities'?"),
    (["train", "--train=a", "--out=b", "--json=yes"], 2, "--json takes no value: write --json, or leave it"),
    (["--tyro-print-completion", "bsh"], 2, "did you mean 'bash'?"),
    (["--tyro-write-completion", "bash"], 2, "needs a file"),
    (["--tyro-write-completion", "bash", "no/such/folder/x"], 2, "cannot write no/such/folder/x"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "told"), MISTAKES, ids=lambda x: " ".join(x) if isinstance(x, list) else ""
)
def test_a_mistake_is_told_with_its_exit_code(
    arguments: list[str],
    code: int,
    told: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = main(arguments)
    printed, said = capsys.readouterr()
    assert found == code
    assert told in said and re.fullmatch(r"litebert: .*\[\w+\]\n", said), "one line"
    assert printed == "" and "Traceback" not in said
    assert not any(tmp_path.iterdir())


def test_an_error_ends_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    main(["predict", "--model", "runs/nope/here"])
    assert capsys.readouterr().err == "litebert: runs/nope/here: there is no such file or folder [model]\n"


COMPLETE = """
source {script}
COMP_WORDS=({words}); COMP_CWORD={last}
_tyro_litebert
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def completion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script for bash."""
    path = tmp_path_factory.mktemp("completion") / "litebert.bash"
    assert main(["--tyro-write-completion", "bash", str(path)]) == 0
    return path


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("litebert tr", {"train"}),
        ("litebert tokenizer enc", {"encode"}),
        ("litebert train --learning", {"--learning-rate"}),
        ("litebert train --optimizer la", {"lamb"}),
        ("litebert convert a b --sharing att", {"attention"}),
    ],
)
def test_completion_in_bash(completion: Path, typed: str, offered: set[str]) -> None:
    words = typed.split()
    script = COMPLETE.format(script=completion, words=" ".join(words), last=len(words) - 1)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert set(done.stdout.split()) == offered, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_for_each_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tyro-print-completion", shell]) == 0
    printed = capsys.readouterr().out
    assert "litebert" in printed and "learning-rate" in printed


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("litebert.verbs.doctor.Doctor.main", interrupted)
    assert main(["doctor"]) == 130


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"set -o pipefail; {shlex.join(LITEBERT)} --tyro-print-completion bash | head -1 >/dev/null",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
