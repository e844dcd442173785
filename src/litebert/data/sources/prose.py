"""Running text, to go on with."""

from __future__ import annotations

from litebert.data.plain import plain_file
from litebert.data.source import Source
from litebert.tasks.generation import Generation

wikitext = Source(
    Generation(),
    {
        "train": plain_file(("wikitext2_en/valid.txt",), Generation()),
        "dev": plain_file(("wikitext2_en/test.txt",), Generation()),
    },
    "WikiText-2: its official valid to learn from and its test to be judged by, since its train is not there",
)
