"""Files that are whole or not there, however many processes write them at once and whichever are killed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from litebert.errors import LitebertError


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A new file to write in. It appears under its name when it is whole and on the disk.

    Two processes that write the same file do not meet: each has its own until the last moment.
    """
    fresh = path.with_name(f".{path.name}.{uuid4().hex}.new")
    with telling(f"write {path}"):
        try:
            with fresh.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
            _sync_folder(path.parent)
        finally:
            fresh.unlink(missing_ok=True)


@contextmanager
def telling(doing: str) -> Iterator[None]:
    """Turns what the system says (disk full, no permission, …) into a `LitebertError` with the code
    `disk`."""
    try:
        yield
    except OSError as error:
        raise LitebertError(f"cannot {doing}: {error.strerror or error}", code="disk") from error


def write_json(path: Path, value: Any) -> None:
    with whole(path) as file:
        file.write(to_bytes(value))


def to_bytes(value: Any) -> bytes:
    """JSON, always the same for the same value."""
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def sweep(folder: Path) -> None:
    """Removes the unfinished files that killed processes left."""
    for left in folder.glob(".*.new"):
        left.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
