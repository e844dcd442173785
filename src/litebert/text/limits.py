"""Which texts are read: strings without lone surrogates, up to a length; many of them in handy chunks."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from litebert.errors import InputError

TEXT_LIMIT = 1_000_000
"""How many characters a text may have."""

EXPANDED_LIMIT = 4_000_000
"""How many it may have with composed characters taken apart (NFKD); a Hangul syllable becomes up to three."""

LONGEST_EXPANSION = 18
"""What NFKD can make of one character: U+FDFA becomes eighteen."""

CHUNK = 1 << 18
"""About how many characters are worked on at once: enough to fill the vectors, in little memory."""

Codes = NDArray[np.uint32]


def code_points(text: str) -> Codes:
    """The code points of `text`, uint32 [len(text)]; `InputError` names a lone surrogate's place."""
    try:
        return np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    except UnicodeEncodeError as error:
        raise InputError(
            f"character {error.start} is a lone surrogate (U+{ord(text[error.start]):04X}), half of one;"
            " was the text cut, or decoded with 'surrogateescape'?",
            code="surrogate",
        ) from None


def check(text: str) -> None:
    """Raise `InputError` if `text` is no text, is too long or has a lone surrogate; expands nothing."""
    if not isinstance(text, str):
        raise InputError(f"a text must be a string, but this is {type(text).__name__}", code="type")
    if len(text) > TEXT_LIMIT:
        raise InputError(
            f"the text has {len(text):,} characters; at most {TEXT_LIMIT:,} are read: cut it into parts",
            code="too_long",
        )
    if not text.isascii():
        _check_expansion(code_points(text))


def _check_expansion(codes: Codes) -> None:
    if len(codes) * LONGEST_EXPANSION <= EXPANDED_LIMIT:
        return
    counts = np.bincount(codes)
    expanded = sum(
        int(counts[code]) * len(unicodedata.normalize("NFKD", chr(code)))
        for code in np.flatnonzero(counts).tolist()
    )
    if expanded > EXPANDED_LIMIT:
        raise InputError(
            f"the text has {len(codes):,} characters, which become {expanded:,} when composed characters are"
            f" taken apart (NFKD); at most {EXPANDED_LIMIT:,} are read: cut it into parts",
            code="too_long",
        )


def checked_chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in lists of about `CHUNK` characters. Raises what `check` raises, for the first bad one."""
    chunk: list[str] = []
    size = 0
    for text in texts:
        check(text)
        chunk.append(text)
        size += len(text)
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
