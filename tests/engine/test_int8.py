"""int8: every use of every shared matrix in 8 bits, near fp32's answers, or bf16 where there is none."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import litebert
from litebert.data.inputs import read_inputs
from litebert.embedded import tokenizer_folder
from litebert.engine.calibration import calibrate
from litebert.engine.opening import open_model
from litebert.engine.runners.eager import Eager
from litebert.errors import UsageError
from litebert.model import eight_bits
from litebert.model.config import EncoderConfig
from litebert.model.eight_bits import EightBits, Ranges, has_eight_bits, quantised
from litebert.model.encoders import albert
from litebert.model.encoders.albert import Encoder
from litebert.model.packing import pack
from litebert.tasks.texts import Text
from litebert.text.encoding import join
from litebert.text.loading import load_tokenizer
from small_runs import Runs

needed = pytest.mark.skipif(not has_eight_bits(), reason="torch has no products in int8 for this processor")
CHANGED, APART = 0.02, 0.1
"""What is stated in docs/performance.md: so many answers may change, and a probability by so much."""


class Counted(TorchDispatchMode):
    """Counts torch's operators by name."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls[func.name().partition(".")[0]] += 1
        return func(*args, **(kwargs or {}))


def shared(layers: int) -> Encoder:
    torch.manual_seed(0)
    order = (0,) * layers
    config = EncoderConfig(
        vocabulary=load_tokenizer(tokenizer_folder()).size,
        embedding=32,
        hidden=48,
        heads=3,
        intermediate=96,
        attention=order,
        feedforward=order,
    )
    return Encoder(config).eval()


@needed
@pytest.mark.parametrize("layers", [1, 2, 12])
@pytest.mark.parametrize("reads", ["pieces", "first"])
def test_every_use_of_every_matrix_is_in_8_bits(
    layers: int, reads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By torch. Four matrices a layer, stored once; in the last layer, where only first pieces are read,
    queries apart from keys and values. In floating numbers there is the embedding's factor, and attention
    itself."""
    monkeypatch.setattr(albert, "serves", lambda *_: False)
    encoder, tokenizer = shared(layers), load_tokenizer(str(tokenizer_folder()))
    calibrate(encoder, tokenizer)
    encoder.dtype = torch.int8
    batch = pack([join(tokenizer, tokenizer.encode("a box that was empty"))[0]] * 3)
    with torch.no_grad():
        with Counted() as first:
            encoder(batch, reads)
        with Counted() as then:
            encoder(batch, reads)
    apart = reads == "first"
    assert then.calls["onednn::qlinear_pointwise"] == 4 * layers + apart
    assert first.calls["onednn::qlinear_prepack"] == 4 + 2 * apart
    assert then.calls["onednn::qlinear_prepack"] == 0
    assert then.calls["mkldnn::_linear_pointwise"] + then.calls["aten::addmm"] <= 2  # The factor, the pooler.
    assert then.calls["aten::mm"] == 0


def answers(runs: Runs, name: str, precision: str) -> Any:
    predictor = open_model(str(runs.trained(name)), precision=precision)
    given = list(read_inputs(str(runs.held_out(name, 400)), predictor.task))
    found = predictor(given)
    return np.array([a.probability if a.label == "positive" else 1 - a.probability for a in found])


@needed
@pytest.mark.parametrize("name", ["classification", "pairs"])
def test_what_is_lost_is_as_stated(runs: Runs, name: str) -> None:
    exact, bf16, int8 = (answers(runs, name, precision) for precision in ("fp32", "bf16", "int8"))
    assert not np.array_equal(exact, int8)
    for found in (bf16, int8):
        assert ((exact > 0.5) != (found > 0.5)).mean() <= CHANGED
        assert np.abs(exact - found).max() <= APART


@needed
def test_an_answer_does_not_depend_on_what_is_beside_it(runs: Runs) -> None:
    predictor = open_model(str(runs.trained("classification")), precision="int8")
    (alone,) = predictor([Text("the film was wonderful")])
    texts = [Text("the film was wonderful"), *(Text("boring " * n) for n in range(1, 40))]
    beside = predictor(texts)[0].probability
    assert beside == pytest.approx(alone.probability, abs=1e-5)
    again = open_model(str(runs.trained("classification")), precision="int8")
    assert again(texts)[0].probability == pytest.approx(beside, abs=1e-5)


def test_auto_is_never_int8(runs: Runs) -> None:
    runner = open_model(str(runs.trained("classification"))).runner
    assert isinstance(runner, Eager) and runner.dtype is not torch.int8


def test_without_the_operators_it_says_so_and_answers(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    has_eight_bits.cache_clear()
    monkeypatch.setattr(eight_bits, "_packed", lambda _: torch.ops.onednn.no_such_operator())
    assert not has_eight_bits()
    told: list[str] = []
    predictor = open_model(str(runs.trained("classification")), precision="int8", tell=told.append)
    has_eight_bits.cache_clear()
    assert len(told) == 1 and "no products in int8" in told[0]
    assert predictor([Text("wonderful")])[0].label == "positive"


def test_operators_that_cut_sums_are_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    has_eight_bits.cache_clear()
    multiplied = EightBits.__call__
    monkeypatch.setattr(
        EightBits, "__call__", lambda self, x, layer=0: multiplied(self, x, layer).clamp(max=30)
    )
    assert not has_eight_bits()
    has_eight_bits.cache_clear()


def test_it_is_not_for_training(runs: Runs) -> None:
    with pytest.raises(UsageError, match="int8"):
        litebert.train(
            out=runs.folder / "runs" / "int8", **{**runs.options("classification"), "precision": "int8"}
        )
    encoder = shared(2)
    encoder.dtype = torch.int8
    with pytest.raises(ValueError, match="int8 is for answering"):
        encoder(
            pack(
                [
                    join(
                        load_tokenizer(str(tokenizer_folder())),
                        load_tokenizer(str(tokenizer_folder())).encode("a"),
                    )[0]
                ]
            )
        )


def test_numbers_of_8_bits_are_the_nearest() -> None:
    ranges = Ranges({("x", 0): (-1.0, 3.0)})
    step = ranges.step("x", 0)
    x = torch.linspace(-1, 3, 999)
    back = (quantised(x, step).float() - step.zero) * step.scale
    assert (back - x).abs().max() <= step.scale / 2 + 1e-6
    assert quantised(torch.tensor([-9.0, 0.0, 9.0]), step).tolist() == [0, step.zero, 255]
