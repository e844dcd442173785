"""A verb from its command line: tyro reads it; the nearest name is told for what is mistyped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from io import StringIO
from itertools import zip_longest
from typing import Any, Literal, get_args, get_origin, get_type_hints

from litebert.errors import UsageError, nearest


def parse(verb: Any, name: str, arguments: Sequence[str]) -> Any:
    """The verb that a command line asks for. Prints the help and exits, or raises `UsageError`.

    A verb may say by `positional = True` that what is required has no flag, and by `defaults(arguments)`
    what flags that are left out take.
    """
    import tyro

    from litebert.verbs.values import registry

    _check(verb, name, arguments)
    required = (tyro.conf.PositionalRequiredArgs,) if getattr(verb, "positional", False) else ()
    markers = (tyro.conf.OmitArgPrefixes, tyro.conf.PositionalMetavarFromFieldName, *required)
    defaults = verb.defaults(arguments) if hasattr(verb, "defaults") else None
    given = {} if defaults is None else {"default": defaults}
    said = StringIO()
    try:
        with redirect_stderr(said):
            return tyro.cli(
                verb,
                prog=f"litebert {name}",
                args=_gathered(verb, arguments),
                config=markers,
                registry=registry(),
                **given,
            )
    except SystemExit as end:
        if not end.code:
            raise
        raise UsageError(f"{_sentence(said.getvalue())}. `litebert {name} --help` lists the flags") from None


def positional() -> Any:
    """The mark of a field that has no flag. It is called when a verb's types are read, so that the list of
    verbs needs no tyro, which takes longer to import than all else."""
    from tyro.conf import Positional

    return Positional


def _sentence(box: str) -> str:
    """What tyro has found wrong, as our errors are. It draws a box, or without UTF-8 rules of -, with a
    title above and help beneath."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", box)
    lines = [line.strip("│╭╮ ") for line in plain.splitlines()]
    rules = [number for number, line in enumerate(lines) if line and set(line) <= {"-", "─"}]
    title = 0 if "╭" in plain or not rules else rules.pop(0)
    inside = lines[title + 1 : rules[0] if rules else None]
    told = " ".join(filter(None, inside)).replace(" (required)", "")
    return told[:1].lower() + told[1:].rstrip(".")


def _gathered(verb: Any, arguments: Sequence[str]) -> list[str]:
    """The command line with the values of a flag that takes several, and is given several times, together:
    the last alone would count."""
    several = {flag for field, kind in _flags(verb) if _is_several(kind) for flag in _spellings(field, kind)}
    given = [argument.partition("=")[0] for argument in arguments]
    if all(given.count(flag) < 2 for flag in several):
        return list(arguments)
    groups: dict[Any, list[str]] = {}
    for at, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        known = flag.replace("_", "-") if argument.startswith("--") else ""
        if known in several:
            group = groups.setdefault(known, [known])
            group += [value] if equals else []
        elif argument.startswith("-") or not groups:
            groups[at] = group = [argument]
        else:
            group.append(argument)
    return [argument for group in groups.values() for argument in group]


def _is_several(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[-1:] == (...,)


def _check(verb: Any, name: str, arguments: Sequence[str]) -> None:
    """Raises `UsageError` for a flag, or one of a few words after it, that is not known."""
    known = {flag: kind for field, kind in _flags(verb) for flag in _spellings(field, kind)}
    for argument, after in zip_longest(arguments, arguments[1:]):
        flag, equals, value = argument.partition("=")
        flag = flag.replace("_", "-")
        if not flag.startswith("--") or flag == "--help":
            continue
        if flag not in known:
            raise UsageError(_unknown(flag, known, name))
        if equals and known[flag] is bool:
            raise UsageError(f"{flag} takes no value: write {flag}, or leave it out")
        given, words = value if equals else after, _words(known[flag])
        if given == "":  # As from a variable of the shell that is not set: it would pass for left out.
            raise UsageError(f"{flag} is empty; give it a value, or leave it out")
        if words and given is not None and given not in words:
            raise UsageError(nearest(given, words, f"value of {flag}"))


def _unknown(flag: str, known: Iterable[str], name: str) -> str:
    close = get_close_matches(flag, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    return f"`litebert {name}` has no flag {flag}{hint} `litebert {name} --help` lists them"


def _flags(verb: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a dataclass and of those inside it, with their types."""
    hints = get_type_hints(verb)
    for field in fields(verb):
        kind = hints[field.name]
        yield from _flags(kind) if is_dataclass(kind) else [(field.name, kind)]


def _spellings(field: str, kind: Any) -> list[str]:
    dashed = field.replace("_", "-")
    return [f"--{dashed}", f"--no-{dashed}"] if kind is bool else [f"--{dashed}"]


def _words(kind: Any) -> tuple[str, ...]:
    """The words that a flag takes, if it takes one of a few and nothing else."""
    if int in get_args(kind):
        return ()
    if get_origin(kind) is Literal:
        return tuple(map(str, get_args(kind)))
    return next((words for inner in get_args(kind) if (words := _words(inner))), ())
