"""ALBERT's English tokenizer, id for id as google-research/albert has it, with spans in the text as given.

The sentencepiece library finds the pieces. Most texts are all known pieces, whose lengths give the spans:
that is worked out for a whole batch at once. A text that SentencePiece's own normaliser changes goes a way of
its own, through the table by which that normaliser tells where each character came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from litebert import durable
from litebert.errors import ModelError
from litebert.text import huggingface, spiece
from litebert.text.limits import check, checked_chunks
from litebert.text.normalize import Ints, Normalized, Normalizer, Places
from litebert.text.pieces import Pieces
from litebert.text.tokenizer import Specials, Tokenizer

MARK = "▁"
"""How SentencePiece writes white space: before a word, as part of its first piece."""

ALBERT = Specials(pad="<pad>", unknown="<unk>")
"""The special pieces of every published ALBERT with a `spiece.model`."""

Ids = NDArray[np.int32]


class _Part(NamedTuple):
    """A piece in a text: its id, and the characters there that it covers, white space left out."""

    id: int
    start: int
    end: int


class SentencePieceTokenizer(Tokenizer):
    """`preprocess_text`, SentencePiece and the rule for digits and commas of google-research/albert.

    The rule (`encode_pieces` there): a piece that ends in a digit and a comma is taken apart into the pieces
    of its digits and a `,`.

    Args:
        model: the bytes of a `spiece.model`.
        do_lower_case: make all lower case, as every published ALBERT wants it.
        keep_accents: leave accents and composed characters as they are.
        specials: how the vocabulary writes its special pieces.

    Raises `ModelError` if the model is damaged, is not a unigram one, or lacks a special piece.
    """

    kind = "sentencepiece"

    def __init__(
        self,
        model: bytes,
        *,
        do_lower_case: bool = True,
        keep_accents: bool = False,
        specials: Specials = ALBERT,
    ) -> None:
        self.do_lower_case = do_lower_case
        self.keep_accents = keep_accents
        self.specials = specials
        self._normalizer = Normalizer(do_lower_case=do_lower_case, keep_accents=keep_accents)
        self._learn_vocabulary(model)
        self._learn_pieces()

    def _learn_vocabulary(self, model: bytes) -> None:
        vocabulary = spiece.read(model)
        self._ids = {piece: id for id, piece in enumerate(vocabulary.pieces)}
        self.size = len(vocabulary.pieces)
        self.cls, self.sep, self.pad, self.mask, self.unknown = self.specials.ids(self._ids)
        if vocabulary.kinds[self.unknown] != spiece.UNKNOWN:
            raise ModelError(f"{self.specials.unknown} is not the model's unknown piece")
        self._silent = {self.cls, self.sep, self.pad, self.mask}
        found = {vocabulary.pieces[id] for id in self._silent if vocabulary.kinds[id] != spiece.CONTROL}
        self.model = spiece.with_control(model, found) if found else model
        self.vocabulary = spiece.read(self.model) if found else vocabulary
        self._processor = _load(self.model)

    def _learn_pieces(self) -> None:
        """What is known of each piece before any text: its characters, what the comma rule makes of it."""
        pieces = self.vocabulary.pieces
        self._surfaces = np.array(pieces, dtype=object)
        self._lengths = np.array([len(piece) for piece in pieces], np.int64)
        self._inked = np.array([_inked(piece) for piece in pieces], np.int64)
        self._taken_apart = {
            id: self._take_apart(piece)
            for id, piece in enumerate(pieces)
            if spiece.ends_in_digit_comma(piece)
        }
        self._is_taken_apart = np.zeros(self.size, bool)
        self._is_taken_apart[list(self._taken_apart)] = True

    def encode(self, text: str) -> Pieces:
        check(text)
        return self._encode([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[Pieces]:
        result: list[Pieces] = []
        for chunk in checked_chunks(texts):
            result += self._encode(chunk)
        return result

    def _encode(self, given: list[str]) -> list[Pieces]:
        texts = list(map(self._normalizer, given))
        plain = [text.text for text in texts]
        rows = self._run(plain)
        ids, edges = _row(rows), _edges(map(len, rows))
        unknown = self._unknown_pieces(plain, ids, edges)
        surfaces, lengths = self._surfaces[ids], self._lengths[ids]
        surfaces[list(unknown)] = list(unknown.values())
        lengths[list(unknown)] = [len(surface) for surface in unknown.values()]
        ends = np.append(0, np.cumsum(lengths))
        text_edges = ends[edges]
        unchanged = _are_unchanged(plain, "".join(surfaces.tolist()), text_edges)
        # SentencePiece sets a mark before each text: its second character is the text's first.
        shifts = np.array([text.shift for text in texts]) - 1 - text_edges[:-1]
        pieces, counts = self._place(ids, ends[:-1] + np.repeat(shifts, np.diff(edges)), unknown)
        result = pieces.parts(np.append(0, np.cumsum(counts))[edges].tolist())
        for row, (text, is_unchanged) in enumerate(zip(texts, unchanged, strict=True)):
            if not is_unchanged:
                result[row] = self._encode_changed(text)
            elif text.places is not None:
                result[row] = _moved_back(result[row], text.places)
        return result

    def _run(self, texts: list[str]) -> list[list[int]]:
        """The ids that SentencePiece alone finds in each text."""
        rows: list[list[int]] = self._ask(texts, int)
        return rows

    def _surfaces_in(self, texts: list[str]) -> list[list[str]]:
        """The characters, in their normal form, of the pieces that SentencePiece alone finds in each text."""
        rows: list[list[str]] = self._ask(texts, str)
        return rows

    def _ask(self, texts: list[str], kind: type) -> Any:
        with _blaming_the_model():
            if len(texts) == 1:  # A list would start a thread.
                return [self._processor.Encode(texts[0], return_type=kind)]
            return self._processor.Encode(texts, num_threads=1, return_type=kind)

    def _unknown_pieces(self, texts: list[str], ids: Ids, edges: Ints) -> dict[int, str]:
        """The characters of each unknown piece, by its place in `ids`; a known one has those of its name."""
        is_unknown = ids == self.unknown
        if not is_unknown.any():
            return {}
        rows = np.unique(np.searchsorted(edges, np.flatnonzero(is_unknown), side="right") - 1).tolist()
        surfaces = list(chain.from_iterable(self._surfaces_in([texts[row] for row in rows])))
        places = np.concatenate([np.arange(edges[row], edges[row + 1]) for row in rows])
        found = np.flatnonzero(is_unknown[places])
        return {place: surfaces[at] for at, place in zip(found.tolist(), places[found].tolist(), strict=True)}

    def _encode_changed(self, text: Normalized) -> Pieces:
        """A text that SentencePiece's own normaliser changes: it tells where each character came from."""
        ids = _row(self._run([text.text]))
        [surfaces] = self._surfaces_in([text.text])
        unknown = {at: surfaces[at] for at in np.flatnonzero(ids == self.unknown).tolist()}
        pieces, _ = self._place(ids, _edges(map(len, surfaces))[:-1], unknown)
        spans = self._normal_places(text.text).back(pieces.spans) + text.shift
        return _moved_back(_read_only(pieces.ids, spans), text.places)

    def _normal_places(self, text: str) -> Places:
        """From SentencePiece's normal form of `text`, its mark in front, back to `text`."""
        with _blaming_the_model():
            _, places = self._processor.Normalize(text, with_offsets=True)
        starts = np.array(places, np.int64)
        # Where one character became several, all but the last begin where the next does.
        ends = np.maximum(starts[1:], starts[:-1] + 1)
        return Places(starts, np.append(ends, starts[-1]))

    def _place(self, ids: Ids, begins: Ints, unknown: Mapping[int, str]) -> tuple[Pieces, Ints]:
        """Pieces after the comma rule, and how many each one of `ids` became.

        begins: where each piece begins, mark and all. unknown: the characters of unknown pieces, by place.
        """
        spans = begins[:, None] + self._inked[ids]
        known = np.flatnonzero(self._is_taken_apart[ids]).tolist()
        groups = {at: self._taken_apart[int(ids[at])] for at in known}
        if unknown:
            places = list(unknown)
            spans[places] = begins[places, None] + np.array([_inked(surface) for surface in unknown.values()])
            ruled = {at: s for at, s in unknown.items() if spiece.ends_in_digit_comma(s)}
            groups |= {at: self._take_apart(surface) for at, surface in ruled.items()}
        counts = np.ones(len(ids), np.int64)
        if groups:
            counts[list(groups)] = [len(parts) for parts in groups.values()]
            ids, spans = _replaced(ids, spans, begins, counts, groups)
        return _read_only(ids, spans), counts

    def _take_apart(self, surface: str) -> list[_Part]:
        """The comma rule for a piece such as `▁2004,`: the pieces of its digits, found anew, and `,`."""
        comma = len(surface) - 1
        digits = [at for at in range(comma) if surface[at] != MARK]
        text = "".join(surface[at] for at in digits)
        [surfaces] = self._surfaces_in([text])
        spans = np.array([_inked(piece) for piece in surfaces], np.int64).reshape(-1, 2)
        spans += _edges(map(len, surfaces))[:-1, None]
        in_surface = Places(np.array([*digits, comma]), np.array([*digits, comma - 1]) + 1)
        spans = in_surface.back(self._normal_places(text).back(spans))
        if surfaces and not surface.startswith(MARK):
            surfaces[0] = surfaces[0].removeprefix(MARK)
        found = zip(surfaces, spans.tolist(), strict=True)
        parts = [_Part(self._id_in_text(piece), *span) for piece, span in found if piece]
        return [*parts, _Part(self._id_in_text(","), comma, comma + 1)]

    def _id_in_text(self, piece: str) -> int:
        id = self.id(piece)
        return self.unknown if self.vocabulary.kinds[id] == spiece.CONTROL else id

    def decode(self, ids: Iterable[int]) -> str:
        text: str = self._processor.Decode([self._check_id(id) for id in ids if id not in self._silent])
        return text

    def piece(self, id: int) -> str:
        return self.vocabulary.pieces[self._check_id(id)]

    def id(self, piece: str) -> int:
        return self._ids.get(piece, self.unknown)

    def save(self, folder: Path) -> None:
        """Write `spiece.model`, `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json`."""
        durable.replace(folder / "spiece.model", self.model)
        huggingface.write_sentencepiece(
            folder,
            self.vocabulary,
            self.specials,
            do_lower_case=self.do_lower_case,
            keep_accents=self.keep_accents,
        )

    @cached_property
    def fingerprint(self) -> str:
        decisive = (
            self.kind,
            self.do_lower_case,
            self.keep_accents,
            astuple(self.specials),
            astuple(self.vocabulary),
        )
        return hashlib.sha256(repr(decisive).encode()).hexdigest()


def _load(model: bytes) -> sentencepiece.SentencePieceProcessor:
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=model)
    except (RuntimeError, ValueError, IndexError) as error:
        raise ModelError(f"SentencePiece cannot load the model ({error})") from None


@contextmanager
def _blaming_the_model() -> Iterator[None]:
    """Only a model damaged where it shows late can make SentencePiece fail on a text that was checked."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"SentencePiece fails with this model; is it damaged? ({error})") from None


def _are_unchanged(texts: list[str], together: str, edges: Ints) -> list[bool]:
    """Which texts SentencePiece's own normaliser left as they are: their pieces put together give them.

    together, edges: the pieces of all texts put together, and where each text's begin there.
    """
    marked = MARK + MARK.join(texts).replace(" ", MARK)
    wanted = _edges(len(text) + 1 for text in texts)
    if together == marked and np.array_equal(edges, wanted):  # Nearly always all of them.
        return [True] * len(texts)
    found = (together[start:end] for start, end in pairwise(edges.tolist()))
    marked_texts = (marked[start:end] for start, end in pairwise(wanted.tolist()))
    return [a == b or not text for text, a, b in zip(texts, found, marked_texts, strict=True)]


def _replaced(
    ids: Ids, spans: Ints, begins: Ints, counts: Ints, groups: Mapping[int, list[_Part]]
) -> tuple[Ids, Ints]:
    """Ids and spans with the parts of `groups`, by place, for the pieces that stood there."""
    places = sorted(groups)
    parts = np.array([part for at in places for part in groups[at]])
    new = np.isin(np.repeat(np.arange(len(ids)), counts), places)
    ids, spans = np.repeat(ids, counts), np.repeat(spans, counts, axis=0)
    ids[new] = parts[:, 0]
    spans[new] = np.repeat(begins, counts)[new, None] + parts[:, 1:]
    return ids, spans


def _read_only(ids: Ints | Ids, spans: Ints) -> Pieces:
    pieces = Pieces(ids.astype(np.int32), spans.astype(np.int32))
    pieces.ids.flags.writeable = pieces.spans.flags.writeable = False
    return pieces


def _moved_back(pieces: Pieces, places: Places | None) -> Pieces:
    return pieces if places is None else _read_only(pieces.ids, places.back(pieces.spans))


def _row(rows: list[list[int]]) -> Ids:
    return np.fromiter(chain.from_iterable(rows), np.int32)


def _edges(lengths: Iterable[int]) -> Ints:
    return np.append(0, np.cumsum(np.fromiter(lengths, np.int64)))


def _inked(surface: str) -> tuple[int, int]:
    """Where the characters of a piece stand in it, between marks; an empty span at the end if it has none."""
    start = len(surface) - len(surface.lstrip(MARK))
    return start, max(start, len(surface.rstrip(MARK)))
