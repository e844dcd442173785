"""Files and folders that are whole or not there, whenever the machine stops and however many write them.

What keeps a run's state (`write`, `sync`, `remove`, `sweep`) makes one call of `os` for each thing that
happens on the disk: the tests interrupt them one after another.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from litebert.errors import LitebertError


@contextmanager
def telling(doing: str) -> Iterator[None]:
    """Turns what the system says (disk full, no permission, …) into a `LitebertError` of code `disk`."""
    try:
        yield
    except OSError as error:
        raise LitebertError(f"cannot {doing}: {error.strerror or error}", code="disk") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to; what stands there at the end takes `path`'s place at once, on the disk.

    Makes the folder if need be; follows links. Two that write the same file do not meet; the last to end is
    seen. Nothing is left behind if writing fails, and what a killed writer left goes with the next. Raises
    `LitebertError` (code `disk`).
    """
    with telling(f"write {path}"), _apart(path) as (fresh, place):
        fresh.touch()
        permissions = fresh.stat().st_mode  # safetensors gives a file to its owner alone
        yield fresh
        fresh.chmod(permissions)
        sync(fresh)
        fresh.replace(place)
        sync(place.parent)


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """A folder to write files in, which becomes `folder` at once; that must be empty or not there.

    Otherwise as `replacing`.
    """
    with telling(f"write {folder}"), _apart(folder) as (fresh, place):
        fresh.mkdir()
        try:
            yield fresh
        except LitebertError as error:  # The person knows it by its own name.
            error.message = error.message.replace(str(fresh), str(folder))
            error.args = (error.message,)
            raise
        for file in fresh.iterdir():
            sync(file)
        sync(fresh)
        fresh.rename(place)
        sync(place.parent)


def replace(path: Path, data: bytes) -> None:
    """The file with these bytes instead of what it held; at every moment it is one or the other."""
    with replacing(path) as fresh:
        fresh.write_bytes(data)


def replace_json(path: Path, value: Any) -> None:
    """The same with JSON: indented, UTF-8, as `transformers` writes its own."""
    replace(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def write(path: Path, data: bytes | memoryview) -> None:
    """A file of these bytes, on the disk when this returns; only where nobody sees it before it is whole."""
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


def sync(path: Path) -> None:
    """Puts a file's bytes on the disk, or the names in a folder: a rename is not there before."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def stamped(path: Path) -> list[Any]:
    """What tells whether a file, or a folder's files, are still those they were: names, sizes and times."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [
        [file.name, stat.st_size, stat.st_mtime_ns]
        for file in files
        if file.is_file() and (stat := file.stat())
    ]


def remove(folder: Path) -> None:
    """A folder of files gone: hidden by one rename first, so that no half of it is ever seen."""
    hidden = folder.with_name(f".{folder.name}.old")
    if hidden.exists():
        _empty(hidden)
    folder.rename(hidden)
    _empty(hidden)


def sweep(folder: Path) -> None:
    """Removes what killed writers left in a folder that nobody else writes in."""
    for left in [*folder.glob(".*.new"), *folder.glob(".*.old")]:
        _empty(left) if left.is_dir() else left.unlink()


@contextmanager
def _apart(path: Path) -> Iterator[tuple[Path, Path]]:
    """Where to write, in a hidden folder of one's own, which keeps what a killed writer leaves; the place."""
    place = Path(os.path.realpath(path))
    place.parent.mkdir(parents=True, exist_ok=True)
    for left in place.parent.glob(f".{glob.escape(place.name)}.*.new"):
        _bury(left)
    hidden = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".new", dir=place.parent))
    held = None
    try:
        held = lock(hidden)
        yield hidden / place.name, place
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
        if held is not None:
            os.close(held)


def _bury(hidden: Path) -> None:
    """Removes a dead writer's hidden folder: the system has let go of its lock.

    A living one locks it before it puts anything in, so an empty one may be somebody's who is about to.
    """
    held = lock(hidden)
    if held is not None:
        with suppress(OSError):
            if any(hidden.iterdir()):
                shutil.rmtree(hidden, ignore_errors=True)
        os.close(held)


def lock(folder: Path) -> int | None:
    """What to close to let go of a folder's lock; None if a living process has it, or there are no locks."""
    import fcntl  # Not there on Windows.

    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
        else:
            return file
    return None


def _empty(folder: Path) -> None:
    for file in sorted(folder.iterdir()):
        file.unlink()
    folder.rmdir()
