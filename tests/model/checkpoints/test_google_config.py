"""Google's config files and Hugging Face's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from litebert.errors import ModelError
from litebert.model.checkpoints.google_config import config_from_google, config_to_google

SIZES = {
    "vocab_size": 30000,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}
ALBERT: dict[str, Any] = {"model_type": "albert", **SIZES}
GOOGLE: dict[str, Any] = {**SIZES, "embedding_size": 128}


def real(data_folder: Path, path: str) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((data_folder / "albert_ckpt_index" / path).read_text())
    return config


def test_googles_real_config(data_folder: Path) -> None:
    config = config_from_google(real(data_folder, "google_albert_base_zh/albert_config.json"))
    assert config == {
        "model_type": "albert",
        "vocab_size": 21128,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "embedding_size": 128,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "hidden_dropout_prob": 0,
        "attention_probs_dropout_prob": 0,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "hidden_act": "relu",
    }


def test_brightmarts_real_config(data_folder: Path) -> None:
    config = config_from_google(real(data_folder, "brightmart_albert_tiny_zh/albert_config_tiny.json"))
    assert config["model_type"] == "albert"
    assert config["hidden_act"] == "gelu_new"
    assert (config["hidden_size"], config["num_hidden_layers"], config["num_hidden_groups"]) == (312, 4, 1)
    assert not any(key.startswith("pooler") or key in ("ln_type", "directionality") for key in config)


def test_defaults_are_those_of_transformers() -> None:
    """So that nothing changes when one side leaves a key out."""
    transformers = pytest.importorskip("transformers")
    config = config_from_google({**GOOGLE, "embedding_size": 128})
    defaults = transformers.AlbertConfig(**SIZES).to_dict()
    assert config == {key: defaults[key] for key in config}
    bert = config_from_google(SIZES)
    defaults = transformers.BertConfig(**SIZES).to_dict()
    assert bert == {key: defaults[key] for key in bert}


@pytest.mark.parametrize("activation", ["gelu", "relu", "tanh", "linear"])
def test_a_configuration_comes_back_as_it_went(activation: str) -> None:
    google = config_to_google(
        config_from_google({**GOOGLE, "hidden_act": activation, "num_hidden_groups": 3})
    )
    assert google["hidden_act"] == activation
    assert google["num_hidden_groups"] == 3
    assert config_to_google(config_from_google(google)) == google
    assert "model_type" not in google


@pytest.mark.parametrize("empty", ["", None])
def test_no_activation_is_the_linear_one(empty: str | None) -> None:
    assert config_from_google({**GOOGLE, "hidden_act": empty})["hidden_act"] == "linear"


def test_gelu_is_named_by_what_it_computes() -> None:
    """Google's `gelu` is Hugging Face's `gelu_new`; the difference would not be noticed otherwise."""
    assert config_from_google({**GOOGLE, "hidden_act": "gelu"})["hidden_act"] == "gelu_new"
    assert config_to_google({**ALBERT, "hidden_act": "gelu_new"})["hidden_act"] == "gelu"
    assert config_to_google({**ALBERT, "hidden_act": "gelu_pytorch_tanh"})["hidden_act"] == "gelu"
    with pytest.raises(ModelError, match="exact form; Google's graph has only the tanh approximation"):
        config_to_google({**ALBERT, "hidden_act": "gelu"})


def test_the_two_gelus_differ_by_no_more_than_is_said() -> None:
    torch = pytest.importorskip("torch")
    x = torch.linspace(-8, 8, 100_001, dtype=torch.float64)
    exact, tanh = (torch.nn.functional.gelu(x, approximate=kind) for kind in ("none", "tanh"))
    assert 0.0004 < (exact - tanh).abs().max() < 0.0005


def test_berts_configuration_is_read_and_written() -> None:
    config = config_from_google({**SIZES, "hidden_act": "gelu", "directionality": "bidi"})
    assert (config["model_type"], config["hidden_act"], config["hidden_dropout_prob"]) == (
        "bert",
        "gelu",
        0.1,
    )
    assert config_to_google(config) == {key: config[key] for key in config if key != "model_type"}


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({**GOOGLE, "hiden_dropout_prob": 0.5}, "did you mean 'hidden_dropout_prob'"),
        ({"embedding_size": 128, "vocab_size": 5}, "the config lacks hidden_size, num_hidden_layers"),
        ({**GOOGLE, "hidden_act": "swish"}, "no activation in Google's graph is named 'swish'"),
        ({**GOOGLE, "ln_type": "preln"}, "ln_type is 'preln'; only 'postln'"),
    ],
)
def test_what_cannot_be_read(config: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        config_from_google(config)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({**ALBERT, "model_type": "roberta"}, "model_type is 'roberta'; expected 'albert' or 'bert'"),
        (SIZES, "model_type is None"),
        ({"model_type": "albert"}, "the config lacks vocab_size"),
        ({**ALBERT, "hidden_act": "silu"}, "no activation in Google's graph is named 'silu'"),
        ({**ALBERT, "layer_norm_eps": 1e-5}, "layer_norm_eps is 1e-05; in Google's graph it is 1e-12"),
    ],
)
def test_what_googles_graph_cannot_express(config: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        config_to_google(config)
