"""The C++ compiler of this machine, and whether what it makes is wanted."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

SECONDS = 120
"""After which a compiler is given up."""

_on: bool | None = None
"""None outside of `kernels`."""


def compilers() -> tuple[str, ...]:
    """Where they are: the environment's CXX alone where that is a program, and not one with flags or behind
    another; else g++ before clang++."""
    asked = shutil.which(os.environ.get("CXX", ""))
    return (asked,) if asked else tuple(filter(None, map(shutil.which, ("g++", "clang++"))))


@cache
def compiler() -> str | None:
    """The first of `compilers` that makes something."""
    return next(filter(works, compilers()), None)


def works(found: str) -> bool:
    """Whether a compiler makes a library of two lines of C++: one without its headers, or without OpenMP, as
    clang may be, is no use."""
    with tempfile.TemporaryDirectory(prefix="litebert-") as folder:
        made = Path(folder) / "tried.so"
        command = [found, "-x", "c++", "-fopenmp", "-shared", "-fPIC", "-", "-o", str(made)]
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                command, input=b"#include <cmath>\n#include <omp.h>\n", capture_output=True, timeout=SECONDS
            )
        return made.is_file()


@contextmanager
def kernels(on: bool) -> Iterator[None]:
    """Within: compiled kernels serve, if asked and a compiler is there, and else torch's operators: the same
    numbers within rounding, in more passes over memory."""
    global _on
    before, _on = _on, on and compiler() is not None
    try:
        yield
    finally:
        _on = before


def wanted() -> bool:
    """Whether compiled kernels are asked for here, and there is a compiler."""
    return bool(_on)


def decided() -> bool:
    """Whether this is within `kernels`, which says whether they serve."""
    return _on is not None
