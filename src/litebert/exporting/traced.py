"""The padded model as a list of operators, and what flows through each matrix on real texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, fx

from litebert.exporting import operators as op
from litebert.exporting.padded import Padded

PRODUCTS = (op.product, op.table_product)
"""What is quantised."""


def traced(padded: Padded) -> fx.GraphModule:
    """The operators in order, parameters by their names. A placeholder for each of `padded.inputs`."""
    return fx.symbolic_trace(padded)


class Ranges(fx.Interpreter):
    """Runs the graph and remembers between what values each product's input lies, by the node's name."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.found: dict[str, tuple[float, float]] = {}

    def run_node(self, n: fx.Node) -> Any:
        if n.target in PRODUCTS:
            args, _ = self.fetch_args_kwargs_from_env(n)
            self._widen(n.name, args[0])
        return super().run_node(n)

    def _widen(self, name: str, x: Tensor) -> None:
        low, high = self.found.get(name, (0.0, 0.0))
        self.found[name] = min(low, float(x.min())), max(high, float(x.max()))


def ranges(graph: fx.GraphModule, batches: Iterable[tuple[Tensor, ...]]) -> Mapping[str, tuple[float, float]]:
    """Of each product in the graph, the least and the greatest that it was given; 0 is between them."""
    interpreter = Ranges(graph)
    with torch.inference_mode():
        for batch in batches:
            interpreter.run(*batch)
    return interpreter.found
