"""Each way: what it leaves is what was there without what went, and puts right what can be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from litebert.compression import embedding, heads, rank, sparsity, units, vocabulary
from litebert.compression.elimination import eliminated
from litebert.compression.moments import Seen
from litebert.compression.subject import Subject
from litebert.errors import UsageError
from litebert.model.config import Ranks


def scores(subject: Subject, seen: Seen) -> Tensor:
    model = subject.model()
    with torch.inference_mode():
        return torch.cat([model(batch)["logits"] for batch in seen.batches(subject)])


def off(one: Subject, other: Subject, seen: Seen) -> float:
    return float((scores(one, seen) - scores(other, seen)).square().mean())


def masked(subject: Subject, name: str, gone: Tensor, axis: int) -> dict[str, Tensor]:
    """The encoder with rows or columns of a matrix zero."""
    weight = subject.encoder[name].clone()
    weight.index_fill_(axis, gone, 0.0)
    return {**subject.encoder, name: weight}


def test_an_inverse_is_made_once_and_stays_as_it_was(
    subject: Subject, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many sizes are tried on one subject."""
    moments, name = seen.moments(subject), "feedforward.0.down"
    kept = moments.inverse(name).clone()
    made = torch.linalg.inv(moments.of(name))
    monkeypatch.setattr(torch.linalg, "inv", None)
    for count in (40, 20):
        assert units.apply(subject, [count], seen).config.intermediate == count
    assert torch.equal(moments.inverse(name), kept) and torch.equal(kept, made)


def test_heads_that_went_are_heads_masked(subject: Subject, seen: Seen) -> None:
    size = subject.config.head_size
    encoder = dict(subject.encoder)
    encoder |= dict(heads.without(encoder, 0, [1], size))
    smaller = replace(subject, config=heads.with_heads(subject.config, [1]), encoder=encoder)
    zeroed = replace(
        subject, encoder=masked(subject, "attention.0.output.weight", torch.arange(0, size), axis=1)
    )
    assert smaller.parameters < subject.parameters
    assert torch.allclose(scores(smaller, seen), scores(zeroed, seen), atol=1e-5)


def test_units_that_went_are_units_masked(subject: Subject, seen: Seen) -> None:
    left = [0, 5, 6, 40]
    encoder = dict(subject.encoder)
    encoder |= dict(units.without(encoder, 0, left))
    smaller = replace(subject, config=units.with_units(subject.config, [4]), encoder=encoder)
    gone = torch.tensor(sorted({*range(subject.config.intermediate)} - {*left}))
    zeroed = replace(subject, encoder=masked(subject, "feedforward.0.down.weight", gone, axis=1))
    assert torch.allclose(scores(smaller, seen), scores(zeroed, seen), atol=1e-5)


WAYS: dict[str, tuple[Any, Any]] = {
    "heads": (heads, (1,)),
    "units": (units, (32,)),
    "embedding": (embedding, 12),
    "rank": (rank, 12),
    "sparsity": (sparsity, 0.2),
}


@pytest.mark.parametrize("name", WAYS)
def test_it_is_smaller_and_not_far_off(subject: Subject, seen: Seen, name: str) -> None:
    way, how = WAYS[name]
    smaller = way.apply(subject, how, seen)
    assert smaller.parameters < subject.parameters or name == "sparsity"
    assert smaller.parameters == sum(t.numel() for t in smaller.model().state_dict().values())
    spread = float(scores(subject, seen).var())
    assert 0 < off(subject, smaller, seen) < 0.3 * spread


@pytest.mark.parametrize(
    ("way", "how"), [(heads, (2,)), (units, (64,)), (embedding, 16)], ids=["heads", "units", "embedding"]
)
def test_nothing_taken_out_changes_nothing(subject: Subject, seen: Seen, way: Any, how: Any) -> None:
    """For the embedding that is more than it seems: tables, norm and map are all others."""
    assert torch.allclose(scores(way.apply(subject, how, seen), seen), scores(subject, seen), atol=1e-3)


def test_putting_right_is_better_than_leaving_out() -> None:
    """Of the same units, and of the output itself, which is what is fitted."""
    generator = torch.Generator().manual_seed(0)
    rows = (
        torch.randn(400, 12, generator=generator).double() @ torch.randn(12, 12, generator=generator).double()
    )
    rows = torch.cat([rows, torch.ones(400, 1).double()], 1)
    weight = torch.randn(5, 13, generator=generator).double()
    left, changed = eliminated(weight, torch.linalg.inv(rows.t() @ rows / len(rows)), 1, 6)
    alone = weight.clone()
    alone[:, [i for i in range(12) if i not in left]] = 0
    lost = [float((rows @ (weight - one).t()).square().mean()) for one in (changed, alone)]
    assert lost[0] < 0.7 * lost[1]
    best = torch.linalg.lstsq(rows[:, [*left, 12]], rows @ weight.t()).solution.t()
    assert torch.allclose(changed[:, [*left, 12]], best, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(2, 6), st.integers(0, 9), st.data())
def test_columns_that_say_nothing_go_first(size: int, groups: int, seed: int, data: Any) -> None:
    generator = torch.Generator().manual_seed(seed)
    idle = data.draw(st.integers(0, groups - 1))
    rows = torch.randn(200, size * groups + 1, generator=generator).double()
    weight = torch.randn(7, size * groups + 1, generator=generator).double()
    weight[:, idle * size : (idle + 1) * size] = 0
    left, changed = eliminated(weight, torch.linalg.inv(rows.t() @ rows / 200), size, groups - 1)
    assert left == [group for group in range(groups) if group != idle]
    assert torch.allclose(changed, weight, atol=1e-9)


def test_a_full_rank_is_refused_and_a_low_one_is_less(subject: Subject, seen: Seen) -> None:
    with pytest.raises(UsageError, match=r"makes no matrix smaller.*from rank 24 on"):
        rank.apply(subject, 25, seen)
    found = rank.apply(subject, 20, seen).config.ranks
    assert found == Ranks(qkv=20, output=0, up=20, down=20)  # 32 × 32 is no larger than two of rank 16


def test_sparsity_is_of_each_row(subject: Subject, seen: Seen) -> None:
    sparse = sparsity.apply(subject, 0.5, seen)
    assert sparsity.zeros(sparse) == pytest.approx(0.5)
    for row in sparse.encoder["feedforward.0.up.weight"]:
        assert int((row == 0).sum()) == 16


def test_a_trimmed_vocabulary_reads_its_texts_as_before(subject: Subject, seen: Seen) -> None:
    used = {int(id) for batch in seen.batches(subject) for id in batch.ids}
    smaller = vocabulary.apply(subject, used, seen)
    assert smaller.config.vocabulary == smaller.tokenizer.size < subject.tokenizer.size
    assert torch.equal(scores(smaller, seen), scores(subject, seen))


@pytest.mark.parametrize(
    ("way", "how", "said"),
    [
        (heads, (3,), "heads must be from 1 to 2"),
        (heads, (1, 1), "heads has 2 numbers, but the model has 1 blocks"),
        (units, (0,), "units must be from 1 to 64"),
        (embedding, 17, "embedding must be from 2 to 16"),
        (rank, 0, "rank must be at least 1"),
        (sparsity, 1.0, "between 0 and 1"),
    ],
)
def test_what_cannot_be_is_told(subject: Subject, seen: Seen, way: Any, how: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        way.apply(subject, how, seen)


def test_thin_matrices_come_last(subject: Subject, seen: Seen) -> None:
    thin = rank.apply(subject, 8, seen)
    for way, how in ((heads, (1,)), (units, (8,)), (rank, 4)):
        with pytest.raises(UsageError, match=r"low rank; compress the one that it was made of"):
            way.apply(thin, how, seen)


def test_moments_are_of_all_uses(subject: Subject, seen: Seen) -> None:
    """Both layers' pieces, but in the last only the first of each text, which the head reads."""
    pieces = sum(batch.count for batch in seen.batches(subject))
    texts = sum(len(batch) for batch in seen.batches(subject))
    counted = float(seen.moments(subject).sums["feedforward.0.down"][-1, -1])
    filled = sum(len(batch.ids) for batch in seen.batches(subject))
    assert pieces + texts <= counted <= filled + texts
