"""A file's bytes → lines of text: `.gz` and `.zip` unpacked, UTF-8 checked, every complaint with its place.

`set.zip` is the one file in it, `set.zip/train.txt` one of several.

What is read is a stream: a line at a time, whatever the size of the file. Two things are bounded, so that a
small file cannot fill the memory: a line (`MAX_LINE`), and how much longer than itself a `.gz` may become
(`MAX_RATIO`; text of any kind stays under a tenth of that).
"""

from __future__ import annotations

import gzip
import io
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from shlex import quote
from typing import BinaryIO, cast

from litebert.errors import DataError

MAX_LINE = 1 << 24
"""Bytes of one line."""
MAX_WHOLE = 1 << 30
"""Bytes of a file that must be read whole: a JSON array, Parquet in `.gz`."""
MAX_RATIO = 200
"""How many times its size a `.gz` may become, once it has become more than `MAX_LINE`."""

_CHUNK = 1 << 20
_WORKBOOKS = (b"PK\3\4", b"\xd0\xcf\x11\xe0")
"""How Excel's files begin. What is read of a `.zip` is a file in it, not the archive."""


class File:
    """An open file, or standard input if the path is `-`. `path` is how messages call it."""

    def __init__(self, path: str) -> None:
        self.path = shown(path)
        self._raw = _Counted(_open(path))
        self.stream: BinaryIO = self._raw.buffered
        self._out = 0
        start = self.stream.peek(4)
        if start[:4] in _WORKBOOKS:
            raise self.error("is a workbook, of Excel or the like; save the sheet as CSV (UTF-8) there")
        if not start and path.endswith(".gz"):
            raise self.error("is empty, which no .gz is: fetch or pack it again")
        if start[:2] == b"\x1f\x8b":
            self.stream = io.BufferedReader(gzip.GzipFile(fileobj=self.stream), _CHUNK)

    def error(self, message: str, line: int | None = None, column: int | None = None) -> DataError:
        return DataError(message, path=self.path, line=line, column=column)

    def unreadable(self, error: DataError) -> None:
        """What becomes of a row that is none: the error is raised. Who checks a file goes on after it."""
        raise error

    def close(self) -> None:
        self.stream.close()
        self._raw.buffered.close()

    def start(self) -> bytes:
        """Some of the first bytes, which stay to be read."""
        return self._guarded(lambda: self.stream.peek(1), 1)  # type: ignore[attr-defined]

    def raw_lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line with its number, from 1. A line over `MAX_LINE` comes cut, which `text` complains of."""
        readline = self.stream.readline
        number = 0
        while raw := self._guarded(lambda: readline(MAX_LINE + 1), number + 1):
            number += 1
            rest = raw
            while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
                rest = self._guarded(lambda: readline(MAX_LINE + 1), number)
            yield number, raw

    def lines(self) -> Iterator[tuple[int, str]]:
        """Each line as text, with its line end."""
        for number, raw in self.raw_lines():
            yield number, self.text(raw, number)

    def text(self, raw: bytes, line: int) -> str:
        """One line decoded. Raises `DataError` for what is not UTF-8, a NUL, or a line too long."""
        if len(raw) > MAX_LINE:
            raise self.error(f"the line is longer than {MAX_LINE >> 20} MB; is this a text file?", line)
        return self._decoded(raw, line)

    def whole_text(self) -> str:
        """All lines together. Raises `DataError` as `text` and `whole` do."""
        return self._decoded(self.whole(), 1)

    def whole(self) -> bytes:
        """All that is left to read. Raises `DataError` past `MAX_WHOLE`."""
        chunks: list[bytes] = []
        while chunk := self._guarded(lambda: self.stream.read(_CHUNK), None):
            chunks.append(chunk)
            if self._out > MAX_WHOLE:
                raise self.error(f"is over {MAX_WHOLE >> 30} GB, and must be read whole; use JSONL")
        return b"".join(chunks)

    def _decoded(self, raw: bytes, line: int) -> str:
        """Text that begins on that line."""
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise self._not_utf8(raw, error.start, line) from None
        if "\0" in text:
            raise self.error("a NUL character; expected text", *_place(text, text.index("\0"), line))
        return text.removeprefix("\ufeff") if line == 1 else text

    def _guarded(self, read: Callable[[], bytes], line: int | None) -> bytes:
        """What `read` gives, with a damaged `.gz`, or one that grows without end, told as such."""
        try:
            data = read()
        except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
            kind = "zip" if isinstance(error, zipfile.BadZipFile) else "gz"
            raise self.error(
                f"the .{kind} is damaged or cut short here ({error}); fetch or pack it again", line
            ) from None
        except OSError as error:
            raise self.error(f"cannot be read: {error.strerror or error}", line) from None
        self._out += len(data)
        if self._out > MAX_LINE and self._out > MAX_RATIO * self._raw.count:
            raise self.error(
                f"the .gz becomes over {MAX_RATIO} times its size; text does not pack so well", line
            )
        return data

    def _recoding(self, encoding: str) -> str:
        """The command that writes it in UTF-8; of what is packed or comes through a pipe, its middle."""
        command = f"iconv -f {encoding} -t utf-8"
        path = Path(self.path)
        if not path.is_file() or path.suffix == ".gz":
            return command
        return f"{command} {quote(self.path)} > {quote(str(path.with_suffix(f'.utf8{path.suffix}')))}"

    def _not_utf8(self, raw: bytes, at: int, line: int) -> DataError:
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff") and line == 1:
            return self.error(f"is UTF-16; expected UTF-8: {self._recoding('utf-16')}", 1, 1)
        likely = _likely_encoding(raw)
        hint = f"; it may be {likely}: {self._recoding(likely)}" if likely else ""
        before = raw[:at].decode().removeprefix("\ufeff")
        place = _place(before, len(before), line)
        return self.error(f"the byte 0x{raw[at]:02x} is not UTF-8{hint}", *place)


def _place(text: str, at: int, line: int) -> tuple[int, int]:
    """Line and column of a character of a text that begins on `line`."""
    return line + text.count("\n", 0, at), at - text.rfind("\n", 0, at)


def shown(path: str) -> str:
    """How messages call a path."""
    return "standard input" if path == "-" else path


def is_stream(path: str) -> bool:
    """Whether what is read is gone: of standard input (`-`), a named pipe or a device."""
    if path == "-":  # Also where a file has this name.
        return True
    with suppress(OSError, ValueError):  # No name at all, or too long for one.
        mode = Path(path).stat().st_mode
        return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
    return False


def _open(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    if (archive := archive_of(path)) is not None:
        return _member(*archive)
    try:
        return Path(path).open("rb")
    except FileNotFoundError:
        raise DataError(f"there is no such file{near(Path(path))}", path=path) from None
    except IsADirectoryError:
        raise DataError(f"is a folder; expected a file{_inside(Path(path))}", path=path) from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {getattr(error, 'strerror', None) or error}", path=path) from None


def archive_of(path: str) -> tuple[Path, str] | None:
    """The `.zip` that a path leads into, and what of it: nothing for the one file in it."""
    head, zipped, member = path.partition(".zip/")
    archive = Path(head + ".zip" if zipped else path)
    is_one = bool(zipped) or archive.suffix.lower() == ".zip"
    return (archive, member) if is_one and archive.is_file() else None


def _member(archive: Path, name: str) -> BinaryIO:
    """A file in a `.zip`, open."""
    try:
        opened = zipfile.ZipFile(archive)
        files = {info.filename: info for info in opened.infolist() if not info.is_dir()}
        chosen = files.get(name) if name else next(iter(files.values())) if len(files) == 1 else None
        if chosen is None:
            some = ", ".join(f"{archive}/{one}" for one in list(files)[:5])
            what = "no such file" if name else f"{len(files)} files"
            raise DataError(f"{what} in this archive; there is {some}", path=archive)
        if chosen.file_size > max(MAX_LINE, MAX_RATIO * chosen.compress_size):
            raise DataError(
                f"{chosen.filename} becomes over {MAX_RATIO} times its size; text does not pack so well",
                path=archive,
            )
        return cast(BinaryIO, opened.open(chosen))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise DataError(f"is a damaged or locked archive ({error})", path=archive) from None


def near(path: Path) -> str:
    """The nearest file name beside a missing one."""
    names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    if not path.parent.is_dir():
        return f", and no folder {path.parent}"
    close = get_close_matches(path.name, names, n=1)
    return f"; did you mean {path.parent / close[0]}?" if close else ""


def _inside(path: Path) -> str:
    files = sorted(entry for entry in path.iterdir() if entry.is_file())
    return f", for example {files[0]}" if files else ""


def _likely_encoding(raw: bytes) -> str | None:
    """What a line that is not UTF-8 probably is. Only a hint in a message."""
    for name in ("gb18030", "cp1252"):
        with suppress(UnicodeDecodeError):
            raw.decode(name)
            return name
    return None


class _Counted(io.RawIOBase):
    """Bytes as they come from the disk, and how many there were."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.count = 0
        self.buffered = io.BufferedReader(self, _CHUNK)

    def readable(self) -> bool:
        return True

    def readinto(self, into) -> int:  # type: ignore[no-untyped-def]
        data = self.stream.read1(len(into)) if hasattr(self.stream, "read1") else self.stream.read(len(into))
        into[: len(data)] = data
        self.count += len(data)
        return len(data)

    def close(self) -> None:
        if self.stream is not sys.stdin.buffer:
            self.stream.close()
        super().close()
