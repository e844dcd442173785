"""Functions of single elements, fused into one pass by torch's compiler where there is one.

`@fused` marks a small pure function. Without a C++ compiler, or when switched off, it runs as it is
written: the same numbers within rounding, more passes over memory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")

_on: bool | None = None
"""None outside of `fusing`."""
_SECONDS = 120
"""After which a compiler is given up."""


@cache
def compiler() -> str | None:
    """The C++ compiler that torch would use, if there is one and it makes something."""
    found = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("clang++")
    return found if found is not None and works(found) else None


def works(found: str) -> bool:
    """Whether a compiler makes a library of a line of C++: torch's fails in the midst of a step otherwise."""
    with tempfile.TemporaryDirectory(prefix="litebert-") as folder:
        made = Path(folder) / "tried.so"
        command = [found, "-x", "c++", "-shared", "-fPIC", "-", "-o", str(made)]
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(command, input=b"#include <cmath>\n", capture_output=True, timeout=_SECONDS)
        return made.is_file()


@contextmanager
def fusing(on: bool) -> Iterator[None]:
    """Within: `@fused` functions are compiled, if asked and a compiler is there."""
    global _on
    before, _on = _on, on and compiler() is not None
    try:
        yield
    finally:
        _on = before


def wanted() -> bool:
    """Whether compiled functions are asked for here, and there is a compiler."""
    return bool(_on)


def decided() -> bool:
    """Whether this is within `fusing`, which says whether functions are compiled."""
    return _on is not None


def _compile(function: Callable[P, R]) -> Callable[P, R]:
    """One compilation for all shapes, in this process: for these small functions torch's pool of compiling
    processes is busy starting long after the last is done, on the cores that training wants."""
    from torch._inductor import config

    config.compile_threads = 1
    return torch.compile(function, dynamic=True, fullgraph=True)


def fused(function: Callable[P, R]) -> Callable[P, R]:
    """Compiled within `fusing(True)`, plain elsewhere."""
    compiled: list[Callable[P, R]] = []

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not _on:
            return function(*args, **kwargs)
        if not compiled:
            compiled.append(_compile(function))
        return compiled[0](*args, **kwargs)

    return call
