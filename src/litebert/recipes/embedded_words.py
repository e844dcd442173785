"""Rare words for the embedded model, of those that its English Wikipedia and books hold.

A teacher that has read a billion sentences knows what `exquisite` means; a student meets it three times in an
hour. So some documents are lists of words drawn evenly from all that the teacher has pieces for, and some are
the text's own with words exchanged for others that end alike. Neither says anything, but the teacher's states
of their words can be learnt, and those carry over.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

from litebert import durable
from litebert.data.split import position
from litebert.recipes.embedded_text import rows
from litebert.text.loading import load_tokenizer
from litebert.text.wordpiece import WordPieceTokenizer

LEAST = 3
"""Times that a word must stand in the text: what stands there less often is often misspelt."""
SENTENCES = 30
"""Of a document that is a list of words."""
WORDS = (3, 14)
"""Fewest and most in a sentence of a list."""
DOCUMENTS = 3000
"""Lists."""
CHANGED = 0.15
"""Share of the documents that are told once more with words exchanged."""
EXCHANGED = 0.3
"""Share of such a document's words of four letters or more: shorter ones hold sentences together."""
JOINTS = ("the", "of", "and", "a", "to", "in", "is", "with", "that", "for", "as", "not", "but", "it")
JOINED = 0.35
"""Share of a list's words before which there is a joint: words of a sentence are seldom neighbours."""
ENDINGS = (
    "ness",
    "less",
    "tion",
    "ment",
    "able",
    "ing",
    "est",
    "ful",
    "ous",
    "ive",
    "ed",
    "ly",
    "er",
    "al",
    "s",
)
SEED = 1

_DOCUMENT = re.compile(r"<doc [^>]*>(.*?)</doc>", re.DOTALL)
_LOWER = re.compile(r"(?<= )[a-z]{3,}\b")
"""Of `wasn't` it takes `wasn`: so five of the pieces that come with the package are no words."""
_NAMED = re.compile(r"\b[A-Z][a-z]{2,}\b")


def write(text: Path, teacher: Path, out: Path) -> None:
    """Write `out/*.jsonl`, all or nothing, from the English files that `embedded_text.write` has made and the
    words that a teacher knows."""
    english = list(documents(text))
    words = known(teacher, lexicon(english))
    with durable.making(out) as made:
        rows(made / "lists.en.jsonl", lists(words))
        rows(made / "exchanged.en.jsonl", exchanged(english, words))


def lexicon(texts: Iterable[str]) -> dict[str, int]:
    """Words that stand often enough and are not mostly written as names, in order: how often each stands."""
    lower: Counter[str] = Counter()
    named: Counter[str] = Counter()
    for text in texts:
        lower.update(_LOWER.findall(text))
        named.update(word.lower() for word in _NAMED.findall(text))
    return {
        word: count for word, count in sorted(lower.items()) if count >= LEAST and 2 * count > named[word]
    }


def known(teacher: Path, words: Container[str]) -> list[str]:
    """Words that a teacher has a piece for, in the order of its vocabulary: commoner ones first."""
    return [piece for piece in pieces(teacher) if piece in words]


def pieces(teacher: Path) -> Sequence[str]:
    """The vocabulary of a teacher that has WordPiece, by number."""
    tokenizer = load_tokenizer(str(teacher))
    assert isinstance(tokenizer, WordPieceTokenizer)
    return tokenizer.vocabulary


def lists(words: Sequence[str]) -> Iterator[str]:
    """Documents of words drawn evenly."""
    random = Random(SEED)
    for _ in range(DOCUMENTS):
        yield "\n".join(_sentence(words, random) for _ in range(SENTENCES))


def _sentence(words: Sequence[str], random: Random) -> str:
    parts = []
    for word in random.choices(words, k=random.randint(*WORDS)):
        joint = [random.choice(JOINTS)] if random.random() < JOINED else []
        parts += [*joint, word]
    return " ".join(parts).capitalize() + "."


def exchanged(texts: Iterable[str], words: Sequence[str]) -> Iterator[str]:
    """Some of the documents, with some of their words exchanged for others that end alike."""
    random = Random(SEED)
    alike: dict[str, list[str]] = {}
    for word in words:
        alike.setdefault(_ending(word), []).append(word)

    def another(found: re.Match[str]) -> str:
        word = found[0]
        chosen = len(word) > 3 and random.random() < EXCHANGED and _ending(word) in alike
        return random.choice(alike[_ending(word)]) if chosen else word

    for text in texts:
        if position(text) < CHANGED:
            yield _LOWER.sub(another, text)


def _ending(word: str) -> str:
    return next((ending for ending in ENDINGS if word.endswith(ending)), "")


def documents(text: Path) -> Iterator[str]:
    """Of the English Wikipedia and the books that `embedded_text.write` has made, without tags."""
    wikipedia = (text / "wikipedia.en.txt").read_text("utf-8")
    yield from (document.strip() for document in _DOCUMENT.findall(wikipedia))
    for line in (text / "books.en.jsonl").read_text("utf-8").splitlines():
        yield json.loads(line)["text"]
