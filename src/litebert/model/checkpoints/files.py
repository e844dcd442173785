"""JSON of a sane size, and files that are whole or not there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from litebert.errors import ModelError

JSON_LIMIT = 1 << 26
"""Bytes; the index of a model in many shards has less than 1 MB."""


def read_json(path: Path) -> dict[str, Any]:
    """An object. Raises `ModelError` with the path, and the place if it is not JSON."""
    try:
        if (size := path.stat().st_size) > JSON_LIMIT:
            raise ModelError(f"{path}: it has {size:,} bytes; {JSON_LIMIT:,} is the most that is read")
        value = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
    except json.JSONDecodeError as error:
        raise ModelError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{path}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path}: expected an object, {{…}}, but it holds a {type(value).__name__}")
    return value


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to; what stands there at the end takes `path`'s place at once, on the disk.

    It is in a hidden folder, which keeps what a writer leaves behind when it is killed; the next one sweeps.
    Raises `ModelError` if the disk refuses. Nothing is left behind if writing fails.
    """
    hidden = path.with_name(f".{path.name}.new")
    try:
        shutil.rmtree(hidden, ignore_errors=True)
        hidden.mkdir(parents=True)
        fresh = hidden / path.name
        try:
            fresh.touch()
            permissions = fresh.stat().st_mode  # safetensors gives a file to its owner alone
            yield fresh
            fresh.chmod(permissions)
            _sync(fresh)
            fresh.replace(path)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
        _sync(path.parent)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from error


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Indented, UTF-8, as `transformers` writes its own."""
    with replacing(path) as fresh:
        fresh.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _sync(path: Path) -> None:
    """Onto the disk: a file's bytes, or the names in a folder."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
