"""Models by their names, and run folders, which `transformers` opens with the same answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from litebert.embedded import tokenizer_folder
from litebert.engine.opening import load, open_model
from litebert.errors import LitebertError, ModelError, UsageError
from litebert.model_source import dtype_of, open_source
from litebert.run import save
from litebert.tasks.classification import Classification
from litebert.tasks.regression import Regression
from small_runs import Runs

TEXTS = ["the film was wonderful", "boring", "电影 精彩", "", "the " * 30 + "lovely"]


def theirs(folder: Path, texts: list[Any]) -> torch.Tensor:
    """What `transformers` computes from the folder alone: logits [texts, outputs]."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        return model(**tokenizer(texts, padding=True, truncation=True, return_tensors="pt")).logits


def test_transformers_gives_the_same_probabilities_and_names(runs: Runs) -> None:
    from transformers import AutoConfig

    folder = runs.trained("classification")
    probabilities = theirs(folder, TEXTS).softmax(1).numpy()
    names = AutoConfig.from_pretrained(folder).id2label
    assert names == {0: "negative", 1: "positive"}
    for answer, row in zip(load(str(folder), precision="fp32")(TEXTS), probabilities, strict=True):
        assert answer.label == names[int(row.argmax())]
        assert answer.probability == pytest.approx(row.max(), abs=1e-5)


def test_transformers_gives_scores_in_the_datas_own_units(runs: Runs) -> None:
    folder = runs.trained("regression")
    texts = ["the river", "excellent", "excellent film excellent excellent excellent"]
    scores = theirs(folder, texts)[:, 0].numpy()
    ours = [answer.score for answer in load(str(folder), precision="fp32")(texts)]
    assert np.abs(np.array(ours) - scores).max() < 1e-4
    assert scores[0] < 2.2 < 3.8 < scores[2]


def test_transformers_gives_the_same_labels_of_several(runs: Runs) -> None:
    folder = runs.trained("multilabel")
    texts = ["football football football", "piano piano piano bank bank bank"]
    likely = theirs(folder, texts).sigmoid().numpy()
    labels = json.loads((folder / "task.json").read_text())["labels"]
    for answer, row in zip(load(str(folder), precision="fp32")(texts), likely, strict=True):
        expected = {labels[i]: row[i] for i in np.flatnonzero(row >= 0.5)}
        assert {one.label: one.probability for one in answer.labels} == pytest.approx(expected, abs=1e-5)


def test_a_folder_of_transformers_is_opened(runs: Runs, tmp_path: Path) -> None:
    """The task is read off `architectures` and `id2label`; without names they are those of transformers."""
    folder = shutil.copytree(runs.trained("classification"), tmp_path / "theirs")
    (folder / "task.json").unlink()
    source = open_source(str(folder))
    assert source.task == Classification(labels=("negative", "positive"), max_pieces=64)
    assert load(str(folder))(TEXTS[:2]) == load(str(runs.trained("classification")))(TEXTS[:2])
    config = json.loads((folder / "config.json").read_text())
    for key in ("id2label", "label2id", "problem_type"):
        config.pop(key, None)
    (folder / "config.json").write_text(json.dumps(config))
    assert open_source(str(folder)).task == Classification(labels=("LABEL_0", "LABEL_1"), max_pieces=64)


def test_one_output_without_a_problem_is_a_score(runs: Runs, tmp_path: Path) -> None:
    folder = shutil.copytree(runs.trained("regression"), tmp_path / "theirs")
    (folder / "task.json").unlink()
    config = json.loads((folder / "config.json").read_text())
    config.pop("problem_type")
    (folder / "config.json").write_text(json.dumps(config))
    assert isinstance(open_source(str(folder)).task, Regression)
    assert load(str(folder))(TEXTS[:1]) == load(str(runs.trained("regression")))(TEXTS[:1])


def test_saving_and_opening_gives_the_same_weights(runs: Runs, tmp_path: Path) -> None:
    for name in ("classification", "regression"):
        folder = runs.trained(name)
        source = open_source(str(folder))
        assert source.task is not None
        save(tmp_path / name, source.model(source.task), source.task, source.tokenizer)
        before, after = (load_file(one / "model.safetensors") for one in (folder, tmp_path / name))
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before)


def test_a_head_goes_on_only_for_the_same_question(runs: Runs) -> None:
    source = open_source(str(runs.trained("classification")))
    same = Classification(labels=("negative", "positive"), max_pieces=16, on_long="refuse")
    assert source.has_head(same)
    assert not source.has_head(Classification(labels=("no", "yes")))
    assert not source.has_head(Regression())
    assert not open_source("config:albert-zh-tiny").has_head(same)


def test_a_score_goes_on_from_its_head_in_other_units(runs: Runs) -> None:
    """The same answers, though the head now counts from another mean, in another scale."""
    source = open_source(str(runs.trained("regression")))
    predictor = open_model(str(runs.trained("regression")), precision="fp32")
    task = Regression(mean=3.1, scale=0.7, max_pieces=64)
    predictor.runner.model, predictor.task = source.model(task), task  # type: ignore[attr-defined]
    inputs = [task.Input(text) for text in TEXTS]
    expected = load(str(runs.trained("regression")), precision="fp32")(TEXTS)
    assert [a.score for a in predictor(inputs)] == pytest.approx([a.score for a in expected], abs=1e-4)


def test_new_weights_follow_from_the_seed(runs: Runs) -> None:
    source = open_source(str(runs.model))
    task = Classification(labels=("a", "b"))
    one, same, other = (source.model(task, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_a_published_configuration_takes_the_embedded_tokenizer(runs: Runs) -> None:
    source = open_source("config:albert-zh-tiny")
    assert (source.config.hidden, source.config.vocabulary) == (312, 25_400)
    assert source.notes == (
        "config:albert-zh-tiny: new weights, drawn at random",
        "tokenizer: the embedded one, 25,400 pieces in place of the 21,128 of the configuration",
    )
    other = open_source("config:albert-zh-tiny", tokenizer=str(runs.model))
    assert other.config.vocabulary == other.tokenizer.size < 200


def test_none_and_embedded_are_one() -> None:
    assert open_source(None).fingerprint == open_source("embedded").fingerprint
    assert (
        open_source("embedded", tokenizer=str(tokenizer_folder() / "spiece.model")).config.vocabulary
        == 25_400
    )


def test_the_fingerprint_tells_weights_apart(runs: Runs) -> None:
    names = [str(runs.model), str(runs.trained("classification")), str(runs.trained("pairs")), "embedded"]
    assert len({open_source(name).fingerprint for name in names}) == len(names)
    assert open_source(names[1]).fingerprint == open_source(names[1]).fingerprint
    assert open_source(names[1]).with_dropout(0.3).fingerprint != open_source(names[1]).fingerprint


def broken(folder: Path, name: str) -> str:
    """Folders that are no model, by what they lack."""
    if name == "empty":
        return str(folder)
    if name == "unfinished":
        (folder / "run.json").write_text("{}")
    if name == "without weights":
        for file in ("config.json", "task.json"):
            (folder / file).write_text("{}")
    return str(folder)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("empty", "neither a config.json nor any weights"),
        ("unfinished", "holds a run that is not over"),
        ("without weights", "without its weights, model.safetensors"),
    ],
)
def test_folders_that_are_no_model(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        open_source(broken(tmp_path, name))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("config:albert-base-v3", "did you mean 'albert-base-v2'"),
        ("config:", "no published configuration is named ''"),
        ("no/such/folder/here", "there is no such file or folder"),
        ("", "the model's name is empty"),
    ],
)
def test_a_mistyped_name_is_told_with_the_nearest(name: str, told: str) -> None:
    with pytest.raises(LitebertError, match=told):
        open_source(name)


def test_another_models_tokenizer_is_refused(runs: Runs, tmp_path: Path) -> None:
    folder = runs.trained("classification")
    with pytest.raises(UsageError, match="leave --tokenizer out"):
        open_source(str(folder), tokenizer=str(tokenizer_folder()))
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "vocab.txt").write_text((copy / "vocab.txt").read_text() + "onemore\n")
    with pytest.raises(ModelError, match="it is another model's"):
        open_source(str(copy))


def test_a_task_longer_than_the_model_reads_what_the_model_can(runs: Runs, tmp_path: Path) -> None:
    folder = shutil.copytree(runs.trained("classification"), tmp_path / "long")
    task = json.loads((folder / "task.json").read_text())
    (folder / "task.json").write_text(json.dumps({**task, "max_pieces": 5000}))
    assert load(str(folder))(["wonderful " * 500])[0].label == "positive"


@pytest.mark.parametrize("labels", [[], ["a", "b", "c"]], ids=len)
def test_a_head_of_other_labels_is_refused(runs: Runs, tmp_path: Path, labels: list[str]) -> None:
    folder = shutil.copytree(runs.trained("classification"), tmp_path / "copy")
    (folder / "task.json").write_text(json.dumps({"task": "classification", "labels": labels}))
    with pytest.raises(
        ModelError, match=rf"output\.weight should be \({len(labels)}, 32\), but is \(2, 32\)"
    ):
        open_model(str(folder))


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_dropout_that_cannot_be_meant(runs: Runs, rate: float) -> None:
    with pytest.raises(UsageError, match="dropout must be from 0 to below 1"):
        open_source(str(runs.model)).with_dropout(rate)


def test_a_precision_is_a_type_or_refused() -> None:
    assert dtype_of("fp32") is torch.float32 and dtype_of("bf16") is torch.bfloat16
    with pytest.raises(UsageError, match="precision must be one of auto, fp32, bf16"):
        dtype_of("fp16")
