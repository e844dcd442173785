"""Sequences at different depths in one call: they join as they come, and leave when they are sure.

Since every layer of ALBERT is the same block, one call of it serves those that have just come and those
that are nearly through. What has room is filled from the queue, so products stay large while sequences leave.
Where not all layers use one block, those wait together that have the same blocks before them.

An answer depends on its sequence alone, not on what joins or leaves beside it (within rounding).

Shapes: B sequences, N pieces, K scores.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litebert.engine.leaving import History, Judge, Rule
from litebert.model.packing import Packed, pack
from litebert.model.rounding import rounded
from litebert.model.staged import Staged, of_lengths
from litebert.text.encoding import Encoding

T = TypeVar("T")
Ints = NDArray[np.int64]

BUDGET = 8192
"""Pieces in one call, about: what waits together may be up to twice as many. More than the plain engine's,
since a call is also what is gathered and decided between two stages."""
_ROOM = 4
"""The queue is let in when the part 1 / `_ROOM` of the budget is free, or all of it fits."""


@dataclass(frozen=True, eq=False)
class _Group(Generic[T]):
    """Sequences that are worked out together, by rising length. states: [N, H], what fills up last."""

    tickets: list[T]
    states: Tensor
    lengths: Ints
    stages: Ints
    """Which each enters next."""
    history: History

    @property
    def pieces(self) -> int:
        return int(self.lengths.sum())

    @property
    def batch(self) -> Packed:
        return of_lengths(self.lengths, len(self.states))


class Scheduler(Generic[T]):
    """`join` what comes, and `step` as long as there is anything; each step gives those that left.

    A ticket is whatever the caller knows a sequence by. Not for several threads at once.
    """

    def __init__(self, staged: Staged, judge: Judge, rule: Rule, budget: int = BUDGET) -> None:
        self.staged, self.judge, self.rule, self.budget = staged, judge, rule, budget
        self.depths: dict[int, int] = {}
        """How many pieces have left after so many layers."""
        self._queue: deque[tuple[T, Encoding]] = deque()
        self._waiting: dict[int, list[_Group[T]]] = {}
        """By the kind of the stage that they enter next."""
        self._passed: dict[int, int] = {}
        """How often each kind has been passed over."""

    def __len__(self) -> int:
        """How many sequences have joined and not left."""
        groups = (group for groups in self._waiting.values() for group in groups)
        return len(self._queue) + sum(len(group.tickets) for group in groups)

    def join(self, ticket: T, encoding: Encoding) -> None:
        """From the next step on that has room."""
        self._queue.append((ticket, encoding))

    def step(self) -> list[tuple[T, NDArray[np.float32]]]:
        """One call of a stage: whoever left by it, with its scores [K]."""
        if not self:
            return []
        kind = self._next()
        left: list[tuple[T, NDArray[np.float32]]] = []
        with torch.inference_mode():
            groups = self._waiting.pop(kind, [])
            if kind == self.staged.kinds[0]:
                room = self.budget - sum(group.pieces for group in groups)
                for come in self._newcomers(room, alone=not groups):
                    left += self._leave(come)
                groups += self._waiting.pop(kind, [])
            return left + (self._through(kind, _together(groups)) if groups else [])

    def _next(self) -> int:
        """The kind with the most pieces, the deepest of equals; one that has been passed over for long before
        any other, so that nobody waits forever while others keep coming."""
        held = {kind: sum(g.pieces for g in groups) for kind, groups in self._waiting.items()}
        entry = self.staged.kinds[0]
        if self._queue:
            coming = sum(len(encoding) for _, encoding in self._queue)
            held[entry] = min(held.get(entry, 0) + coming, max(self.budget, held.get(entry, 0)))
        late = [kind for kind in held if self._passed.get(kind, 0) > 2 * len(self.staged)]
        chosen = max(late or held, key=lambda kind: (held[kind], kind))
        self._passed = {kind: self._passed.get(kind, 0) + 1 for kind in held if kind != chosen}
        return chosen

    def _newcomers(self, room: int, *, alone: bool) -> Iterator[_Group[T]]:
        """Whoever of the queue finds room for so many pieces. alone: if there is nobody else, so that one
        longer than any room gets in, too."""
        if not alone and room < self.budget // _ROOM and room < sum(len(one) for _, one in self._queue):
            return
        come: list[tuple[T, Encoding]] = []
        while self._queue and (len(self._queue[0][1]) <= room or (alone and not come)):
            come.append(self._queue.popleft())
            room -= len(come[-1][1])
        if come:
            come.sort(key=lambda one: len(one[1]))
            batch = pack([encoding for _, encoding in come])
            yield _Group(
                [ticket for ticket, _ in come],
                self.staged.enter(batch),
                np.array(batch.lengths, dtype=np.int64),
                np.zeros(len(come), dtype=np.int64),
                History.none(len(come), self.staged.outputs),
            )

    def _through(self, kind: int, group: _Group[T]) -> list[tuple[T, NDArray[np.float32]]]:
        """A group through a stage: those for whom it is the last are finished, the others come to an exit."""
        last = group.stages == len(self.staged) - 1
        left: list[tuple[T, NDArray[np.float32]]] = []
        if last.any():
            chosen = np.flatnonzero(last)
            ended = group if last.all() else _part(group, chosen)
            scores = self.staged.finish(kind, ended.states, ended.batch).numpy()
            left += self._gone(group, chosen, scores, len(self.staged))
        if not last.all():
            going = _part(group, np.flatnonzero(~last)) if last.any() else group
            after = self.staged.through(kind, going.states, going.batch)
            left += self._leave(replace(going, states=after, stages=going.stages + 1))
        return left

    def _leave(self, group: _Group[T]) -> list[tuple[T, NDArray[np.float32]]]:
        """A group at its exits: whoever is sure leaves, and the others wait for their next stages."""
        scores = self.staged.at_exit(group.states, group.batch, torch.from_numpy(group.stages)).numpy()
        leaves, history = self.judge.leaves(self.rule, scores, group.history)
        group = replace(group, history=history)
        if not leaves.all():
            self._wait(_part(group, np.flatnonzero(~leaves)) if leaves.any() else group)
        left: list[tuple[T, NDArray[np.float32]]] = []
        for exit in sorted(set(group.stages[leaves].tolist())):
            chosen = np.flatnonzero(leaves & (group.stages == exit))
            left += self._gone(group, chosen, scores[chosen], exit)
        return left

    def _gone(
        self, group: _Group[T], chosen: NDArray[np.intp], scores: NDArray[np.float32], exit: int
    ) -> list[tuple[T, NDArray[np.float32]]]:
        depth = self.staged.depths[exit]
        self.depths[depth] = self.depths.get(depth, 0) + int(group.lengths[chosen].sum())
        return [(group.tickets[i], row) for i, row in zip(chosen, scores, strict=True)]

    def _wait(self, group: _Group[T]) -> None:
        """A group for each kind of stage that its members enter next."""
        kinds = np.array(self.staged.kinds)[group.stages]
        if (kinds == kinds[0]).all():
            self._waiting.setdefault(int(kinds[0]), []).append(group)
            return
        for kind in sorted(set(kinds.tolist())):
            part = _part(group, np.flatnonzero(kinds == kind))
            self._waiting.setdefault(kind, []).append(part)


def _part(group: _Group[T], chosen: NDArray[np.intp]) -> _Group[T]:
    return _Group(
        [group.tickets[i] for i in chosen],
        group.states.index_select(0, _rows(group.lengths, chosen)),
        group.lengths[chosen],
        group.stages[chosen],
        group.history[chosen],
    )


def _together(groups: Sequence[_Group[T]]) -> _Group[T]:
    """As one, by rising length."""
    if len(groups) == 1:
        return groups[0]
    lengths = np.concatenate([group.lengths for group in groups])
    order = np.argsort(lengths, kind="stable")
    # What fills a group up counts as a sequence of its own, which is never chosen.
    spans = [np.append(group.lengths, len(group.states) - group.pieces) for group in groups]
    places = np.concatenate([np.arange(len(group.lengths)) for group in groups])
    befores = np.cumsum([0, *(len(span) for span in spans[:-1])])
    places += np.repeat(befores, [len(group.lengths) for group in groups])
    rows = _rows(np.concatenate(spans), places[order])
    tickets = [ticket for group in groups for ticket in group.tickets]
    return _Group(
        [tickets[i] for i in order],
        torch.cat([group.states for group in groups]).index_select(0, rows),
        lengths[order],
        np.concatenate([group.stages for group in groups])[order],
        History(
            np.concatenate([group.history.before for group in groups])[order],
            np.concatenate([group.history.stayed for group in groups])[order],
        ),
    )


def _rows(lengths: Ints, chosen: NDArray[np.intp]) -> Tensor:
    """The pieces of the chosen sequences, int64 [n], filled up with piece 0 to one of a few numbers."""
    starts = np.cumsum(lengths) - lengths
    kept = lengths[chosen]
    begins = np.cumsum(kept) - kept
    rows = np.repeat(starts[chosen] - begins, kept) + np.arange(kept.sum())
    filled = rounded(len(rows), steps=8, least=32)
    return torch.from_numpy(np.pad(rows, (0, filled - len(rows))))
