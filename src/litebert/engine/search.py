"""Which text to write: the likeliest piece each time, a draw, or a search with beams.

What is found for a source depends on it and the settings alone, not on what else is in the batch: a source
that is finished leaves, a limit is the source's own, and a draw is a function of (seed, source, place).

Shapes: B sources, S beams, V pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from litebert.model.decoder import END
from litebert.model.stepping import Steps
from litebert.tasks.decoding import Decoding

BEGIN = 2
"""The piece that a text begins with, `[CLS]`."""
Stops = Callable[[Sequence[int]], bool]
_NEVER = -torch.inf


@dataclass(frozen=True)
class Begun:
    """Where a source's text begins. prefix: what it must begin with; most: pieces it may have, prefix
    included; key: what the source is told from others by."""

    prefix: tuple[int, ...]
    most: int
    key: bytes


@dataclass(frozen=True)
class Found:
    """A text, without its prefix and its end. copied: the place in the source looked at most, by piece."""

    ids: tuple[int, ...]
    logarithm: float
    copied: tuple[int, ...] = ()


@dataclass
class _Text:
    """A text that is being written."""

    ids: list[int] = field(default_factory=list)
    copied: list[int] = field(default_factory=list)
    logarithm: float = 0.0

    def longer(self, piece: int, place: int, logarithm: float) -> _Text:
        return _Text([*self.ids, piece], [*self.copied, place], logarithm)


def search(
    steps: Steps, begun: Sequence[Begun], decoding: Decoding, stops: Stops | None = None
) -> list[Found]:
    """A text for each source, in their order."""
    if steps.beams > 1:
        return _Beams(steps, begun, decoding, stops).run()
    return _Line(steps, begun, decoding, stops).run()


class _Search:
    """What both ways share: rows of texts, and which sources they are for."""

    def __init__(self, steps: Steps, begun: Sequence[Begun], decoding: Decoding, stops: Stops | None) -> None:
        self.steps, self.begun, self.decoding, self.stops = steps, begun, decoding, stops
        self.sources = list(range(len(begun)))
        """Those that are not finished, in the order of the rows."""
        self.found: dict[int, Found] = {}

    def next(self, texts: Sequence[_Text]) -> Tensor:
        """ln p of what may come next in each row, [rows, V]; what must come has it all."""
        last = torch.tensor([text.ids[-1] if text.ids else BEGIN for text in texts])
        likely = self.steps(last)
        at = self.steps.written - 1
        beams = self.steps.beams
        for row, text in enumerate(texts):
            begun = self.begun[self.sources[row // beams]]
            must = begun.prefix[at] if at < len(begun.prefix) else END if at >= begun.most else None
            if must is not None:
                self._only(likely[row], must)
            elif self.decoding.no_repeat:
                banned = _repeats(text.ids[len(begun.prefix) :], self.decoding.no_repeat)
                likely[row, banned] = _NEVER
        return likely

    def places(self) -> list[int]:
        """For each row the place in the source that was looked at most."""
        rows = len(self.sources) * self.steps.beams
        return [0] * rows if self.steps.pointed is None else self.steps.pointed.tolist()

    def ends(self, source: int, text: _Text) -> bool:
        """Whether a stop word has been written."""
        own = text.ids[len(self.begun[source].prefix) :]
        return self.stops is not None and bool(own) and self.stops(own)

    def finish(self, source: int, text: _Text) -> None:
        start = len(self.begun[source].prefix)
        self.found[source] = Found(tuple(text.ids[start:]), text.logarithm, tuple(text.copied[start:]))

    def drop_finished(self, parents: Tensor) -> list[int]:
        """Leaves the finished sources out of what is worked on, and gives the places of the others; parents:
        the row that each row goes on from, int64 [B·S]."""
        kept = [place for place, source in enumerate(self.sources) if source not in self.found]
        self.sources = [self.sources[place] for place in kept]
        if kept:
            chosen = torch.tensor(kept)
            rows = parents.view(-1, self.steps.beams)[chosen].flatten()
            self.steps.select(rows, chosen if len(kept) < parents.numel() // self.steps.beams else None)
        return kept

    @staticmethod
    def _only(likely: Tensor, piece: int) -> None:
        """What must come is no merit: it costs nothing, but to end."""
        cost = likely[piece].item() if piece == END else 0.0
        likely.fill_(_NEVER)
        likely[piece] = cost


class _Line(_Search):
    """One text for each source: the likeliest piece each time, or a draw."""

    def run(self) -> list[Found]:
        texts = {source: _Text() for source in self.sources}
        draws = {source: _draws(self.begun[source], self.decoding) for source in self.sources}
        while self.sources:
            likely = self.next([texts[source] for source in self.sources])
            at = self.steps.written - 1
            chosen = self._chosen(likely, [draws[source][at] for source in self.sources])
            logarithms = likely.gather(1, chosen[:, None])[:, 0].tolist()
            for source, piece, cost, place in zip(
                self.sources, chosen.tolist(), logarithms, self.places(), strict=True
            ):
                text = texts[source]
                text.logarithm += cost
                if piece != END:
                    text.ids.append(piece)
                    text.copied.append(place)
                if piece == END or self.ends(source, text):
                    self.finish(source, text)
            if any(source in self.found for source in self.sources):
                self.drop_finished(torch.arange(len(self.sources)))
        return [self.found[source] for source in range(len(self.begun))]

    def _chosen(self, likely: Tensor, draws: Sequence[float]) -> Tensor:
        """int64 [rows]."""
        if not self.decoding.temperature:
            return likely.argmax(-1)
        scaled, order = (likely / self.decoding.temperature).sort(dim=-1, descending=True, stable=True)
        if self.decoding.top_k:
            scaled[:, self.decoding.top_k :] = _NEVER
        shares = torch.softmax(scaled.double(), -1)
        before = shares.cumsum(-1) - shares
        shares = torch.where(before < self.decoding.top_p, shares, 0.0)
        wanted = torch.tensor(draws, dtype=torch.float64)[:, None] * shares.sum(-1, keepdim=True)
        place = (shares.cumsum(-1) <= wanted).sum(-1, keepdim=True).clamp(max=likely.shape[1] - 1)
        drawn: Tensor = order.gather(1, place)[:, 0]
        return drawn


class _Beams(_Search):
    """Several texts for each source at once. A source is finished when as many texts have ended as it has
    beams, and the best of those by ln p over a power of the length is its text."""

    def run(self) -> list[Found]:
        beams = self.steps.beams
        texts = {source: [_Text() for _ in range(beams)] for source in self.sources}
        ended: dict[int, list[_Text]] = {source: [] for source in self.sources}
        scores = torch.full((len(self.sources), beams), _NEVER)
        scores[:, 0] = 0.0
        while self.sources:
            rows = [text for source in self.sources for text in texts[source]]
            likely = self.next(rows).view(len(self.sources), beams, -1)
            values, at = (scores[:, :, None] + likely).flatten(1).topk(2 * beams)
            scores, parents = self._go_on(texts, ended, values, at, likely.shape[2])
            scores = scores[self.drop_finished(parents)]
        return [self.found[source] for source in range(len(self.begun))]

    def _go_on(
        self,
        texts: dict[int, list[_Text]],
        ended: dict[int, list[_Text]],
        values: Tensor,
        at: Tensor,
        size: int,
    ) -> tuple[Tensor, Tensor]:
        """The beams' next scores [B, S], and the row that each comes from [B·S]; finishes sources."""
        beams, places = self.steps.beams, self.places()
        scores = torch.full((len(self.sources), beams), _NEVER)
        parents = torch.arange(len(self.sources) * beams)
        everything = zip(self.sources, values.tolist(), at.tolist(), strict=True)
        for b, (source, value, which) in enumerate(everything):
            first = b * beams
            longer = [(score, *divmod(number, size)) for score, number in zip(value, which, strict=True)]
            fresh = self._grown(source, texts[source], ended[source], longer, places[first : first + beams])
            for n, (parent, text) in enumerate(fresh):
                scores[b, n], parents[first + n] = text.logarithm, first + parent
            texts[source] = [*(text for _, text in fresh), *[_Text([END])] * (beams - len(fresh))]
            if len(ended[source]) >= beams or not fresh:
                self.finish(source, max(ended[source], key=lambda text: self._worth(source, text)))
        return scores, parents

    def _grown(
        self,
        source: int,
        texts: Sequence[_Text],
        ended: list[_Text],
        longer: Iterable[tuple[float, int, int]],
        places: Sequence[int],
    ) -> list[tuple[int, _Text]]:
        """The texts of a source that go on, at most as many as beams, each with the number of the one that it
        comes from; puts those that are at their end into `ended`.

        longer: the likeliest first, of each its ln p, the number of the text before it, and its last piece.
        """
        fresh: list[tuple[int, _Text]] = []
        for rank, (score, parent, piece) in enumerate(longer):
            if score == float("-inf") or len(fresh) == len(texts):
                continue
            text = texts[parent]
            after = text.longer(piece, places[parent], score)
            if piece == END and rank < len(texts):
                ended.append(_Text(text.ids, text.copied, score))
            elif piece != END and self.ends(source, after):
                ended.append(after)
            elif piece != END:
                fresh.append((parent, after))
        return fresh

    def _worth(self, source: int, text: _Text) -> float:
        """ln p over ((5 + n) / 6) to the length penalty, n the pieces that were chosen, the end included."""
        chosen = len(text.ids) - len(self.begun[source].prefix) + 1
        return text.logarithm / float(((5 + chosen) / 6) ** self.decoding.length_penalty)


def _draws(begun: Begun, decoding: Decoding) -> list[float]:
    """A number from 0 to 1 for each place of a source's text."""
    if not decoding.temperature:
        return [0.0] * (begun.most + 1)
    key = int.from_bytes(blake2b(begun.key, digest_size=8).digest(), "little")
    drawn: list[float] = (
        np.random.Generator(np.random.Philox(key=[decoding.seed, key])).random(begun.most + 1).tolist()
    )
    return drawn


def _repeats(ids: Sequence[int], size: int) -> list[int]:
    """The pieces that would make a run of `size` come twice."""
    if len(ids) < size:
        return []
    tail = tuple(ids[len(ids) - size + 1 :])
    runs = (tuple(ids[i : i + size]) for i in range(len(ids) - size + 1))
    return [run[-1] for run in runs if run[:-1] == tail]
