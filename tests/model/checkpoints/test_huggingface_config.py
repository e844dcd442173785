"""Hugging Face's config.json, both ways."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from litebert.errors import ModelError
from litebert.model.checkpoints.huggingface_config import (
    architecture_of,
    config_from_huggingface,
    config_to_huggingface,
    labels_of,
    problem_of,
)
from litebert.model.config import PUBLISHED, EncoderConfig, published

ALBERT = {
    "model_type": "albert",
    "vocab_size": 60,
    "embedding_size": 16,
    "hidden_size": 24,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "intermediate_size": 40,
}
BERT = {key: value for key, value in ALBERT.items() if key != "embedding_size"} | {"model_type": "bert"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_ones_come_back(name: str) -> None:
    raw = config_to_huggingface(PUBLISHED[name])
    assert config_from_huggingface(json.loads(json.dumps(raw))) == PUBLISHED[name]


def test_what_is_left_out_is_as_in_transformers() -> None:
    albert, bert = config_from_huggingface(ALBERT), config_from_huggingface(BERT)
    assert (albert.activation, albert.hidden_dropout, albert.classifier_dropout) == ("gelu_new", 0.0, 0.1)
    assert (bert.activation, bert.hidden_dropout, bert.classifier_dropout) == ("gelu", 0.1, 0.1)
    assert (bert.attention, bert.embedding, bert.factored) == ((0, 1, 2, 3), 24, False)
    assert config_from_huggingface(BERT | {"hidden_dropout_prob": 0.2}).classifier_dropout == 0.2
    assert config_from_huggingface(BERT | {"classifier_dropout": 0.3}).classifier_dropout == 0.3
    assert config_from_huggingface(ALBERT | {"classifier_dropout_prob": None}).classifier_dropout == 0.0


def test_a_square_map_is_there_only_in_hugging_faces_albert() -> None:
    assert config_from_huggingface(ALBERT | {"embedding_size": 24}).factored
    assert not config_from_huggingface(BERT).factored
    ours = replace(config_from_huggingface(ALBERT), embedding=24)
    assert not config_from_huggingface(config_to_huggingface(ours)).factored


def test_the_family_is_known_without_model_type() -> None:
    albert = {key: value for key, value in ALBERT.items() if key != "model_type"}
    bert = {key: value for key, value in BERT.items() if key != "model_type"}
    assert config_from_huggingface(albert).family == "albert"
    assert config_from_huggingface(bert | {"architectures": ["BertModel"]}).family == "bert"
    with pytest.raises(ModelError, match="no model_type"):
        config_from_huggingface(bert)


@pytest.mark.parametrize(
    "own",
    [
        {"attention": [0, 0, 0, 0], "feedforward": [0, 1, 2]},
        {"attention": [0, 0, 0, 0, 0], "feedforward": [0, 0, 0, 0, 0]},
        {"attention": [0, 1, 0, 1], "feedforward": [0, 0, 0, 0]},  # but the file has one block
        {"attention": [5, 5, 5, 5], "feedforward": [0, 0, 0, 0]},
        {"attention": [-1, -1, -1, -1], "feedforward": [0, 0, 0, 0]},
        {"attention": "0000", "feedforward": [0, 0, 0, 0]},
        {"attention": [False] * 4, "feedforward": [0, 0, 0, 0]},
        {"attention": [], "feedforward": []},
        {"attention": [0, 0, 0, 0]},
    ],
)
def test_own_orders_that_do_not_fit_give_way(own: dict[str, Any]) -> None:
    assert config_from_huggingface(ALBERT | own).attention == (0, 0, 0, 0)


def test_own_orders_that_fit_count() -> None:
    own = {"attention": [0, 0, 0, 0], "feedforward": [0, 1, 2, 3], "num_hidden_groups": 4}
    config = config_from_huggingface(ALBERT | own)
    assert (config.attention, config.feedforward) == ((0, 0, 0, 0), (0, 1, 2, 3))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vocab_size": "60"}, "vocab_size should be a whole number"),
        ({"vocab_size": 0}, "vocab_size"),
        ({"vocab_size": True}, "vocab_size"),
        ({"vocab_size": 1 << 60}, "vocab_size"),
        ({"hidden_size": 24.0}, "hidden_size"),
        ({"hidden_size": 3 << 20, "intermediate_size": 1 << 30}, "parameters"),
        ({"num_attention_heads": 5}, "multiple of heads"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers"),
        ({"num_hidden_layers": 512, "inner_group_num": 3}, "inner_group_num is 1536"),
        ({"num_hidden_groups": 0}, "num_hidden_groups"),
        ({"hidden_dropout_prob": 1.5}, "hidden_dropout_prob should be a number from 0 to below 1"),
        ({"hidden_dropout_prob": float("nan")}, "hidden_dropout_prob"),
        ({"layer_norm_eps": "1e-12"}, "layer_norm_eps"),
        ({"layer_norm_eps": 10**12}, "layer_norm_eps should be a number from 0 to below 10"),
        ({"initializer_range": 0}, "initial_std must be more than 0"),
        ({"hidden_act": "gelu_nwe"}, "did you mean 'gelu_new'"),
        ({"hidden_act": ["gelu"]}, "no activation"),
        ({"model_type": "roberta"}, "'roberta'; litebert reads 'albert' and 'bert'"),
        ({"is_decoder": True}, "a decoder"),
        ({"position_embedding_type": "relative_key"}, "positions of another kind"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        config_from_huggingface(ALBERT | change)


@pytest.mark.parametrize("key", ["vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size"])
def test_what_is_missing_is_named(key: str) -> None:
    with pytest.raises(ModelError, match=f"lacks {key}"):
        config_from_huggingface({name: value for name, value in ALBERT.items() if name != key})


def test_labels_come_back_in_their_order() -> None:
    config = published("albert-zh-tiny")
    raw = config_to_huggingface(config, "ForSequenceClassification", ["好", "坏", "一般"])
    assert raw["id2label"] == {"0": "好", "1": "坏", "2": "一般"}
    assert raw["label2id"] == {"好": 0, "坏": 1, "一般": 2}
    assert raw["architectures"] == ["AlbertForSequenceClassification"]
    assert labels_of(raw) == ("好", "坏", "一般")
    assert architecture_of(raw) == "ForSequenceClassification"
    many = config_to_huggingface(config, "ForTokenClassification", [str(n) for n in range(12)])
    assert labels_of(json.loads(json.dumps(many, sort_keys=True))) == tuple(str(n) for n in range(12))


def test_no_label_names_are_made_up() -> None:
    raw = config_to_huggingface(published("albert-zh-tiny"), "ForSequenceClassification", outputs=7)
    assert raw["num_labels"] == 7
    assert "id2label" not in raw
    assert labels_of(raw) == ()


@pytest.mark.parametrize("architecture", ["ForPreTraining", "ForQuestionAnswering", "ForMultipleChoice"])
def test_num_labels_stays_two_where_it_is_another_size(architecture: str) -> None:
    raw = config_to_huggingface(published("albert-zh-tiny"), architecture, ["a", "b", "c"], outputs=1)
    assert not {"id2label", "label2id", "num_labels"} & raw.keys()


@pytest.mark.parametrize("named", [{"0": "a", "2": "b"}, {"one": "a"}, ["a", "b"]])
def test_labels_without_numbers_are_refused(named: Any) -> None:
    with pytest.raises(ModelError, match="id2label"):
        labels_of({"id2label": named})


def test_problem_types_are_read_and_misspelt_ones_told() -> None:
    raw = config_to_huggingface(
        published("albert-zh-tiny"), "ForSequenceClassification", outputs=1, problem="regression"
    )
    assert problem_of(raw) == "regression"
    assert problem_of({}) is None
    with pytest.raises(ModelError, match="did you mean 'regression'"):
        problem_of({"problem_type": "regresion"})


def test_unknown_architecture() -> None:
    with pytest.raises(ModelError, match="did you mean 'ForMaskedLM'"):
        config_to_huggingface(EncoderConfig(), "ForMaskLM")


def test_the_hubs_chinese_tiny(data_folder: Path) -> None:
    """Its config.json, and from it the names and shapes in its pytorch_model.bin."""
    from litebert.model.checkpoints.checkpoint import shapes
    from litebert.model.checkpoints.huggingface_config import plan_of
    from litebert.model.checkpoints.huggingface_names import encoder_names, head_names

    folder = data_folder / "albert_ckpt_index" / "voidful_albert_chinese_tiny"
    raw = json.loads((folder / "config.json").read_text())
    config = config_from_huggingface(raw)
    assert config.activation == "gelu"
    assert replace(config, activation="gelu_new") == published("albert-zh-tiny")
    listed = json.loads((folder / "key_shapes.json").read_text())
    names = encoder_names(config, plan_of(raw))
    for theirs, ours in names.items():
        assert tuple(listed.pop(f"albert.{theirs}")) == tuple(shapes(config)[ours])
    masked = head_names("albert", "ForMaskedLM")
    assert {*listed} == {*masked, "predictions.decoder.weight", "predictions.decoder.bias"}
