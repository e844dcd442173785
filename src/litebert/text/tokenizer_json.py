"""Hugging Face's `tokenizer.json`, read: ALBERT's (Unigram) and BERT's (WordPiece).

The pipeline in the file is not run: it only comes near the official one. What it was made from is taken out
of it (the vocabulary, the scores, the table of replacements) and given to the tokenizers here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence

from litebert.errors import ModelError
from litebert.text import spiece
from litebert.text.huggingface import PENALTY
from litebert.text.sentencepiece import ALBERT, SentencePieceTokenizer
from litebert.text.settings import Json, Settings
from litebert.text.tokenizer import Specials, Tokenizer
from litebert.text.wordpiece import BERT, INSIDE, LONGEST_WORD, WordPieceTokenizer

Added = dict[str, tuple[int, bool]]
"""Added tokens: the id of each, and whether it is special."""


def read(file: Json, settings: Settings) -> Tokenizer:
    """The tokenizer in the file; `settings` win. Raises `ModelError` for a damaged or unsuitable file."""
    model = _object(file, "model")
    kind = model.get("type") or ("Unigram" if isinstance(model.get("vocab"), list) else "WordPiece")
    if kind == "Unigram":
        return _read_unigram(file, model, settings)
    if kind == "WordPiece":
        return _read_wordpiece(file, model, settings)
    raise ModelError(f"its model is {kind!r}; litebert reads ALBERT's Unigram and BERT's WordPiece")


def _read_unigram(file: Json, model: Json, settings: Settings) -> SentencePieceTokenizer:
    if model.get("byte_fallback"):
        raise ModelError("its model falls back to bytes; ALBERT's does not")
    steps = {str(step.get("type")): step for step in _steps(file.get("normalizer"))}
    specials = settings.specials(ALBERT)
    vocabulary = _unigram_vocabulary(model, _added(file), specials, _charsmap(steps))
    spiece.check(vocabulary)
    lower, accents = settings.do_lower_case, settings.keep_accents
    return SentencePieceTokenizer(
        spiece.write(vocabulary),
        do_lower_case="Lowercase" in steps if lower is None else lower,
        keep_accents="NFKD" not in steps if accents is None else accents,
        specials=specials,
    )


def _unigram_vocabulary(model: Json, added: Added, specials: Specials, charsmap: bytes) -> spiece.Spiece:
    rows = list(_unigram_rows(model))
    rows += [(piece, 0.0) for piece in _further([piece for piece, _ in rows], added)]
    unknown = model.get("unk_id")
    if not isinstance(unknown, int) or not 0 <= unknown < len(rows):
        raise ModelError(f"unk_id is {unknown!r}; it must be a place in the vocabulary")
    pieces, scores = zip(*rows, strict=True)
    control = {piece for piece, (_, special) in added.items() if special}
    control |= {specials.cls, specials.sep, specials.pad, specials.mask}
    kinds = [
        spiece.UNKNOWN if id == unknown else spiece.CONTROL if piece in control else _kind(score)
        for id, (piece, score) in enumerate(rows)
    ]
    return spiece.Spiece(pieces, _official_scores(pieces, scores), tuple(kinds), charsmap)


def _kind(score: float) -> int:
    # A piece of a unigram model has the logarithm of a probability; 0 is what user-defined symbols are given.
    return spiece.NORMAL if score else spiece.USER_DEFINED


def _unigram_rows(model: Json) -> Iterator[tuple[str, float]]:
    vocabulary = model.get("vocab")
    if not isinstance(vocabulary, list) or not vocabulary:
        raise ModelError("its Unigram model has no list `vocab` of pieces and scores")
    for id, row in enumerate(vocabulary):
        match row:
            case [str(piece), int() | float() as score] if not isinstance(score, bool):
                yield piece, _narrow(score)
            case _:
                raise ModelError(f"piece {id} of its vocabulary is {row!r}, not a piece and a score")


def _narrow(score: float) -> float:
    try:
        return float(score)
    except OverflowError:
        raise ModelError("its vocabulary holds a score that is too large") from None


def _official_scores(pieces: Sequence[str], scores: Sequence[float]) -> tuple[float, ...]:
    """The scores without the penalty that a converter laid on the pieces of the comma rule, if it did."""
    penalised = [spiece.ends_in_digit_comma(piece) for piece in pieces]
    of_rule = [score for score, is_penalised in zip(scores, penalised, strict=True) if is_penalised]
    others = [score for score, is_penalised in zip(scores, penalised, strict=True) if not is_penalised]
    if not of_rule or not others or max(of_rule) > min(others) - PENALTY / 2:
        return tuple(scores)
    return tuple(
        score + PENALTY if is_penalised else score
        for score, is_penalised in zip(scores, penalised, strict=True)
    )


def _charsmap(steps: dict[str, Json]) -> bytes:
    encoded = steps.get("Precompiled", {}).get("precompiled_charsmap") or ""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise ModelError("its normalizer's precompiled_charsmap is not base64") from None


def _read_wordpiece(file: Json, model: Json, settings: Settings) -> WordPieceTokenizer:
    normalizer, splitter = _object(file, "normalizer"), _object(file, "pre_tokenizer")
    if normalizer.get("type") != "BertNormalizer" or splitter.get("type") != "BertPreTokenizer":
        raise ModelError("it is WordPiece but not BERT's: it cleans or splits a text in another way")
    if model.get("continuing_subword_prefix", INSIDE) != INSIDE or normalizer.get("clean_text") is False:
        raise ModelError(
            f"it is WordPiece but not BERT's, which cleans texts and writes {INSIDE} inside words"
        )
    longest = model.get("max_input_chars_per_word", LONGEST_WORD)
    if not isinstance(longest, int) or longest < 1:
        raise ModelError(f"max_input_chars_per_word is {longest!r}; it must be 1 or more")
    names = {"unk_token": model["unk_token"]} if isinstance(model.get("unk_token"), str) else {}
    pieces = _in_order(model.get("vocab"))
    lower = _first(settings.do_lower_case, normalizer.get("lowercase"), True)
    chinese = _first(settings.tokenize_chinese_chars, normalizer.get("handle_chinese_chars"), True)
    return WordPieceTokenizer(
        pieces + _further(pieces, _added(file)),
        do_lower_case=lower,
        strip_accents=_first(settings.strip_accents, normalizer.get("strip_accents"), lower),
        tokenize_chinese_chars=chinese,
        longest_word=longest,
        specials=Settings(names={**names, **settings.names}).specials(BERT),
    )


def _first(*values: object) -> bool:
    for value in values:
        if isinstance(value, bool):
            return value
        if value is not None:
            raise ModelError(f"its normalizer has {value!r} where true or false is expected")
    raise ModelError("its normalizer leaves a setting open")


def _in_order(vocabulary: object) -> list[str]:
    if not isinstance(vocabulary, dict) or not vocabulary:
        raise ModelError("its WordPiece model has no table `vocab` of pieces and ids")
    ids = list(vocabulary.values())
    if not all(type(id) is int for id in ids) or sorted(ids) != list(range(len(ids))):
        raise ModelError(f"the ids of its vocabulary are not 0 to {len(ids) - 1}, each once")
    return sorted(vocabulary, key=vocabulary.__getitem__)


def _added(file: Json) -> Added:
    tokens = file.get("added_tokens") or []
    if not isinstance(tokens, list):
        raise ModelError("`added_tokens` is no list")
    added: Added = {}
    for token in tokens:
        match token:
            case {"id": int(id), "content": str(content)}:
                added[content] = (id, bool(token.get("special")))
            case _:
                raise ModelError(f"the added token {token!r} has no id or no content")
    return added


def _further(pieces: Sequence[str], added: Added) -> list[str]:
    """The added tokens that the vocabulary does not hold; they must follow it. No text becomes one."""
    held = {piece: id for id, piece in enumerate(pieces)}
    new = sorted((id, content, special) for content, (id, special) in added.items() if content not in held)
    for place, (id, content, special) in enumerate(new, start=len(pieces)):
        if not special:
            raise ModelError(f"it adds {content!r}, to be looked for before all pieces; litebert does not")
        if id != place:
            raise ModelError(f"the added token {content!r} has the id {id}, but the next free one is {place}")
    for content, (id, _) in added.items():
        if held.get(content, id) != id:
            raise ModelError(
                f"the added token {content!r} has the id {id}, in the vocabulary {held[content]}"
            )
    return [content for _, content, _ in new]


def _steps(normalizer: object) -> Iterator[Json]:
    """The steps of a normalizer, out of sequences in sequences."""
    open_steps = [normalizer]
    while open_steps:
        step = open_steps.pop()
        if step is None:
            continue
        if not isinstance(step, dict):
            raise ModelError(f"its normalizer has the step {step!r}, which is no table")
        inner = step.get("normalizers") or []
        if not isinstance(inner, list):
            raise ModelError("its normalizer has a sequence that is no list")
        open_steps.extend(inner)
        yield step


def _object(file: Json, key: str) -> Json:
    value = file.get(key)
    if isinstance(value, dict):
        return value
    raise ModelError(f"it has no `{key}`")
