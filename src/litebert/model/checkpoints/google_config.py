"""Google's `albert_config.json` and `bert_config.json`, and Hugging Face's `config.json`, both ways.

Source: google-research/albert and google-research/bert, modeling.py (`AlbertConfig`, `BertConfig`,
`get_activation`); transformers, `AlbertConfig`, `BertConfig`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litebert.errors import ModelError, nearest

SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
"""What every config must say."""
ALBERT_DEFAULTS: dict[str, Any] = {
    "embedding_size": 128,
    "num_hidden_groups": 1,
    "inner_group_num": 1,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "initializer_range": 0.02,
}
"""What the rest is when it is left out, with Google and with Hugging Face alike."""
BERT_DEFAULTS: dict[str, Any] = {
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,  # 16 in Google's code, 2 in its published files
    "initializer_range": 0.02,
    "hidden_act": "gelu",
}
ALBERT_ONLY = ("embedding_size", "num_hidden_groups", "inner_group_num")
UNUSED = frozenset(
    {
        "net_structure_type",
        "gap_size",
        "num_memory_blocks",
        "down_scale_factor",
        "layers_to_keep",
        "directionality",
        "pooler_fc_size",
        "pooler_num_attention_heads",
        "pooler_num_fc_layers",
        "pooler_size_per_head",
        "pooler_type",
        "ln_type",
    }
)
"""Keys in Google's and brightmart's files that need not be kept (for `ln_type` see `_refuse_preln`)."""
ACTIVATIONS = {"gelu": "gelu_new", "relu": "relu", "tanh": "tanh", "linear": "linear"}
"""ALBERT's, Google's name to Hugging Face's. Google's `gelu` is the tanh approximation; Hugging Face's `gelu`
is the exact one, by erf."""
TANH_GELUS = ("gelu_new", "gelu_pytorch_tanh")
"""Hugging Face's names for one function."""


def config_from_google(config: Mapping[str, Any]) -> dict[str, Any]:
    """A Google config as Hugging Face's `AlbertConfig`, or `BertConfig` where no key is ALBERT's.

    Every default is written out. BERT's `gelu` stays `gelu`, as in every BERT that Hugging Face publishes.
    Raises `ModelError` for a key that is missing or not known, and for an activation or a pre-LN model
    which Hugging Face's ALBERT cannot express.
    """
    _refuse_unknown(config)
    _refuse_preln(config)
    albert = any(key in config for key in ALBERT_ONLY)
    kept = _complete(config, ALBERT_DEFAULTS if albert else BERT_DEFAULTS)
    if albert:
        kept["hidden_act"] = _activation_from_google(str(config.get("hidden_act", "gelu") or "linear"))
    return {"model_type": "albert" if albert else "bert", **kept}


def config_to_google(config: Mapping[str, Any]) -> dict[str, Any]:
    """A Hugging Face ALBERT or BERT config as Google's, with every key that Google's graph reads.

    What only Hugging Face has (`architectures`, `pad_token_id`, …) is left out; Google's code fixes
    `layer_norm_eps` at 1e-12. Raises `ModelError` for what Google's graph cannot express.
    """
    kind = config.get("model_type")
    if kind not in ("albert", "bert"):
        raise ModelError(f"model_type is {kind!r}; expected 'albert' or 'bert'")
    if config.get("layer_norm_eps", 1e-12) != 1e-12:
        raise ModelError(f"layer_norm_eps is {config['layer_norm_eps']}; in Google's graph it is 1e-12")
    google = _complete(config, ALBERT_DEFAULTS if kind == "albert" else BERT_DEFAULTS)
    if kind == "albert":
        google["hidden_act"] = _activation_to_google(str(config.get("hidden_act", "gelu_new")))
    return google


def _complete(config: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The sizes, and for each default what the config says in its place."""
    if missing := [key for key in SIZES if key not in config]:
        raise ModelError(f"the config lacks {', '.join(missing)}")
    return {key: config[key] for key in SIZES} | {
        key: config.get(key, value) for key, value in defaults.items()
    }


def _refuse_unknown(config: Mapping[str, Any]) -> None:
    known = {*SIZES, *ALBERT_DEFAULTS, "hidden_act", *UNUSED}
    for key in config:
        if key not in known:
            raise ModelError(nearest(key, known, "key of a Google config"))


def _refuse_preln(config: Mapping[str, Any]) -> None:
    if config.get("ln_type") not in (None, "postln"):
        kind = config["ln_type"]
        raise ModelError(f"ln_type is {kind!r}; only 'postln' (a norm after each sublayer) can be converted")


def _activation_from_google(name: str) -> str:
    if name.lower() not in ACTIVATIONS:
        raise ModelError(nearest(name, ACTIVATIONS, "activation in Google's graph"))
    return ACTIVATIONS[name.lower()]


def _activation_to_google(name: str) -> str:
    names = {theirs: google for google, theirs in ACTIVATIONS.items()} | dict.fromkeys(TANH_GELUS, "gelu")
    if name == "gelu":
        raise ModelError(
            "hidden_act is 'gelu', the exact form; Google's graph has only the tanh approximation (at most "
            "0.0005 away). If that will do, say 'gelu_new' in the config"
        )
    if name not in names:
        raise ModelError(nearest(name, names, "activation in Google's graph"))
    return names[name]
