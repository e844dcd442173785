"""Weights of classes: scikit-learn's, in the loss, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from litebert.errors import UsageError
from litebert.tasks.classification import Classification
from litebert.tasks.labels import Label, balance
from litebert.tasks.multilabel import Labels, Multilabel
from litebert.tasks.regression import Regression, Score
from litebert.tasks.relations import Relations

found = st.lists(st.sampled_from("abc"), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(found)
def test_weights_are_those_of_scikit_learn(found: list[str]) -> None:
    present = sorted(set(found))
    expected = compute_class_weight("balanced", classes=np.array(present), y=found)
    assert balance(found, present) == pytest.approx(expected.tolist())
    assert balance(found, [*present, "z"])[-1] == 0


@settings(max_examples=40, deadline=None)
@given(found, st.integers(0, 99))
def test_in_the_loss_every_class_counts_for_as_much(found: list[str], seed: int) -> None:
    for task in (Classification(labels=tuple("abc")), Relations(labels=tuple("abc"))):
        wanted = [Label(name) for name in found]
        weighted = task.weighted(wanted)
        numbers = torch.tensor(["abc".index(name) for name in found])
        logits = torch.randn(len(found), 3, generator=torch.Generator().manual_seed(seed))
        each = torch.nn.functional.cross_entropy(logits, numbers, reduction="none")
        of_classes = [each[numbers == one].mean() for one in numbers.unique()]
        loss = weighted.loss({"logits": logits}, {"label": numbers})
        assert torch.allclose(loss, torch.stack(of_classes).mean(), atol=1e-6)
        assert torch.allclose(task.loss({"logits": logits}, {"label": numbers}), each.mean())


def test_several_labels_weigh_both_sides() -> None:
    task = Multilabel(labels=("a", "b"))
    wanted = [Labels((Label("a"),))] * 3 + [Labels(())]
    weighted = task.weighted(wanted)
    assert weighted.weights == ((2.0, pytest.approx(2 / 3)), (1.0, 1.0))
    targets = {"labels": torch.tensor([[1.0, 0], [1, 0], [1, 0], [0, 0]])}
    loss = weighted.loss({"logits": torch.tensor([[2.0, 0]] * 4)}, targets)
    right, wrong = (torch.nn.functional.softplus(torch.tensor(x)) for x in (-2.0, 2.0))
    assert torch.allclose(loss, ((right + wrong) / 2 + np.log(2)) / 2)
    assert task.classes(wanted) == ["a", "a", "a", ""]


def test_the_class_of_several_labels_is_the_rarest() -> None:
    a, b = Label("a"), Label("b")
    assert Multilabel().classes([Labels((a,)), Labels((a, b)), Labels((b, a)), Labels((a,))]) == [*"abba"]


def test_a_run_keeps_no_weights() -> None:
    weighted = Classification(labels=("a", "b")).weighted([Label("a"), Label("a"), Label("b")])
    assert weighted.weights and weighted.published({})[0] == Classification(labels=("a", "b"))


def test_without_classes_there_are_no_weights() -> None:
    with pytest.raises(UsageError, match="the task regression has no classes"):
        Regression().weighted([Score(1.0)])
