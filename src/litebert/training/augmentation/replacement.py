"""Replacement: words in the place of others that the pretrained model holds likely there.

The model reads each text once, whole, and its masked-language head says what else might stand at each word.
The word is not hidden from it: what is proposed then keeps more of the meaning (arXiv 1907.00962, which hides
a part of it). Words that are one piece of the vocabulary are replaced, by such words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from litebert.engine.predictor import batches
from litebert.errors import UsageError
from litebert.model.hidden import Hidden
from litebert.model.packing import pack
from litebert.model.pretraining_heads import MaskedLanguage
from litebert.model_source import Source, dtype_of
from litebert.tasks.rewording import Change
from litebert.text.encoding import Encoding, join
from litebert.text.sentencepiece import MARK
from litebert.training.augmentation.augmentation import (
    Asked,
    Augmentation,
    Ground,
    Setting,
    by_words,
    picked,
)
from litebert.training.augmentation.cutting import cut

HEAD = "masked"
LIKELY = 6
"""How many of the likeliest pieces are looked at, the word itself among them."""
_AT_ONCE = 512
"""Words whose scores of the whole vocabulary are worked out together."""

Others = Mapping[str, tuple[Sequence[str], NDArray[np.float64]]]
"""Word → others, and up to which number from 0 to 1 each is drawn."""


def make(setting: Setting, ground: Ground) -> Augmentation:
    """rate: of the words. Raises `UsageError` for a model that was not pretrained so."""
    checkpoint = ground.source.checkpoint
    if checkpoint is None or not checkpoint.head(HEAD):
        raise UsageError(
            f"--augment {setting.name} asks the model what else might stand in a place, but "
            f"{ground.source.name} has no masked-language head; leave out --model to take one that has"
        )
    found = _Found(ground)

    def replacement(number: int, draw: Generator) -> Change:
        others = found.others[number]

        def choose(words: Sequence[str], free: Sequence[int], draw: Generator) -> Mapping[int, str]:
            known = [i for i in free if words[i] in others]
            return {i: _drawn(*others[words[i]], draw) for i in picked(known, setting.rate, draw)}

        return by_words(choose, draw)

    return replacement


def _drawn(words: Sequence[str], edges: NDArray[np.float64], draw: Generator) -> str:
    return words[min(int(np.searchsorted(edges, draw.random(), side="right")), len(words) - 1)]


class _Found:
    """What might stand in the place of each word, worked out when it is first asked for."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._words = _Pieces(ground.source)

    @cached_property
    def others(self) -> list[Others]:
        """Of each example."""
        asked = list(self._ground.texts())
        flat = iter(self._of([one for several in asked for one in several]))
        return [{word: told for _ in several for word, told in next(flat).items()} for several in asked]

    def _of(self, asked: Sequence[Asked]) -> list[Others]:
        source = self._ground.source
        assert source.checkpoint is not None
        encoder = source.checkpoint.build().eval()
        encoder.dtype = dtype_of("auto")
        head = MaskedLanguage(source.config)
        head.load_state_dict(source.checkpoint.head(HEAD))
        head.tied_to(encoder.embeddings).eval()
        encodings = [_encoding(one, source) for one in asked]
        found: list[Others] = [{}] * len(asked)
        for members in batches([len(one) for one in encodings]):
            with torch.inference_mode():
                hidden = encoder(pack([encodings[i] for i in members]), "pieces")
                several = self._batch(head, hidden, [(encodings[i], asked[i]) for i in members])
                for i, others in zip(members, several, strict=True):
                    found[i] = others
        return found

    def _batch(
        self, head: MaskedLanguage, hidden: Hidden, members: Sequence[tuple[Encoding, Asked]]
    ) -> Iterator[Others]:
        places = [self._words.places(encoding, asked) for encoding, asked in members]
        begins = np.cumsum([0, *(len(encoding) for encoding, _ in members)])
        at = np.concatenate([where + begin for where, begin in zip(places, begins, strict=False)])
        ids, odds = _likely(head, hidden, at)
        own = np.split(np.arange(len(at)), np.cumsum([len(where) for where in places])[:-1])
        for (encoding, asked), where, rows in zip(members, places, own, strict=True):
            words = [asked.text[start:end] for start, end in encoding.spans[where].tolist()]
            yield self._words.others(words, encoding.ids[where], ids[rows], odds[rows])


def _likely(
    head: MaskedLanguage, hidden: Hidden, at: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The likeliest pieces at each place, and how likely they are, [n, LIKELY] both."""
    ids, odds = np.empty((len(at), LIKELY), np.int64), np.empty((len(at), LIKELY))
    for start in range(0, len(at), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        top = head(hidden, torch.from_numpy(at[some]))["vocabulary"].softmax(dim=1).topk(LIKELY, dim=1)
        ids[some], odds[some] = top.indices.numpy(), top.values.double().numpy()
    return ids, odds


def _encoding(asked: Asked, source: Source) -> Encoding:
    pieces = source.tokenizer.encode(asked.text)
    (encoding,) = join(source.tokenizer, pieces, limit=source.config.positions)
    return encoding


class _Pieces:
    """Which pieces of a vocabulary are words."""

    def __init__(self, source: Source) -> None:
        tokenizer = source.tokenizer
        self._tokenizer = tokenizer
        self._whole = {
            id: word
            for id in range(tokenizer.size)
            if (word := tokenizer.decode([id]).strip()) and word.isalnum()
        }
        self._begins = {id: tokenizer.piece(id).startswith(MARK) for id in self._whole}
        self._inside = {id for id in self._whole if tokenizer.piece(id).startswith("##")}

    def places(self, encoding: Encoding, asked: Asked) -> NDArray[np.int64]:
        """Of the pieces that are just one word of the text."""
        bounds = cut(asked.text) if asked.words is None else asked.words
        words = set(map(tuple, bounds.tolist()))
        pieces = zip(encoding.ids.tolist(), map(tuple, encoding.spans.tolist()), strict=True)
        found = [at for at, (id, span) in enumerate(pieces) if span in words and id in self._whole]
        return np.array(found, dtype=np.int64)

    def others(
        self,
        words: Sequence[str],
        own: NDArray[np.int32],
        ids: NDArray[np.int64],
        odds: NDArray[np.float64],
    ) -> Others:
        """For each word the likely pieces that are words, begin like it and are not it."""
        found: dict[str, tuple[Sequence[str], NDArray[np.float64]]] = {}
        for word, is_id, row, chances in zip(words, own.tolist(), ids.tolist(), odds, strict=True):
            fits = [
                i
                for i, id in enumerate(row)
                if id in self._whole
                and id not in self._inside
                and self._begins[id] == self._begins[is_id]
                and self._whole[id] != self._whole[is_id]
            ]
            if fits:
                edges = np.cumsum(chances[fits])
                found[word] = [self._whole[row[i]] for i in fits], edges / edges[-1]
        return found
