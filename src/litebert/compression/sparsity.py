"""Single weights set to zero: for the size of the packed file, not for speed.

Of each row of a block's matrices those go that add least, |w| times the root mean square of what it is
multiplied with (arXiv 2306.11695). No processor kernel here is faster for it (docs/compression.md has the
figures), so the matrices stay whole in memory; zeros are what the packed file saves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from litebert.compression.moments import Seen
from litebert.compression.subject import Subject
from litebert.errors import UsageError

READ = {"query": "qkv", "key": "qkv", "value": "qkv"}
"""Under which name `moments.py` has what reaches a matrix, where it is not the matrix's own."""


def apply(subject: Subject, share: float, seen: Seen) -> Subject:
    """With that share of the weights of each row zero. Raises `UsageError` for one that is none."""
    if not 0 < share < 1:
        raise UsageError(
            f"sparsity must be between 0 and 1, the share of weights that become zero, but is {share}"
        )
    moments = seen.moments(subject)
    changed = {
        name: _sparse(weight, moments.of(read).diagonal()[:-1], share)
        for name, weight, read in _matrices(subject)
    }
    return replace(subject, encoder={**subject.encoder, **changed})


def ladder(subject: Subject) -> Iterator[float]:
    """None of itself: it is for those who want the smallest file."""
    del subject
    yield from ()


def zeros(subject: Subject) -> float:
    """The share of zeros in the blocks' matrices."""
    weights = [weight for _, weight, _ in _matrices(subject)]
    return 1 - sum(int(w.count_nonzero()) for w in weights) / sum(w.numel() for w in weights)


def _matrices(subject: Subject) -> Iterator[tuple[str, Tensor, str]]:
    """Of the blocks, by their names, with the name of what reaches them."""
    for name, tensor in subject.encoder.items():
        room, _, rest = name.partition(".")
        if room in ("attention", "feedforward") and tensor.ndim == 2:
            block, matrix, _ = rest.split(".")
            read = READ.get(matrix, matrix)
            yield name, tensor, f"{room}.{block}.{read}"


def _sparse(weight: Tensor, squares: Tensor, share: float) -> Tensor:
    worth = weight.abs() * squares.sqrt().float()
    count = round(weight.shape[1] * share)
    least = worth.topk(count, dim=1, largest=False).indices if count else None
    return weight if least is None else weight.scatter(1, least, 0.0)
