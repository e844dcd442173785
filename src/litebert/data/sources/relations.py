"""Relations."""

from __future__ import annotations

from litebert.data.source import Source, by_hash, from_file
from litebert.tasks.relations import Relations

_NAMES = (
    *("Cause-Effect", "Component-Whole", "Content-Container", "Entity-Destination", "Entity-Origin"),
    *("Instrument-Agency", "Member-Collection", "Message-Topic", "Product-Producer"),
)
TASK = Relations(labels=(*(f"{name}{way}" for name in _NAMES for way in ("(e1,e2)", "(e2,e1)")), "Other"))

semeval = Source(
    TASK,
    by_hash(
        from_file(
            "semeval2010_task8/TRAIN_FILE.TXT",
            TASK,
            {"text": "text", "label": "relation"},
            format="semeval",
        )
    ),
    "SemEval-2010 task 8: nine relations between nominals, in two directions (Hendrickx et al. 2010)",
)
