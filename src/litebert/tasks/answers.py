"""How right an answer is, in words and in characters, as the published scorers have it.

`words` is `evaluate-v2.0.py` of SQuAD (and of 1.1, which is the same where every question has an answer);
`characters` is `cmrc2018_evaluate.py`, by which CMRC 2018 and DRCD are scored. Each gives (exact match, F1)
from 0 to 1 for one answer and all that are right; an empty answer says that there is none.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

Scored = tuple[float, float]
"""Exact match and F1."""
Score = Callable[[str, Sequence[str]], Scored]

MOSTLY = 0.5
"""From this share of right answers with a Chinese character in them on, a set is scored in characters."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_LEFT_OUT = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
"""What the scorer of CMRC takes no notice of."""
_CHARACTER = re.compile("[\u4e00-\u9fa5]")
_APART = re.compile(
    r"""[;@#$%&?!—–‘„«»()\[\]{}<>"|]"""
    r"""|,(?!\d)|\.{2,}|(?<=[^.])\.(?=[\])}>"'»”’ ]*$)"""
    r"""|n't\b|'(?:s|m|d|ll|re|ve)?(?=\s|$)|(?<!\w)'(?!re|ve|ll|m|t|s|d|n)(?=\w)"""
)
"""What the Treebank's tokenizer sets apart in a short text."""


def scorer(right: Sequence[Sequence[str]]) -> Score:
    """How a set is scored, by the answers that are right in it."""
    answers = [answer for several in right for answer in several if answer]
    chinese = sum(bool(_CHARACTER.search(answer)) for answer in answers)
    return characters if chinese > MOSTLY * len(answers) else words


def words(answer: str, right: Sequence[str]) -> Scored:
    """SQuAD's: case, punctuation, articles and white space do not count; F1 is over the bag of words."""
    given = _normal(answer)
    known = [normal for one in right if (normal := _normal(one))] or [""]
    return float(given in known), max(_bag_f1(given.split(), one.split()) for one in known)


def _normal(text: str) -> str:
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def _bag_f1(given: list[str], right: list[str]) -> float:
    if not given or not right:
        return float(given == right)
    same = sum((Counter(given) & Counter(right)).values())
    return 2 * same / (len(given) + len(right))


def characters(answer: str, right: Sequence[str]) -> Scored:
    """CMRC's: F1 is over the longest run that both have, of Chinese characters and other words.

    Where no answer is right, as never in CMRC, only the empty one is.
    """
    known = [one for one in right if one] or [""]
    if not answer or known == [""]:
        return (float(known == [""] and not answer),) * 2
    plain, segments = _plain(answer), _segments(answer)
    exact = any(_plain(one) == plain for one in known)
    return float(exact), max(_run_f1(segments, _segments(one)) for one in known)


def _plain(text: str) -> str:
    return "".join(c for c in text.lower().strip() if c not in _LEFT_OUT)


def _segments(text: str) -> list[str]:
    """Each Chinese character, and what stands between them in words."""
    parts = re.split(f"({_CHARACTER.pattern})", _plain(text))
    return [s for part in parts for s in ([part] if _CHARACTER.fullmatch(part) else _words(part))]


def _words(text: str) -> list[str]:
    """As the Treebank's tokenizer has them."""
    return _APART.sub(r" \g<0> ", text).split()


def _run_f1(given: list[str], right: list[str]) -> float:
    run = _longest_run(given, right)
    return 2 * run / (len(given) + len(right)) if run else 0.0


def _longest_run(one: list[str], other: list[str]) -> int:
    """How long the longest list is that stands in both without a gap."""
    longest, before = 0, [0] * (len(other) + 1)
    for a in one:
        row = [0] * (len(other) + 1)
        for j, b in enumerate(other):
            if a == b:
                row[j + 1] = before[j] + 1
        longest, before = max(longest, *row), row
    return longest
