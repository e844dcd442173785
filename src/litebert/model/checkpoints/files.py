"""JSON of a sane size."""

from __future__ import annotations

import json
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
