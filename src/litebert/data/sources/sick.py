"""SICK: sentences involving compositional knowledge (Marelli et al., LREC 2014)."""

from __future__ import annotations

from litebert.data.source import Source, from_file
from litebert.tasks.classification import Classification
from litebert.tasks.similarity import Similarity

FILES = {"train": "SICK_train", "dev": "SICK_trial", "test": "SICK_test_annotated"}
PAIR = {"text": "sentence_A", "second": "sentence_B"}
ENTAILMENT = Classification(labels=("ENTAILMENT", "NEUTRAL", "CONTRADICTION"))

relatedness = Source(
    Similarity(),
    {
        split: from_file(
            f"sick/{file}.txt", Similarity(), {**PAIR, "score": "relatedness_score"}, format="tsv"
        )
        for split, file in FILES.items()
    },
    "SICK: how related two sentences are, 1 to 5",
)
entailment = Source(
    ENTAILMENT,
    {
        split: from_file(
            f"sick/{file}.txt", ENTAILMENT, {**PAIR, "label": "entailment_judgment"}, format="tsv"
        )
        for split, file in FILES.items()
    },
    "SICK: does the second sentence follow, contradict, or neither?",
)
