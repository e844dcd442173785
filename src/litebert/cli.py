"""The command line: `litebert VERB …`, drawn from the verbs' dataclasses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from litebert import __version__
from litebert.errors import LitebertError, UsageError, nearest, short
from litebert.verbs import VERBS, below, find

INTERRUPTED = 130
COMPLETION = ("--tyro-print-completion", "--tyro-write-completion")

HELP = """usage: litebert VERB [FLAGS]

ALBERT, whole and working, in Chinese and English. Begin with: litebert demo

{verbs}

`litebert VERB --help` tells a verb's flags, with an example; `litebert --version` the version.

Exit codes: 0 done; 1 failed; 2 the command is wrong; 3 the data are; 4 the model is;
75 stopped, and the same command goes on; 130 interrupted.

Completion with the tab key, for bash (and likewise zsh and fish):
  litebert --tyro-write-completion bash ~/.local/share/bash-completion/completions/litebert"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    _open_streams()
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except LitebertError as error:
        print(f"litebert: {error.message if not str(error) else error} [{error.code}]", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # The reader of our pipe has gone, as `head` does: nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED


def _open_streams() -> None:
    """Python has None for one that whoever began us has closed: there is nothing to read, nobody to tell."""
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 (for the whole process)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def _run(given: list[str]) -> int:
    if given[:1] == ["help"]:
        given = [*given[1:], "--help"]
    if not given or given[0] in ("--help", "-h"):
        return _print(HELP.format(verbs=_listed(VERBS)))
    if given[0] in ("--version", "-V"):
        return _print(f"litebert {__version__}")
    if given[0] in COMPLETION:
        from litebert.verbs.completion import complete

        complete(given)
        return 0
    name, rest = _split(given)
    if name not in VERBS:  # Several begin with it.
        return _print(f"usage: litebert {name} VERB [FLAGS]\n\n{_listed(below(name))}")
    from litebert.verbs.flags import parse

    return int(parse(find(name), name, rest).main())


def _print(text: str) -> int:
    print(text)
    return 0


def _split(given: list[str]) -> tuple[str, list[str]]:
    """The verb, or what several verbs begin with if help on it is asked for, and the rest."""
    first, second = given[0], given[1] if len(given) > 1 else "--help"
    if first in VERBS:
        return first, given[1:]
    if first.startswith("-"):
        raise UsageError(
            f"`litebert` has no flag {short(first)}; a verb comes first: `litebert --help` lists them"
        )
    if not below(first):
        raise UsageError(nearest(first, {verb.split()[0] for verb in VERBS}, "verb"))
    if f"{first} {second}" in VERBS:
        return f"{first} {second}", given[2:]
    if second in ("--help", "-h"):
        return first, []
    seconds = [verb.split()[1] for verb in below(first)]
    raise UsageError(nearest(second, seconds, f"verb of `litebert {first}`"))


def _listed(verbs: Iterable[str]) -> str:
    """Each with the first sentence of its help."""
    width = max(map(len, VERBS))
    return "\n".join(f"  {verb:<{width}}  {find(verb).__doc__.splitlines()[0]}" for verb in verbs)
