"""Completion with the tab key: a shell's script, which tyro writes from all verbs as one command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import make_dataclass
from functools import reduce
from operator import or_
from typing import Annotated, Any

from litebert.errors import UsageError, nearest
from litebert.verbs import VERBS, below, find
from litebert.verbs.values import registry

SHELLS = ("bash", "zsh", "fish")


def complete(arguments: Sequence[str]) -> None:
    """Prints the script, or writes it: `--tyro-print-completion SHELL`, `--tyro-write-completion SHELL FILE`.

    Raises `UsageError` for another shell, or where the file is missing.
    """
    import tyro

    flag, shell, *file = [*arguments, ""][: max(2, len(arguments))]
    if shell not in SHELLS:
        raise UsageError(nearest(shell, SHELLS, "shell"))
    if flag.endswith("write-completion") and not file:
        raise UsageError(f"{flag} {shell} needs a file to write to")
    markers = (tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)
    try:
        tyro.cli(_tree(), prog="litebert", args=[*arguments], config=markers, registry=registry())
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"cannot write {file[0]}: {error.strerror}") from None
    except SystemExit:  # What tyro does when it is done.
        return


def _tree() -> Any:
    """The verbs as a union of unions, which tyro makes subcommands of."""
    return reduce(or_, map(_branch, dict.fromkeys(verb.split()[0] for verb in VERBS)))


def _branch(word: str) -> Any:
    import tyro

    if word in VERBS:
        return Annotated[_marked(word), tyro.conf.subcommand(word)]
    leaves = [Annotated[_marked(verb), tyro.conf.subcommand(verb.split()[1])] for verb in below(word)]
    return Annotated[make_dataclass(word, [("verb", reduce(or_, leaves))]), tyro.conf.subcommand(word)]


def _marked(verb: str) -> Any:
    import tyro

    one = find(verb)
    return Annotated[one, tyro.conf.PositionalRequiredArgs] if getattr(one, "positional", False) else one
