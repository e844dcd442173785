"""An index's folder: files of one generation, and `index.json`, which says which they are.

A generation's files are written beside those of the one before; then `index.json` is replaced, at once; then
the old files go. So whenever a writer is killed, the folder holds the old index or the new one, whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any

from litebert import durable
from litebert.errors import ModelError

MANIFEST = "index.json"
VERSION = 1
Write = Callable[[Path], None]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What `index.json` holds."""

    version: int = VERSION
    generation: int
    source: str
    """Where the documents came from, for the next time."""
    model: str | None
    """What the vectors were made by; None for words alone."""
    fingerprint: str | None
    """Of that model's weights."""
    pooling: str
    neighbours: str
    documents: int
    passages: int
    files: Mapping[str, str] = field(default_factory=dict)
    """The folder's files by name, with their SHA-256."""


def read_manifest(folder: Path) -> Manifest | None:
    """What the folder holds, or None if there is no index. Raises `ModelError` for a damaged one."""
    path = folder / MANIFEST
    try:
        held = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(_damaged(path, str(error))) from None
    known = Manifest.__dataclass_fields__.keys()
    if not isinstance(held, dict) or held.keys() != known or not isinstance(held["files"], dict):
        raise ModelError(_damaged(path, "it lacks what is written there"))
    if held["version"] != VERSION:
        raise ModelError(f"{path} was written by another litebert (version {held['version']}); index again")
    return Manifest(**held)


def manifest_of(folder: Path) -> Manifest:
    """What a folder with an index holds. Raises `ModelError` for one without."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise ModelError(f"{folder} holds no index: make one with `litebert index SOURCE --out {folder}`")
    return manifest


def file(folder: Path, manifest: Manifest, kind: str) -> Path:
    """The file of that kind. Raises `ModelError` if it is not there, or not as it was written."""
    name = next((name for name in manifest.files if name.startswith(f"{kind}.")), None)
    if name is None:
        raise ModelError(_damaged(folder / MANIFEST, f"it names no file of {kind}"))
    path = folder / name
    try:
        with path.open("rb") as stream:
            digest = file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(_damaged(path, error.strerror or str(error))) from None
    if digest != manifest.files[name]:
        raise ModelError(_damaged(path, "its bytes are not those that were written"))
    return path


def write(folder: Path, manifest: Manifest, parts: Mapping[str, Write]) -> Manifest:
    """The next generation: each part by the function that writes it, under `name` or `name.suffix`.

    Raises `LitebertError` (code `disk`); the folder then holds what it held before.
    """
    files: dict[str, str] = {}
    for part, put in parts.items():
        kind, dot, suffix = part.partition(".")
        name = f"{kind}.{manifest.generation}{dot}{suffix}"
        with durable.replacing(folder / name) as fresh:
            put(fresh)
            with fresh.open("rb") as stream:
                files[name] = file_digest(stream, "sha256").hexdigest()
    whole = Manifest(**{**asdict(manifest), "files": files})
    durable.replace_json(folder / MANIFEST, asdict(whole))
    sweep(folder, whole, parts)
    return whole


def sweep(folder: Path, manifest: Manifest, parts: Mapping[str, Any]) -> None:
    """Removes the files of other generations: the one before, and those of writers that were killed."""
    with durable.telling(f"remove the old files in {folder}"):
        durable.sweep(folder)
        for part in parts:
            kind, dot, suffix = part.partition(".")
            for left in folder.glob(f"{kind}.*{dot}{suffix}"):
                if left.name not in manifest.files and left.name.split(".")[1].isdecimal():
                    left.unlink()


def _damaged(path: Path, why: str) -> str:
    return f"{path} is damaged ({why}): `litebert index SOURCE --out {path.parent} --overwrite` makes it anew"
