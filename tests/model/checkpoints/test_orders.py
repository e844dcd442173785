"""How Hugging Face and Google number their blocks, and our orders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.model.checkpoints.orders import Plan, plan_for
from litebert.model.config import EncoderConfig, Order


def config(attention: Order, feedforward: Order | None = None) -> EncoderConfig:
    return EncoderConfig(attention=attention, feedforward=feedforward or attention)


@pytest.mark.parametrize(
    ("plan", "order"),
    [
        (Plan(4), (0, 0, 0, 0)),
        (Plan(4, 2), (0, 0, 1, 1)),
        (Plan(5, 2), (0, 0, 0, 1, 1)),
        (Plan(4, 4), (0, 1, 2, 3)),
        (Plan(2, 1, 2), (0, 1, 0, 1)),
        (Plan(2, 2, 3), (0, 1, 2, 3, 4, 5)),
        (Plan(4, 12), (0, 1, 2, 3)),  # brightmart's tiny_google_fast: groups 0, 3, 6, 9
    ],
    ids=str,
)
def test_order_of_a_plan(plan: Plan, order: Order) -> None:
    assert plan.order == order


def test_groups_that_are_left_over() -> None:
    assert Plan(4, 12).applied == ((0, 0), (3, 0), (6, 0), (9, 0))


def test_the_two_rules_part_at_22_groups() -> None:
    """7 / 22 * 22 is less than 7 in floating point, and Google's group is then 6."""
    assert Plan(22, 22).order == tuple(range(22))
    assert len(set(Plan(22, 22, rule="google").order)) < 22


@pytest.mark.parametrize(
    ("attention", "feedforward", "plan"),
    [
        ((0,) * 12, (0,) * 12, Plan(12)),
        (tuple(range(12)), tuple(range(12)), Plan(12, 12)),
        ((0,) * 12, tuple(range(12)), Plan(12, 12)),
        ((0, 0, 0, 1, 1, 1), (0, 0, 0, 1, 1, 1), Plan(6, 2)),
        ((0, 1, 0, 1), (0, 1, 0, 1), Plan(2, 1, 2)),
        ((0, 1, 0, 1), (0, 0, 0, 0), Plan(2, 1, 2)),
        ((1, 0, 0, 1), (0, 0, 0, 0), Plan(4, 4)),
    ],
)
def test_plan_with_the_fewest_blocks(attention: Order, feedforward: Order, plan: Plan) -> None:
    assert plan_for(config(attention, feedforward), "albert") == plan


def test_bert_has_a_block_for_each_layer() -> None:
    assert plan_for(config((0, 0, 0)), "bert") == Plan(3, 3)


def gapless(numbers: list[int]) -> Order:
    rank = {n: i for i, n in enumerate(sorted(set(numbers)))}
    return tuple(rank[n] for n in numbers)


@given(st.integers(1, 26), st.data(), st.sampled_from(["huggingface", "google"]))
def test_any_order_has_a_plan_that_suits_it(length: int, data: st.DataObject, rule: str) -> None:
    orders = st.lists(st.integers(0, 5), min_size=length, max_size=length).map(gapless)
    given_ = config(data.draw(orders), data.draw(orders))
    plan = plan_for(given_, "albert", rule)
    assert len(plan.applied) == length
    assert plan.suits(given_.attention, given_.feedforward)
    assert not plan.suits((*given_.attention, 0), (*given_.feedforward, 0))
    named: dict[tuple[int, int], tuple[int, int]] = {}
    for block, pair in zip(plan.applied, zip(given_.attention, given_.feedforward, strict=True), strict=True):
        assert named.setdefault(block, pair) == pair


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 3))
def test_a_plans_own_order_needs_no_more_blocks_than_it_uses(layers: int, groups: int, inner: int) -> None:
    plan = Plan(layers, groups, inner)
    found = plan_for(config(plan.order), "albert")
    assert found.groups * found.inner <= max(plan.groups * plan.inner, len(set(plan.order)))
