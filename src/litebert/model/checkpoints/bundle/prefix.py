"""Where a checkpoint's files are: its prefix (`folder/model.ckpt`), from whatever a person gives for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from litebert.errors import ModelError

STATE_FILE = "checkpoint"
STATE_LIMIT = 1 << 16
_SUFFIX = re.compile(r"(?<=.)\.(index|meta|data-\d{5}-of-\d{5})$")
_LATEST = re.compile(r'^\s*model_checkpoint_path\s*:\s*"((?:[^"\\\n]|\\.)*)"', re.MULTILINE)


def find(given: str | Path) -> Path:
    """The prefix of the checkpoint that a folder, a prefix or one of its files names.

    In a folder, the file `checkpoint` says which one is the latest; without it there must be only one.
    Raises `ModelError` if there is none, or several.
    """
    path = Path(given)
    with naming(path):
        is_folder, is_file = path.is_dir(), path.is_file()
    if is_folder:
        return _in_folder(path)
    prefix = path.with_name(_SUFFIX.sub("", path.name))
    if index_path(prefix).name in _indices(path.parent):
        return prefix
    if is_file and path == prefix:
        raise ModelError(f"{path}: this is a single file; a TensorFlow V2 checkpoint has a .index beside it")
    raise ModelError(f"{index_path(prefix)}: no such file. {_there_is(path.parent)}")


def index_path(prefix: Path) -> Path:
    """The file that says which variables there are."""
    return prefix.with_name(prefix.name + ".index")


def data_path(prefix: Path, shard: int, shards: int) -> Path:
    """The file that holds the bytes of the variables of one shard."""
    return prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What goes wrong in here, be it the file or its contents, is said of `path`."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{path}: {error.message}") from error
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error


def state(name: str) -> bytes:
    """What stands in the file `checkpoint` when `name` is the latest of a folder."""
    quoted = "".join(_escape(byte) for byte in name.encode())
    return f'model_checkpoint_path: "{quoted}"\nall_model_checkpoint_paths: "{quoted}"\n'.encode("ascii")


def _in_folder(folder: Path) -> Path:
    indices = _indices(folder)
    latest = _latest(folder / STATE_FILE)
    if latest is not None:
        if latest + ".index" not in indices:
            raise ModelError(f"{folder / STATE_FILE}: it names {latest!r} as the latest. {_there_is(folder)}")
        return folder / latest
    if len(indices) != 1:
        raise ModelError(f"{folder}: expected one TensorFlow checkpoint. {_there_is(folder)}")
    return folder / indices[0].removesuffix(".index")


def _indices(folder: Path) -> list[str]:
    """The names of the `.index` files. They are listed, not asked for: no name can lead elsewhere."""
    with naming(folder):
        return sorted(
            path.name for path in folder.glob("*.index") if path.is_file() and path.name != ".index"
        )


def _there_is(folder: Path) -> str:
    names = _indices(folder)
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return f"The folder has {shown or 'no file that ends in .index'}"


def _latest(path: Path) -> str | None:
    """The last part of the path that `checkpoint` names: the folder may have been moved."""
    if not path.is_file():
        return None
    with naming(path), path.open("rb") as file:
        text = file.read(STATE_LIMIT)
    found = _LATEST.search(text.decode("latin-1"))
    if found is None:
        raise ModelError(f"{path}: no line 'model_checkpoint_path: \"…\"'")
    with naming(path):
        return re.split(r"[/\\]", _unescape(found[1]))[-1]


def _escape(byte: int) -> str:
    """One byte in protocol buffers' text format."""
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"


def _unescape(quoted: str) -> str:
    raw = re.sub(r"\\([0-7]{1,3}|.)", _unescape_one, quoted)
    try:
        return raw.encode("latin-1").decode()
    except UnicodeError:
        raise ModelError("the path that it names is not UTF-8") from None


def _unescape_one(escape: re.Match[str]) -> str:
    code = escape[1]
    return chr(int(code, 8) & 0xFF) if code.isdigit() and code < "8" else code
