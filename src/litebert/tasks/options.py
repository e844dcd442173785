"""The options of a question in data, and which of them is right."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from litebert import strict_json


def options_of(cell: Any) -> tuple[str, ...]:
    """A list of texts, or JSON of one; of objects with a `text` each, as CommonsenseQA has them; or an object
    with a list of those. Raises `ValueError`."""
    held = _parsed(cell) if isinstance(cell, str) else cell
    if isinstance(held, Mapping):
        held = held.get("text")
    if not isinstance(held, list | tuple) or not held:
        raise ValueError(f'must be a list of texts, such as ["yes", "no"], but is {cell!r:.60}')
    return tuple(_text(one) for one in held)


def _parsed(cell: str) -> Any:
    try:
        return strict_json.loads(cell)
    except ValueError:
        return None


def _text(option: Any) -> str:
    text = option.get("text") if isinstance(option, Mapping) else option
    if isinstance(text, int | float) and not isinstance(text, bool):
        return str(text)
    if not isinstance(text, str):
        raise ValueError(f"must hold texts, but holds {option!r:.60}")
    return text


def number_of(cell: Any, options: Sequence[str]) -> int:
    """Which option a cell means, from 0: by its number, its letter, or its text. Raises `ValueError` for what
    is none of them, or may mean two."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | str) or cell == "":
        raise ValueError(f"must be the right option's number, letter or text, but is {cell!r:.60}")
    if isinstance(cell, int | float):
        return _within(cell, options)
    meant = {i for i, option in enumerate(options) if option == cell}
    if len(meant) > 1:
        return min(meant)  # the same text twice: whichever is chosen, it is right
    meant |= {n for n in [_lettered(cell.strip())] if n is not None and n < len(options)}
    if len(meant) > 1:
        raise ValueError(f"{cell!r} may mean the options {sorted(meant)}; say it by number in JSON, from 0")
    if not meant:
        raise ValueError(f"{cell!r:.60} is none of the options: {', '.join(map(repr, options))[:200]}")
    return meant.pop()


def _lettered(cell: str) -> int | None:
    """0 for A and a, 1 for B; a number as it is."""
    if re.fullmatch("[A-Za-z]", cell):
        return ord(cell.upper()) - ord("A")
    return int(cell) if re.fullmatch("[0-9]{1,3}", cell) else None


def _within(number: float, options: Sequence[str]) -> int:
    if number != int(number) or not 0 <= number < len(options):
        raise ValueError(f"is {number}, but the {len(options)} options are numbered 0 to {len(options) - 1}")
    return int(number)
