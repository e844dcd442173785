"""The command line: `litebert VERB …`, drawn from the verbs' dataclasses."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import tyro

from litebert import __version__
from litebert.errors import LitebertError
from litebert.verbs.convert import Convert
from litebert.verbs.demo import Demo
from litebert.verbs.doctor import Doctor
from litebert.verbs.evaluate import Evaluate
from litebert.verbs.predict import Predict
from litebert.verbs.tokenizer import Tokenize
from litebert.verbs.train import Train

INTERRUPTED = 130

Verb = (
    Annotated[Demo, tyro.conf.subcommand("demo")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Predict, tyro.conf.subcommand("predict")]
    | Annotated[Tokenize, tyro.conf.subcommand("tokenizer")]
    | Annotated[Convert, tyro.conf.subcommand("convert")]
    | Annotated[Doctor, tyro.conf.subcommand("doctor")]
)

DESCRIPTION = """ALBERT, whole and working, in Chinese and English.

Begin with `litebert demo`. Exit codes: 0 done, 1 failed, 2 usage, 3 data, 4 model, 75 stopped and can go on,
130 interrupted. Completion: `litebert --tyro-print-completion bash` (or zsh, tcsh)."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given in (["--version"], ["-V"]):
        print(f"litebert {__version__}")
        return 0
    try:
        verb: Any = tyro.cli(
            Verb,
            prog="litebert",
            description=DESCRIPTION,
            args=given or ["--help"],
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagConversionOff),
        )
        return int(verb.main())
    except LitebertError as error:
        return _explain(error)
    except BrokenPipeError:  # The reader of our pipe has gone, as `head` does: nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED


def _explain(error: LitebertError) -> int:
    print(f"litebert: {error.message if not str(error) else error}", file=sys.stderr)
    return error.exit_code
