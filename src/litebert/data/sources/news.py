"""News."""

from __future__ import annotations

from litebert.data.formats.table import Cells
from litebert.data.source import Source, by_hash, from_file
from litebert.tasks.classification import Classification

TOPICS = Classification(labels=("World", "Sports", "Business", "Sci/Tech"))


def _headed(cells: Cells) -> Cells:
    """The text is the title and the description."""
    return cells | {"2": f"{cells['1']} {cells['2']}"}


ag = Source(
    TOPICS,
    {
        **by_hash(from_file("ag_news/alps_dev.tsv", TOPICS, {"text": "0", "label": "1"})),
        "test": from_file(
            "ag_news/test.csv",
            TOPICS,
            {"text": "2", "label": "0"},
            labels={str(i): topic for i, topic in enumerate(TOPICS.labels, start=1)},
            edit=_headed,
        ),
    },
    "AG News in 4 topics: 10,001 descriptions of the official train; the official test, title and description"
    " (Zhang et al. 2015)",
)
