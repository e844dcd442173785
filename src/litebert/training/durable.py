"""Writing so that a crash at any moment leaves the old or the new, never half of one.

All goes through `os.write`, `os.fsync`, `os.rename`, `os.unlink`, …, one call for each thing that happens
on the disk: the tests interrupt them one after another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from litebert.errors import LitebertError


@contextmanager
def telling(doing: str) -> Iterator[None]:
    """Turns what the system says (disk full, no permission, …) into a `LitebertError` of code `disk`."""
    try:
        yield
    except OSError as error:
        raise LitebertError(f"cannot {doing}: {error.strerror or error}", code="disk") from error


def write(path: Path, data: bytes | memoryview) -> None:
    """A new file of these bytes, on the disk when this returns."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        write_all(file, data)
        os.fsync(file)
    finally:
        os.close(file)


def write_all(file: int, data: bytes | memoryview) -> None:
    """All of it: `os.write` may take a part."""
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def sync_folder(folder: Path) -> None:
    """Puts the names in a folder on the disk: a rename is not there before."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def replace(path: Path, data: bytes) -> None:
    """The file with these bytes instead of what it held; at every moment it is one or the other."""
    fresh = path.with_name(f".{path.name}.new")
    with telling(f"write {path}"):
        write(fresh, data)
        fresh.rename(path)
        sync_folder(path.parent)


def remove(folder: Path) -> None:
    """A folder of files gone: hidden by one rename first, so that no half of it is ever seen."""
    hidden = folder.with_name(f".{folder.name}.old")
    if hidden.exists():
        _empty(hidden)
    folder.rename(hidden)
    _empty(hidden)


def sweep(folder: Path) -> None:
    """Removes what a crash left behind: folders named `.….new` and `.….old`."""
    for left in [*folder.glob(".*.new"), *folder.glob(".*.old")]:
        _empty(left) if left.is_dir() else left.unlink()


def _empty(folder: Path) -> None:
    for file in sorted(folder.iterdir()):
        file.unlink()
    folder.rmdir()
