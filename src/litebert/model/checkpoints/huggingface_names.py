"""Our parameters' names and Hugging Face's: tables, read in both directions.

Source: transformers 5.23, `modeling_albert.py`, `modeling_bert.py`; google-research/albert, `modeling.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from litebert.errors import ModelError
from litebert.model.checkpoints.checkpoint import shapes
from litebert.model.checkpoints.orders import Family, Plan
from litebert.model.config import EncoderConfig

Names = Mapping[str, str]

EMBEDDINGS = {
    "embeddings.words": "embeddings.word_embeddings",
    "embeddings.positions": "embeddings.position_embeddings",
    "embeddings.segments": "embeddings.token_type_embeddings",
    "embeddings.norm": "embeddings.LayerNorm",
}
THIN_ATTENTION = {"qkv_thin": "qkv_thin", "output_thin": "output_thin"}
THIN_FEEDFORWARD = {"up_thin": "up_thin", "down_thin": "down_thin"}
"""Names of ours alone, of matrices that only encoders with `ranks` have; they stand in our own files."""


@dataclass(frozen=True)
class Table:
    """One family's names, ours to theirs. Modules have a `weight` and mostly a `bias`."""

    cls: str
    """How the names of transformers' classes begin."""
    prefix: str
    """Before the encoder's names in any class but the bare model."""
    once: Names
    block: str
    """What stands before the names in a block; `{group}` and `{inner}` are its numbers."""
    attention: Names
    feedforward: Names
    masked: Names
    masked_bias: str
    decoder: str
    """The masked-LM head's tied matrix: the word table under another name."""
    order: str


ALBERT = Table(
    cls="Albert",
    prefix="albert.",
    once={
        **EMBEDDINGS,
        "embeddings.factor": "encoder.embedding_hidden_mapping_in",
        "pooler.dense": "pooler",
    },
    block="encoder.albert_layer_groups.{group}.albert_layers.{inner}.",
    attention={
        "query": "attention.query",
        "key": "attention.key",
        "value": "attention.value",
        "output": "attention.dense",
        "norm": "attention.LayerNorm",
        **THIN_ATTENTION,
    },
    feedforward={"up": "ffn", "down": "ffn_output", "norm": "full_layer_layer_norm", **THIN_FEEDFORWARD},
    masked={"masked.dense": "predictions.dense", "masked.norm": "predictions.LayerNorm"},
    masked_bias="predictions.bias",
    decoder="predictions.decoder",
    order="sop_classifier.classifier",
)
BERT = Table(
    cls="Bert",
    prefix="bert.",
    once={**EMBEDDINGS, "pooler.dense": "pooler.dense"},
    block="encoder.layer.{group}.",
    attention={
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "output": "attention.output.dense",
        "norm": "attention.output.LayerNorm",
        **THIN_ATTENTION,
    },
    feedforward={
        "up": "intermediate.dense",
        "down": "output.dense",
        "norm": "output.LayerNorm",
        **THIN_FEEDFORWARD,
    },
    masked={
        "masked.dense": "cls.predictions.transform.dense",
        "masked.norm": "cls.predictions.transform.LayerNorm",
    },
    masked_bias="cls.predictions.bias",
    decoder="cls.predictions.decoder",
    order="cls.seq_relationship",
)
TABLES: Mapping[Family, Table] = {"albert": ALBERT, "bert": BERT}

HEADS: Mapping[str, tuple[str, ...]] = {
    "Model": (),
    "ForPreTraining": ("masked", "order"),
    "ForMaskedLM": ("masked",),
    "ForSequenceClassification": ("classifier",),
    "ForTokenClassification": ("classifier",),
    "ForMultipleChoice": ("classifier",),
    "ForQuestionAnswering": ("span",),
}
"""The heads of each architecture."""
LABELLED = ("ForSequenceClassification", "ForTokenClassification")
"""Those whose classifier has a row for each label."""
WITHOUT_POOLER = ("ForMaskedLM", "ForTokenClassification", "ForQuestionAnswering")


def family_of(config: EncoderConfig) -> Family:
    """Under whose names a config's weights are written: ALBERT's, if there is a map E → H."""
    if config.family == "lstm":
        raise ModelError("an LSTM has no names of Hugging Face's; its run's folder is what litebert reads")
    return "albert" if config.factored and config.factor != "late" else config.family


def encoder_names(config: EncoderConfig, plan: Plan, family: Family | None = None) -> dict[str, str]:
    """Their names (without prefix) to ours, which come as often as the plan has copies of a block."""
    table, modules = TABLES[family or family_of(config)], {}
    modules.update({theirs: ours for ours, theirs in table.once.items()})
    for (group, inner), a, f in zip(plan.applied, config.attention, config.feedforward, strict=True):
        block = table.block.format(group=group, inner=inner)
        modules.update({block + theirs: f"attention.{a}.{ours}" for ours, theirs in table.attention.items()})
        modules.update(
            {block + theirs: f"feedforward.{f}.{ours}" for ours, theirs in table.feedforward.items()}
        )
    known = shapes(config)
    pairs = ((theirs, ours, end) for theirs, ours in modules.items() for end in ("weight", "bias"))
    return {f"{theirs}.{end}": f"{ours}.{end}" for theirs, ours, end in pairs if f"{ours}.{end}" in known}


def head_names(family: Family, architecture: str | None = None) -> dict[str, str]:
    """Their names to ours, of one architecture's heads, or of all.

    `classifier` is one of three heads: the architecture tells which.
    """
    table = TABLES[family]
    modules = {"classifier": "classifier", "qa_outputs": "span", table.order: "order"}
    modules |= {theirs: ours for ours, theirs in table.masked.items()}
    pairs = ((theirs, ours, end) for theirs, ours in modules.items() for end in ("weight", "bias"))
    names = {f"{theirs}.{end}": f"{ours}.{end}" for theirs, ours, end in pairs}
    names[table.masked_bias] = "masked.bias"
    wanted = (
        {head for heads in HEADS.values() for head in heads} if architecture is None else HEADS[architecture]
    )
    return {theirs: ours for theirs, ours in names.items() if ours.split(".")[0] in wanted}
