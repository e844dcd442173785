"""brightmart's variant, by the real names of its tiny model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from litebert.errors import ModelError
from litebert.model.checkpoints import bundle, tensorflow
from litebert.model.checkpoints.brightmart import BRIGHTMART, is_brightmart, to_huggingface

Tensors = dict[str, NDArray[Any]]
BLOCK = "albert.encoder.albert_layer_groups.0.albert_layers.0"


@pytest.fixture(scope="module")
def tiny(data_folder: Path) -> Tensors:
    """The tiny model's real names and shapes, with random weights."""
    index = bundle.read_index(data_folder / "albert_ckpt_index" / "brightmart_albert_tiny_zh")
    random = np.random.default_rng(0)
    return {name: random.standard_normal(entry.shape, np.float32) for name, entry in index.items()}


def test_it_is_known_by_its_names(tiny: Tensors, data_folder: Path) -> None:
    google = bundle.read_index(data_folder / "albert_ckpt_index" / "google_albert_base_zh")
    assert is_brightmart(tiny)
    assert not is_brightmart(google)
    assert not is_brightmart(["bert/encoder/layer_shared/output/dense/bias"])  # bert-for-tf2


def test_every_variable_has_its_place(tiny: Tensors) -> None:
    found = to_huggingface(tiny)
    assert len(found) == len(tiny) == 31
    assert sum(tensor.size for tensor in found.values()) == 4_295_186
    expected = {
        "albert.embeddings.word_embeddings.weight": (21128, 128),
        "albert.embeddings.position_embeddings.weight": (512, 312),
        "albert.embeddings.token_type_embeddings.weight": (2, 312),
        "albert.embeddings.LayerNorm.weight": (312,),
        "albert.encoder.embedding_hidden_mapping_in.weight": (312, 128),
        f"{BLOCK}.ffn.weight": (1248, 312),
        f"{BLOCK}.ffn_output.weight": (312, 1248),
        "predictions.dense.weight": (312, 312),
        "predictions.LayerNorm.weight": (312,),
        "predictions.bias": (21128,),
        "sop_classifier.classifier.weight": (2, 312),
    }
    assert {name: found[name].shape for name in expected} == expected
    assert "albert.encoder.embedding_hidden_mapping_in.bias" not in found


def test_the_norms_are_not_exchanged(tiny: Tensors) -> None:
    found = to_huggingface(tiny)
    scope = "bert/encoder/layer_shared"
    assert_array_equal(
        found[f"{BLOCK}.attention.LayerNorm.weight"], tiny[f"{scope}/attention/output/LayerNorm/gamma"]
    )
    assert_array_equal(found[f"{BLOCK}.full_layer_layer_norm.bias"], tiny[f"{scope}/output/LayerNorm/beta"])


def test_both_factors_of_the_decoder_are_tied(tiny: Tensors) -> None:
    """logits = hidden · word_embeddings_2ᵀ · word_embeddingsᵀ (albert_zh, run_pretraining.py)."""
    found = to_huggingface(tiny)
    hidden = np.random.default_rng(1).standard_normal((3, 312), np.float32)
    theirs = hidden @ tiny["bert/embeddings/word_embeddings_2"].T @ tiny["bert/embeddings/word_embeddings"].T
    factor = found["albert.encoder.embedding_hidden_mapping_in.weight"]
    ours = hidden @ factor @ found["albert.embeddings.word_embeddings.weight"].T
    assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)


def test_the_inside_of_the_block_is_googles(tiny: Tensors) -> None:
    """Inside the block, each name of brightmart's is one of Google's, with the same transposes."""
    found = {name: tensor for name, tensor in to_huggingface(tiny).items() if name.startswith(BLOCK)}
    google = tensorflow.to_tensorflow(found)
    scope = "bert/encoder"
    pairs = {
        "layer_shared/attention/self/value/kernel": "attention_1/self/value/kernel",
        "layer_shared/attention/output/dense/kernel": "attention_1/output/dense/kernel",
        "layer_shared/intermediate/dense/kernel": "ffn_1/intermediate/dense/kernel",
        "layer_shared/output/dense/kernel": "ffn_1/intermediate/output/dense/kernel",
        "layer_shared/output/LayerNorm/gamma": "LayerNorm_1/gamma",
    }
    for theirs, googles in pairs.items():
        assert_array_equal(
            google[f"{scope}/transformer/group_0/inner_group_0/{googles}"], tiny[f"{scope}/{theirs}"]
        )


def test_it_is_not_written_as_googles(tiny: Tensors) -> None:
    """Google's graph would put positions, norm and bias elsewhere."""
    with pytest.raises(ModelError, match="has no bias: this is brightmart's variant"):
        tensorflow.to_tensorflow(to_huggingface(tiny))


def test_names_come_back_as_they_went(tiny: Tensors) -> None:
    back = BRIGHTMART.to_tensorflow(to_huggingface(tiny))
    assert back.keys() == tiny.keys()
    for name, tensor in tiny.items():
        assert_array_equal(back[name], tensor)


def test_state_of_the_optimiser_is_left_out(tiny: Tensors) -> None:
    slots = {"global_step": np.array(5), "bert/pooler/dense/kernel/adam_m": np.ones((2, 2))}
    assert to_huggingface(tiny | slots).keys() == to_huggingface(tiny).keys()


def test_unknown_variables_are_listed(tiny: Tensors) -> None:
    name = "bert/encoder/layer_shared/intermediate_3/dense/kernel"
    with pytest.raises(
        ModelError, match="1 of 32 names are no weights of brightmart's albert_zh: bert/encoder"
    ):
        to_huggingface(tiny | {name: np.ones((2, 2))})
