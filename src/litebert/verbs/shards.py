"""`--shard i/N`: which of N jobs this is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from litebert.errors import UsageError

T = TypeVar("T")


def shard_of(given: str | None) -> tuple[int, int]:
    """i and N; the one job there is, where nothing was given. Raises `UsageError`."""
    if given is None:
        return 0, 1
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", given, re.ASCII)
    if not found or int(found[1]) >= int(found[2]):
        raise UsageError(f"--shard is {given!r}; it is i/N with i from 0 to N-1, such as 0/8")
    return int(found[1]), int(found[2])


def share(rows: Iterable[T], shard: tuple[int, int]) -> Iterator[T]:
    """Every N-th row, from the i-th on: the jobs together have each row once, whatever the file's length."""
    return islice(rows, shard[0], None, shard[1])
