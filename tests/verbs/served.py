"""`litebert` in processes of its own that a test can kill, with torch imported once for all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


class Server:
    """Forks a process for each command line."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, *arguments: str, out: Path) -> int:
        """Starts `litebert` with what it prints going to a file; gives the process id."""
        assert self.process.stdin and self.process.stdout
        print(json.dumps([str(out), *arguments]), file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def wait(self) -> int:
        """The exit code of what was started; minus the signal if one killed it."""
        assert self.process.stdin and self.process.stdout
        print("wait", file=self.process.stdin, flush=True)
        return os.waitstatus_to_exitcode(int(self.process.stdout.readline()))

    def run(self, *arguments: str, out: Path) -> int:
        self.start(*arguments, out=out)
        return self.wait()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(10)


def serve() -> None:
    """Forks a process for each line of stdin, and prints its id; at the next line, how it ended."""
    import matplotlib.figure  # noqa: F401
    from torch.utils.tensorboard.writer import SummaryWriter  # noqa: F401

    import litebert.training.finetune  # noqa: F401
    from litebert.cli import main

    while line := sys.stdin.readline():
        out, *arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 70
            try:
                file = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(file, 1)
                os.dup2(file, 2)
                code = main(arguments)
            except SystemExit as end:
                code = int(end.code or 0)
            finally:
                sys.stdout.flush()
                os._exit(code)
        print(child, flush=True)
        sys.stdin.readline()  # Until someone waits for it, its id stays its own.
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    serve()
