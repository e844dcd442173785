"""JSON as its standard has it (RFC 8259), with what Python's reader lets pass refused.

No NaN or Infinity, no key twice in one object, no half of a surrogate pair, no nesting without end.
"""

from __future__ import annotations

import json
from typing import Any


class JsonError(ValueError):
    """What is wrong with a text as JSON, and at which character of it, from 0, where that is known."""

    def __init__(self, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.message, self.at = message, at


def loads(text: str) -> Any:
    """The value that a text holds. Raises `JsonError`."""
    value, end = value_at(text, 0)
    if rest := text[end:].strip(" \t\r\n"):
        what = "a comma" if rest == "," else "more text"
        raise JsonError(f"{what} after the end of the JSON value", skip(text, end))
    return value


def value_at(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at `start`, white space skipped, and where it ends. Raises `JsonError`."""
    start = skip(text, start)
    try:
        value, end = _DECODER.raw_decode(text, start)
        half = _half_surrogate(value) if text.find("\\u", start, end) >= 0 else None
    except json.JSONDecodeError as error:
        raise JsonError(_told(error), error.pos) from None
    except RecursionError:
        raise JsonError("nested too deep", start) from None
    except JsonError:
        raise
    except ValueError:
        raise JsonError("a number of thousands of digits", start) from None
    if half is not None:
        raise JsonError(f"\\u{half:04x} is half of a character (a lone surrogate)", start)
    return value, end


def kind(value: Any) -> str:
    """What JSON calls such a value."""
    names = {dict: "an object", list: "an array", str: "a string", type(None): "null", bool: "true or false"}
    return names.get(type(value), "a number")


def skip(text: str, at: int) -> int:
    """The place of the next character that is not white space."""
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _told(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc.rstrip()):
        return "is cut short: the JSON does not end"
    if error.doc[error.pos] in "}]" and error.doc[: error.pos].rstrip().endswith(","):
        return f"a comma before the closing {error.doc[error.pos]}"
    return error.msg[:1].lower() + error.msg[1:]


def _half_surrogate(value: Any) -> int | None:
    """The code of the first lone surrogate in a value, keys included."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            return ord(value[error.start])
        return None
    inside = (
        [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    )
    return next((half for item in inside if (half := _half_surrogate(item)) is not None), None)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise JsonError(f"the key {twice!r} stands twice in one object")
    return made


def _constant(name: str) -> float:
    raise JsonError(f"{name} is no JSON; leave the field out, or use null")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
