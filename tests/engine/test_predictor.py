"""Answers alone, in any batch, in any order: the same, in their places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.engine import predictor as module
from litebert.engine.opening import as_input, load, open_model
from litebert.engine.predictor import Predictor
from litebert.engine.runners.eager import Eager
from litebert.errors import InputError, ModelError
from litebert.model.encoders.albert import Encoder
from litebert.model.native.layers import Layers
from litebert.model.packing import pack
from litebert.tasks.labels import Label
from litebert.tasks.texts import Text
from small_runs import FILLERS, WORDS, Runs

WORD = st.sampled_from([*FILLERS, *WORDS["positive"], *WORDS["negative"], "no-such-word"])
TEXTS = st.lists(st.lists(WORD, max_size=30).map(" ".join), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def classifier(runs: Runs) -> Predictor[Text, Label]:
    return open_model(str(runs.trained("classification")), precision="fp32")


def probabilities(answers: list[Label]) -> list[float]:
    """Of the label positive, so that a label at the edge is no difference."""
    return [a.probability if a.label == "positive" else 1 - a.probability for a in answers]


@settings(max_examples=30, deadline=None)
@given(TEXTS, st.randoms(), st.integers(4, 200))
def test_alone_or_in_any_batch(
    classifier: Predictor[Text, Label], texts: list[str], draw: object, budget: int
) -> None:
    alone = [classifier([Text(text)])[0] for text in texts]
    order = list(range(len(texts)))
    draw.shuffle(order)  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BUDGET", budget)
        together = classifier([Text(texts[i]) for i in order])
    expected = np.array(probabilities(alone))[order]
    assert np.abs(np.array(probabilities(together)) - expected).max() <= 1e-5


def test_errors_stand_in_their_places(classifier: Predictor[Text, Label]) -> None:
    unread = InputError("no JSON", code="json")
    answers = list(classifier.answers([Text("wonderful"), Text("a\ud800"), unread, Text("糟糕")]))
    assert [getattr(a, "label", None) or a.code for a in answers] == [
        "positive",
        "surrogate",
        "json",
        "negative",
    ]
    with pytest.raises(InputError, match="surrogate"):
        classifier([Text("wonderful"), Text("a\ud800")])


def test_nothing_gives_nothing(classifier: Predictor[Text, Label]) -> None:
    assert classifier([]) == []


def test_what_is_cut_is_counted(classifier: Predictor[Text, Label]) -> None:
    before = classifier.truncated
    classifier([Text("wonderful " * 100), Text("fine"), Text("a " * 50, "b " * 50)])
    assert classifier.truncated - before == 2


def test_a_stream_is_answered_as_it_is_read(
    classifier: Predictor[Text, Label], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("litebert.engine.windows.MOST", 10)
    read = iter(range(1000))
    answers = classifier.answers(Text("wonderful") for _ in read)
    assert isinstance(next(answers), Label)
    assert next(read) == 10


def test_weights_are_packed_once(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(str(runs.trained("classification")))
    packed = 0

    def counted(pack: Any) -> Any:
        def count(*given: Any) -> Any:
            nonlocal packed
            packed += 1
            return pack(*given)

        return count

    monkeypatch.setattr(Encoder, "_pack", counted(Encoder._pack))
    monkeypatch.setattr(Layers, "__init__", counted(Layers.__init__))
    for _ in range(3):
        model(["wonderful"])
    assert packed == 1


def test_the_runner_leaves_the_model_as_it_was(runs: Runs) -> None:
    found = open_model(str(runs.trained("classification")))
    assert isinstance(found.runner, Eager)
    model = found.runner.model.train()
    model.encoder.dtype = torch.float32
    Eager(model, torch.bfloat16)(pack(found.task.encode(Text("wonderful"), found.tokenizer)))
    assert model.training and model.encoder.dtype is torch.float32


def test_inputs_come_in_three_ways(runs: Runs) -> None:
    model = load(str(runs.trained("pairs")))
    first, second = model([{"text": "the film", "second": "it is lovely"}, Text("the film", "it is lovely")])
    assert first == second and first.label == "positive"
    (alone,) = model(["the film"])
    assert isinstance(alone, Label)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (5, "expected a text, a dict or Text"),
        (None, "expected a text, a dict or Text"),
        ({}, "text: field required"),
        ({"second": "b"}, "text: field required"),
        ({"text": 5}, "text: input should be a valid string"),
        ({"text": "a", "second": ["b"]}, "second: input should be a valid string"),
    ],
)
def test_what_is_no_input_is_told(classifier: Predictor[Text, Label], given: object, told: str) -> None:
    with pytest.raises(InputError, match="is no Input of the task classification") as caught:
        as_input(classifier.task, given)
    assert told in caught.value.message


def test_one_text_alone_is_no_list(runs: Runs) -> None:
    model = load(str(runs.trained("classification")))
    for one in ("wonderful", {"text": "wonderful"}):
        with pytest.raises(InputError, match="brackets"):
            model(one)  # type: ignore[arg-type]


def test_a_model_without_a_task_says_how_to_train_it(runs: Runs) -> None:
    with pytest.raises(ModelError, match=r"litebert train --task classification .*tiny"):
        open_model(str(runs.model))


def test_a_head_without_weights_is_not_made_up(runs: Runs, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(runs.trained("classification"), tmp_path / "headless")
    weights = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in weights.items() if "classifier" not in k}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="classifier, are missing"):
        open_model(str(folder))
