"""Whether the fused call answers, by what was measured on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from litebert.engine import choosing
from litebert.engine.choosing import CLEARLY, SIZES, WAYS, Seconds, fused_pays
from litebert.engine.opening import open_model
from litebert.engine.runners.eager import Eager
from litebert.model.config import EncoderConfig, published
from litebert.model.encoders.albert import Encoder
from litebert.model.native import compiler, layers
from litebert.model.packing import pack_flat
from litebert.tasks.texts import Text
from small_runs import Runs

CONFIG = replace(published("albert-zh-tiny"), hidden=48, heads=4, intermediate=96)
PRECISIONS = (torch.float32, torch.bfloat16, torch.int8)
FAST: Seconds = {"fused": [1.0] * len(SIZES), "eager": [2.0] * len(SIZES)}
SLOW: Seconds = {"fused": [2.0] * len(SIZES), "eager": [1.0] * len(SIZES)}


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Empty, as is what the process remembers; and this machine has the call."""
    monkeypatch.setattr(choosing, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(choosing, "_KNOWN", {})
    monkeypatch.setattr(choosing, "serves", lambda *_: True)
    return tmp_path


class Stopwatch:
    """In place of measuring: gives what it was made with, and counts."""

    def __init__(self, seconds: Seconds) -> None:
        self.seconds, self.asked = seconds, 0

    def __call__(self, _config: EncoderConfig, _dtype: torch.dtype) -> Seconds:
        self.asked += 1
        return self.seconds


@pytest.fixture
def called() -> Iterator[None]:
    with compiler.kernels(True):
        if not all(layers.serves(CONFIG, dtype, torch.device("cpu")) for dtype in PRECISIONS):
            pytest.skip("needs a C++ compiler, and AVX-512 with bf16 and VNNI")
        yield


@pytest.mark.usefixtures("called")
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_measuring_goes_both_ways_and_leaves_chance_as_it_was(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed, called = [], []
    pack, call = Encoder._pack, layers.Layers.answer
    monkeypatch.setattr(Encoder, "_pack", lambda *given: packed.append(given) or pack(*given))
    monkeypatch.setattr(layers.Layers, "answer", lambda *given: called.append(given) or call(*given))
    before = torch.get_rng_state()
    found = choosing.measured(CONFIG, dtype)
    assert torch.equal(before, torch.get_rng_state())
    assert all(0 <= s < 1 for way in WAYS for s in found[way])
    assert [len(found[way]) for way in WAYS] == [len(SIZES)] * 2
    assert len(called) == len(SIZES) * (1 + choosing.ROUNDS)
    assert len(packed) == (2 if dtype is torch.int8 else 1)  # Once to watch what int8 must reach.


@pytest.mark.usefixtures("called")
def test_blocks_that_were_made_smaller_are_measured_as_wide_as_they_were() -> None:
    orders = {"attention": (0, 1), "feedforward": (0, 1)}
    found = choosing.measured(
        replace(CONFIG, **orders, block_heads=(1, 3), block_units=(7, 96)),  # type: ignore[arg-type]
        torch.float32,
    )
    assert [len(found[way]) for way in WAYS] == [len(SIZES)] * 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(1e-5, 1e-1), min_size=6, max_size=6))
def test_it_is_left_only_where_operators_are_clearly_quicker_at_every_size(
    monkeypatch: pytest.MonkeyPatch, drawn: list[float]
) -> None:
    fused, eager = drawn[:3], drawn[3:]
    monkeypatch.setattr(choosing, "_seconds", lambda *_: {"fused": fused, "eager": eager})
    slower = [a > CLEARLY * b for a, b in zip(fused, eager, strict=True)]
    assert fused_pays(CONFIG, torch.float32) is not all(slower)


def test_it_is_measured_once_in_a_process_and_once_on_a_machine(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    watch = Stopwatch(SLOW)
    monkeypatch.setattr(choosing, "measured", watch)
    for _ in range(2):
        assert not fused_pays(CONFIG, torch.float32)
    monkeypatch.setattr(choosing, "_KNOWN", {})  # As in another process.
    assert not fused_pays(replace(CONFIG, vocabulary=7), torch.float32)
    assert watch.asked == 1
    for other in (replace(CONFIG, hidden=96), replace(CONFIG, activation="relu")):
        assert not fused_pays(other, torch.float32)
    assert not fused_pays(CONFIG, torch.bfloat16)
    assert watch.asked == 4
    assert len(list(cache.iterdir())) == 4


@pytest.mark.parametrize(
    "damage", ["", "{}", "[1]", '{"fused": 1}', "-", "1" * 5000, '{"fused": [1, 1, NaN]', "folder"]
)
def test_a_damaged_measurement_is_made_anew(
    damage: str, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    watch = Stopwatch(SLOW)
    monkeypatch.setattr(choosing, "measured", watch)
    assert not fused_pays(CONFIG, torch.float32)
    (path,) = cache.glob("speeds-*.json")
    whole = path.read_text()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        if damage == "[1]":
            (cache / "precious").touch()
            path.symlink_to(cache / "precious")
        path.write_text(whole.replace("2.0", "-2.0") if damage == "-" else damage)
    monkeypatch.setattr(choosing, "_KNOWN", {})
    assert not fused_pays(CONFIG, torch.float32)
    assert watch.asked == 2
    assert damage != "[1]" or (cache / "precious").read_text() == damage


def test_without_a_cache_each_process_measures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(choosing, "cache_folder", lambda: tmp_path / "file" / "litebert")
    watch = Stopwatch(FAST)
    monkeypatch.setattr(choosing, "measured", watch)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: fused_pays(CONFIG, torch.float32), range(8)))
    assert watch.asked == 1


def test_nothing_is_measured_where_there_is_nothing_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Stopwatch(SLOW)
    monkeypatch.setattr(choosing, "measured", watch)
    assert fused_pays(published("albert-xxlarge-v2"), torch.float32)
    assert fused_pays(published("lstm-tiny"), torch.float32)
    monkeypatch.setattr(choosing, "serves", lambda *_: False)
    assert fused_pays(CONFIG, torch.float32)
    assert watch.asked == 0


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_where_operators_are_quicker_they_answer(
    precision: str, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = str(runs.trained("classification"))
    monkeypatch.setattr(choosing, "_seconds", lambda *_: FAST)
    wanted = open_model(run, precision=precision)([Text("wonderful")])
    monkeypatch.setattr(choosing, "_seconds", lambda *_: SLOW)
    opened = open_model(run, precision=precision)
    assert isinstance(opened.runner, Eager)
    assert not opened.runner.model.encoder.fused
    monkeypatch.setattr(layers.Layers, "answer", None)  # Whoever calls it fails.
    answers = opened([Text("wonderful")])
    assert answers[0].label == wanted[0].label
    assert abs(answers[0].probability - wanted[0].probability) < (1e-5 if precision == "fp32" else 0.02)


@pytest.mark.usefixtures("called")
def test_an_encoder_goes_the_way_that_it_is_told() -> None:
    torch.manual_seed(1)
    encoder = Encoder(CONFIG).eval()
    ids = np.random.default_rng(0).integers(0, 100, 40)
    batch = pack_flat(ids, np.zeros(40, np.int64), np.array([30, 10]), np.arange(2))
    with torch.inference_mode():
        fused = encoder(batch, "first").first
        assert encoder._kept_layers
        encoder.fused, encoder._kept_layers = False, {}
        assert (encoder(batch, "first").first - fused).abs().max() < 1e-5
    assert not encoder._kept_layers
