"""One encoder under several heads: written once, opened once, each head as if it were alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import litebert
from litebert.engine.opening import open_model
from litebert.errors import ModelError, UsageError
from litebert.model.checkpoints.weights import read_safetensors, write_safetensors
from litebert.model_source import open_source
from litebert.run import save, save_several
from litebert.tasks.classification import Classification
from litebert.tasks.fill_mask import FillMask
from litebert.tasks.regression import Regression
from small_runs import tiny_model

TASKS = {
    "feeling": Classification(labels=("bad", "good"), max_pieces=64),
    "topic": Classification(labels=("sport", "money", "music"), max_pieces=64),
    "stars": Regression(max_pieces=64),
    "gaps": FillMask(max_pieces=64),
}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`many`, and beside it each of its models in a folder of its own."""
    folder = tmp_path_factory.mktemp("several")
    source = open_source(str(tiny_model(folder / "tiny")))
    first = source.model(TASKS["feeling"])
    models = {name: (source.model(task, encoder=first.encoder), task) for name, task in TASKS.items()}
    save_several(folder / "many", models, source.tokenizer)
    for name, (model, task) in models.items():
        (folder / name).mkdir()
        save(folder / name, model, task, source.tokenizer)
    return folder / "many"


@pytest.mark.parametrize("name", TASKS)
def test_a_head_answers_as_if_it_were_alone(many: Path, name: str) -> None:
    texts = ["the film was [MASK]", "电影 [MASK] good"]
    alone = litebert.load(str(many.parent / name), precision="fp32")(texts)
    assert litebert.load(str(many), task=name, precision="fp32")(texts) == alone
    assert litebert.load(str(many / "tasks" / name), precision="fp32")(texts) == alone


def test_the_encoder_is_there_once(many: Path) -> None:
    whole = read_safetensors(many / "model.safetensors")
    for name in TASKS:
        head = read_safetensors(many / "tasks" / name / "head.safetensors")
        assert head and not head.keys() & whole.keys()
        assert sum(t.numel() for t in head.values()) < 0.1 * sum(t.numel() for t in whole.values())


def test_heads_that_are_loaded_share_it(many: Path) -> None:
    feeling, topic = (open_model(str(many), task=name, precision="fp32") for name in ("feeling", "topic"))
    assert feeling.runner.model.encoder is topic.runner.model.encoder  # type: ignore[attr-defined]
    other = open_model(str(many), task="stars", precision="bf16")
    assert other.runner.model.encoder is not topic.runner.model.encoder  # type: ignore[attr-defined]


def test_a_task_that_one_head_is_for_names_it(many: Path) -> None:
    assert open_model(str(many), task="regression").task == TASKS["stars"]
    assert open_model(str(many), task="embedding").task.name == "embedding", "it needs no head"


def test_it_must_be_said_which(many: Path) -> None:
    told = r"feeling \(classification\), gaps \(fill-mask\), stars \(regression\), topic \(classification\)"
    with pytest.raises(UsageError, match=f"is for 4 tasks: {told}; say which with --task"):
        open_model(str(many))
    with pytest.raises(UsageError, match=r"is for 2 tasks: feeling \(.*\), topic"):
        open_model(str(many), task="classification")
    for unknown in ("feelings", "entities", "../x"):
        with pytest.raises(UsageError, match=f"has no head for {unknown}; it has {told}"):
            open_model(str(many), task=unknown)


def test_transformers_opens_each(many: Path) -> None:
    from transformers import AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification

    assert type(AutoModel.from_pretrained(many)).__name__ == "AlbertModel"
    for name, kind in (("topic", AutoModelForSequenceClassification), ("gaps", AutoModelForMaskedLM)):
        there, told = kind.from_pretrained(many / "tasks" / name, output_loading_info=True)
        alone = kind.from_pretrained(many.parent / name)
        assert not told["missing_keys"]
        ids = torch.tensor([[2, 7, 8, 4, 3]])
        torch.testing.assert_close(there.eval()(ids).logits, alone.eval()(ids).logits, rtol=1e-5, atol=1e-6)


def test_convert_writes_one_that_needs_no_other(many: Path, tmp_path: Path) -> None:
    assert litebert.convert(many, tmp_path / "one", task="topic") == ()
    shutil.move(tmp_path / "one", tmp_path / "moved")
    texts = ["the film was good"]
    wanted = litebert.load(str(many), task="topic", precision="fp32")(texts)
    assert litebert.load(str(tmp_path / "moved"), precision="fp32")(texts) == wanted
    (note,) = litebert.convert(many, tmp_path / "bare")
    assert note.startswith("its encoder alone; --task feeling or gaps")
    assert open_source(str(tmp_path / "bare")).task is None


def test_a_head_without_its_encoder_says_so(many: Path, tmp_path: Path) -> None:
    shutil.copytree(many / "tasks" / "topic", tmp_path / "a" / "b" / "topic")
    with pytest.raises(ModelError, match=r"a head alone; its encoder, .*, is not there\. `litebert conv"):
        open_model(str(tmp_path / "a" / "b" / "topic"))


def test_an_encoder_that_was_exchanged_is_noticed(many: Path, tmp_path: Path) -> None:
    """One of the same sizes fits every shape, and would answer nonsense."""
    folder = shutil.copytree(many, tmp_path / "many")
    weights = read_safetensors(folder / "model.safetensors")
    write_safetensors(folder / "model.safetensors", {name: t + 1e-3 for name, t in weights.items()})
    for name in ("topic", "gaps"):
        with pytest.raises(ModelError, match=r"many/model\.safetensors is not the encoder that this he"):
            open_model(str(folder), task=name)
    index = folder / "tasks" / "topic" / "model.safetensors.index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "metadata": {}}))
    assert open_model(str(folder), task="topic").task == TASKS["topic"], "as an earlier litebert wrote it"


@pytest.mark.parametrize("damaged", ["{", "[]", "", None, '{"task": 3}'])
def test_a_damaged_head_leaves_the_others_alone(many: Path, tmp_path: Path, damaged: str | None) -> None:
    folder = shutil.copytree(many, tmp_path / "many")
    path = folder / "tasks" / "topic" / "task.json"
    path.unlink()
    if damaged is not None:
        path.write_text(damaged)
    for asked, found in (("feeling", "feeling"), ("regression", "stars"), ("classification", "feeling")):
        assert open_model(str(folder), task=asked).task == TASKS[found]
    with pytest.raises(UsageError, match=r"stars \(reg.*, topic \((its task.json is damaged|3)\); say"):
        open_model(str(folder))
    if damaged is not None:
        with pytest.raises(ModelError, match=r"task\.json"):
            open_model(str(folder), task="topic")


@pytest.mark.parametrize("place", ["../model.safetensors", "../../../x.safetensors", "/etc/x", ["x"]])
def test_an_index_leads_nowhere_else(many: Path, tmp_path: Path, place: object) -> None:
    folder = shutil.copytree(many, tmp_path / "many") / "tasks" / "topic"
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    index["weight_map"]["classifier.bias"] = place
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="is not the name of a file beside it, nor of one in"):
        open_model(str(folder))
