"""The conditional random field: every path tried by hand is the judge; learnt, saved, opened, exported."""

from __future__ import annotations

import math
from itertools import pairwise, product
from pathlib import Path as File
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import litebert
from litebert.engine.opening import open_model
from litebert.model.config import EncoderConfig
from litebert.tasks import crf, tags
from litebert.tasks.word_tags import IGNORED
from small_runs import FAST, Runs, made, write

CONFIG = EncoderConfig(vocabulary=50, embedding=8, hidden=16, heads=2, intermediate=32)
KNOWN = ("O", "B-A", "I-A")
SEEDS = st.integers(0, 2**31)


def weighed(path: tuple[int, ...], rows: Any, steps: Any) -> float:
    """What a path weighs, by going along it."""
    boundary = len(steps) - 1
    taken = sum(steps[a, b] for a, b in pairwise((boundary, *path, boundary)))
    return float(taken + sum(rows[place, tag] for place, tag in enumerate(path)))


def drawn(seed: int, counts: list[int], size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """rows [S, W, L], tags [S, W] and steps, fp64."""
    draw = torch.Generator().manual_seed(seed)
    shape = (len(counts), max(counts))
    rows = torch.randn(*shape, size, generator=draw, dtype=torch.float64) * 3
    steps = torch.randn(size + 1, size + 1, generator=draw, dtype=torch.float64) * 3
    return rows, torch.randint(size, shape, generator=draw), steps


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 4))
def test_a_path_is_as_likely_as_among_all_paths_tried(seed: int, counts: list[int], size: int) -> None:
    rows, wanted, steps = drawn(seed, counts, size)
    found = crf.nats(rows, wanted, torch.tensor(counts), steps)
    for one, count in enumerate(counts):
        every = [weighed(path, rows[one], steps) for path in product(range(size), repeat=count)]
        total = torch.tensor(every, dtype=torch.float64).logsumexp(0).item()
        right = weighed(tuple(wanted[one, :count].tolist()), rows[one], steps)
        assert found[one].item() == pytest.approx(total - right, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 5), st.sampled_from(["BIO", "any"]))
def test_the_best_path_is_the_best_of_all_that_may_be(seed: int, count: int, scheme: tags.Scheme) -> None:
    rows, _, steps = (one.numpy() for one in drawn(seed, [count], len(KNOWN)))
    rules = tags.grammar(KNOWN, scheme)
    barred = np.zeros_like(steps)
    barred[-1, :-1], barred[:-1, :-1], barred[:-1, -1] = rules.start, rules.after, rules.end
    best = max(
        product(range(len(KNOWN)), repeat=count), key=lambda path: weighed(path, rows[0], steps + barred)
    )
    assert tuple(tags.best_path(rows[0], rules.weighed(steps))) == best


@settings(deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=2, max_size=5), min_size=1, max_size=5))
def test_words_are_laid_out_a_sequence_to_a_row(read: list[list[bool]]) -> None:
    """Wherever they stand among pieces at which no word is read."""
    flat = [word for one in read for word in one]
    wanted = torch.tensor([number if word else IGNORED for number, word in enumerate(flat)])
    logits = torch.arange(len(flat), dtype=torch.float32)[:, None] + torch.tensor([0.25, 0.75])
    rows, numbers, counts = crf.laid_out(logits, wanted, tuple(len(one) for one in read))
    left = [sum(one) for one in read if any(one)]
    assert counts.tolist() == left
    inside = torch.arange(rows.shape[1]) < counts[:, None]
    expected = [number for number, word in enumerate(flat) if word]
    assert numbers[inside].tolist() == expected
    torch.testing.assert_close(rows[inside], logits[expected])
    assert not rows[~inside].any()


def test_a_batch_without_words_has_nothing_to_learn() -> None:
    logits = torch.zeros(4, 3, requires_grad=True)
    laid = crf.laid_out(logits, torch.full((4,), IGNORED), (2, 2))
    found = crf.nats(*laid, torch.zeros(4, 4))
    assert found.shape == (0,)
    found.sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None and not logits.grad.any()


def test_what_the_rules_forbid_is_next_to_impossible_but_no_infinity() -> None:
    head = crf.Path(CONFIG, tags.grammar(KNOWN, "BIO"))
    steps = head.crf.allowed()
    one, both = torch.tensor([2]), torch.tensor([[0, 0], [0, 2], [0, 1]])
    rows = torch.zeros(3, 2, 3)
    chances = torch.exp(-crf.nats(rows, both, one.expand(3), steps)).tolist()
    assert chances == pytest.approx([1 / 8, 0, 1 / 8])
    assert math.isfinite(crf.nats(rows[:1], both[1:2], one, steps).item())


def names(draw: Any, words: list[str]) -> dict[str, Any]:
    """A name is one word, or two of which only the second tells which type it is."""
    first = draw.choice(["wonderful", "lovely"])
    at = draw.randrange(len(words) + 1)
    spelt = [first, draw.choice(["bank", "piano"])]
    type_ = "A" if spelt[1] == "bank" else "B"
    tagged = [*["O"] * at, f"B-{type_}", f"I-{type_}", *["O"] * (len(words) - at)]
    return {"tokens": [*words[:at], *spelt, *words[at:]], "tags": tagged}


@pytest.mark.parametrize(("task", "epochs"), [("entities", 2.0), ("tagging", 5.0)])
def test_it_is_learnt_saved_and_opened(task: str, epochs: float, runs: Runs, tmp_path: File) -> None:
    """After so many epochs that the pieces alone do not tell everything yet."""
    data = write(tmp_path / "rows.jsonl", made(240, names))
    files = {"train": str(data), "dev": str(data), "model": str(runs.model)}
    options = {**FAST, **files, "task": task, "epochs": epochs}
    results = litebert.train(out=tmp_path / "run", options=("crf=true",), **options)
    assert results["dev"]["f1"] > 0.9
    again = litebert.evaluate(str(data), model=str(tmp_path / "run"))
    assert again.metrics["f1"] == pytest.approx(results["dev"]["f1"], abs=0.01)
    # It goes on from the whole head: what comes after what is still known.
    once_more = litebert.train(
        out=tmp_path / "more",
        options=("crf=true",),
        **{**options, "model": str(tmp_path / "run")} | {"steps": 1},
    )
    assert once_more["dev"]["f1"] > 0.9
    # Its folder is still a token classifier of transformers'.
    kept = load_file(tmp_path / "run" / "model.safetensors")
    assert {"classifier.weight", "classifier.bias", "crf.weight"} <= kept.keys()
    assert kept["crf.weight"].abs().max() > 0
    # Saved anew by those who know no such field, it is a token classifier alone.
    save_file({n: t for n, t in kept.items() if n != "crf.weight"}, tmp_path / "run" / "model.safetensors")
    assert not open_model(str(tmp_path / "run")).task.crf
    alone = litebert.evaluate(str(data), model=str(tmp_path / "run")).metrics["f1"]
    assert 0.2 < alone < results["dev"]["f1"]
