"""Files and folders → the files of a corpus, in a fixed order, each with how it holds its documents."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from litebert.data.corpus.paragraphs import are_wrapped
from litebert.data.corpus.settings import Form
from litebert.data.files import File
from litebert.errors import DataError

SUFFIXES = ("", ".txt", ".text", ".jsonl", ".ndjson")
"""What a file in a folder is named like, to be taken; each also with .gz. A file that is named is taken."""

_HEAD = 1 << 16
_DOC = re.compile(rb"\s*<doc\s[^>]*>")


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the corpus. `name` tells it in reports, without the place on this machine.

    `mark` is a hash of its size, beginning and end, by which an edited file is noticed.
    """

    path: Path
    name: str
    size: int
    packed: bool
    form: Form
    mark: str

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "size": self.size, "form": self.form, "mark": self.mark}


def find(inputs: Sequence[str | Path]) -> tuple[list[Path], list[str], list[str]]:
    """The files, their names, and the names of files in folders that were passed over.

    Folders are walked in the order of names; hidden files and folders are left alone. A file that is reached
    twice counts once. Raises `DataError` for an input that is not there.
    """
    paths: dict[Path, str] = {}
    passed_over: list[str] = []
    for given in map(Path, inputs):
        for path, name in _walk(given):
            if path == given or _is_text(path):
                paths.setdefault(path.resolve(), name)
            else:
                passed_over.append(name)
    return list(paths), list(paths.values()), passed_over


def look(path: Path, name: str, form: Literal["auto"] | Form) -> Source:
    """Read a file's size, beginning and end. Raises `DataError` if that cannot be done."""
    file = File(str(path))
    try:
        head = file.start()[:_HEAD]
    finally:
        file.close()
    size, raw = _ends(path)
    return Source(
        path=path,
        name=name,
        size=size,
        packed=raw[:2] == b"\x1f\x8b",
        form=_form(name, head) if form == "auto" else form,
        mark=sha256(b"%d:%b" % (size, raw)).hexdigest()[:16],
    )


def _walk(given: Path) -> Iterator[tuple[Path, str]]:
    if not given.is_dir():
        yield given, given.name
        return
    for folder, folders, files in os.walk(given):
        folders[:] = sorted(_seen(folders))
        for file in sorted(_seen(files)):
            path = Path(folder, file)
            yield path, f"{given.resolve().name}/{path.relative_to(given).as_posix()}"


def _seen(names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if not name.startswith("."))


def _is_text(path: Path) -> bool:
    return path.is_file() and Path(path.name.removesuffix(".gz")).suffix.lower() in SUFFIXES


def _ends(path: Path) -> tuple[int, bytes]:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(len(head), size - _HEAD))
            return size, head + file.read()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from None


def _form(name: str, head: bytes) -> Form:
    """By name or beginning. Wrapped prose is one document a file, since its blank lines part paragraphs."""
    if Path(name.removesuffix(".gz")).suffix.lower() in (".jsonl", ".ndjson"):
        return "jsonl"
    if _DOC.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "wiki"
    lines = head.decode(errors="replace").splitlines()
    return "file" if are_wrapped(lines) else "blank-line"
