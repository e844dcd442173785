"""Weights from TensorFlow's names to Hugging Face's and back: tables of rules, read in both directions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert.errors import ModelError

Tensors = Mapping[str, NDArray[Any]]

_PLACES = re.compile(r"\{(\w+)\}|\[([\w./]+)\]")
_SHOWN = 12

HINTS = {
    "layer_normalization": "Names with layer_normalization come from Keras or TensorFlow 2, where each layer "
    "has norms of its own: Google's ALBERT graph shares them, so such weights have no place in it",
    "encoder/layer_shared/": "The scope layer_shared is not Google's, but brightmart's albert_zh (which also "
    "has word_embeddings_2) or bert-for-tf2",
    ".ATTRIBUTES/": "Names with .ATTRIBUTES are a TensorFlow 2 object checkpoint's, not TF1's",
}
"""What a part of a name that has no rule tells about its origin."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One weight under its two names.

    `{layer}` stands for a number, the same in both names. `[albert.]` is written, but need not be there to
    be read: a bare encoder leaves it out. A `transposed` matrix is [in, out] in TensorFlow and [out, in] in
    torch.
    """

    tensorflow: str
    huggingface: str
    rank: int
    transposed: bool = False


def dense(tensorflow: str, huggingface: str) -> tuple[Rule, Rule]:
    """A linear layer."""
    return (
        Rule(f"{tensorflow}/kernel", f"{huggingface}.weight", 2, transposed=True),
        Rule(f"{tensorflow}/bias", f"{huggingface}.bias", 1),
    )


def norm(tensorflow: str, huggingface: str) -> tuple[Rule, Rule]:
    """A layer norm."""
    return (
        Rule(f"{tensorflow}/gamma", f"{huggingface}.weight", 1),
        Rule(f"{tensorflow}/beta", f"{huggingface}.bias", 1),
    )


def scores(tensorflow: str, huggingface: str) -> tuple[Rule, Rule]:
    """The last linear layer of a head, which Google writes as [out, in]."""
    return (
        Rule(f"{tensorflow}output_weights", f"{huggingface}.weight", 2),
        Rule(f"{tensorflow}output_bias", f"{huggingface}.bias", 1),
    )


@dataclass(frozen=True, slots=True)
class Table:
    """How one architecture's weights are called."""

    architecture: str
    rules: tuple[Rule, ...]

    def to_huggingface(self, tensors: Tensors) -> dict[str, NDArray[Any]]:
        """The same weights under Hugging Face's names. Raises `ModelError` for a name without a rule."""
        return _rename(tensors, self.architecture, [(r, r.tensorflow, r.huggingface) for r in self.rules])

    def to_tensorflow(self, tensors: Tensors) -> dict[str, NDArray[Any]]:
        """The same weights under TensorFlow's names. Raises `ModelError` for a name without a rule."""
        return _rename(tensors, self.architecture, [(r, r.huggingface, r.tensorflow) for r in self.rules])


def refuse(names: Iterable[str], what: str) -> ModelError:
    """The error for `names`: which they are, and what is known of their kind."""
    listed = sorted(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    said = [hint for part, hint in HINTS.items() if any(part in name for name in listed)]
    return ModelError(". ".join([f"{what}: {', '.join(listed[:_SHOWN])}{more}", *said]))


def _rename(
    tensors: Tensors, architecture: str, sides: list[tuple[Rule, str, str]]
) -> dict[str, NDArray[Any]]:
    """Each tensor under its rule's other name; `sides` are a rule, the name to read, the name to write."""
    renamed: dict[str, NDArray[Any]] = {}
    unknown = []
    for name, tensor in tensors.items():
        found = _find(name, sides)
        if found is None:
            unknown.append(name)
            continue
        rule, new = found
        if new in renamed:
            raise ModelError(f"{name} and another name both stand for {new}")
        renamed[new] = _turned(name, tensor, rule)
    if unknown:
        raise refuse(unknown, f"{len(unknown)} of {len(tensors)} names are no weights of {architecture}")
    return renamed


def _find(name: str, sides: list[tuple[Rule, str, str]]) -> tuple[Rule, str] | None:
    """The rule for a name, and the name that it gives."""
    for rule, known, new in sides:
        if match := _pattern(known).fullmatch(name):
            return rule, _written(new, match)
    return None


def _written(name: str, numbers: re.Match[str]) -> str:
    """A rule's name with its numbers."""
    return _PLACES.sub(lambda place: numbers[place[1]] if place[1] else place[2], name)


def _turned(name: str, tensor: NDArray[Any], rule: Rule) -> NDArray[Any]:
    if tensor.ndim != rule.rank:
        raise ModelError(f"{name} has the shape {list(tensor.shape)}, but should have {rule.rank} dimensions")
    return np.ascontiguousarray(tensor.T) if rule.transposed else tensor


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """What reads a rule's name."""
    parts, at = [], 0
    for place in _PLACES.finditer(name):
        parts.append(re.escape(name[at : place.start()]))
        number, optional = place.groups()
        parts.append(f"(?P<{number}>0|[1-9][0-9]*)" if number else f"(?:{re.escape(optional)})?")
        at = place.end()
    return re.compile("".join([*parts, re.escape(name[at:])]))
