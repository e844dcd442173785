"""What stands between a step's products, and a whole encoder that answers, as a small C++ library, compiled
where there is a compiler.

It is compiled for the processor that it runs on, once, and kept in the user's cache. Without a compiler, for
other devices and precisions, and where it cannot be loaded, torch's operators serve.
"""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import torch
from torch import Tensor

from litebert import durable
from litebert.errors import LitebertError
from litebert.model.native.compiler import SECONDS, compiler, compilers, decided, kernels, wanted

SOURCES = tuple(Path(__file__).with_name(name) for name in ("attention.cpp", "kernels.cpp", "layers.cpp"))
HEADERS = tuple(
    Path(__file__).with_name(name) for name in ("amx.h", "curves.h", "ending.h", "numbers.h", "tiles.h")
)
_FLAGS = ("-O3", "-std=c++17", "-fopenmp", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")
_OWN = (("-march=native", "-mprefer-vector-width=512"), ("-march=native",), ("-mcpu=native",))
"""How compilers are told to make use of all that this processor has; the first that is understood."""
_NAMES = {torch.float32: "float", torch.bfloat16: "bf16"}
NO_MEMORY, UNKNOWN = 1, 2
"""How a call ends that could not be done (`ending.h`)."""
_TRIED = 3600
"""Seconds for which nobody else begins to compile beside: longer than it takes with all flags on a busy
machine, and long enough not to be in the way where it fails each time."""
_UNUSED = 30 * 24 * 3600
"""Seconds after which a library that was not loaded goes from the cache."""


def serves(*tensors: Tensor) -> bool:
    """Whether the library is wanted here, and knows such tensors."""
    known = all(t.dtype in _NAMES and t.dtype is tensors[0].dtype and t.is_cpu for t in tensors)
    return wanted() and known and _library() is not None


def call(name: str, dtype: torch.dtype, *arguments: Any) -> None:
    """The kernel of that name for tensors of `dtype`. Tensors go as pointers, and must lie in rows without
    gaps; None is no tensor; other arguments go as they are. Raises as `ended`."""
    ended(getattr(_library(), f"{name}_{_NAMES[dtype]}")(*map(_passed, arguments)), name)


def ended(code: int, what: str) -> None:
    """Raises `MemoryError` or `IndexError` for a call that could not be done."""
    if code == NO_MEMORY:
        raise MemoryError(f"there is no memory for {what}")
    if code == UNKNOWN:
        raise IndexError(f"{what}: a number is none of a table's rows")


def _passed(argument: Any) -> Any:
    match argument:
        case Tensor() | None:
            return pointer(argument)
        case int():
            return ctypes.c_int64(argument)
        case float():
            return ctypes.c_float(argument)
    return argument


def pointer(tensor: Tensor | None) -> ctypes.c_void_p:
    """Where a tensor's numbers begin, for C; a null pointer for none."""
    assert tensor is None or tensor.is_contiguous()
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


def library() -> ctypes.CDLL | None:
    """Within a training run the library if it is wanted there, compiled if need be, so that a run that goes
    on has what it began with. Elsewhere what was compiled before: nobody who asks one question waits for it.
    Where it is missing, it is compiled beside, for those who come later."""
    return (_library() if wanted() else None) if decided() else _found()


@cache
def _library() -> ctypes.CDLL | None:
    with suppress(OSError, subprocess.SubprocessError):
        made_of = _made_of()
        return _kept(made_of) or _built(made_of)
    return None


@cache
def _found() -> ctypes.CDLL | None:
    with suppress(OSError):
        made_of = _made_of()
        kept = _kept(made_of)
        if kept is None and compilers():
            _build_beside(made_of)
        return kept
    return None


def _build_beside(made_of: str) -> None:
    """Begins to compile in a process of its own, unless another one has."""
    with suppress(OSError, RuntimeError):
        _mark(made_of)
        command = [sys.executable or "python3", "-m", __name__]
        silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        beside = subprocess.Popen(command, start_new_session=True, **silent)  # type: ignore[call-overload]
        Thread(target=beside.wait, daemon=True).start()  # Or its entry would stay as long as this process.


def _mark(made_of: str) -> None:
    """Says in the cache that a library is being compiled. Raises `FileExistsError` where another one has."""
    mark = cache_folder() / f"compiling-{made_of}"
    mark.parent.mkdir(parents=True, exist_ok=True)
    if mark.exists() and time.time() - mark.stat().st_mtime > _TRIED:
        mark.unlink()
    mark.touch(exist_ok=False)


def _kept(made_of: str) -> ctypes.CDLL | None:
    """What an earlier process left in the cache, if it is whole: to load what was cut kills the process."""
    with suppress(OSError, RuntimeError):  # RuntimeError: this user has no home.
        for path in sorted(cache_folder().glob(_name(made_of, "*"))):
            if path.is_file() and path.name.endswith(f"-{_digest(path.read_bytes())}.so"):
                _touch(path)
                return ctypes.CDLL(str(path))
    return None


def _built(made_of: str) -> ctypes.CDLL | None:
    """Compiled now, and kept where that can be."""
    with tempfile.TemporaryDirectory(prefix="litebert-") as folder:
        path = Path(folder) / "kernels.so"
        if not _compile(path):
            return None
        with suppress(LitebertError, RuntimeError):
            data = path.read_bytes()
            durable.replace(cache_folder() / _name(made_of, _digest(data)), data)
            with suppress(OSError):
                (cache_folder() / f"compiling-{made_of}").unlink()
            _forget_old(cache_folder())
        return _kept(made_of) or ctypes.CDLL(str(path))


def _touch(path: Path) -> None:
    """It was used now."""
    with suppress(OSError):
        os.utime(path)


def _forget_old(cache: Path) -> None:
    """Libraries of other versions, compilers and processors, which nobody has loaded for a month, marks of
    such that could not be made, and speeds measured that long ago. Who has one loaded keeps it; who comes
    later makes it again."""
    for path in (*cache.glob(_name("*", "*")), *cache.glob("compiling-*"), *cache.glob("speeds-*")):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _UNUSED:
                path.unlink()


def _compile(path: Path) -> bool:
    for own in _OWN:
        command = [str(compiler()), *_FLAGS, *own, *map(str, SOURCES), "-o", str(path)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
        if done.returncode == 0 and path.is_file():
            return True
    return False


def cache_folder() -> Path:
    """By the XDG specification, which has relative paths ignored."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "litebert"


def _name(made_of: str, digest: str) -> str:
    """Of the file: by what it was made from, and by what is in it."""
    return f"kernels-{made_of}-{digest}.so"


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


def _made_of() -> str:
    """Of what the library is made from, and by: source, flags and processor, and the compilers that are here.
    Where there is none any more, what any has made serves."""
    code = map(Path.read_bytes, (*HEADERS, *SOURCES))
    made_of = _digest(b"\0".join((*code, repr((_FLAGS, _OWN)).encode(), _processor())))
    # By the files that their names lead to, which on most systems tell the version: to ask it takes too long.
    makers = "\0".join(map(os.path.realpath, compilers()))
    return f"{made_of}-{_digest(makers.encode()) if makers else '*'}"


def _processor() -> bytes:
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_bytes().split(b"\n\n")[0].splitlines()
        return b"\n".join(line for line in lines if line.startswith((b"model name", b"flags", b"Features")))
    return repr(platform.machine()).encode()


if __name__ == "__main__":
    with suppress(AttributeError, OSError):
        os.nice(10)
    with kernels(True):
        library()
