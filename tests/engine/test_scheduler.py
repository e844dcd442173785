"""Sequences that join and leave in any order, at any depth: each is answered once, as it is alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from litebert.engine.calibration import calibrate
from litebert.engine.leaving import Judge, Rule
from litebert.engine.scheduler import Scheduler
from litebert.model.config import EncoderConfig, Order
from litebert.model.eight_bits import has_eight_bits
from litebert.model.encoders.albert import Encoder
from litebert.model.exits import Exits, exit_depths
from litebert.model.model import Model
from litebert.model.packing import pack
from litebert.model.staged import Staged
from litebert.tasks.heads import Pooled
from litebert.text.encoding import Encoding
from litebert.training.exit_trade_off import left_at, logits_at
from words import Words

LAYERS = 6
PLANS: dict[str, tuple[Order, Order]] = {
    "one block": ((0,) * LAYERS, (0,) * LAYERS),
    "two in turn": ((0,) * LAYERS, (0, 1) * 3),
    "a block each": (tuple(range(LAYERS)), tuple(range(LAYERS))),
    "two groups": ((0, 0, 0, 1, 1, 1), (0, 0, 0, 1, 1, 1)),
}
JUDGE = Judge("single_label_classification")
EDGE = 1e-4
"""A sequence as near as this to a threshold may leave here or there."""


@cache
def model(plan: str, every: int) -> Model:
    """Random weights, large enough that depths differ in their answers."""
    torch.manual_seed(7)
    attention, feedforward = PLANS[plan]
    config = EncoderConfig(
        vocabulary=Words().size,
        embedding=16,
        hidden=32,
        heads=2,
        intermediate=64,
        attention=attention,
        feedforward=feedforward,
        positions=64,
        initial_std=0.3,
    )
    exits = Exits(exit_depths(LAYERS, every), lambda: Pooled(config, 3))
    return Model(Encoder(config), Pooled(config, 3), exits).eval()


def sequence(length: int, seed: int) -> Encoding:
    draw = np.random.default_rng(seed)
    ids = draw.integers(0, 200, length).astype(np.int32)
    return Encoding(ids, (np.arange(length) > length // 2).astype(np.int8), np.zeros((length, 2), np.int32))


def scheduler(plan: str, every: int, rule: Rule, budget: int) -> Scheduler[int]:
    return Scheduler(Staged(model(plan, every), torch.float32), JUDGE, rule, budget)


RULES = st.one_of(
    st.builds(Rule, st.just("confidence"), st.floats(0.3, 1.01)),
    st.builds(Rule, st.just("patience"), st.integers(0, LAYERS)),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    plan=st.sampled_from(sorted(PLANS)),
    every=st.integers(1, LAYERS - 1),
    rule=RULES,
    budget=st.integers(4, 300),
    lengths=st.lists(st.integers(2, 40), min_size=1, max_size=25),
    draw=st.randoms(use_true_random=False),
)
def test_joining_and_leaving_in_any_order(
    plan: str, every: int, rule: Rule, budget: int, lengths: list[int], draw: object
) -> None:
    """Nothing is lost or doubled, and the answers are those of each sequence alone, by the naive way."""
    found: dict[int, np.ndarray] = {}
    flow = scheduler(plan, every, rule, budget)
    sequences = [sequence(length, seed) for seed, length in enumerate(lengths)]
    coming = list(range(len(lengths)))
    draw.shuffle(coming)  # type: ignore[attr-defined]
    while coming or flow:
        if coming and draw.random() < 0.5:  # type: ignore[attr-defined]
            flow.join(coming[-1], sequences[coming.pop()])
            continue
        inside = len(flow)
        left = flow.step()
        assert len(flow) == inside - len(left)
        for ticket, scores in left:
            assert ticket not in found
            found[ticket] = scores
    assert sorted(found) == list(range(len(lengths)))
    alone = np.concatenate([logits_at(model(plan, every), [one]) for one in sequences])
    stages = left_at(JUDGE, rule, alone)
    for i, scores in found.items():
        if rule.by == "confidence":
            sure = JUDGE.sureness(alone[i], np.full_like(alone[i], np.nan))
            if np.abs(sure - rule.threshold).min() < EDGE:
                continue
        assert np.abs(scores - alone[i, stages[i]]).max() <= 1e-5
    assert sum(flow.depths.values()) == sum(lengths)


def through(flow: Scheduler[int], sequences: Sequence[Encoding]) -> NDArray[np.float32]:
    """The scores of sequences that join at once, [S, K]."""
    for ticket, one in enumerate(sequences):
        flow.join(ticket, one)
    found = {}
    while flow:
        found.update(flow.step())
    return np.stack([found[i] for i in range(len(sequences))])


@pytest.mark.parametrize("plan", sorted(PLANS))
def test_whoever_is_never_sure_gets_the_whole_models_answer(plan: str) -> None:
    flow = scheduler(plan, 1, Rule("confidence", 1.01), 64)
    sequences = [sequence(length, length) for length in (2, 5, 5, 17, 30, 40, 40)]
    found = through(flow, sequences)
    with torch.inference_mode():
        whole = model(plan, 1)(pack(sequences))["logits"].numpy()
    assert np.abs(found - whole).max() <= 1e-5
    assert flow.depths == {LAYERS: sum(map(len, sequences))}


def test_an_empty_one_has_nothing_to_do() -> None:
    flow = scheduler("one block", 1, Rule("patience", 1), 64)
    assert flow.step() == [] and not flow


def test_newcomers_share_a_call_with_those_halfway(monkeypatch: pytest.MonkeyPatch) -> None:
    """One block for all layers is one call for all depths."""
    calls: list[set[int]] = []
    through = Scheduler._through
    monkeypatch.setattr(
        Scheduler,
        "_through",
        lambda self, kind, group: calls.append(set(group.stages.tolist())) or through(self, kind, group),
    )
    flow = scheduler("one block", 1, Rule("confidence", 1.01), 200)
    for ticket in range(3):
        flow.join(ticket, sequence(10, ticket))
        flow.step()
    assert calls == [{0}, {0, 1}, {0, 1, 2}]


@pytest.mark.parametrize("plan", ["two in turn", "a block each", "two groups"])
def test_nobody_waits_forever_while_others_keep_coming(plan: str) -> None:
    flow = scheduler(plan, 1, Rule("confidence", 1.01), 60)
    flow.join(-1, sequence(2, 0))
    for ticket in range(1000):
        while sum(len(e) for _, e in flow._queue) < 200:
            flow.join(ticket, sequence(20, ticket))
        if -1 in dict(flow.step()):
            return
    pytest.fail("the first to come is still waiting after a thousand steps")


@pytest.mark.parametrize("plan", sorted(PLANS))
def test_what_is_in_flight_is_bounded(plan: str) -> None:
    flow = scheduler(plan, 1, Rule("confidence", 1.01), 60)
    most = 0
    for ticket in range(300):
        flow.join(ticket, sequence(5 + ticket % 20, ticket))
    while flow:
        flow.step()
        most = max(most, sum(g.pieces for groups in flow._waiting.values() for g in groups))
    assert most <= 2 * 60 * LAYERS


@pytest.mark.skipif(not has_eight_bits(), reason="torch has no products in int8 for this processor")
def test_in_8_bits_every_depth_has_room_for_what_reaches_it() -> None:
    """One scale serves all depths, so answers are a little coarser than the whole model's, not cut."""
    ours = Model(Encoder(model("one block", 1).encoder.config), model("one block", 1).head)
    ours.load_state_dict(model("one block", 1).state_dict(), strict=False)
    ours.exits = model("one block", 1).exits
    calibrate(ours.encoder, Words())
    before = dict(ours.encoder.ranges.found)  # type: ignore[union-attr]
    staged = Staged(ours.eval(), torch.int8)
    assert staged.encoder.ranges is not None
    for (name, layer), (low, high) in before.items():
        least, most = staged.encoder.ranges.found[name, 1]
        assert least <= low and most >= high, (name, layer)
    flow: Scheduler[int] = Scheduler(staged, JUDGE, Rule("confidence", 1.01))
    sequences = [sequence(length, length) for length in (9, 20, 33)]
    int8 = through(flow, sequences)
    with torch.inference_mode():
        exact = model("one block", 1)(pack(sequences))["logits"].numpy()
    assert not np.array_equal(int8, exact)
    assert np.abs(int8 - exact).max() < 0.2 * np.abs(exact).max()


LOGITS = st.lists(
    st.lists(st.sampled_from([-3.0, -1.0, -0.25, 0.25, 1.0, 3.0]), min_size=3, max_size=3),
    min_size=2,
    max_size=8,
)


@given(
    LOGITS, st.integers(0, 7), st.sampled_from(["single_label_classification", "multi_label_classification"])
)
def test_patience_counts_as_in_the_article(rows: list[list[float]], patience: int, problem: str) -> None:
    """PABEE's Algorithm: a counter of equal answers in a row, begun anew when one differs."""
    counter, before, leaves = 0, None, len(rows) - 1
    for depth, row in enumerate(rows[:-1]):
        answer = int(np.argmax(row)) if problem.startswith("single") else tuple(x >= 0 for x in row)
        counter = counter + 1 if answer == before else 0
        before = answer
        if counter >= patience:
            leaves = depth
            break
    judge = Judge(problem)  # type: ignore[arg-type]
    assert left_at(judge, Rule("patience", patience), np.array([rows], dtype=np.float32)) == [leaves]


def test_how_sure_an_answer_is() -> None:
    nothing = np.full((1, 3), np.nan, dtype=np.float32)
    rows = np.array([[2.0, 0.0, 0.0]], dtype=np.float32)
    assert JUDGE.sureness(rows, nothing) == pytest.approx(np.exp(2) / (np.exp(2) + 2))
    several = Judge("multi_label_classification", cut=0.0)
    rows = np.array([[4.0, -0.5, -3.0]], dtype=np.float32)
    assert several.sureness(rows, nothing) == pytest.approx(1 / (1 + np.exp(-0.5)))
    number = Judge("regression")
    one, other = np.array([[2.0]], dtype=np.float32), np.array([[2.5]], dtype=np.float32)
    assert number.sureness(one, np.full_like(one, np.nan)) == 0
    assert number.sureness(other, one) == pytest.approx(1 / 1.5)
