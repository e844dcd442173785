"""Texts as vectors: how tasks of one text each (bi-encoders) encode, learn and compare them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from litebert.errors import ModelError
from litebert.tasks import texts
from litebert.tasks.task import EXAMPLE, Target
from litebert.tasks.texts import Text
from litebert.text.encoding import Encoding, OnLong
from litebert.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor

Vectors = NDArray[np.float64]


class Role(IntEnum):
    """What a text is in its example."""

    ANCHOR = 0
    POSITIVE = 1
    NEGATIVE = 2


@dataclass(frozen=True, slots=True, eq=False)
class Part(Encoding):
    """A text of an example of several."""

    role: Role = Role.ANCHOR


def encode(text: str, role: Role, tokenizer: Tokenizer, limit: int, on_long: OnLong) -> list[Encoding]:
    """The text by itself, as one sequence or as its windows."""
    return [
        Part(one.ids, one.segments, one.spans, one.truncated, role)
        for one in texts.encode(Text(text), tokenizer, limit, on_long)
    ]


def role_of(encoding: Encoding) -> Role:
    """Of an encoding that `encode` made."""
    return encoding.role if isinstance(encoding, Part) else Role.ANCHOR


def target(encoding: Encoding, role: Role) -> Target:
    """What `contrast` reads: the role, and a number that alike texts share."""
    digest = blake2b(encoding.ids.tobytes(), digest_size=8).digest()
    return {"role": int(role), "text": np.frombuffer(digest, np.int64)[0]}


def merged(encodings: Sequence[Encoding], scores: Sequence[Mapping[str, NDArray[np.float32]]]) -> Vectors:
    """The vector of a text from those of its windows, each weighted by its pieces; of length 1."""
    rows = np.stack([score["embedding"] for score in scores]).astype(np.float64)
    if not np.isfinite(rows).all():
        raise ModelError("the model's vectors are not finite: its training diverged, or it is damaged")
    mean = texts.merge(encodings, rows)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)


def by_role(
    encodings: Sequence[Encoding], scores: Sequence[Mapping[str, NDArray[np.float32]]]
) -> dict[Role, Vectors]:
    """`merged` for the text of each role that there is."""
    roles = [role_of(encoding) for encoding in encodings]
    own = {role: [i for i, one in enumerate(roles) if one is role] for role in dict.fromkeys(roles)}
    return {role: merged([encodings[i] for i in at], [scores[i] for i in at]) for role, at in own.items()}


def contrast(vectors: Tensor, targets: Mapping[str, Tensor], temperature: float) -> Tensor:
    """How much nearer an anchor is to its positives than to every other text of the batch, as a loss.

    vectors: [S, H] of length 1. For each positive p of an anchor, -log(e^p / (e^p + Σ e^n)) with cosines over
    the temperature: its own negatives and all texts of other examples are the n, but those that say the same
    as it or as a positive of its own (InfoNCE, arXiv 1807.03748; in-batch negatives, arXiv 1705.00652).
    """
    import torch
    from torch.nn.functional import softplus

    role, example, text = targets["role"], targets[EXAMPLE], targets["text"]
    anchors, others = torch.nonzero(role == Role.ANCHOR)[:, 0], torch.nonzero(role != Role.ANCHOR)[:, 0]
    cosines = vectors[anchors] @ vectors[others].T / temperature
    own = example[anchors][:, None] == example[others]
    positive = own & (role[others] == Role.POSITIVE)
    alike = (text[others][:, None] == text[others]).float()
    same = (positive.float() @ alike > 0) | (text[anchors][:, None] == text[others])
    rival = ~positive & ~same
    against = cosines.masked_fill(~rival, -1e4).logsumexp(1, keepdim=True)
    return (softplus(against - cosines) * positive).sum() / positive.sum().clamp(min=1)
