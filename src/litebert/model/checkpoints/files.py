"""JSON of a sane size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litebert import strict_json
from litebert.errors import ModelError

JSON_LIMIT = 1 << 26
"""Bytes; the index of a model in many shards has less than 1 MB."""


def read_json(path: Path) -> dict[str, Any]:
    """An object. Raises `ModelError` with the path, and the place if it is not JSON."""
    try:
        if (size := path.stat().st_size) > JSON_LIMIT:
            raise ModelError(f"{path}: it has {size:,} bytes; {JSON_LIMIT:,} is the most that is read")
        text = path.read_text("utf-8")
        value = strict_json.loads(text)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
    except strict_json.JsonError as error:
        raise ModelError(f"{path}{_place(text, error.at)}: not JSON: {error}") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path}: expected an object, {{…}}, but it holds a {type(value).__name__}")
    return value


def _place(text: str, at: int | None) -> str:
    """Line and column, from 1, where they are known."""
    if at is None:
        return ""
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return f":{line}:{column}"
