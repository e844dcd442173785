"""Spans as they stand in data files: one list of checked spans, whatever form they come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from litebert.tasks import tags
from litebert.tasks.words import Bounds

Cell = dict[str, Any]
"""A span as JSON has it: label, start, end, and perhaps text."""


def read(given: Any, text: str, bounds: Bounds, *, name: str, note: Callable[[str], None]) -> list[Cell]:
    """The spans of a cell, in their order; `bounds` are those of the text's tokens.

    name: what messages call them; note: is told if one lies in another, of which the outer is taken, or ends
    inside a word. Raises `ValueError` for what is no span of the text, `PartError` for a tag that is none.
    """
    flat = _flat(list(_spans(given, bounds, name)), text, name, note)
    _note_parts(flat, bounds, name, note)
    return [{**span, "text": text[span["start"] : span["end"]]} for span in flat]


def _spans(given: Any, bounds: Bounds, name: str) -> Iterator[Cell]:
    """Spans as dicts, from: a list of them; of `[start, end, label]`; tags of the tokens; or CLUENER's
    `{label: {text: [[first, last]]}}`."""
    if isinstance(given, Mapping):
        yield from _cluener(given, name)
    elif isinstance(given, list | tuple) and given and all(isinstance(one, str) for one in given):
        yield from _of_tags(given, bounds)
    elif isinstance(given, list | tuple):
        for place, one in enumerate(given):
            yield _listed(one, f"{name}.{place}")
    else:
        raise ValueError(f"{name} must be a list of spans or of tags, but is {given!r}")


def _cluener(given: Mapping[str, Any], name: str) -> Iterator[Cell]:
    try:
        for label, texts in given.items():
            for text, places in texts.items():
                for first, last in places:
                    yield {"label": label, "start": first, "end": last + 1, "text": text}
    except (AttributeError, TypeError, ValueError):
        form = "{label: {text: [[first, last], …]}}"
        raise ValueError(f"{name} must be {form} where it is an object, but is {given!r:.60}") from None


def _of_tags(given: Sequence[str], bounds: Bounds) -> Iterator[Cell]:
    if len(bounds) != len(given):
        raise ValueError(f"there are {len(given)} tags, but {len(bounds)} tokens")
    for chunk in tags.chunks(given):
        start, end = int(bounds[chunk.start, 0]), int(bounds[chunk.end - 1, 1])
        yield {"label": chunk.type, "start": start, "end": end}


def _listed(one: Any, place: str) -> Cell:
    if isinstance(one, Mapping):
        return dict(one)
    if isinstance(one, list | tuple) and len(one) == 3:
        return dict(zip(("start", "end", "label"), one, strict=True))
    raise ValueError(
        f'{place}: expected {{"label": …, "start": …, "end": …}} or [start, end, label], but is {one!r}'
    )


def _flat(spans: list[Cell], text: str, name: str, note: Callable[[str], None]) -> list[Cell]:
    for place, span in enumerate(spans):
        _check(span, place, text, name)
    flat: list[Cell] = []
    for span in sorted(spans, key=lambda span: (span["start"], -span["end"])):
        if flat and span["start"] < flat[-1]["end"]:
            if span["end"] > flat[-1]["end"]:
                both = " and ".join(repr(text[one["start"] : one["end"]]) for one in (flat[-1], span))
                raise ValueError(f"{name}: {both} overlap, and neither lies in the other; one must go")
            note(f"of {name} of which one lies in another, the outer is taken")
        else:
            flat.append(span)
    return flat


def _note_parts(spans: Sequence[Cell], bounds: Bounds, name: str, note: Callable[[str], None]) -> None:
    starts, ends = (set(side) for side in bounds.T.tolist())
    if any(span["start"] not in starts or span["end"] not in ends for span in spans):
        note(f"of {name} that begin or end inside a word, the whole word is taken")


def _check(span: Cell, place: int, text: str, name: str) -> None:
    """Raises `ValueError` for ends that are none of the text, or of another."""
    start, end = span.get("start"), span.get("end")
    if type(start) is not int or type(end) is not int:
        raise ValueError(f"{name}.{place}: start and end must be whole numbers, not {start!r} and {end!r}")
    if not 0 <= start < end <= len(text):
        raise ValueError(
            f"{name}.{place}: from {start} to {end} is no part of the text, which has {len(text)} characters"
        )
    said = span.get("text")
    if said and said != text[start:end]:
        raise ValueError(
            f"{name}.{place}: it says {said!r}, but from {start} to {end} the text has {text[start:end]!r}"
        )
    if not text[start:end].strip():
        raise ValueError(f"{name}.{place}: from {start} to {end} there is only white space")
