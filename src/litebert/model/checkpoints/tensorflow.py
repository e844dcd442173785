"""Google's TF1 checkpoints of ALBERT and BERT: their variables' names, and Hugging Face's, both ways.

ALBERT: google-research/albert, modeling.py, run_pretraining.py, classifier_utils.py, race_utils.py and
squad_utils.py. BERT: google-research/bert, the same files. Files are read and written by `bundle`.

>>> weights = to_huggingface(bundle.read("albert_base/model.ckpt-best"))
>>> bundle.write("out/model.ckpt", to_tensorflow(weights))
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert.errors import ModelError
from litebert.model.checkpoints.renaming import Rule, Table, Tensors, dense, norm, refuse, scores

_GROUP = "bert/encoder/transformer/group_{group}/inner_group_{inner}"
_SHARED = "[albert.]encoder.albert_layer_groups.{group}.albert_layers.{inner}"
_LAYER = "bert/encoder/layer_{layer}"
_OWN = "[bert.]encoder.layer.{layer}"


def _embeddings(model: str) -> tuple[Rule, ...]:
    tables = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    return (
        *(Rule(f"bert/embeddings/{table}", f"[{model}.]embeddings.{table}.weight", 2) for table in tables),
        *norm("bert/embeddings/LayerNorm", f"[{model}.]embeddings.LayerNorm"),
    )


HEADS = (
    *scores("", "classifier"),  # GLUE, RACE
    *scores("cls/squad/", "qa_outputs"),  # SQuAD 1.1
)
ALBERT = Table(
    "Google's ALBERT",
    (
        *_embeddings("albert"),
        *dense("bert/encoder/embedding_hidden_mapping_in", "[albert.]encoder.embedding_hidden_mapping_in"),
        *dense(f"{_GROUP}/attention_1/self/query", f"{_SHARED}.attention.query"),
        *dense(f"{_GROUP}/attention_1/self/key", f"{_SHARED}.attention.key"),
        *dense(f"{_GROUP}/attention_1/self/value", f"{_SHARED}.attention.value"),
        *dense(f"{_GROUP}/attention_1/output/dense", f"{_SHARED}.attention.dense"),
        *norm(f"{_GROUP}/LayerNorm", f"{_SHARED}.attention.LayerNorm"),
        *dense(f"{_GROUP}/ffn_1/intermediate/dense", f"{_SHARED}.ffn"),
        *dense(f"{_GROUP}/ffn_1/intermediate/output/dense", f"{_SHARED}.ffn_output"),
        *norm(f"{_GROUP}/LayerNorm_1", f"{_SHARED}.full_layer_layer_norm"),
        *dense("bert/pooler/dense", "[albert.]pooler"),
        *dense("cls/predictions/transform/dense", "predictions.dense"),
        *norm("cls/predictions/transform/LayerNorm", "predictions.LayerNorm"),
        Rule("cls/predictions/output_bias", "predictions.bias", 1),
        *scores("cls/seq_relationship/", "sop_classifier.classifier"),
        *HEADS,
        *dense("start_logits/dense", "start_logits.dense"),  # SQuAD 2.0, here and below: XLNet's head,
        *dense("end_logits/dense_0", "end_logits.dense_0"),  # under the names that XLNet's has there
        *norm("end_logits/LayerNorm", "end_logits.LayerNorm"),
        *dense("end_logits/dense_1", "end_logits.dense_1"),
        *dense("answer_class/dense_0", "answer_class.dense_0"),
        *dense("answer_class/dense_1", "answer_class.dense_1"),
    ),
)
BERT = Table(
    "Google's BERT",
    (
        *_embeddings("bert"),
        *dense(f"{_LAYER}/attention/self/query", f"{_OWN}.attention.self.query"),
        *dense(f"{_LAYER}/attention/self/key", f"{_OWN}.attention.self.key"),
        *dense(f"{_LAYER}/attention/self/value", f"{_OWN}.attention.self.value"),
        *dense(f"{_LAYER}/attention/output/dense", f"{_OWN}.attention.output.dense"),
        *norm(f"{_LAYER}/attention/output/LayerNorm", f"{_OWN}.attention.output.LayerNorm"),
        *dense(f"{_LAYER}/intermediate/dense", f"{_OWN}.intermediate.dense"),
        *dense(f"{_LAYER}/output/dense", f"{_OWN}.output.dense"),
        *norm(f"{_LAYER}/output/LayerNorm", f"{_OWN}.output.LayerNorm"),
        *dense("bert/pooler/dense", "[bert.]pooler.dense"),
        *dense("cls/predictions/transform/dense", "cls.predictions.transform.dense"),
        *norm("cls/predictions/transform/LayerNorm", "cls.predictions.transform.LayerNorm"),
        Rule("cls/predictions/output_bias", "cls.predictions.bias", 1),
        *scores("cls/seq_relationship/", "cls.seq_relationship"),
        *HEADS,
    ),
)
TENSORFLOW_MARKS = {r"encoder/transformer/group_": ALBERT, r"encoder/layer_\d": BERT}
"""What is found in some names of one architecture, and in none of another."""
HUGGINGFACE_MARKS = {r"encoder\.albert_layer_groups\.": ALBERT, r"encoder\.layer\.\d": BERT}
TIED = {
    "predictions.decoder.weight": "albert.embeddings.word_embeddings.weight",
    "predictions.decoder.bias": "predictions.bias",
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
"""Second names that Hugging Face has for one weight. TensorFlow's graph has only the first."""
_MAP = re.compile(r"(?:albert\.)?encoder\.embedding_hidden_mapping_in\.(weight|bias)")
_NO_WEIGHT = re.compile(
    r"global_step|(?:.*/)?(?:adam_m|adam_v|lamb_m|lamb_v|Adam|Adam_1|beta1_power|beta2_power)"
    r"|(?:.*\.)?embeddings\.(?:position_ids|token_type_ids)"
)


def skipped(names: Iterable[str]) -> list[str]:
    """Those of `names`, of either kind, that hold no weights: optimiser's state, step counter, constants.

    The two functions below leave these out, and nothing else.
    """
    return [name for name in names if _NO_WEIGHT.fullmatch(name)]


def to_huggingface(variables: Tensors) -> dict[str, NDArray[Any]]:
    """A TF1 checkpoint's variables as an `AlbertFor…` or `BertFor…` state dict, by what their names are.

    Kernels are turned from [in, out] to [out, in]. Tied weights stand once: the decoder of the masked-LM head
    is `word_embeddings`. Where E = H, Google's ALBERT has no `embedding_hidden_mapping_in`, and none is made
    up. TF-Hub's prefix `module/` may be there.

    Raises `ModelError` that lists the names which no weight of the model has.
    """
    weights = {name.removeprefix("module/"): tensor for name, tensor in _weights(variables).items()}
    return _table(weights, TENSORFLOW_MARKS).to_huggingface(weights)


def to_tensorflow(tensors: Tensors) -> dict[str, NDArray[Any]]:
    """An ALBERT's or BERT's Hugging Face state dict (with or without a head) as Google's TF1 variables.

    The inverse of `to_huggingface`. float16 becomes float32, which Google's graph declares.
    Raises `ModelError` that lists the names without a place in Google's graph, or for tied weights that
    differ.
    """
    weights = _untied(_weights(tensors))
    table = _table(weights, HUGGINGFACE_MARKS)
    return {name: _widened(tensor) for name, tensor in table.to_tensorflow(_needed(weights)).items()}


def _weights(tensors: Tensors) -> dict[str, NDArray[Any]]:
    left_out = set(skipped(tensors))
    return {name: tensor for name, tensor in tensors.items() if name not in left_out}


def _table(names: Tensors, marks: Mapping[str, Table]) -> Table:
    """The architecture that these names are of."""
    for mark, table in marks.items():
        if any(re.search(mark, name) for name in names):
            return table
    raise refuse(names, "neither an ALBERT encoder nor a BERT encoder is among the names")


def _untied(tensors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The tensors without second names."""
    weights = dict(tensors)
    for second, first in TIED.items():
        if second not in weights:
            continue
        tensor = weights.pop(second)
        if not np.array_equal(weights.setdefault(first, tensor), tensor, equal_nan=True):
            raise ModelError(f"{second} differs from {first}; in Google's graph the two are one variable")
    return weights


def _needed(tensors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The tensors without a map E → H that does nothing: Google's graph has none where E = H.

    Where it has one, there is a bias.
    """
    maps = {match[1]: name for name in tensors if (match := _MAP.fullmatch(name))}
    if "weight" not in maps:
        return tensors
    if "bias" not in maps:
        raise ModelError(f"{maps['weight']} has no bias: this is brightmart's variant, not Google's graph")
    weight, bias = tensors[maps["weight"]], tensors[maps["bias"]]
    if len(set(weight.shape)) != 1:
        return tensors
    if bias.any() or not np.array_equal(weight, np.eye(len(weight))):
        raise ModelError(
            f"{maps['weight']} is {list(weight.shape)}; where E = H, Google's graph has no such map"
        )
    return {name: tensor for name, tensor in tensors.items() if name not in maps.values()}


def _widened(tensor: NDArray[Any]) -> NDArray[Any]:
    return tensor.astype(np.float32) if tensor.dtype == np.float16 else tensor
