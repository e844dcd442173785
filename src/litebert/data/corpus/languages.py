"""Which language a document is in, as far as its script and its commonest words tell."""

from __future__ import annotations

import re

from litebert.text.han import HAN

SAMPLE = 5_000
"""Characters from a document's start that are looked at."""

_HAN = re.compile(f"[{HAN}]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_OTHER = re.compile(f"[^\\W\\d_A-Za-z\u00c0-\u024f{HAN}]")
_KANA_OR_HANGUL = re.compile("[\u3041-\u30ff\uac00-\ud7af]")
_WORD = re.compile(r"[^\W\d_]+")
_ENGLISH = frozenset(
    """
    the of and to that is was for with as by it at from are his her not this which be were but have has
    you they he she on had their an or i my we
    """.split()  # noqa: SIM905 - words are read better so
)
_SURE = 40
"""Words. In fewer, English without its commonest words is not held against a text."""


def language(text: str) -> str:
    """`zh`, `en` or `other`.

    Chinese: at least 30 % of the letters are Han, and next to none kana or Hangul. English: at least 70 % are
    Latin, and of forty words or more at least one in twelve is among the forty commonest, which parts English
    from French or German; a shorter text in Latin letters passes for English.
    """
    sample = text[:SAMPLE]
    if sample.isascii():
        return "en" if _LATIN.search(sample) and _is_english(sample) else "other"
    han, latin, other = (len(script.findall(sample)) for script in (_HAN, _LATIN, _OTHER))
    letters = han + latin + other
    if not letters:
        return "other"
    if han >= 0.3 * letters:
        return "zh" if len(_KANA_OR_HANGUL.findall(sample)) <= 0.05 * han else "other"
    return "en" if latin >= 0.7 * letters and _is_english(sample) else "other"


def _is_english(text: str) -> bool:
    words = _WORD.findall(text.lower())
    return len(words) < _SURE or sum(word in _ENGLISH for word in words) >= len(words) / 12
