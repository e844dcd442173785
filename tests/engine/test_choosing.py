"""Which way an encoder is worked out, by what was measured on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from litebert.engine import choosing
from litebert.engine.choosing import CLEARLY, Way, choose
from litebert.engine.opening import open_model
from litebert.engine.runners.eager import Eager
from litebert.model.config import published
from litebert.model.encoders.albert import Encoder
from litebert.model.native import compiler, layers
from litebert.model.packing import Packed, pack_flat
from litebert.tasks.texts import Text
from small_runs import Runs

BOTH = (torch.bfloat16, torch.float32)
WAYS: list[Way] = [(dtype, at_once) for dtype in BOTH for at_once in (True, False)]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Empty, as is what the process remembers."""
    monkeypatch.setattr(choosing, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(choosing, "_KNOWN", {})
    with compiler.kernels(True):
        if not layers.serves(published("albert-zh-tiny"), torch.bfloat16, torch.device("cpu")):
            pytest.skip("needs a C++ compiler and AVX-512 with bf16")
        yield tmp_path


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(1)
    return Encoder(published("albert-zh-tiny")).eval()


class Clock:
    """In place of measuring: gives what it was made with, for each size alike, and counts."""

    def __init__(self, seconds: dict[Way, float]) -> None:
        self.seconds, self.asked = seconds, 0

    def __call__(self, _encoder: Encoder, ways: Sequence[Way]) -> dict[Way, list[float]]:
        self.asked += 1
        return {way: [self.seconds[way]] * len(choosing.SIZES) for way in ways}


def test_what_is_measured_has_a_time_for_each_way_and_leaves_the_encoder_as_it_was(encoder: Encoder) -> None:
    found = choosing.measured(encoder, WAYS)
    assert set(found) == set(WAYS)
    assert all(0 < s < 1 for seconds in found.values() for s in seconds)
    assert encoder.one_by_one == frozenset()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(1e-5, 1e-1), min_size=4, max_size=4))
def test_nothing_else_is_clearly_quicker_than_what_is_chosen(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, drawn: list[float]
) -> None:
    seconds = dict(zip(WAYS, drawn, strict=True))
    monkeypatch.setattr(choosing, "measured", Clock(seconds))
    monkeypatch.setattr(choosing, "_KNOWN", {})
    monkeypatch.setattr(choosing, "_read", lambda *_: None)
    dtype = choose(encoder, BOTH)
    chosen = dtype, dtype not in encoder.one_by_one
    assert seconds[chosen] <= CLEARLY**2 * min(drawn)
    if seconds[WAYS[0]] <= CLEARLY * min(drawn):
        assert chosen == WAYS[0]


def test_it_is_measured_once_in_a_process_and_once_on_a_machine(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    clock = Clock(dict(zip(WAYS, (4.0, 3.0, 1.0, 2.0), strict=True)))
    monkeypatch.setattr(choosing, "measured", clock)
    for _ in range(2):
        assert choose(encoder, BOTH) is torch.float32
    monkeypatch.setattr(choosing, "_KNOWN", {})  # As in another process.
    assert choose(encoder, BOTH) is torch.float32
    assert clock.asked == 1
    (path,) = cache.glob("speeds-*.json")
    whole = path.read_text()
    for damaged in ("", "{}", "[1]", whole[:-20], whole.replace("4.0", "-4.0"), whole.replace("4.0", '"x"')):
        path.write_text(damaged)
        monkeypatch.setattr(choosing, "_KNOWN", {})
        assert choose(encoder, BOTH) is torch.float32
    assert clock.asked == 7


def test_without_a_cache_it_is_measured_by_each_process(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(choosing, "cache_folder", lambda: tmp_path / "file" / "litebert")
    clock = Clock(dict.fromkeys(WAYS, 1.0))
    monkeypatch.setattr(choosing, "measured", clock)
    for _ in range(2):
        assert choose(encoder, BOTH) is torch.bfloat16
    assert clock.asked == 1


def test_one_slow_moment_changes_nothing(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a neighbour takes the cache while one size is measured."""
    seconds = {way: [1e-3, 1e-3, 1e-3] for way in WAYS}
    seconds[WAYS[0]] = [1e-3, 9e-3, 1e-3]
    monkeypatch.setattr(choosing, "measured", lambda *_: seconds)
    assert choose(encoder, BOTH) is torch.bfloat16
    assert not encoder.one_by_one


@pytest.mark.parametrize("dtype", BOTH)
def test_where_operators_are_quicker_they_answer(
    dtype: torch.dtype, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = some_pieces()
    monkeypatch.setattr(choosing, "measured", Clock({(dtype, True): 2.0, (dtype, False): 1.0}))
    with torch.inference_mode():
        assert choose(encoder, [dtype]) is dtype
        assert encoder.one_by_one == frozenset({dtype})
        with monkeypatch.context() as patch:
            patch.setattr(layers.Layers, "answer", None)  # Whoever calls it fails.
            found = encoder(batch, "first", dtype).first
        encoder.one_by_one = frozenset()
        wanted = encoder(batch, "first", dtype).first
    assert (found.float() - wanted).abs().max() < (1e-5 if dtype is torch.float32 else 0.1)


def some_pieces() -> Packed:
    ids = np.random.default_rng(0).integers(0, 100, 40)
    return pack_flat(ids, np.zeros(40, np.int64), np.array([30, 10]), np.arange(2))


@pytest.mark.parametrize(("asked", "answers"), [("auto", torch.float32), ("bf16", torch.bfloat16)])
def test_bf16_that_is_slow_is_not_taken_unasked(
    asked: str, answers: torch.dtype, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "measured", Clock({way: 1.0 + (way[0] is torch.bfloat16) for way in WAYS}))
    opened = open_model(str(runs.trained("classification")), precision=asked)
    assert isinstance(opened.runner, Eager)
    assert opened.runner.dtype is answers
    assert opened([Text("wonderful")])[0].label in ("positive", "negative")
