"""AdamW, LAMB, Muon and SGD. A step is a few fused passes over memory; the state is tensors by name.

Which parameters are spared is a function of name and tensor, `decays`. Gradients are read from `.grad`;
a parameter without one is left as it is. The learning rate is given at each step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from litebert.errors import ModelError
from litebert.training.settings import TrainSettings

BETAS = (0.9, 0.999)
MOMENTUM = 0.95
"""Of Muon."""
_SPREAD = 0.2
"""The root mean square of a step of Muon, by its learning rate: what AdamW's usually are."""
_FOREVER = 1e9
"""A step count at which Adam's bias correction is exactly 1."""

Decays = Callable[[str, Tensor], bool]


def decays(_name: str, parameter: Tensor) -> bool:
    """Whether weight decay (and LAMB's trust ratio, and L1/L2 penalties) apply to a parameter.

    Biases and norms are the tensors of one dimension, and no others are: the same set as Google's
    `["LayerNorm", "layer_norm", "bias"]` picks out of ALBERT and BERT, whatever the names are here.
    """
    return parameter.ndim > 1


class Optimizer(ABC):
    """An interface, and the keeping of `slots`: for each of these, a tensor for each parameter."""

    slots: ClassVar[tuple[str, ...]]

    def __init__(self, parameters: Mapping[str, nn.Parameter], decays: Decays = decays) -> None:
        self.parameters = {name: p for name, p in parameters.items() if p.requires_grad}
        self.spared = frozenset(name for name, p in self.parameters.items() if not decays(name, p))
        self.state = {
            slot: {n: torch.zeros_like(p) for n, p in self.parameters.items()} for slot in self.slots
        }
        self.steps = torch.zeros(())
        """How many updates have been made."""

    def step(self, learning_rate: float) -> None:
        """Makes one update from the gradients there are."""
        self.update(learning_rate)
        # Fused and foreach operators do not count as writing, and who keeps packed matrices asks for that.
        torch.autograd.graph.increment_version(list(self.parameters.values()))

    @abstractmethod
    def update(self, learning_rate: float) -> None:
        """The step itself."""

    def state_dict(self) -> dict[str, Tensor]:
        """Flat: `slot/parameter` to tensor, and `steps`."""
        flat = {f"{slot}/{name}": t for slot, held in self.state.items() for name, t in held.items()}
        return {**flat, "steps": self.steps}

    @torch.no_grad()
    def load_state_dict(self, saved: Mapping[str, Tensor]) -> None:
        """Copies in what `state_dict` gave. Raises `ModelError` if it is of other parameters."""
        mine = self.state_dict()
        if {n: t.shape for n, t in mine.items()} != {n: t.shape for n, t in saved.items()}:
            raise ModelError("the saved state of the optimiser is of other parameters than this model's")
        for name, tensor in mine.items():
            tensor.copy_(saved[name])

    def reset(self) -> None:
        """Back to the state of a new one."""
        for tensor in self.state_dict().values():
            tensor.zero_()

    def groups(self) -> list[tuple[bool, list[str]]]:
        """Names of the parameters that have a gradient: those that decay, and those that are spared."""
        ready = [name for name, p in self.parameters.items() if p.grad is not None]
        halves = [
            (True, [n for n in ready if n not in self.spared]),
            (False, [n for n in ready if n in self.spared]),
        ]
        return [(decayed, names) for decayed, names in halves if names]

    def weights(self, names: list[str]) -> list[Tensor]:
        return [self.parameters[name] for name in names]

    def gradients(self, names: list[str]) -> list[Tensor]:
        return [grad for name in names if (grad := self.parameters[name].grad) is not None]


class AdamW(Optimizer):
    """Adam with decoupled weight decay (arXiv 1711.05101, algorithm 2). Without `bias_correction`
    it is the AdamWeightDecay that Google fine-tunes with (`optimization.py`)."""

    slots = ("first", "second")

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        *,
        weight_decay: float = 0.01,
        betas: tuple[float, float] = BETAS,
        epsilon: float = 1e-6,
        bias_correction: bool = True,
        decays: Decays = decays,
    ) -> None:
        super().__init__(parameters, decays)
        self.weight_decay, self.betas, self.epsilon = weight_decay, betas, epsilon
        self.bias_correction = bias_correction

    @torch.no_grad()
    def update(self, learning_rate: float) -> None:
        for decayed, names in self.groups():
            self._adam(names, learning_rate, decayed=decayed)
        self.steps += 1

    def _adam(self, names: list[str], learning_rate: float, *, decayed: bool) -> None:
        adamw(
            self.weights(names),
            self.gradients(names),
            [self.state["first"][name] for name in names],
            [self.state["second"][name] for name in names],
            [],
            self._counters(names),
            fused=True,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=learning_rate,
            weight_decay=self.weight_decay if decayed else 0.0,
            eps=self.epsilon,
            maximize=False,
        )

    def _counters(self, names: list[str]) -> list[Tensor]:
        steps = float(self.steps) if self.bias_correction else _FOREVER
        return _counters(steps, self.weights(names))


class Muon(AdamW):
    """Momentum made orthogonal for the matrices within layers, AdamW for all else (Jordan et al. 2024; decay
    and the size of a step, 0.2 as AdamW's usually has, by arXiv 2502.16982 §2.2).

    A step moves a matrix by as much in all of its directions, where AdamW's moves it in the few that most
    gradients have. The learning rate is one that AdamW would be given.
    """

    @torch.no_grad()
    def update(self, learning_rate: float) -> None:
        for decayed, names in self.groups():
            turned = {name: is_within_layer(name, self.parameters[name]) for name in names}
            within = [name for name in names if turned[name]]
            others = [name for name in names if not turned[name]]
            if within:
                self._turn(within, learning_rate, decayed=decayed)
            if others:
                self._adam(others, learning_rate, decayed=decayed)
        self.steps += 1

    def _turn(self, names: list[str], learning_rate: float, *, decayed: bool) -> None:
        momenta = [self.state["first"][name] for name in names]
        gradients = self.gradients(names)
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)
        weights = self.weights(names)
        if decayed:
            torch._foreach_mul_(weights, 1 - learning_rate * self.weight_decay)
        for weight, step in zip(weights, orthogonal(ahead), strict=True):
            weight.sub_(step, alpha=learning_rate * _SPREAD * max(weight.shape) ** 0.5)


class LAMB(Optimizer):
    """Google's `lamb_optimizer.py` (arXiv 1904.00962, algorithm 2, without its bias correction).

    No bias correction; the trust ratio ‖w‖ / ‖update‖ is not clamped, and is 1 when either is 0;
    spared parameters have neither decay nor trust ratio; one tensor is one "layer".
    """

    slots = ("first", "second")

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        *,
        weight_decay: float = 0.01,
        betas: tuple[float, float] = BETAS,
        epsilon: float = 1e-6,
        decays: Decays = decays,
    ) -> None:
        super().__init__(parameters, decays)
        self.weight_decay, self.betas, self.epsilon = weight_decay, betas, epsilon

    @torch.no_grad()
    def update(self, learning_rate: float) -> None:
        for decayed, names in self.groups():
            weights = self.weights(names)
            updates = self._updates(names)
            if not decayed:
                torch._foreach_add_(weights, updates, alpha=-learning_rate)
                continue
            torch._foreach_add_(updates, weights, alpha=self.weight_decay)
            torch._foreach_addcmul_(weights, updates, _trust(weights, updates), value=-learning_rate)
        self.steps += 1

    def _updates(self, names: list[str]) -> list[Tensor]:
        """m / (√v + ε), after m and v have taken in the gradients: what a step of Adam at learning rate -1
        makes of zeros, in one pass over memory."""
        updates = [torch.zeros_like(weight) for weight in self.weights(names)]
        adamw(
            updates,
            self.gradients(names),
            [self.state["first"][name] for name in names],
            [self.state["second"][name] for name in names],
            [],
            _counters(_FOREVER, updates),
            fused=True,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=-1.0,
            weight_decay=0.0,
            eps=self.epsilon,
            maximize=False,
        )
        return updates


class SGD(Optimizer):
    """Gradient descent with momentum and decoupled weight decay (arXiv 1711.05101, algorithm 1)."""

    slots = ("momentum",)

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        *,
        weight_decay: float = 0.01,
        momentum: float = 0.9,
        decays: Decays = decays,
    ) -> None:
        super().__init__(parameters, decays)
        self.weight_decay, self.momentum = weight_decay, momentum

    @torch.no_grad()
    def update(self, learning_rate: float) -> None:
        for decayed, names in self.groups():
            weights = self.weights(names)
            if decayed:
                torch._foreach_mul_(weights, 1 - learning_rate * self.weight_decay)
            sgd(
                weights,
                self.gradients(names),
                [self.state["momentum"][name] for name in names],
                fused=True,
                weight_decay=0.0,
                momentum=self.momentum,
                lr=learning_rate,
                dampening=0.0,
                nesterov=False,
                maximize=False,
            )
        self.steps += 1


def optimizer(settings: TrainSettings, model: nn.Module) -> Optimizer:
    """The one that the settings ask for, of a model's parameters."""
    parameters, decay = dict(model.named_parameters()), settings.weight_decay
    match settings.optimizer:
        case "adamw" | "muon" as name:
            kind = AdamW if name == "adamw" else Muon
            epsilon, correct = settings.epsilon, settings.bias_correction
            return kind(parameters, weight_decay=decay, epsilon=epsilon, bias_correction=correct)
        case "lamb":
            return LAMB(parameters, weight_decay=decay, epsilon=settings.epsilon)
        case "sgd":
            return SGD(parameters, weight_decay=decay, momentum=settings.momentum)


@torch.no_grad()
def add_penalties(optimizer: Optimizer, l1: float, l2: float) -> None:
    """Adds the gradients of l1·|w| and l2·w²/2 to those there are, spared parameters excepted."""
    for decayed, names in optimizer.groups():
        if decayed and (l1 or l2):
            weights, gradients = optimizer.weights(names), optimizer.gradients(names)
            torch._foreach_add_(gradients, weights, alpha=l2)
            torch._foreach_add_(gradients, torch._foreach_sign(weights), alpha=l1)


def is_within_layer(name: str, parameter: Tensor) -> bool:
    """Whether a parameter is a matrix from states to states, as no table of embeddings and no head is."""
    return parameter.ndim == 2 and any(f".{part}." in f".{name}" for part in ("attention", "feedforward"))


def orthogonal(matrices: Sequence[Tensor]) -> list[Tensor]:
    """The orthogonal factor of each, about: singular values become 0.7 to 1.2, by five steps of Newton-Schulz
    in bf16 (Jordan et al. 2024). Those of one shape, turned or not, go in one product."""
    flat = [matrix.T if matrix.shape[0] > matrix.shape[1] else matrix for matrix in matrices]
    found: list[Tensor] = list(flat)
    for shape in dict.fromkeys(matrix.shape for matrix in flat):
        members = [i for i, matrix in enumerate(flat) if matrix.shape == shape]
        x = torch.stack([flat[i] for i in members]).bfloat16()
        x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
        for _ in range(5):
            square = x @ x.mT
            x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
        for i, one in zip(members, x, strict=True):
            found[i] = one.T if matrices[i].shape[0] > matrices[i].shape[1] else one
    return found


def _counters(steps: float, like: Sequence[Tensor]) -> list[Tensor]:
    """Step counts as torch's fused kernel wants them: one beside each tensor, which it adds 1 to."""
    return [torch.full((), steps, device=tensor.device) for tensor in like]


def _trust(weights: list[Tensor], updates: list[Tensor]) -> list[Tensor]:
    w, u = (torch.stack(torch._foreach_norm(tensors)) for tensors in (weights, updates))
    return list(torch.where((w > 0) & (u > 0), w / u, torch.ones_like(w)).unbind())
