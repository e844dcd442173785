"""brightmart's Chinese ALBERT (albert_zh), which came before Google's and differs from it; reading only.

Source: brightmart/albert_zh, modeling.py and run_pretraining.py. What differs, with E = 128 and width H:

- **Embeddings.** Words are [V, E]; `word_embeddings_2` [E, H] takes them to H **without a bias**. Only then
  are positions [512, H] and segments [2, H] added, and the norm is taken at H.
- **Masked-LM head.** Its dense layer is H → H and its norm is at H. There is no decoder of its own:
  logits = hidden · word_embeddings_2ᵀ · word_embeddingsᵀ + output_bias, so *both* factors are tied.
- **Encoder.** One block under the scope `layer_shared`, with BERT's names inside.
- **Pre-LN** (`"ln_type": "preln"` in the config of the xxlarge model): the same names, but a norm stands
  before its sublayer and none after the last. Names cannot tell; `google_config` refuses such a config.

The rest (pooler, sentence-order head, tanh-GELU, shapes inside the block) is Google's.

The weights are given under Hugging Face's ALBERT names. What they mean, where it is not what they mean there:

| name | shape | |
|---|---|---|
| `albert.encoder.embedding_hidden_mapping_in.weight` | [H, E] | `word_embeddings_2`ᵀ; `.bias` is absent |
| `albert.embeddings.position_embeddings.weight` | [512, H] | added after the map E → H |
| `albert.embeddings.token_type_embeddings.weight` | [2, H] | added after the map E → H |
| `albert.embeddings.LayerNorm.*` | [H] | after that sum |
| `predictions.dense.weight` | [H, H] | |
| `predictions.LayerNorm.*` | [H] | then · `embedding_hidden_mapping_in.weight` · `word_embeddings.weight`ᵀ |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from litebert.model.checkpoints.renaming import Rule, Table, Tensors, dense, norm, scores
from litebert.model.checkpoints.tensorflow import skipped

_BLOCK = "bert/encoder/layer_shared"
_SHARED = "albert.encoder.albert_layer_groups.0.albert_layers.0"
_FACTOR = "bert/embeddings/word_embeddings_2"

BRIGHTMART = Table(
    "brightmart's albert_zh",
    (
        Rule("bert/embeddings/word_embeddings", "albert.embeddings.word_embeddings.weight", 2),
        Rule(_FACTOR, "albert.encoder.embedding_hidden_mapping_in.weight", 2, transposed=True),
        Rule("bert/embeddings/position_embeddings", "albert.embeddings.position_embeddings.weight", 2),
        Rule("bert/embeddings/token_type_embeddings", "albert.embeddings.token_type_embeddings.weight", 2),
        *norm("bert/embeddings/LayerNorm", "albert.embeddings.LayerNorm"),
        *dense(f"{_BLOCK}/attention/self/query", f"{_SHARED}.attention.query"),
        *dense(f"{_BLOCK}/attention/self/key", f"{_SHARED}.attention.key"),
        *dense(f"{_BLOCK}/attention/self/value", f"{_SHARED}.attention.value"),
        *dense(f"{_BLOCK}/attention/output/dense", f"{_SHARED}.attention.dense"),
        *norm(f"{_BLOCK}/attention/output/LayerNorm", f"{_SHARED}.attention.LayerNorm"),
        *dense(f"{_BLOCK}/intermediate/dense", f"{_SHARED}.ffn"),
        *dense(f"{_BLOCK}/output/dense", f"{_SHARED}.ffn_output"),
        *norm(f"{_BLOCK}/output/LayerNorm", f"{_SHARED}.full_layer_layer_norm"),
        *dense("bert/pooler/dense", "albert.pooler"),
        *dense("cls/predictions/transform/dense", "predictions.dense"),
        *norm("cls/predictions/transform/LayerNorm", "predictions.LayerNorm"),
        Rule("cls/predictions/output_bias", "predictions.bias", 1),
        *scores("cls/seq_relationship/", "sop_classifier.classifier"),
        *scores("", "classifier"),
    ),
)


def is_brightmart(names: Iterable[str]) -> bool:
    """Whether a checkpoint's variables are those of brightmart's variant."""
    return _FACTOR in names


def to_huggingface(variables: Tensors) -> dict[str, NDArray[Any]]:
    """The weights under Hugging Face's ALBERT names, with the meaning that the table above gives them.

    Raises `ModelError` that lists the names which no weight of this variant has. `tensorflow.skipped` says
    which variables are left out.
    """
    left_out = set(skipped(variables))
    return BRIGHTMART.to_huggingface({name: t for name, t in variables.items() if name not in left_out})
