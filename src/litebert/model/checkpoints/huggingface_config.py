"""Hugging Face's `config.json`, both ways.

Beside Hugging Face's keys stand ours (`OWN`), which `transformers` keeps and does not read. They say what its
keys cannot: any order, brightmart's factor. Someone may have changed its keys since, so ours hold only where
the two agree.

Source: transformers 5.23, `AlbertConfig`, `BertConfig`, `PreTrainedConfig`, `activations.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields, replace
from typing import Any, get_args

from litebert.errors import ModelError, nearest
from litebert.model.checkpoints.checkpoint import Problem
from litebert.model.checkpoints.huggingface_names import HEADS, LABELLED, TABLES, family_of
from litebert.model.checkpoints.orders import Family, Plan, plan_for
from litebert.model.config import EncoderConfig, Order, Ranks

WHOLE = {
    "vocab_size": "vocabulary",
    "hidden_size": "hidden",
    "num_attention_heads": "heads",
    "intermediate_size": "intermediate",
    "max_position_embeddings": "positions",
    "type_vocab_size": "segments",
}
RATES = {"hidden_dropout_prob": "hidden_dropout", "attention_probs_dropout_prob": "attention_dropout"}
SMALL = {"initializer_range": "initial_std", "layer_norm_eps": "norm_epsilon"}
SMALL_LIMIT = 10.0
CLASSIFIER_DROPOUT: Mapping[Family, str] = {
    "albert": "classifier_dropout_prob",
    "bert": "classifier_dropout",
}
NEEDED = ("vocab_size", "hidden_size", "num_attention_heads", "intermediate_size", "num_hidden_layers")
BERT_DEFAULTS = {"hidden_dropout": 0.1, "attention_dropout": 0.1, "activation": "gelu"}
"""Where they are not `EncoderConfig`'s own, which are those of `AlbertConfig`."""
ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "gelu_python_tanh": "gelu_new",
    "gelu_fast": "gelu_new",
    "gelu_accurate": "gelu_new",
    "relu": "relu",
}
"""Hugging Face has many names for two functions."""
REFUSED = {
    "is_decoder": (False, "a decoder"),
    "add_cross_attention": (False, "cross-attention"),
    "position_embedding_type": ("absolute", "positions of another kind"),
}
"""What would make it another model: the only value that is ours, and what another one means."""
OWN = ("attention", "feedforward", "factor", "family", "embedding", "block_heads", "block_units", "ranks")
"""`embedding` only with `"factor": "late"`, where Hugging Face's `embedding_size` is H; the last three only
where blocks were made smaller than its keys can say."""
LAYERS_LIMIT = 1024
PARAMETERS_LIMIT = 1 << 34
"""17 thousand million: 77 times ALBERT-xxlarge. A config that asks for more is a mistake or a trap."""


def config_from_huggingface(raw: Mapping[str, Any]) -> EncoderConfig:
    """The encoder that a `config.json` describes.

    An ALBERT with E = H gets `factor="always"`, since `transformers` has a map there; with the weights at
    hand, `tensors_to_encoder` sees whether it does anything. Raises `ModelError` that names the key.
    """
    _refuse_others(raw)
    family, plan = model_type(raw), plan_of(raw)
    values: dict[str, Any] = dict(BERT_DEFAULTS) if family == "bert" else {}
    values |= {ours: _whole(raw, key) for key, ours in WHOLE.items() if key in raw}
    values |= {ours: _number(raw, key, below=1) for key, ours in RATES.items() if key in raw}
    values |= {ours: _number(raw, key, SMALL_LIMIT) for key, ours in SMALL.items() if key in raw}
    values["classifier_dropout"] = _classifier_dropout(raw, family, values)
    values["embedding"] = _embedding(raw, family)
    if "hidden_act" in raw:
        values["activation"] = _activation(raw["hidden_act"])
    square = family == "albert" and values["embedding"] == values["hidden"]
    config = EncoderConfig(
        **values,
        attention=plan.order,
        feedforward=plan.order,
        family=family,
        factor="always" if square else "early",
    )
    return _bounded(_with_own(config, raw, plan))


def config_to_huggingface(
    config: EncoderConfig,
    architecture: str = "Model",
    labels: Sequence[str] = (),
    *,
    outputs: int | None = None,
    problem: Problem | None = None,
    pad: int = 0,
) -> dict[str, Any]:
    """A `config.json` by which `transformers` builds what gives the same outputs.

    architecture: one of `huggingface_names.HEADS`. outputs: the classifier's rows, where they bear no names.
    pad: the id of the padding piece. Raises `ModelError` for an architecture that is not known.
    """
    if architecture not in HEADS:
        raise ModelError(nearest(architecture, HEADS, "architecture"))
    family = family_of(config)
    plan = plan_for(config, family)
    folded = config.factor == "late"
    theirs: dict[str, Any] = {
        "architectures": [TABLES[family].cls + architecture],
        "model_type": family,
        **{key: getattr(config, ours) for key, ours in (WHOLE | RATES | SMALL).items()},
        "hidden_act": config.activation,
        "num_hidden_layers": plan.layers,
        CLASSIFIER_DROPOUT[family]: config.classifier_dropout,
        "pad_token_id": pad,
        "dtype": "float32",
    }
    if family == "albert":
        embedding = config.hidden if folded else config.embedding
        theirs |= {
            "embedding_size": embedding,
            "num_hidden_groups": plan.groups,
            "inner_group_num": plan.inner,
        }
    return theirs | _labelling(architecture, labels, outputs, problem) | _own(config)


def labels_of(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """The names in `id2label`, by number. Raises `ModelError` if the numbers are not 0, 1, 2, …"""
    named = raw.get("id2label")
    if named is None:
        return ()
    if not isinstance(named, Mapping):
        raise ModelError(f"id2label should be an object of numbers and names, but is {named!r}")
    by_number = {str(number): str(label) for number, label in named.items()}
    if by_number.keys() != {str(number) for number in range(len(by_number))}:
        raise ModelError(f"id2label must number its labels 0, 1, 2, …, but has {', '.join(by_number)}")
    return tuple(by_number[str(number)] for number in range(len(by_number)))


def problem_of(raw: Mapping[str, Any]) -> Problem | None:
    """`problem_type`, if it is there and one of three."""
    given = raw.get("problem_type")
    if given is not None and given not in get_args(Problem):
        raise ModelError(nearest(str(given), get_args(Problem), "problem_type"))
    return given


def architecture_of(raw: Mapping[str, Any]) -> str | None:
    """The class without its family's name (`ForMaskedLM`), or None if the config names none."""
    named = raw.get("architectures")
    if not isinstance(named, list) or not named or not isinstance(named[0], str):
        return None
    return named[0].removeprefix(TABLES[model_type(raw)].cls)


def model_type(raw: Mapping[str, Any]) -> Family:
    """`albert` or `bert`; in old files without it, by the class's name or the keys that ALBERT alone has."""
    given = raw.get("model_type")
    if given in ("albert", "bert"):
        return "albert" if given == "albert" else "bert"
    if given is not None:
        raise ModelError(f"model_type is {given!r}; litebert reads 'albert' and 'bert'")
    named = str(raw.get("architectures", ""))
    albert = "Albert" in named or any(key in raw for key in ("embedding_size", "num_hidden_groups"))
    if not albert and "Bert" not in named:
        raise ModelError("the config has no model_type; litebert reads 'albert' and 'bert'")
    return "albert" if albert else "bert"


def plan_of(raw: Mapping[str, Any]) -> Plan:
    """How many steps, groups and inner blocks."""
    if missing := [key for key in NEEDED if key not in raw]:
        raise ModelError(f"the config lacks {', '.join(missing)}")
    layers = _whole(raw, "num_hidden_layers", LAYERS_LIMIT)
    if model_type(raw) == "bert":
        return Plan(layers, layers)
    groups, inner = (
        _whole(raw, key, LAYERS_LIMIT) if key in raw else 1
        for key in ("num_hidden_groups", "inner_group_num")
    )
    if layers * inner > LAYERS_LIMIT:
        raise ModelError(
            f"num_hidden_layers × inner_group_num is {layers * inner}; {LAYERS_LIMIT} is the most read"
        )
    return Plan(layers, groups, inner)


def own_order(raw: Mapping[str, Any], key: str) -> Order | None:
    """One of our orders as the config has it, or None if it has none that is one."""
    given = raw.get(key)
    if not isinstance(given, list) or not all(type(number) is int for number in given):
        return None
    return tuple(given)


def _with_own(config: EncoderConfig, raw: Mapping[str, Any], plan: Plan) -> EncoderConfig:
    """The config with what our own keys say, as far as it agrees with Hugging Face's."""
    attention, feedforward = own_order(raw, "attention"), own_order(raw, "feedforward")
    if attention and feedforward and plan.suits(attention, feedforward) and _gapless(attention, feedforward):
        config = replace(config, attention=attention, feedforward=feedforward)
    config = _with_smaller_blocks(config, raw)
    if raw.get("family") in ("albert", "bert"):
        config = replace(config, family=raw["family"])
    if raw.get("factor") not in ("early", "late"):
        return config
    late = raw["factor"] == "late" and config.embedding == config.hidden and "embedding" in raw
    if late and (width := _whole(raw, "embedding")) != config.hidden:
        return replace(config, factor="late", embedding=width)
    return replace(config, factor="early")  # and a late one with E = H is the same


def _with_smaller_blocks(config: EncoderConfig, raw: Mapping[str, Any]) -> EncoderConfig:
    """Raises `ModelError` for numbers that do not fit the blocks."""
    heads, units = own_order(raw, "block_heads") or (), own_order(raw, "block_units") or ()
    ranks = own_order(raw, "ranks") or ()
    if ranks and len(ranks) != len(fields(Ranks)):
        raise ModelError(f"ranks should be {len(fields(Ranks))} numbers, but are {list(ranks)}")
    return replace(config, block_heads=heads, block_units=units, ranks=Ranks(*ranks))


def _gapless(*orders: Order) -> bool:
    return all(set(order) == set(range(len(set(order)))) for order in orders)


def _own(config: EncoderConfig) -> dict[str, Any]:
    own: dict[str, Any] = {key: list(getattr(config, key)) for key in ("attention", "feedforward")}
    own |= {"factor": config.factor, "family": config.family}
    own |= {key: list(counts) for key in ("block_heads", "block_units") if (counts := getattr(config, key))}
    own |= {"ranks": list(astuple(config.ranks))} if config.ranks != Ranks() else {}
    return own | {"embedding": config.embedding} if config.factor == "late" else own


def _labelling(
    architecture: str, labels: Sequence[str], outputs: int | None, problem: Problem | None
) -> dict[str, Any]:
    """Elsewhere than in a classifier, `num_labels` is a size that must stay 2."""
    if architecture not in LABELLED:
        return {}
    kind = {} if problem is None else {"problem_type": problem}
    if not labels:
        return kind | ({} if outputs is None else {"num_labels": outputs})
    return kind | {
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "label2id": {label: number for number, label in enumerate(labels)},
    }


def _embedding(raw: Mapping[str, Any], family: Family) -> int:
    if family == "bert":
        return _whole(raw, "hidden_size")
    return _whole(raw, "embedding_size") if "embedding_size" in raw else 128


def _classifier_dropout(raw: Mapping[str, Any], family: Family, values: Mapping[str, Any]) -> float:
    """Where it is null, both of `transformers`' families fall back on the hidden layers'."""
    key = CLASSIFIER_DROPOUT[family]
    if raw.get(key) is not None:
        return _number(raw, key, below=1)
    if family == "albert" and key not in raw:
        return 0.1
    return float(values.get("hidden_dropout", 0.0))


def _activation(given: object) -> str:
    if not isinstance(given, str) or given not in ACTIVATIONS:
        raise ModelError(nearest(str(given), ACTIVATIONS, "activation (hidden_act)"))
    return ACTIVATIONS[given]


def _whole(raw: Mapping[str, Any], key: str, most: int = 1 << 31) -> int:
    value = raw[key]
    if type(value) is not int or not 1 <= value <= most:
        raise ModelError(f"{key} should be a whole number from 1 to {most:,}, but is {value!r}")
    return value


def _number(raw: Mapping[str, Any], key: str, below: float) -> float:
    value = raw[key]
    if type(value) not in (int, float) or not 0 <= value < below:
        raise ModelError(f"{key} should be a number from 0 to below {below:g}, but is {value!r}")
    return float(value)


def _bounded(config: EncoderConfig) -> EncoderConfig:
    if config.parameters > PARAMETERS_LIMIT:
        raise ModelError(
            f"the config asks for {config.parameters:,} parameters; {PARAMETERS_LIMIT:,} is the most read"
        )
    return config


def _refuse_others(raw: Mapping[str, Any]) -> None:
    """Raises `ModelError` for keys that make it a model of another kind."""
    for key, (ours, meaning) in REFUSED.items():
        if raw.get(key, ours) != ours:
            raise ModelError(f"{key} is {raw[key]!r}: {meaning}, which litebert does not have")
