"""GLUE (Wang et al., arXiv 1804.07461): sets of English sentences and pairs.

SST-2's training rows are phrases of the same sentences, so that a random part of them says little: a bag of
words scores 93 % there and 80 % on sentences of which it has seen no part. `glue.sst2:dev` is a tenth of the
whole sentences, by hash, and `:train` holds no row that is a part of one of them, whatever marks and spaces
it has: "bad-movie" is a part of "a bad movie".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import accumulate
from typing import Any

from litebert.data.example import Examples
from litebert.data.source import DEV_SHARE, Source, by_hash, from_file
from litebert.data.split import position
from litebert.tasks.classification import Classification
from litebert.tasks.similarity import Similarity

SENTIMENT = Classification(labels=("negative", "positive"))
ACCEPTABLE = Classification(labels=("unacceptable", "acceptable"))
PARAPHRASE = Classification(labels=("not_paraphrase", "paraphrase"))
ENTAILMENT = Classification(labels=("entailment", "not_entailment"))
_PAIR = {"text": "sentence1", "second": "sentence2", "label": "label"}
_MRPC = {"text": "#1 String", "second": "#2 String", "label": "Quality"}
_STSB = {"text": "sentence1", "second": "sentence2", "score": "score"}


def _numbered(task: Classification) -> dict[str, str]:
    """0, 1, … and the labels that they stand for."""
    return {str(i): label for i, label in enumerate(task.labels)}


_sst2 = from_file(
    "glue/SST-2/train.tsv", SENTIMENT, {"text": "sentence", "label": "label"}, labels=_numbered(SENTIMENT)
)


def _sst2_train() -> Examples[Any, Any]:
    whole = _sst2()
    parts = runs(held_out(whole))
    return replace(whole, rows=[e for e in whole if letters(e.given.text) not in parts])


def _sst2_dev() -> Examples[Any, Any]:
    whole = _sst2()
    held = held_out(whole)
    return replace(whole, rows=[e for e in whole if e.given.text.strip() in held])


def held_out(rows: Examples[Any, Any]) -> frozenset[str]:
    """A tenth of the whole sentences, by hash."""
    whole = sentences(frozenset(example.given.text.strip() for example in rows))
    return frozenset(sentence for sentence in whole if position(sentence) < DEV_SHARE)


@cache
def sentences(rows: frozenset[str]) -> frozenset[str]:
    """The rows that are a part of no other, as a run of its words: SST-2's whole sentences."""
    lengths: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for row in rows:
        words = row.split(" ")
        lengths[tuple(words[:2])].add(len(words))
    parts: set[str] = set()
    for row in sorted(rows, key=lambda row: (-row.count(" "), row)):
        if row not in parts:
            words = row.split(" ")
            starts = [
                (at, key) for at in range(len(words)) for key in (tuple(words[at : at + 2]), (words[at],))
            ]
            found = {" ".join(words[at : at + n]) for at, key in starts for n in lengths.get(key, ())}
            parts |= found - {row}
    return rows - parts


def runs(sentences: Iterable[str]) -> set[str]:
    """The letters of every run of words of these sentences, the whole ones too."""
    found: set[str] = set()
    for sentence in sentences:
        words = [letters(word) for word in re.split(r"[\s-]+", sentence)]
        for start in range(len(words)):
            found.update(accumulate(words[start:]))
    return found


def letters(text: str) -> str:
    """Its letters and digits alone.

    >>> letters("it 's a bad-movie .")
    'itsabadmovie'
    """
    return "".join(filter(str.isalnum, text))


sst2 = Source(
    SENTIMENT,
    {"train": _sst2_train, "dev": _sst2_dev, "all": _sst2},
    "Stanford Sentiment Treebank: phrases of film reviews; dev: whole sentences (Socher et al. 2013)",
)
cola = Source(
    ACCEPTABLE,
    by_hash(
        from_file(
            "glue/CoLA/train.tsv", ACCEPTABLE, {"text": "3", "label": "1"}, labels=_numbered(ACCEPTABLE)
        )
    ),
    "Corpus of Linguistic Acceptability: is it English? (Warstadt et al. 2019)",
)
mrpc = Source(
    PARAPHRASE,
    {
        split: from_file(f"glue/MRPC/{split}.tsv", PARAPHRASE, _MRPC, labels=_numbered(PARAPHRASE))
        for split in ("train", "dev")
    },
    "Microsoft Research Paraphrase Corpus: do two sentences say the same? (Dolan & Brockett 2005)",
)
rte = Source(
    ENTAILMENT,
    by_hash(from_file("glue/RTE/train.tsv", ENTAILMENT, _PAIR)),
    "Recognizing Textual Entailment: does the second sentence follow? (Dagan et al. 2006 and after)",
)
qnli = Source(
    ENTAILMENT,
    by_hash(
        from_file(
            "glue/QNLI/dev.tsv", ENTAILMENT, {"text": "question", "second": "sentence", "label": "label"}
        )
    ),
    "Question NLI: does the sentence answer the question? Its dev alone (Wang et al. 2018)",
)
stsb = Source(
    Similarity(),
    {split: from_file(f"glue/STS-B/{split}.tsv", Similarity(), _STSB) for split in ("train", "dev")},
    "Semantic Textual Similarity Benchmark: how alike, 0 to 5 (Cer et al. 2017)",
)
