"""How Hugging Face's ALBERT and Google's number their blocks, and our orders.

Both run `layers` steps; at each, all `inner` blocks of one group are applied in turn. Which group that is,
each works out in floating point, and not alike: at 22 layers in 22 groups Google's falls one short.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from litebert.model.config import EncoderConfig, Order

Family = Literal["albert", "bert"]
Rule = Literal["huggingface", "google"]
Block = tuple[int, int]
"""The group, and the place in it."""


@dataclass(frozen=True)
class Plan:
    """`num_hidden_layers`, `num_hidden_groups`, `inner_group_num`, and by whose rule groups are found."""

    layers: int
    groups: int = 1
    inner: int = 1
    rule: Rule = "huggingface"

    def group(self, step: int) -> int:
        """transformers `AlbertTransformer.forward`; google-research/albert `modeling.transformer_model`."""
        if self.rule == "google":
            return int(step / self.layers * self.groups)
        return int(step / (self.layers / self.groups))

    @cached_property
    def applied(self) -> tuple[Block, ...]:
        """The block of each application, in turn."""
        return tuple((self.group(step), i) for step in range(self.layers) for i in range(self.inner))

    @property
    def order(self) -> Order:
        """The same as an order of ours: blocks are numbered as they are met."""
        numbers = {block: number for number, block in enumerate(dict.fromkeys(self.applied))}
        return tuple(numbers[block] for block in self.applied)

    def suits(self, attention: Order, feedforward: Order) -> bool:
        """Whether this plan can hold those orders: no block of it would have to be two of ours."""
        if not len(attention) == len(feedforward) == len(self.applied):
            return False
        ours = zip(attention, feedforward, strict=True)
        meant: dict[Block, tuple[int, int]] = {}
        return all(meant.setdefault(b, pair) == pair for b, pair in zip(self.applied, ours, strict=True))


def plan_for(config: EncoderConfig, family: Family, rule: Rule = "huggingface") -> Plan:
    """The plan with the fewest blocks that holds the config's orders; there always is one, all copies.

    BERT has no other than that.
    """
    if family == "bert":
        return Plan(config.layers, config.layers)
    plans = (p for p in _plans(config.layers, rule) if p.suits(config.attention, config.feedforward))
    return min(plans, key=lambda p: (p.groups * p.inner, p.inner))


def _plans(applications: int, rule: Rule) -> Iterator[Plan]:
    """Every plan of so many applications. The last kind, one group of inner blocks, suits any order."""
    for inner in range(1, applications + 1):
        layers, left = divmod(applications, inner)
        if left == 0:
            yield from (Plan(layers, groups, inner, rule) for groups in range(1, layers + 1))
