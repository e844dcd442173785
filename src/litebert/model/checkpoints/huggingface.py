"""Hugging Face's tensors, ALBERT's and BERT's, and a `Checkpoint`: both ways.

What Hugging Face cannot express is written so that `transformers` gives the same outputs all the same: a
block that we share and it does not stands there in copies, and brightmart's two tables are multiplied out.
Our keys in `config.json` (`huggingface_config.OWN`) lead back to the shared form if the copies still are.
Blocks that were made smaller are filled up (`widening.py`), but in files of our own alone.

Tensors are under Hugging Face's names throughout, also as the half-way house for other formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from litebert.errors import ModelError
from litebert.model.checkpoints.checkpoint import Checkpoint, LoadReport, Tensors, check_shape, shapes
from litebert.model.checkpoints.huggingface_config import (
    architecture_of,
    config_from_huggingface,
    config_to_huggingface,
    labels_of,
    model_type,
    own_order,
    plan_of,
    problem_of,
)
from litebert.model.checkpoints.huggingface_names import (
    HEADS,
    LABELLED,
    TABLES,
    WITHOUT_POOLER,
    encoder_names,
    family_of,
    head_names,
)
from litebert.model.checkpoints.orders import Family, Plan, plan_for
from litebert.model.checkpoints.widening import narrowed, widened
from litebert.model.config import EncoderConfig

OWN_HEAD = ("decoder.", "answer.", "crf.")
"""How the names of heads begin that Hugging Face's classes have not: they stand beside the bare encoder."""
MAP = "encoder.embedding_hidden_mapping_in"
WORDS = "embeddings.words.weight"
FACTOR = "embeddings.factor.weight"
OLD_NORM = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
"""In files made by the first scripts, among them bert-base-uncased's own."""
CONSTANTS = ("embeddings.position_ids", "embeddings.token_type_ids")
"""Buffers that old versions saved."""


@dataclass(frozen=True, eq=False)
class EncoderWeights:
    """What `tensors_to_encoder` gives: the config as the weights bear it out, and the encoder's parameters.

    rest: the tensors that are none of them, by their names without prefix.
    """

    config: EncoderConfig
    tensors: dict[str, Tensor]
    rest: dict[str, Tensor]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def from_huggingface(raw: Mapping[str, Any], tensors: Tensors, factors: Tensors | None = None) -> Checkpoint:
    """A `config.json` and its tensors. What does not fit together is in the report, or a `ModelError`.

    factors: what `multiplied_out` took apart, if the config says `"factor": "late"`.
    """
    config = config_from_huggingface(raw)
    plain = replace(config, factor="early", embedding=config.hidden) if config.factor == "late" else config
    filled = plain != plain.whole and not _is_own(plain, plan_of(raw), model_type(raw), tensors)
    checkpoint = assemble(raw, plain.whole if filled else plain, plan_of(raw), tensors)
    checkpoint = made_smaller(checkpoint, plain) if filled else checkpoint
    return taken_apart(checkpoint, config, factors or {}) if config.factor == "late" else checkpoint


def assemble(raw: Mapping[str, Any], config: EncoderConfig, plan: Plan, tensors: Tensors) -> Checkpoint:
    """What `from_huggingface` does, with a config and a plan that may say more than `raw`."""
    family = model_type(raw)
    found = tensors_to_encoder(config, tensors, plan, family)
    heads, unexpected, tied = _heads(found.rest, family, found.tensors[WORDS])
    architecture, unknown = _architecture(raw, heads)
    check_heads(found.config, architecture, heads, labels := labels_of(raw))
    missing = (*found.missing, *_missing_heads(architecture, heads, family))
    notes = (*_disagreement(raw, config), *found.notes, *tied, *unknown)
    report = LoadReport(missing, unexpected, notes)
    return Checkpoint(found.config, found.tensors, heads, architecture, labels, problem_of(raw), report)


def to_huggingface(
    checkpoint: Checkpoint, *, pad: int = 0, own: bool = False
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A `config.json` and the tensors for it. Raises `ModelError` if a weight is missing or misshapen.

    own: for a file that litebert alone reads, in which blocks are as small as they are.
    """
    config, family = checkpoint.config, family_of(checkpoint.config)
    check_heads(config, checkpoint.architecture, checkpoint.heads, checkpoint.labels)
    rows = checkpoint.heads.get("classifier.weight")
    raw = config_to_huggingface(
        config,
        checkpoint.architecture,
        checkpoint.labels,
        outputs=None if rows is None else rows.shape[0],
        problem=checkpoint.problem,
        pad=pad,
    )
    plain, encoder = _unfactored(config, checkpoint.encoder)
    plain, encoder = (plain, encoder) if own else widened(plain, encoder)
    tensors = encoder_to_tensors(plain, encoder, plan_for(plain, family), checkpoint.architecture)
    theirs = {ours: name for name, ours in head_names(family, checkpoint.architecture).items()}
    if missing := theirs.keys() - checkpoint.heads.keys():
        raise ModelError(f"{checkpoint.architecture} needs {', '.join(sorted(missing))}")
    further = {name: tensor for name, tensor in checkpoint.heads.items() if name.startswith(OWN_HEAD)}
    known = {name: checkpoint.heads[ours] for ours, name in theirs.items()}
    return raw, tensors | {name: tensor.contiguous() for name, tensor in {**known, **further}.items()}


def tensors_to_encoder(config: EncoderConfig, tensors: Tensors, plan: Plan, family: Family) -> EncoderWeights:
    """The encoder's parameters among `tensors`, with the prefix `albert.` or `bert.` or without.

    Copies of a block must be equal; where they are not, the encoder is read with a block for each, and a note
    says so. Raises `ModelError` for a misshapen tensor, and for a missing one other than the pooler's, which
    many classes of `transformers` do without.
    """
    rest = _bare(tensors, family)
    config, notes = _with_map(config, rest)
    names = encoder_names(config, plan, family)
    if differing := _differing(names, rest):
        config = replace(config, attention=plan.order, feedforward=plan.order)
        names = encoder_names(config, plan, family)
        notes = (*notes, f"blocks that the config says are one differ ({differing}): each is read by itself")
    _check(names, rest, config)
    missing = tuple(name for name in names if name not in rest)
    if missing and not all(names[name].startswith("pooler.") for name in missing):
        raise ModelError(f"the checkpoint lacks weights of the encoder: {_some(missing)}")
    found = {ours: rest.pop(theirs) for theirs, ours in names.items() if theirs in rest}
    return EncoderWeights(config, found, rest, missing, notes)


def encoder_to_tensors(
    config: EncoderConfig, encoder: Tensors, plan: Plan, architecture: str = "Model"
) -> dict[str, Tensor]:
    """The encoder's parameters as a class of `transformers` has them: copies made, the pooler left out where
    it has none, and where E = H a map that does nothing, which ALBERT's classes always apply.
    """
    family = family_of(config)
    prefix = "" if architecture == "Model" else TABLES[family].prefix
    names = encoder_names(config, plan, family)
    if architecture in WITHOUT_POOLER:
        names = {theirs: ours for theirs, ours in names.items() if not ours.startswith("pooler.")}
    if missing := set(names.values()) - encoder.keys():
        raise ModelError(f"the encoder lacks {_some(sorted(missing))}")
    for ours in set(names.values()):
        check_shape(ours, encoder[ours], shapes(config)[ours])
    tensors = {prefix + theirs: encoder[ours].detach().contiguous() for theirs, ours in names.items()}
    if family == "albert" and not config.factored:
        identity = {f"{MAP}.weight": torch.eye(config.hidden), f"{MAP}.bias": torch.zeros(config.hidden)}
        tensors |= {prefix + name: tensor for name, tensor in identity.items()}
    return tensors


def multiplied_out(config: EncoderConfig, encoder: Tensors) -> tuple[EncoderConfig, Tensors]:
    """The encoder as other formats can have it: brightmart's words [V, E] and factor [H, E] as one table
    [V, H], which is an encoder with E = H, and blocks that were made smaller filled up."""
    return widened(*_unfactored(config, encoder))


def _unfactored(config: EncoderConfig, encoder: Tensors) -> tuple[EncoderConfig, Tensors]:
    if config.factor != "late" or not config.factored:
        return replace(config, factor="early") if config.factor == "late" else config, encoder
    others = {name: tensor for name, tensor in encoder.items() if name not in (WORDS, FACTOR)}
    words = encoder[WORDS].detach() @ encoder[FACTOR].detach().T
    return replace(config, factor="early", embedding=config.hidden), {**others, WORDS: words}


def made_smaller(checkpoint: Checkpoint, config: EncoderConfig) -> Checkpoint:
    """The inverse of filling up blocks, if what was filled in is still what it was."""
    whole = checkpoint.config
    smaller = (
        replace(whole, block_heads=config.block_heads, block_units=config.block_units, ranks=config.ranks)
        if (whole.attention, whole.feedforward) == (config.attention, config.feedforward)
        else whole
    )
    encoder = narrowed(smaller, checkpoint.encoder)
    if encoder is not None and smaller != whole:
        return replace(checkpoint, config=smaller, encoder=encoder)
    note = "blocks that the config says were made smaller are not so any longer: they are read whole"
    report = replace(checkpoint.report, notes=(*checkpoint.report.notes, note))
    return replace(checkpoint, report=report)


def _is_own(config: EncoderConfig, plan: Plan, family: Family, tensors: Tensors) -> bool:
    """Whether the blocks stand there as small as they are, as in our own files."""
    bare, known = _bare(tensors, family), shapes(config)
    return all(
        theirs in bare and bare[theirs].shape == known[ours]
        for theirs, ours in encoder_names(config, plan, family).items()
        if ours.startswith(("attention.", "feedforward."))
    )


def taken_apart(checkpoint: Checkpoint, config: EncoderConfig, factors: Tensors) -> Checkpoint:
    """The inverse of `multiplied_out`, if `factors` still give the table that the checkpoint has."""
    wanted = shapes(config)
    fits = all(name in factors and factors[name].shape == wanted[name] for name in (WORDS, FACTOR))
    words = checkpoint.encoder[WORDS]
    if fits and torch.allclose(factors[WORDS] @ factors[FACTOR].T, words, rtol=1e-4, atol=1e-6):
        encoder = {**checkpoint.encoder, WORDS: factors[WORDS], FACTOR: factors[FACTOR]}
        late = replace(checkpoint.config, factor="late", embedding=config.embedding)
        return replace(checkpoint, config=late, encoder=encoder)
    note = f"the factors of the word table are {'others by now' if fits else 'not there'}: it is read whole"
    report = replace(checkpoint.report, notes=(*checkpoint.report.notes, note))
    return replace(checkpoint, report=report)


def check_heads(config: EncoderConfig, architecture: str, heads: Tensors, labels: Iterable[str]) -> None:
    """Raises `ModelError` for a head whose shapes are not by the config, the architecture or the labels."""
    h, v = config.hidden, config.vocabulary
    e = h if config.factor == "late" else config.embedding
    sizes: dict[str, tuple[int, ...]] = {
        "span.weight": (2, h),
        "span.bias": (2,),
        "order.weight": (2, h),
        "order.bias": (2,),
        "masked.dense.weight": (e, h),
        "masked.dense.bias": (e,),
        "masked.norm.weight": (e,),
        "masked.norm.bias": (e,),
        "masked.bias": (v,),
    }
    if classifier := [tensor for name, tensor in heads.items() if name.startswith("classifier.")]:
        rows = _rows(architecture, classifier[0], len(tuple(labels)))
        sizes |= {"classifier.weight": (rows, h), "classifier.bias": (rows,)}
    for name, tensor in heads.items():
        if not name.startswith(OWN_HEAD):
            check_shape(name, tensor, sizes[name])


def _rows(architecture: str, classifier: Tensor, labels: int) -> int:
    """How many rows a classifier should have, as far as anything says; else as many as it has."""
    if architecture == "ForMultipleChoice":
        return 1
    return labels if labels and architecture in LABELLED else classifier.shape[0]


def _bare(tensors: Tensors, family: Family) -> dict[str, Tensor]:
    """The tensors without prefix, constants and old names."""
    bare: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        new = name.removeprefix(TABLES[family].prefix)
        for old, now in OLD_NORM.items():
            new = new.removesuffix(old) + now if new.endswith(old) else new
        if new in CONSTANTS:
            continue
        if new in bare:
            raise ModelError(f"two tensors are {new}: with the prefix {TABLES[family].prefix!r}, and without")
        bare[new] = tensor
    return bare


def _with_map(config: EncoderConfig, rest: dict[str, Tensor]) -> tuple[EncoderConfig, tuple[str, ...]]:
    """Where E = H, whether there is a map after all. One that does nothing is taken out of `rest`."""
    weight, bias = rest.get(f"{MAP}.weight"), rest.get(f"{MAP}.bias")
    if config.embedding != config.hidden or config.factor == "late":
        return config, ()
    if weight is None or bias is None:
        return replace(config, factor="early"), ()
    check_shape(f"{MAP}.weight", weight, (config.hidden, config.hidden))
    if bias.any() or not torch.equal(weight, torch.eye(config.hidden, dtype=weight.dtype)):
        return replace(config, factor="always"), ()
    del rest[f"{MAP}.weight"], rest[f"{MAP}.bias"]
    return replace(config, factor="early"), ()


def _differing(names: Mapping[str, str], tensors: Tensors) -> str:
    """Two names of one parameter whose tensors differ, or nothing."""
    first: dict[str, str] = {}
    for theirs, ours in names.items():
        kept = first.setdefault(ours, theirs)
        if kept in tensors and theirs in tensors and not torch.equal(tensors[kept], tensors[theirs]):
            return f"{kept} and {theirs}"
    return ""


def _check(names: Mapping[str, str], tensors: Tensors, config: EncoderConfig) -> None:
    known = shapes(config)
    for theirs, ours in names.items():
        if theirs in tensors:
            check_shape(theirs, tensors[theirs], known[ours])


def _heads(
    rest: Tensors, family: Family, words: Tensor
) -> tuple[dict[str, Tensor], tuple[str, ...], tuple[str, ...]]:
    """The heads' tensors by our names, the names left over, and notes."""
    table, names = TABLES[family], head_names(family)
    matrix, bias = f"{table.decoder}.weight", f"{table.decoder}.bias"
    if bias in rest and table.masked_bias not in rest:
        names |= {bias: "masked.bias"}
    names |= {name: name for name in rest if name.startswith(OWN_HEAD)}
    heads = {names[theirs]: tensor for theirs, tensor in rest.items() if theirs in names}
    tied = {matrix: words, bias: heads.get("masked.bias")}
    untied = [name for name in tied if name in rest and not _equal(rest[name], tied[name])]
    left = tuple(name for name in rest if name not in names and (name not in tied or name in untied))
    notes = tuple(f"{name} is not the weight that it is tied to, so it is left out" for name in untied)
    return heads, left, notes


def _equal(one: Tensor, other: Tensor | None) -> bool:
    return other is not None and torch.equal(one, other)


def _architecture(raw: Mapping[str, Any], heads: Tensors) -> tuple[str, tuple[str, ...]]:
    """What the config says, or else what heads there are; and a note if it says what is not known."""
    named = architecture_of(raw)
    if named is not None and named in HEADS:
        return named, ()
    there = {name.split(".")[0] for name in heads}
    found = next((a for a, wanted in HEADS.items() if wanted and there.issuperset(wanted)), "Model")
    if named is None:
        return found, ()
    return found, (f"the class {named!r} is not known here; by its weights it is read as {found}",)


def _missing_heads(architecture: str, heads: Tensors, family: Family) -> tuple[str, ...]:
    wanted = head_names(family, architecture)
    return tuple(theirs for theirs, ours in wanted.items() if ours not in heads)


def _disagreement(raw: Mapping[str, Any], config: EncoderConfig) -> tuple[str, ...]:
    """A note if our own orders in the config do not fit Hugging Face's keys."""
    given = (own_order(raw, "attention"), own_order(raw, "feedforward"))
    if given == (None, None) or given == (config.attention, config.feedforward):
        return ()
    return (
        "the orders 'attention' and 'feedforward' in the config do not fit its num_hidden_layers, "
        "num_hidden_groups and inner_group_num, which are taken instead",
    )


def _some(names: Iterable[str], shown: int = 6) -> str:
    listed = list(names)
    return ", ".join(listed[:shown]) + (f" and {len(listed) - shown} more" if len(listed) > shown else "")
