"""Google's names and Hugging Face's: real lists of names, transformers' models, Google's graph in numpy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from litebert.errors import ModelError
from litebert.model.checkpoints import bundle
from litebert.model.checkpoints.google_config import config_from_google
from litebert.model.checkpoints.tensorflow import ALBERT, BERT, TIED, skipped, to_huggingface, to_tensorflow

Array = NDArray[Any]
Tensors = dict[str, Array]

SIZES = {
    "vocab_size": 50,
    "hidden_size": 24,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 16,
}
ALBERT_CONFIG = {
    **SIZES,
    "embedding_size": 8,
    "num_hidden_groups": 2,
    "inner_group_num": 2,
    "hidden_act": "gelu",
}
BERT_CONFIG = {**SIZES, "hidden_act": "relu"}
IDS = np.array([[2, 7, 49, 3, 11, 3]])
SEGMENTS = np.array([[0, 0, 0, 0, 1, 1]])


def transformers_model(config: dict[str, Any], head: str, *, meta: bool = False) -> Any:
    """transformers' own model of a config, with random weights or (on `meta`) with shapes alone."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    family = {"albert": "Albert", "bert": "Bert"}[config["model_type"]]
    keys = {key: value for key, value in config.items() if key != "model_type"}
    torch.manual_seed(0)
    with torch.device("meta" if meta else "cpu"):
        model = getattr(transformers, family + head)(getattr(transformers, f"{family}Config")(**keys))
    return model.eval()


def state(model: Any) -> Tensors:
    """A model's weights; biases and norms are not left at 0 and 1, where an exchange would not be seen."""
    random = np.random.default_rng(1)
    weights = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    for name, tensor in weights.items():
        if tensor.ndim == 1:
            tensor += random.normal(0, 0.3, tensor.shape).astype(np.float32)
        if name in TIED:
            weights[name] = weights[TIED[name]]
    return weights


def shapes(tensors: Any) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in tensors.items() if name not in TIED}


# Real names


@pytest.fixture(scope="module")
def google(data_folder: Path) -> Tensors:
    """Google's Chinese ALBERT-base: the real names and shapes, zeros for weights."""
    index = bundle.read_index(data_folder / "albert_ckpt_index" / "google_albert_base_zh")
    return {name: np.zeros(entry.shape, entry.dtype) for name, entry in index.items()}


def test_googles_real_names_become_those_of_transformers(google: Tensors, data_folder: Path) -> None:
    folder = data_folder / "albert_ckpt_index" / "google_albert_base_zh"
    config = config_from_google(json.loads((folder / "albert_config.json").read_text()))
    model = transformers_model(config, "ForPreTraining", meta=True)
    assert shapes(to_huggingface(google)) == shapes(model.state_dict())


def test_real_names_there_and_back(google: Tensors) -> None:
    back = to_tensorflow(to_huggingface(google))
    assert skipped(google) == ["global_step"]
    assert shapes(back) == shapes({name: t for name, t in google.items() if name != "global_step"})


def test_the_names_of_a_published_conversion(data_folder: Path) -> None:
    """voidful/albert_chinese_tiny, a masked-LM model converted from TensorFlow by others."""
    path = data_folder / "albert_ckpt_index" / "voidful_albert_chinese_tiny" / "key_shapes.json"
    published = {name: np.zeros(shape, np.float32) for name, shape in json.loads(path.read_text()).items()}
    variables = to_tensorflow(published)
    assert len(variables) == len(published) - len(TIED.keys() & published.keys())
    assert variables["bert/encoder/embedding_hidden_mapping_in/kernel"].shape == (128, 312)
    assert shapes(to_huggingface(variables)) == shapes(published)


# Meaning: Google's graph, written down from its source, gives what transformers' model gives


def dense(x: Array, weights: Tensors, name: str) -> Array:
    y: Array = x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
    return y


def norm(x: Array, weights: Tensors, name: str) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
    y: Array = scaled * weights[f"{name}/gamma"] + weights[f"{name}/beta"]
    return y


def gelu(x: Array) -> Array:
    y: Array = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return y


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def split(x: Array) -> Array:
    """[length, H] as [heads, length, H / heads]."""
    return x.reshape(len(x), SIZES["num_attention_heads"], -1).transpose(1, 0, 2)


def attend(x: Array, weights: Tensors, scope: str) -> Array:
    query, key, value = (split(dense(x, weights, f"{scope}/{part}")) for part in ("query", "key", "value"))
    logits = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
    exponents = np.exp(logits - logits.max(-1, keepdims=True))
    mixed: Array = exponents / exponents.sum(-1, keepdims=True) @ value
    return mixed.transpose(1, 0, 2).reshape(x.shape)


def albert_block(x: Array, weights: Tensors, scope: str) -> Array:
    attended = dense(
        attend(x, weights, f"{scope}/attention_1/self"), weights, f"{scope}/attention_1/output/dense"
    )
    x = norm(attended + x, weights, f"{scope}/LayerNorm")
    inner = gelu(dense(x, weights, f"{scope}/ffn_1/intermediate/dense"))
    return norm(
        dense(inner, weights, f"{scope}/ffn_1/intermediate/output/dense") + x, weights, f"{scope}/LayerNorm_1"
    )


def bert_block(x: Array, weights: Tensors, scope: str) -> Array:
    attended = dense(
        attend(x, weights, f"{scope}/attention/self"), weights, f"{scope}/attention/output/dense"
    )
    x = norm(attended + x, weights, f"{scope}/attention/output/LayerNorm")
    inner = relu(dense(x, weights, f"{scope}/intermediate/dense"))
    return norm(dense(inner, weights, f"{scope}/output/dense") + x, weights, f"{scope}/output/LayerNorm")


def embed(weights: Tensors) -> Array:
    words, positions, segments = (
        weights[f"bert/embeddings/{table}"]
        for table in ("word_embeddings", "position_embeddings", "token_type_embeddings")
    )
    x = words[IDS[0]] + positions[: IDS.shape[1]] + segments[SEGMENTS[0]]
    return norm(x, weights, "bert/embeddings/LayerNorm")


def albert_encode(weights: Tensors) -> Array:
    x = dense(embed(weights), weights, "bert/encoder/embedding_hidden_mapping_in")
    for layer in range(4):
        for inner in range(2):
            scope = f"bert/encoder/transformer/group_{int(layer / 4 * 2)}/inner_group_{inner}"
            x = albert_block(x, weights, scope)
    return x


def bert_encode(weights: Tensors) -> Array:
    x = embed(weights)
    for layer in range(4):
        x = bert_block(x, weights, f"bert/encoder/layer_{layer}")
    return x


def pretraining_scores(x: Array, weights: Tensors, act: Any) -> tuple[Array, Array]:
    """The masked-LM logits of every position, and the two of the sentence-pair head."""
    transformed = act(dense(x, weights, "cls/predictions/transform/dense"))
    transformed = norm(transformed, weights, "cls/predictions/transform/LayerNorm")
    words = (
        transformed @ weights["bert/embeddings/word_embeddings"].T + weights["cls/predictions/output_bias"]
    )
    pooled = np.tanh(dense(x[0], weights, "bert/pooler/dense"))
    head = "cls/seq_relationship/output_"
    return words, pooled @ weights[f"{head}weights"].T + weights[f"{head}bias"]


@pytest.mark.parametrize(
    ("config", "encode", "act", "pair"),
    [
        (ALBERT_CONFIG, albert_encode, gelu, "sop_logits"),
        (BERT_CONFIG, bert_encode, relu, "seq_relationship_logits"),
    ],
    ids=["albert", "bert"],
)
def test_googles_graph_agrees_with_transformers(
    config: dict[str, Any], encode: Any, act: Any, pair: str
) -> None:
    model = transformers_model(config_from_google(config), "ForPreTraining")
    import torch

    weights = state(model)
    model.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in weights.items()})
    with torch.no_grad():
        expected = model(torch.from_numpy(IDS), token_type_ids=torch.from_numpy(SEGMENTS))
    variables = {name: tensor.astype(np.float64) for name, tensor in to_tensorflow(weights).items()}
    words, order = pretraining_scores(encode(variables), variables, act)
    assert_allclose(words, expected.prediction_logits[0].numpy(), atol=1e-5)
    assert_allclose(order, expected[pair][0].numpy(), atol=1e-5)


# Other heads, both ways


@pytest.mark.parametrize("config", [ALBERT_CONFIG, BERT_CONFIG], ids=["albert", "bert"])
@pytest.mark.parametrize(
    "head",
    ["Model", "ForPreTraining", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification",
     "ForQuestionAnswering", "ForMultipleChoice"],
)  # fmt: skip
def test_every_head_comes_back(config: dict[str, Any], head: str) -> None:
    model = transformers_model(config_from_google(config), head)
    weights = state(model)
    back = to_huggingface(to_tensorflow(weights))
    prefix = f"{model.base_model_prefix}." if head == "Model" else ""
    assert shapes(back) == {prefix + name: shape for name, shape in shapes(weights).items()}
    for name, shape in shapes(weights).items():
        assert back[prefix + name].shape == tuple(shape)
        assert_array_equal(back[prefix + name], weights[name])


def test_the_answerability_head_of_squad_2() -> None:
    """The shapes are those of google-research/albert, squad_utils.py, for H = 4."""
    head: Tensors = {
        "start_logits/dense/kernel": np.ones((4, 1)),
        "start_logits/dense/bias": np.ones(1),
        "end_logits/dense_0/kernel": np.ones((8, 4)),
        "end_logits/LayerNorm/gamma": np.ones(4),
        "end_logits/dense_1/kernel": np.ones((4, 1)),
        "answer_class/dense_0/kernel": np.ones((8, 4)),
        "answer_class/dense_1/kernel": np.ones((4, 1)),
    }
    variables = albert_variables() | head
    found = to_huggingface(variables)
    assert found["end_logits.dense_0.weight"].shape == (4, 8)
    assert found["answer_class.dense_1.weight"].shape == (1, 4)
    assert set(to_tensorflow(found)) == set(variables)


# What is left out, tolerated, refused


def albert_variables() -> Tensors:
    scope = "bert/encoder/transformer/group_0/inner_group_0"
    return {
        "bert/embeddings/word_embeddings": np.arange(40.0, dtype=np.float32).reshape(10, 4),
        f"{scope}/attention_1/self/query/kernel": np.arange(16.0, dtype=np.float32).reshape(4, 4),
    }


def test_state_of_the_optimiser_is_left_out_and_can_be_listed() -> None:
    slots = [
        "bert/embeddings/word_embeddings/adam_m",
        "bert/embeddings/word_embeddings/lamb_v",
        "bert/embeddings/word_embeddings/Adam_1",
        "beta1_power",
        "global_step",
    ]
    variables = albert_variables() | {name: np.zeros(1) for name in slots}
    assert skipped(variables) == slots
    assert to_huggingface(variables).keys() == to_huggingface(albert_variables()).keys()


def test_the_prefix_of_tensorflow_hub() -> None:
    hub = {f"module/{name}": tensor for name, tensor in albert_variables().items()}
    assert to_huggingface(hub).keys() == to_huggingface(albert_variables()).keys()


def test_kernels_are_turned_and_lie_in_order() -> None:
    found = to_huggingface(albert_variables())
    query = found["albert.encoder.albert_layer_groups.0.albert_layers.0.attention.query.weight"]
    assert query[0].tolist() == [0, 4, 8, 12]
    assert query.flags.c_contiguous


def test_constants_of_old_files_are_left_out() -> None:
    weights = to_huggingface(albert_variables())
    old = weights | {"albert.embeddings.position_ids": np.arange(512)[None]}
    assert to_tensorflow(old).keys() == to_tensorflow(weights).keys()


def test_halves_become_floats() -> None:
    weights = {name: tensor.astype(np.float16) for name, tensor in to_huggingface(albert_variables()).items()}
    assert {tensor.dtype.name for tensor in to_tensorflow(weights).values()} == {"float32"}


def test_a_decoder_that_is_not_tied() -> None:
    weights = to_huggingface(albert_variables())
    words = weights["albert.embeddings.word_embeddings.weight"]
    assert to_tensorflow(weights | {"predictions.decoder.weight": words}).keys() == albert_variables().keys()
    with pytest.raises(ModelError, match=r"predictions\.decoder\.weight differs from albert\.embeddings"):
        to_tensorflow(weights | {"predictions.decoder.weight": words + 1})


def test_a_bias_under_its_second_name_only() -> None:
    weights = to_huggingface(albert_variables()) | {"predictions.decoder.bias": np.ones(10)}
    assert to_tensorflow(weights)["cls/predictions/output_bias"].tolist() == [1] * 10


@pytest.mark.parametrize("prefix", ["", "albert."])
def test_a_map_where_there_is_none_in_googles_graph(prefix: str) -> None:
    name = f"{prefix}encoder.embedding_hidden_mapping_in"
    weights = to_huggingface(albert_variables()) | {f"{name}.weight": np.eye(4), f"{name}.bias": np.zeros(4)}
    assert to_tensorflow(weights).keys() == albert_variables().keys()
    weights[f"{name}.weight"][0, 1] = 1
    with pytest.raises(ModelError, match="where E = H"):
        to_tensorflow(weights)


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (
            ["cls/new/kernel", "bert/pooler/dense/kern"],
            "2 of 4 names are no weights of Google's ALBERT: bert/pool",
        ),
        (["bert/encoder/transformer/group_01/inner_group_0/LayerNorm/beta"], "1 of 3 names"),
        (
            ["bert/encoder/transformer/group_0_1/layer_1/inner_group_0/layer_normalization_3/beta"],
            "norms of its own",
        ),
        ([f"x{at}" for at in range(15)], r"x0, .* and 3 more"),
    ],
)
def test_unknown_variables_are_listed(names: list[str], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        to_huggingface(albert_variables() | {name: np.ones(1) for name in names})


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("bert/encoder/layer_shared/attention/self/key/bias", "brightmart"),
        ("layer/kernel/.ATTRIBUTES/VARIABLE_VALUE", "TensorFlow 2 object checkpoint"),
        ("global_step", "neither an ALBERT encoder nor a BERT encoder"),
    ],
)
def test_other_kinds_of_checkpoint(name: str, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        to_huggingface({name: np.ones(1)})


def test_unknown_tensors_are_listed() -> None:
    weights = to_huggingface(albert_variables()) | {"lora.A": np.ones(1)}
    with pytest.raises(ModelError, match=r"1 of 3 names are no weights of Google's ALBERT: lora\.A"):
        to_tensorflow(weights)


def test_grouped_kernels_of_the_fast_models() -> None:
    name = "bert/encoder/transformer/group_0/inner_group_0/ffn_1/intermediate/dense/kernel"
    with pytest.raises(ModelError, match=r"\[16, 21, 84\], but should have 2 dimensions"):
        to_huggingface(albert_variables() | {name: np.ones((16, 21, 84))})


def test_two_names_for_one_weight() -> None:
    weights = to_huggingface(albert_variables())
    with pytest.raises(ModelError, match="another name both stand for bert/embeddings/word_embeddings"):
        to_tensorflow(weights | {"embeddings.word_embeddings.weight": np.ones((10, 4))})


@pytest.mark.parametrize("table", [ALBERT, BERT], ids=lambda table: table.architecture)
@given(st.data())
def test_every_rule_is_its_own_inverse(table: Any, data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(table.rules))
    numbers = {key: data.draw(st.integers(0, 30)) for key in ("group", "inner", "layer")}
    tensor = np.arange(6.0).reshape((2, 3) if rule.rank == 2 else (6,))
    name = rule.tensorflow.format(**numbers)
    (there,) = table.to_huggingface({name: tensor}).items()
    (back,) = table.to_tensorflow(dict([there])).items()
    assert back[0] == name
    assert_array_equal(back[1], tensor)


def test_no_two_rules_share_a_name() -> None:
    for table in (ALBERT, BERT):
        for side in ("tensorflow", "huggingface"):
            names = [getattr(rule, side) for rule in table.rules]
            assert len(set(names)) == len(names)
