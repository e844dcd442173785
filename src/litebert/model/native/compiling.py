"""What stands between a step's products as a small C++ library, compiled where there is a compiler.

It is compiled for the processor that it runs on, once, and kept in the user's cache. Without a compiler, for
other devices and precisions, and where it cannot be loaded, torch's operators serve.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from litebert.model.fusion import compiler, wanted

SOURCE = Path(__file__).with_name("kernels.cpp")
_FLAGS = ("-O3", "-std=c++17", "-fopenmp", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")
_OWN = (("-march=native", "-mprefer-vector-width=512"), ("-march=native",), ("-mcpu=native",))
"""How compilers are told to make use of all that this processor has; the first that is understood."""
_NAMES = {torch.float32: "float", torch.bfloat16: "bf16"}
_SECONDS = 120
"""After which a compiler is given up."""


def serves(*tensors: Tensor) -> bool:
    """Whether the library is wanted here, and knows such tensors."""
    known = all(t.dtype in _NAMES and t.dtype is tensors[0].dtype and t.is_cpu for t in tensors)
    return wanted() and known and _library() is not None


def call(name: str, dtype: torch.dtype, *arguments: Any) -> None:
    """The kernel of that name for tensors of `dtype`. Tensors go as pointers, and must lie in rows without
    gaps; None is no tensor; other arguments go as they are."""
    getattr(_library(), f"{name}_{_NAMES[dtype]}")(*map(_passed, arguments))


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
    assert tensor is None or tensor.is_contiguous()
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


@cache
def _library() -> ctypes.CDLL | None:
    with suppress(OSError, subprocess.SubprocessError):
        return _loaded(_cache()) or _loaded(Path(tempfile.mkdtemp(prefix="litebert-")))
    return None


def _loaded(folder: Path) -> ctypes.CDLL | None:
    """From that folder, compiled into it if it is not there yet."""
    path = folder / f"kernels-{_version()}.so"
    if not path.exists():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            _compile(path)
    with suppress(OSError):
        return ctypes.CDLL(str(path))
    return None


def _compile(path: Path) -> None:
    """To a file beside it first, so that two that compile at once do not meet."""
    fresh = path.with_suffix(f".{os.getpid()}")
    for own in _OWN:
        command = [str(compiler()), *_FLAGS, *own, str(SOURCE), "-o", str(fresh)]
        if subprocess.run(command, capture_output=True, timeout=_SECONDS).returncode == 0:
            fresh.replace(path)
            return


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "litebert"


def _version() -> str:
    """Of all that the library is made from: source, flags, compiler and processor."""
    told = subprocess.run([str(compiler()), "--version"], capture_output=True, timeout=_SECONDS).stdout
    parts = (SOURCE.read_bytes(), repr((_FLAGS, _OWN)).encode(), told, _processor())
    return sha256(b"\0".join(parts)).hexdigest()[:16]


def _processor() -> bytes:
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_bytes().split(b"\n\n")[0].splitlines()
        return b"\n".join(line for line in lines if line.startswith((b"model name", b"flags", b"Features")))
    return repr(os.uname().machine).encode()
