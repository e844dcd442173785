"""One writer to a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from litebert import durable
from litebert.errors import UsageError


@contextmanager
def alone(folder: Path, doing: str = "training") -> Iterator[None]:
    """Holds the folder's lock. doing: what is done there, for whoever comes second to be told.

    Raises `UsageError` if another live process holds it, which is named, or it is a file.

    The system lets go of the lock when its holder ends, however it ends, so a dead one's is taken over.
    """
    import fcntl  # Not there on Windows.

    if folder.is_file():
        raise UsageError(f"{folder} is a file; give --out the name of a folder, which is made if need be")
    with durable.telling(f"write in {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(file, 20, 0).decode(errors="replace")
            raise UsageError(_taken(folder, doing, holder)) from None
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(file)


def _taken(folder: Path, doing: str, process: str) -> str:
    return (
        f"another {doing} is running in {folder} (process {process or 'unknown'}); "
        "wait for it, stop it, or give another --out"
    )
