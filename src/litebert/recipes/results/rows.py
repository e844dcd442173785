"""What the page has a row for, with its goal and all that is not left to presets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from litebert.errors import UsageError, nearest

ANY = "any"
"""In place of a baseline's name: the best of them."""
MOVIES = "movielens"
"""The row of recommendation, which is no source."""


NEWEST = frozenset(
    {
        "glue.sst2",
        "news.ag",
        "zh.chnsenticorp",
        "clue.tnews",
        "stsb.en",
        "stsb.zh",
        "relations.semeval",
        "entities.conll2003",
        "entities.resume",
        "clue.ocnli",
        "ranking.wikiqa",
    }
)
"""Rows that have been trained from litebert-tiny as it is, after 103 million pieces; the others, from its
state after 41 million."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a measure is to reach: a value, or what a baseline has and so much more."""

    measure: str
    least: float = 0.0
    above: str = ""
    """The baseline that it is counted from."""

    def needed(self, baselines: Mapping[str, Mapping[str, float]]) -> float | None:
        """The value to reach, if it is known yet."""
        if not self.above:
            return self.least
        values = [found[self.measure] for name, found in baselines.items() if self.above in (ANY, name)]
        return max(values) + self.least if values else None

    def met(self, value: float, baselines: Mapping[str, Mapping[str, float]]) -> bool:
        """A baseline has to be passed, a value only reached."""
        needed = self.needed(baselines)
        return needed is not None and (value > needed if self.above and not self.least else value >= needed)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A task on a set."""

    source: str
    measures: tuple[str, ...]
    """Those shown, the chief one first."""
    goals: tuple[Goal, ...] = ()
    options: tuple[str, ...] = ()
    """Of the task."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the training, where the preset is not taken; `max_pieces` and others of `litebert.train` as well."""
    note: str = ""
    """What is to be said beside it: why a goal was missed, and what was tried."""


def _row(source: str, measure: str, least: float | None = None, **more: Any) -> Row:
    goals = () if least is None else (Goal(measure=measure, least=least),)
    return Row(**{"source": source, "measures": (measure,), "goals": goals, **more})


ROWS: Sequence[Row] = (
    _row(
        "glue.sst2",
        "accuracy",
        0.85,
        settings={"epochs": 3.0},
        note="After each epoch 0.840, 0.852 and 0.836: the phrases are learnt by heart. Before the last "
        "9,000 updates of pretraining, with 20,000 pieces in place of 25,400 (docs/pretraining.md), 0.821, "
        "0.836 and 0.831; after 41 million pieces 0.807 and 0.830. Its teacher (22 million parameters, "
        "nothing shared) has 0.887 after one epoch at 5e-5.",
    ),
    _row("news.ag", "accuracy", 0.88),
    _row("zh.chnsenticorp", "accuracy", 0.89),
    _row("clue.tnews", "accuracy", 0.52),
    _row(
        "clue.afqmc",
        "accuracy",
        settings={"epochs": 1.0},
        note="After one epoch all its answers are the commoner one (a training loss of 0.618, that of "
        "knowing how frequent each is), and tfidf does no better. More epochs have not been tried.",
    ),
    _row("clue.ocnli", "accuracy"),
    _row("stsb.en", "pearson", 0.80),
    _row("stsb.zh", "pearson"),
    _row("entities.conll2003", "f1", 0.82),
    _row(
        "entities.cluener",
        "f1",
        0.70,
        settings={"epochs": 5.0, "batch_size": 16, "dropout": 0.1},
        note="Without dropout, in batches of 32, three epochs had 0.692 and six 0.694.",
    ),
    _row("entities.resume", "f1", 0.93),
    _row("entities.bc5cdr", "f1", 0.75),
    _row("tagging.conll2000", "f1"),
    _row("roles.english", "f1"),
    _row(
        "roles.chinese",
        "f1",
        settings={"epochs": 25.0, "batch_size": 16, "evaluate_every": 350},
        note="1,121 predicates to learn from: it is best after 10 epochs, and then learns them by heart. In "
        "batches of 32, F1 leaves 0 in the seventh epoch, and is 0.252 after 15.",
    ),
    _row("relations.semeval", "macro_f1", 0.72),
    _row(
        "answers.squad",
        "f1",
        settings={"epochs": 4.0},
        goals=(Goal(measure="f1", least=0.08, above="none"),),
        note="It is best where it answers nothing: 4,495 questions are learnt by heart (a training loss of "
        "1.4) before answers are found in articles that it has not seen. With 24,000 gaps in sentences of "
        "the English Wikipedia as questions first, one epoch of them, it had 0.508. To try next: far more "
        "of these, and more pretraining.",
    ),
    _row(
        "answers.cmrc",
        "f1",
        options=("stride=256",),
        settings={"epochs": 8.0, "batch_size": 16, "max_pieces": 384},
        goals=(Goal(measure="f1", above=ANY),),
        note="After each epoch 0.159, 0.266, 0.284, 0.273, 0.282 and 0.275: the questions are learnt by "
        "heart from the fourth on. In batches of 32 and windows of 512: 0.125, 0.224, 0.248.",
    ),
    _row("answers.drcd", "f1", settings={"epochs": 3.0}),
    _row(
        "choices.c3",
        "accuracy",
        0.42,
        options=("overlap=true",),
        settings={"epochs": 0.15, "batch_size": 16, "max_pieces": 192},
        note="It is shared words that choose: as `--options overlap=true` weighs them, by the training data, "
        "they alone have 0.482 here, and the encoder adds nothing in its first 1,776 of 11,869 questions. "
        "More of them have not been tried yet.",
    ),
    _row(
        "choices.race_middle",
        "accuracy",
        0.42,
        options=("overlap=true",),
        settings={"epochs": 0.015, "batch_size": 16, "max_pieces": 256},
        note="As C3: shared words alone have 0.446, and the encoder has learnt from 384 of 25,421 questions.",
    ),
    Row(
        source="ranking.wikiqa",
        measures=("mrr", "map"),
        settings={"epochs": 5.0},
        goals=(Goal(measure="mrr", above="bm25"), Goal(measure="map", above="bm25")),
    ),
    _row("multi30k.en_de", "bleu", 30.0, settings={"epochs": 12.0}),
    _row(
        "code.django",
        "exact_match",
        0.55,
        settings={"epochs": 12.0, "evaluate_every": 750},
        note="From new weights. Written greedily, after 3, 6, 9 and 12 epochs: 0.341, 0.460, 0.518, 0.550.",
    ),
    _row(
        "summaries.scitldr",
        "rougeL",
        settings={"epochs": 8.0},
        goals=(Goal(measure="rougeL", above="lead"),),
        note="Written in its own words, from new weights; best after four epochs. Most of it is how such "
        'sentences sound ("We propose a novel …"), which ROUGE rewards, and little is what the paper found: '
        "choosing sentences, the next row, tells more.",
    ),
    _row(
        "summaries.scitldr_sentences",
        "rougeL",
        settings={"epochs": 4.0, "batch_size": 16, "dropout": 0.1},
        goals=(Goal(measure="rougeL", above="lead"),),
    ),
    _row(
        "summaries.bbc_sentences",
        "rouge1",
        settings={"epochs": 2.0, "batch_size": 16, "max_pieces": 256},
        goals=(Goal(measure="rouge1", above="lead"),),
    ),
    Row(
        source=MOVIES, measures=("hit_rate@10", "ndcg@10"), goals=(Goal(measure="ndcg@10", above="factors"),)
    ),
)


def chosen(names: Sequence[str]) -> list[Row]:
    """The rows of these names, `entities.conll2003` or `conll2003`; without any, all. Raises `UsageError`."""
    known = {name: row for row in ROWS for name in (row.source, row.source.rpartition(".")[2])}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(nearest(unknown[0], known, "row"))
    return [row for row in ROWS if not names or row in [known[name] for name in names]]
