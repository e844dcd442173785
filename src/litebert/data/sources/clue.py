"""CLUE (Xu et al., arXiv 2004.05986): sets of Chinese texts and pairs."""

from __future__ import annotations

from litebert.data.formats.table import Cells
from litebert.data.source import Source, by_hash, from_file
from litebert.tasks.classification import Classification

TOPICS = Classification(
    labels=tuple(
        f"news_{topic}"
        for topic in (
            *("story", "culture", "entertainment", "sports", "finance", "house", "car", "edu", "tech"),
            *("military", "travel", "world", "stock", "agriculture", "game"),
        )
    )
)
SAME = Classification(labels=("different", "same"))
INFERENCE = Classification(labels=("entailment", "neutral", "contradiction"))


def _agreed(cells: Cells) -> Cells | None:
    """OCNLI marks with "-" the pairs on which its judges did not agree."""
    return None if cells.get("label") == "-" else cells


_OCNLI = {"text": "sentence1", "second": "sentence2", "label": "label"}

tnews = Source(
    TOPICS,
    by_hash(from_file("tnews_zh/train.tsv", TOPICS, {"text": "0", "label": "1"})),
    "TNEWS: headlines of Toutiao in 15 topics",
)
afqmc = Source(
    SAME,
    {
        split: from_file(
            f"afqmc_zh/{split}.txt",
            SAME,
            {"text": "0", "second": "1", "label": "2"},
            labels={"0": "different", "1": "same"},
            format="tsv",
        )
        for split in ("train", "dev")
    },
    "AFQMC: do two questions to a bank mean the same?",
)
ocnli = Source(
    INFERENCE,
    {
        split: from_file(f"ocnli_zh/{file}.json", INFERENCE, _OCNLI, edit=_agreed)
        for split, file in {"train": "train.10k", "train_3k": "train.3k", "dev": "dev"}.items()
    },
    "OCNLI: does the second sentence follow, contradict, or neither? (Hu et al. 2020)",
)
