"""Paragraphs → sentences, English and Chinese, by a few rules that can be read.

A sentence ends after `.`, `!`, `?` or `…` (with the quotes and brackets that close there) where white space
follows and then something that can begin a sentence; after `。`, `！`, `？` and `……` without white space.
A full stop does not end it after a title (`Mr.`), an initial (`J.`) or an abbreviation that needs what
follows (`e.g.`, `No. 5`), and after one that may end a sentence (`U.S.`, `Inc.`) only if a word follows that
begins many.
"""

from __future__ import annotations

import re

from litebert.text.han import HAN

LONGEST = 2_000
"""Characters. A longer one (a table, a list, text without stops) is cut at a weaker mark or a space."""

_CLOSING = "\"'”’」』》）)\\]】〕»"
_END = re.compile(rf"([.!?。！？…]+)[{_CLOSING}]*")
_CHINESE = re.compile("[。！？]|……")
_CHINESE_BEFORE = re.compile(f"[{HAN}”’」』》）]")
_BEGINNING = re.compile(r"\s+[\"'“‘「『(（\[【—–-]*(?P<first>[^\W_])")
_NEXT_WORD = re.compile(r"\s+[\"'“‘(\[]*([A-Za-z]+)")
_NOTHING_LEFT = re.compile(r"\s*\Z")
_LAST_WORD = re.compile(r"[^\s\"'“‘(（\[—–/-]+$")
_CONTINUES = re.compile("[,，、;；:：。！？!?…)）”’」』》】]|\\s*[,，、;；:：]")
_WEAK_END = re.compile(r"[;；:：,，、]\s*|\s+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER_LAST = _words(
    """
    mr mrs ms messrs mme mlle dr prof rev hon st fr gen col lt capt cpt maj sgt cpl cmdr adm gov sen rep
    pres supt insp e.g i.e viz cf vs ca approx esp incl ed eds trans pp p vol vols ch chap sec fig figs
    eq eqs art nr no nos jan feb mar apr jun jul aug sep sept oct nov dec mt ft
    """
)
_BEFORE_NUMBER = _words(
    """
    no nos p pp vol vols ch chap sec fig figs eq eqs art nr jan feb mar apr jun jul aug sep sept oct nov
    dec
    """
)
_SUFFIXES = _words(
    """
    inc ltd co corp bros jr sr etc al
    """
)
_STARTERS = _words(
    """
    the a an in on at it he she they we i you this that these those there but and or so yet however
    although after before when while as if for from with by his her its their our my your no not one
    some many most both each what who why how where then also since because during under
    """
)


def split(paragraph: str) -> list[str]:
    """The sentences, in order and without white space around them; together they are the paragraph."""
    sentences: list[str] = []
    start = 0
    for end in _END.finditer(paragraph):
        if _ends(paragraph, end):
            sentences.append(paragraph[start : end.end()].strip())
            start = end.end()
    sentences.append(paragraph[start:].strip())
    return [part for sentence in sentences if sentence for part in _shortened(sentence)]


def _ends(text: str, mark: re.Match[str]) -> bool:
    after = mark.end()
    if not text.isascii() and _is_chinese(text, mark):
        return not _CONTINUES.match(text, after)
    if after == len(text) or not text[after].isspace():
        return False
    beginning = _BEGINNING.match(text, after)
    if beginning is None:
        return _NOTHING_LEFT.match(text, after) is not None
    first = beginning["first"]
    return not first.islower() and (mark[0] != "." or not _is_abbreviation(text, mark.start(), first))


def _is_chinese(text: str, mark: re.Match[str]) -> bool:
    """Whether the mark is Chinese, or a half-width one that stands after Chinese."""
    if _CHINESE.search(mark[1]):
        return True
    return mark[1][0] in "!?" and _CHINESE_BEFORE.match(text, max(0, mark.start() - 1)) is not None


def _is_abbreviation(text: str, dot: int, following: str) -> bool:
    """Whether the full stop at `dot` belongs to the word before it, and the sentence goes on."""
    found = _LAST_WORD.search(text, max(0, dot - 20), dot)
    if found is None:
        return False
    word = found[0].lower()
    if word in ("no", "art"):
        return following.isdigit()
    if word in _NEVER_LAST:
        return word not in _BEFORE_NUMBER or following.isdigit() or not _starts_sentence(text, dot + 1)
    is_initial = len(word) == 1 and found[0].isalpha() and found[0] != "I" and found[0].isupper()
    is_dotted = "." in word and all(len(part) <= 2 for part in word.split("."))
    return (is_initial or is_dotted or word in _SUFFIXES) and not _starts_sentence(text, dot + 1)


def _starts_sentence(text: str, at: int) -> bool:
    word = _NEXT_WORD.match(text, at)
    return word is not None and word[1].lower() in _STARTERS


def _shortened(sentence: str) -> list[str]:
    """A sentence in parts of at most `LONGEST` characters."""
    parts: list[str] = []
    while len(sentence) > LONGEST:
        cuts = [mark.end() for mark in _WEAK_END.finditer(sentence, LONGEST // 2, LONGEST)]
        at = cuts[-1] if cuts else LONGEST
        parts.append(sentence[:at].strip())
        sentence = sentence[at:].strip()
    return [*parts, sentence] if sentence else parts
