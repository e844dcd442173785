"""More pieces for the embedded model: English words for which its teacher has a piece, and it had several.

A small model has no room to learn what each row of pieces means together: after 71 million pieces, vectors of
single words had a cosine of 0.66 to the teacher's where the word was one piece, and 0.47 where it was two.
A new piece begins as what a linear map makes of the teacher's row for the word: fitted on words that both
have, it explains 0.7 of what the student's rows vary by on words that it was not fitted on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log
from pathlib import Path
from statistics import median_low

import torch
from torch import Tensor

from litebert import durable
from litebert.errors import UsageError
from litebert.model.checkpoints.loading import open_checkpoint, write_folder
from litebert.model.pretraining import PretrainingModel
from litebert.model_source import open_source
from litebert.recipes.embedded_words import documents, known, lexicon, pieces
from litebert.text import spiece
from litebert.text.loading import load_tokenizer
from litebert.text.sentencepiece import MARK, SentencePieceTokenizer

COUNT = 5400
"""So the model has just under six million parameters."""
RIDGE = 100.0
"""Of the map from the teacher's rows, each column of which has a spread of 1."""
_WORDS, _BIAS = "encoder.embeddings.words.weight", "masked.bias"


def extend(vocabulary: Path, teacher: Path, text: Path, out: Path) -> None:
    """Write `out/spiece.model`: that of the folder `vocabulary` and, after its pieces, the new ones.

    A score is the logarithm of how often the word stands, moved to where those of own words lie. Of the 5,400
    that come with the package 83 are never chosen, such as `hers`, as two older pieces are likelier together.
    """
    own = _sentencepiece(vocabulary)
    counts = lexicon(documents(text))
    new = [word for word in known(teacher, counts) if len(own.encode(word).ids) > 1][:COUNT]
    shift = _shift(own, counts)
    more = {MARK + word: log(counts[word]) + shift for word in new}
    out.mkdir(parents=True, exist_ok=True)
    durable.replace(out / "spiece.model", spiece.with_more(own.model, more))


def widen(student: Path, vocabulary: Path, teacher: Path, out: Path) -> None:
    """Write the folder of a student that has all pieces of a vocabulary, the first of which are its own.

    Raises `UsageError` if they are not, or if the teacher lacks one of the new pieces.
    """
    source, wider = open_source(str(student)), _sentencepiece(vocabulary)
    before = _sentencepiece(student).vocabulary.pieces
    if wider.vocabulary.pieces[: len(before)] != before:
        raise UsageError(
            f"the first pieces of {vocabulary} are not those of {student}: give what `extend` made of its own"
        )
    weights = PretrainingModel.of(source.checkpoint, source.config, pairs=True).state_dict()
    new = _new_rows(weights[_WORDS], wider, teacher)
    weights[_WORDS] = torch.cat([weights[_WORDS], new])
    weights[_BIAS] = torch.cat([weights[_BIAS], weights[_BIAS].min().expand(len(new))])
    model = PretrainingModel.of(None, replace(source.config, vocabulary=wider.size), pairs=True)
    model.load_state_dict(weights)
    with durable.making(out) as made:
        write_folder(made, model.checkpoint(), pad=wider.pad)
        wider.save(made)


def _sentencepiece(folder: Path) -> SentencePieceTokenizer:
    tokenizer = load_tokenizer(str(folder))
    assert isinstance(tokenizer, SentencePieceTokenizer)
    return tokenizer


def _shift(own: SentencePieceTokenizer, counts: Mapping[str, int]) -> float:
    """By how much the scores of words that are pieces exceed the logarithms of their counts: the median."""
    scores = dict(zip(own.vocabulary.pieces, own.vocabulary.scores, strict=True))
    pieces = {MARK + word: count for word, count in counts.items() if MARK + word in scores}
    return median_low(scores[piece] - log(count) for piece, count in pieces.items())


def _new_rows(rows: Tensor, wider: SentencePieceTokenizer, teacher: Path) -> Tensor:
    """[new pieces, E], as long on average as the rows of other words."""
    places = _places(wider, teacher)
    if (places[len(rows) :] < 0).any():
        lacking = wider.vocabulary.pieces[len(rows) + int((places[len(rows) :] < 0).nonzero()[0])]
        raise UsageError(
            f"{lacking!r} is among new pieces that the teacher has none for: extend it by {teacher}"
        )
    shared = torch.nonzero(places[: len(rows)] >= 0)[:, 0]
    theirs = open_checkpoint(teacher).encoder["embeddings.words.weight"]
    found = _mapped(theirs[places[shared]], rows[shared], theirs[places[len(rows) :]])
    found *= rows[shared].norm(dim=1).mean() / found.norm(dim=1).mean()
    return found


def _mapped(inputs: Tensor, aims: Tensor, new: Tensor) -> Tensor:
    """What the ridge regression from inputs [n, C] to aims [n, E] makes of new ones."""
    mean, spread = inputs.mean(0), inputs.std(0)
    inputs = (inputs - mean) / spread
    squares = inputs.T @ inputs + RIDGE * torch.eye(inputs.shape[1])
    weights = torch.linalg.solve(squares, inputs.T @ (aims - aims.mean(0)))
    found: Tensor = (new - mean) / spread @ weights + aims.mean(0)
    return found


def _places(wider: SentencePieceTokenizer, teacher: Path) -> Tensor:
    """Of each piece that begins a word: the teacher's piece of the same letters; -1 where there is none."""
    ids = {MARK + piece: id for id, piece in enumerate(pieces(teacher))}
    return torch.tensor([ids.get(piece, -1) for piece in wider.vocabulary.pieces])
