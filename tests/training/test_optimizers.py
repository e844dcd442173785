"""The optimisers against numpy written from the papers' formulae, and against torch's own AdamW."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from litebert.errors import ModelError
from litebert.training.optimizers import (
    LAMB,
    SGD,
    AdamW,
    Muon,
    Optimizer,
    add_penalties,
    decays,
    optimizer,
    orthogonal,
)
from litebert.training.settings import TrainSettings

Array = NDArray[np.float64]
SHAPES = {
    "word.weight": (11, 4),
    "attention.0.query.weight": (6, 4),
    "dense.weight": (4, 4),
    "dense.bias": (4,),
    "norm.weight": (4,),
}
STEPS = 12
RATES = [0.003 * (1 + step % 5) for step in range(STEPS)]


def _parameters() -> dict[str, nn.Parameter]:
    generator = torch.Generator().manual_seed(3)
    return {name: nn.Parameter(torch.randn(shape, generator=generator)) for name, shape in SHAPES.items()}


def _gradients(step: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(100 + step)
    return {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}


def _run(build: Callable[[dict[str, nn.Parameter]], Optimizer]) -> dict[str, Array]:
    parameters = _parameters()
    made = build(parameters)
    for step, rate in enumerate(RATES):
        for name, gradient in _gradients(step).items():
            parameters[name].grad = gradient
        made.step(rate)
    return {name: p.detach().double().numpy() for name, p in parameters.items()}


def _by_formula(
    update: Callable[[str, Array, Array, dict[str, Array], int, float], Array],
) -> dict[str, Array]:
    """Runs `update(name, weight, gradient, state, step from 1, rate) -> weight` over the same gradients."""
    weights = {name: p.detach().double().numpy() for name, p in _parameters().items()}
    state = {name: {"m": np.zeros_like(w), "v": np.zeros_like(w)} for name, w in weights.items()}
    for step, rate in enumerate(RATES):
        for name, gradient in _gradients(step).items():
            weights[name] = update(
                name, weights[name], gradient.double().numpy(), state[name], step + 1, rate
            )
    return weights


def _excluded(name: str) -> bool:
    """As Google's regular expressions would, with `norm` for LayerNorm."""
    return name.endswith("bias") or "norm" in name


def _moments(g: Array, state: dict[str, Array]) -> tuple[Array, Array]:
    state["m"] = 0.9 * state["m"] + 0.1 * g
    state["v"] = 0.999 * state["v"] + 0.001 * g * g
    return state["m"], state["v"]


def _adamw(correct: bool) -> Callable[..., Array]:
    """arXiv 1711.05101, algorithm 2."""

    def update(name: str, w: Array, g: Array, state: dict[str, Array], t: int, rate: float) -> Array:
        m, v = _moments(g, state)
        m, v = (m / (1 - 0.9**t), v / (1 - 0.999**t)) if correct else (m, v)
        decay = 0 if _excluded(name) else 0.01
        return w - rate * (m / (np.sqrt(v) + 1e-6) + decay * w)

    return update


def _lamb(name: str, w: Array, g: Array, state: dict[str, Array], _t: int, rate: float) -> Array:
    """albert.md §1.5: Google's lamb_optimizer.py."""
    m, v = _moments(g, state)
    update = m / (np.sqrt(v) + 1e-6)
    ratio = 1.0
    if not _excluded(name):
        update = update + 0.01 * w
        w_norm, u_norm = np.linalg.norm(w), np.linalg.norm(update)
        ratio = w_norm / u_norm if w_norm > 0 and u_norm > 0 else 1.0
    return w - ratio * rate * update


def _sgd(name: str, w: Array, g: Array, state: dict[str, Array], _t: int, rate: float) -> Array:
    """arXiv 1711.05101, algorithm 1, with torch's placing of the learning rate."""
    state["m"] = 0.9 * state["m"] + g
    decay = 0 if _excluded(name) else 0.01
    return w * (1 - rate * decay) - rate * state["m"]


@pytest.mark.parametrize(
    ("build", "formula"),
    [
        (lambda p: AdamW(p), _adamw(True)),
        (lambda p: AdamW(p, bias_correction=False), _adamw(False)),
        (lambda p: LAMB(p), _lamb),
        (lambda p: SGD(p), _sgd),
    ],
    ids=["adamw", "google's adamw", "lamb", "sgd"],
)
def test_equals_the_formula(
    build: Callable[[dict[str, nn.Parameter]], Optimizer], formula: Callable[..., Array]
) -> None:
    ours, wanted = _run(build), _by_formula(formula)
    for name in SHAPES:
        np.testing.assert_allclose(ours[name], wanted[name], rtol=2e-5, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("fused", [True, False])
def test_adamw_equals_torch(fused: bool) -> None:
    parameters = _parameters()
    groups = [
        {"params": [p for n, p in parameters.items() if _excluded(n)], "weight_decay": 0.0},
        {"params": [p for n, p in parameters.items() if not _excluded(n)], "weight_decay": 0.01},
    ]
    theirs = torch.optim.AdamW(groups, eps=1e-6, fused=fused)
    for step, rate in enumerate(RATES):
        for group in theirs.param_groups:
            group["lr"] = rate
        for name, gradient in _gradients(step).items():
            parameters[name].grad = gradient
        theirs.step()
    ours = _run(lambda p: AdamW(p))
    for name, parameter in parameters.items():
        wanted = parameter.detach().double().numpy()
        if fused:
            np.testing.assert_array_equal(ours[name], wanted)
        else:
            np.testing.assert_allclose(ours[name], wanted, rtol=1e-5, atol=1e-7)


def test_muon_equals_torch_within_layers_and_adamw_elsewhere() -> None:
    generator = torch.Generator().manual_seed(3)
    within = ["feedforward.0.up.weight", "feedforward.0.down.weight"]
    shapes = dict(zip((*within, "words.weight"), [(24, 8), (8, 24), (30, 8)], strict=True))
    begun = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    gradients = [
        {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()} for _ in RATES
    ]
    theirs = {name: nn.Parameter(tensor.clone()) for name, tensor in begun.items()}
    muon = torch.optim.Muon(
        [theirs[name] for name in within], weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
    )
    adamw = torch.optim.AdamW([theirs["words.weight"]], weight_decay=0.01, eps=1e-6, fused=True)
    ours = {name: nn.Parameter(tensor.clone()) for name, tensor in begun.items()}
    made = Muon(ours, weight_decay=0.01)
    for rate, gradient in zip(RATES, gradients, strict=True):
        for name in shapes:
            ours[name].grad, theirs[name].grad = gradient[name].clone(), gradient[name].clone()
        for other in (muon, adamw):
            other.param_groups[0]["lr"] = rate
            other.step()
        made.step(rate)
    assert torch.equal(ours["words.weight"], theirs["words.weight"])
    for name in within:
        gone, wanted = ours[name] - begun[name], theirs[name] - begun[name]
        assert (gone - wanted).norm() < 0.02 * wanted.norm()


@given(
    wide=st.integers(1, 40),
    high=st.integers(1, 40),
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
    seed=st.integers(0, 99),
)
def test_a_turned_gradient_moves_all_directions_alike(wide: int, high: int, scale: float, seed: int) -> None:
    left, _, right = torch.linalg.svd(
        torch.randn(high, wide, generator=torch.Generator().manual_seed(seed)), full_matrices=False
    )
    steep = left @ torch.diag(torch.linspace(scale, scale / 10, len(right))) @ right
    (found,) = orthogonal([steep])
    assert found.shape == steep.shape
    strengths = torch.linalg.svdvals(found.float())
    assert strengths.min() > 0.5
    assert strengths.max() < 1.3
    assert (left.T @ found.float() @ right.T).diagonal().min() > 0.5


def test_nothing_turned_is_nothing() -> None:
    (found,) = orthogonal([torch.zeros(3, 5)])
    assert not found.any()


def test_lamb_trusts_by_1_when_a_norm_is_0() -> None:
    zero = nn.Parameter(torch.zeros(2, 2))
    still = nn.Parameter(torch.ones(2, 2))
    made = LAMB({"zero": zero, "still": still}, weight_decay=0.0)
    zero.grad, still.grad = torch.ones(2, 2), torch.zeros(2, 2)
    made.step(0.5)
    first = 0.1 / (0.001**0.5 + 1e-6)
    torch.testing.assert_close(zero.detach(), torch.full((2, 2), -0.5 * first))
    assert torch.equal(still.detach(), torch.ones(2, 2))


def test_one_dimension_is_what_google_excludes() -> None:
    assert {name: decays(name, p) for name, p in _parameters().items()} == {
        name: not _excluded(name) for name in SHAPES
    }


@pytest.mark.parametrize("build", [AdamW, LAMB, Muon, SGD])
def test_the_state_is_flat_tensors_and_goes_on_to_the_bit(
    build: Callable[[dict[str, nn.Parameter]], Optimizer],
) -> None:
    through = _run(build)
    parameters = _parameters()
    made = build(parameters)
    for step, rate in enumerate(RATES):
        if step == 5:
            saved = {name: tensor.clone() for name, tensor in made.state_dict().items()}
            assert all(isinstance(tensor, torch.Tensor) for tensor in saved.values())
            made = build(parameters)
            made.load_state_dict(saved)
        for name, gradient in _gradients(step).items():
            parameters[name].grad = gradient
        made.step(rate)
    for name in SHAPES:
        np.testing.assert_array_equal(parameters[name].detach().double().numpy(), through[name])


def test_a_state_of_other_parameters_is_refused() -> None:
    with pytest.raises(ModelError, match="other parameters"):
        AdamW(_parameters()).load_state_dict(SGD(_parameters()).state_dict())


def test_parameters_without_gradient_are_left() -> None:
    for build in (AdamW, LAMB, Muon, SGD):
        parameters = _parameters()
        before = {name: p.detach().clone() for name, p in parameters.items()}
        made = build(parameters)
        parameters["dense.weight"].grad = torch.ones(4, 4)
        made.step(0.1)
        changed = {name for name, p in parameters.items() if not torch.equal(p.detach(), before[name])}
        assert changed == {"dense.weight"}


def test_reset_is_as_new() -> None:
    made = AdamW(_parameters())
    for p in made.parameters.values():
        p.grad = torch.ones_like(p)
    made.step(0.1)
    made.reset()
    assert all(not tensor.any() for tensor in made.state_dict().values())


def test_frozen_parameters_have_no_state() -> None:
    parameters = _parameters()
    parameters["word.weight"].requires_grad_(False)
    assert not any("word" in name for name in AdamW(parameters).state_dict())


def test_penalties_are_the_gradients_of_l1_and_l2() -> None:
    parameters = _parameters()
    made = AdamW(parameters)
    loss = sum(
        (
            0.02 * p.abs().sum() + 0.3 * p.square().sum() / 2
            for n, p in parameters.items()
            if not _excluded(n)
        ),
        start=sum(p.sum() for p in parameters.values()),
    )
    loss.backward()
    wanted = {name: p.grad.clone() for name, p in parameters.items() if p.grad is not None}
    for p in parameters.values():
        p.grad = torch.ones_like(p)
    add_penalties(made, l1=0.02, l2=0.3)
    for name, p in parameters.items():
        torch.testing.assert_close(p.grad, wanted[name])


@pytest.mark.parametrize(("name", "kind"), [("adamw", AdamW), ("lamb", LAMB), ("muon", Muon), ("sgd", SGD)])
def test_settings_choose(name: str, kind: type) -> None:
    made = optimizer(TrainSettings(optimizer=name, weight_decay=0.5), nn.Linear(2, 2))  # type: ignore[arg-type]
    assert type(made) is kind
    assert made.weight_decay == 0.5
    assert set(made.parameters) == {"weight", "bias"}
