"""Chinese sets that are of no suite."""

from __future__ import annotations

from litebert.data.source import Source, by_hash, from_file
from litebert.tasks.classification import Classification

SENTIMENT = Classification(labels=("negative", "positive"))
SAME = Classification(labels=("different", "same"))

chnsenticorp = Source(
    SENTIMENT,
    {
        split: from_file(f"chnsenticorp_zh/{split}.tsv", SENTIMENT, {"text": "0", "label": "1"})
        for split in ("train", "dev")
    },
    "ChnSentiCorp: reviews of hotels, books and computers (Tan & Zhang 2008)",
)
waimai = Source(
    SENTIMENT,
    by_hash(
        from_file(
            "waimai10k_zh/waimai_10k.csv",
            SENTIMENT,
            {"text": "review", "label": "label"},
            labels={"0": "negative", "1": "positive"},
        )
    ),
    "Reviews of food that was delivered",
)
lcqmc = Source(
    SAME,
    by_hash(
        from_file(
            "lcqmc_zh/dev.txt",
            SAME,
            {"text": "0", "second": "1", "label": "2"},
            labels={"0": "different", "1": "same"},
            format="tsv",
        )
    ),
    "LCQMC: do two questions mean the same? Its dev alone (Liu et al. 2018)",
)
