"""Small real pretraining runs, in as many processes as asked for, which a test can kill.

As a program with `--serve` it forks the processes of a run for each line of JSON that it reads, so that torch
is imported once for all of them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import small_corpora
from small_runs import CONFIG

CONFIG_HERE = {**CONFIG, "hidden_size": 16, "intermediate_size": 32, "embedding_size": 8}
OPTIONS: dict[str, Any] = {
    "length": 16,
    "batch_size": 8,
    "steps": 20,
    "learning_rate": 2e-3,
    "precision": "fp32",
    "threads": 1,
    "progress": "silent",
}
"""Options with which it takes a second."""
NO_COMPILER = {"CXX": "/nowhere", "PATH": str(Path(sys.executable).parent)}
"""An environment in which nothing is compiled: for so few steps that would not be worth it."""


def tiny(folder: Path, tokenizer: Path, **config: Any) -> Path:
    """A configuration without weights beside a vocabulary."""
    folder.mkdir()
    for file in tokenizer.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "config.json").write_text(json.dumps({**CONFIG_HERE, "vocab_size": 260, **config}))
    return folder


class Place:
    """A folder with a tokenizer, a model of it, a corpus and another corpus for dev."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tokenizer = small_corpora.write_tokenizer(folder / "tokenizer")
        self.corpus = small_corpora.make(
            folder / "corpus", [small_corpora.document(n) for n in range(60)], self.tokenizer
        ).folder
        self.dev = small_corpora.make(
            folder / "dev", [small_corpora.document(n) for n in range(100, 110)], self.tokenizer
        ).folder
        self.model = tiny(folder / "tiny", self.tokenizer)

    def options(self, **more: Any) -> dict[str, Any]:
        return {"corpus": str(self.corpus), "model": str(self.model), **OPTIONS, **more}


def environment(**more: str) -> dict[str, str]:
    """For a process that finds what this one finds."""
    here = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), *sys.path]))
    return {**os.environ, **NO_COMPILER, "OMP_NUM_THREADS": "1", "PYTHONPATH": here, **more}


def flags(options: dict[str, Any]) -> list[str]:
    """Options as a command line has them."""
    return [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]


class Server:
    """Forks the processes of a run for each thing asked."""

    def __init__(self) -> None:
        self._running: list[int] = []
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def start(self, out: Path, processes: int = 1, **options: Any) -> list[int]:
        """Starts `litebert pretrain`, or `distill` if there is a teacher; gives the processes' ids by rank.

        What they say on standard error goes to `<out>.err`, and the samples that each draws to
        `<out>.samples`.
        """
        for left in self._running:  # By a test that has failed.
            os.kill(left, signal.SIGKILL)
        if self._running:
            self.wait()
        self._running = self._ask({"out": str(out), "processes": processes, **options})
        return list(self._running)

    def wait(self) -> list[int]:
        """The exit codes by rank; minus the signal where one killed it."""
        self._running = []
        return [os.waitstatus_to_exitcode(status) for status in self._ask({})]

    def run(self, out: Path, processes: int = 1, **options: Any) -> list[int]:
        self.start(out, processes, **options)
        return self.wait()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(20)

    def _ask(self, line: dict[str, Any]) -> Any:
        assert self.process.stdin and self.process.stdout
        print(json.dumps(line), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


def errors(out: Path) -> str:
    """What the processes of a run have said."""
    return Path(f"{out}.err").read_text()


def drawn(out: Path) -> list[list[int]]:
    """The numbers of the samples in each batch that a process has drawn, in the order of drawing."""
    return [json.loads(line) for line in Path(f"{out}.samples").read_text().splitlines()]


def serve() -> None:
    import torch.utils.tensorboard.writer  # noqa: F401

    import litebert.training.pretrain
    import litebert.verbs.distill
    import litebert.verbs.pretrain

    # What is killed here is training; drawing curves at its end takes longer than all of it.
    litebert.training.pretrain.draw_curves = lambda *_: None  # type: ignore[attr-defined]
    while line := sys.stdin.readline():
        asked = json.loads(line)
        children = _forked(asked.pop("processes"), asked)
        print(json.dumps(children), flush=True)
        sys.stdin.readline()  # Until someone waits for them, their ids stay their own.
        print(json.dumps([os.waitpid(child, 0)[1] for child in children]), flush=True)


def _forked(processes: int, asked: dict[str, Any]) -> list[int]:
    port = free_port()
    children = []
    for rank in range(processes):
        child = os.fork()
        if child:
            children.append(child)
            continue
        code = 1
        try:
            os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(processes)}
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            code = command(asked | asked.pop("by_rank", {}).get(str(rank), {}))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return children


def command(asked: dict[str, Any]) -> int:
    """What the command line does: the exit code."""
    from litebert.errors import LitebertError
    from litebert.verbs.stopping import going_on_later

    out = asked["out"]
    os.dup2(os.open(f"{out}.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    _log_samples(f"{out}.samples")
    try:
        with going_on_later():
            _verb(asked)()
    except LitebertError as error:
        print(error.message, f"[{error.code}]", file=sys.stderr, flush=True)
        return error.exit_code
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _verb(asked: dict[str, Any]) -> Any:
    from litebert.verbs.distill import Distill
    from litebert.verbs.keywords import made
    from litebert.verbs.pretrain import Pretrain

    return made(Distill if "teacher" in asked else Pretrain, asked).run


def _log_samples(path: str) -> None:
    from litebert.data.masking import Instances, PretrainingBatch

    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    batch = Instances.batch

    def logged(self: Instances, numbers: Sequence[int]) -> PretrainingBatch:
        os.write(log, json.dumps(list(numbers)).encode() + b"\n")
        return batch(self, numbers)

    Instances.batch = logged  # type: ignore[method-assign]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    serve()
