"""Streams cut into windows: all of it, in order, and no more held than a window."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.engine import windows as module
from litebert.engine.windows import as_it_comes, windows


@given(st.lists(st.text(max_size=20)), st.integers(1, 5), st.integers(1, 60))
def test_all_things_in_order(things: list[str], most: int, letters: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST", most)
        patch.setattr(module, "LETTERS", letters)
        for cut in (windows, as_it_comes):
            found = list(cut(things))
            assert [thing for window in found for thing in window] == things
            for window in found:
                assert 1 <= len(window) <= most
                assert len("".join(window[:-1])) < letters


def test_a_pause_ends_a_window() -> None:
    """Who writes one thing and waits for what becomes of it does not wait forever."""
    seen = threading.Event()

    def stream() -> Iterator[str]:
        yield "first"
        assert seen.wait(10), "the first came only with the second"
        yield "second"

    found = []
    for window in as_it_comes(stream()):
        found.append(window)
        seen.set()
    assert found == [["first"], ["second"]]


def test_what_the_stream_raises_is_raised_here() -> None:
    def stream() -> Iterator[int]:
        yield 1
        time.sleep(3 * module.PATIENCE)
        raise ValueError("broken off")

    found: list[list[int]] = []
    with pytest.raises(ValueError, match="broken off"):
        found.extend(as_it_comes(stream()))
    assert found == [[1]]


def test_little_is_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    things = iter(range(100_000))
    came = as_it_comes(things)
    next(came)
    time.sleep(0.1)
    assert next(things) < 1000
