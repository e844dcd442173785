"""Google's TF1 checkpoints of ALBERT and BERT, and brightmart's, as a `Checkpoint`; Google's also written.

Between the two stand Hugging Face's names and keys (`tensorflow.py`, `brightmart.py`, `google_config.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from litebert.durable import replace_json
from litebert.errors import ModelError
from litebert.model.checkpoints import brightmart, bundle, tensorflow
from litebert.model.checkpoints.bundle.prefix import find
from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.checkpoints.files import read_json
from litebert.model.checkpoints.google_config import config_from_google, config_to_google
from litebert.model.checkpoints.huggingface import assemble, encoder_to_tensors, multiplied_out
from litebert.model.checkpoints.huggingface_config import (
    config_from_huggingface,
    config_to_huggingface,
    plan_of,
)
from litebert.model.checkpoints.huggingface_names import family_of, head_names
from litebert.model.checkpoints.orders import Family, Plan, plan_for
from litebert.model.checkpoints.weights import finite

CONFIGS: Mapping[Family, str] = {"albert": "albert_config.json", "bert": "bert_config.json"}


def read_google(path: Path) -> Checkpoint:
    """A checkpoint by its folder, its prefix or one of its files, with the config that lies beside it.

    Raises `ModelError` for what is missing, damaged, or of no place in the model.
    """
    prefix = find(path)
    raw = config_from_google(read_json(config_beside(prefix)))
    variables = _variables(prefix)
    late = brightmart.is_brightmart(variables)
    renamed = (brightmart if late else tensorflow).to_huggingface(variables)
    tensors = {name: finite(prefix, name, torch.from_numpy(array)) for name, array in renamed.items()}
    plan = replace(plan_of(raw), rule="google")
    config = replace(config_from_huggingface(raw), attention=plan.order, feedforward=plan.order)
    return assemble(raw, replace(config, factor="late") if late else config, plan, tensors)


def write_google(prefix: Path, checkpoint: Checkpoint) -> None:
    """A checkpoint that Google's code reads, with its config beside it.

    A plan that Google's graph has not is written in copies, brightmart's factors multiplied out. Raises
    `ModelError` for an activation or a map that is not in the graph.
    """
    config, encoder = multiplied_out(checkpoint.config, checkpoint.encoder)
    family = family_of(config)
    plan = plan_for(config, family, "google")
    raw = config_to_huggingface(config, "Model") | _sizes(plan, family)
    google = config_to_google(raw)
    tensors = encoder_to_tensors(config, encoder, plan, "ForPreTraining")
    names = head_names(family).items()
    tensors |= {theirs: checkpoint.heads[ours] for theirs, ours in names if ours in checkpoint.heads}
    arrays = {name: tensor.detach().numpy() for name, tensor in tensors.items()}
    bundle.write(prefix, tensorflow.to_tensorflow(arrays))
    replace_json(prefix.with_name(CONFIGS[family]), google)


def config_beside(prefix: Path) -> Path:
    """A checkpoint's config: by one of its usual names, or the only JSON there with an encoder's sizes.

    Raises `ModelError` if there is none, or several.
    """
    for name in CONFIGS.values():
        if (path := prefix.with_name(name)).is_file():
            return path
    found = [path for path in sorted(prefix.parent.glob("*config*.json")) if "hidden_size" in read_json(path)]
    if len(found) != 1:
        there = f"there are {', '.join(path.name for path in found)}" if found else "there is none"
        raise ModelError(f"{prefix}: a checkpoint needs its {CONFIGS['albert']} in the same folder; {there}")
    return found[0]


def _variables(prefix: Path) -> dict[str, NDArray[Any]]:
    """All but the optimiser's, which are twice as many again."""
    names = bundle.read_index(prefix).keys()
    left_out = set(tensorflow.skipped(names))
    return bundle.read(prefix, [name for name in names if name not in left_out])


def _sizes(plan: Plan, family: Family) -> dict[str, int]:
    if family == "bert":
        return {"num_hidden_layers": plan.layers}
    return {
        "num_hidden_layers": plan.layers,
        "num_hidden_groups": plan.groups,
        "inner_group_num": plan.inner,
    }
