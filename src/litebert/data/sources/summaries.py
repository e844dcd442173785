"""Texts and their summaries: papers, dialogues, Chinese abstracts, news."""

from __future__ import annotations

from litebert.data.formats.table import Cells
from litebert.data.source import Source, by_hash, from_file
from litebert.tasks.extraction import Extraction
from litebert.tasks.summarisation import Summarisation


def _three(cells: Cells) -> Cells:
    """The test of DialogSum has three summaries."""
    return cells | {"summary1": [cells[f"summary{number}"] for number in (1, 2, 3)]}


_PAPER = {"document": "source", "text": "target"}
_DIALOGUE = {"document": "dialogue", "text": "summary"}
_JUDGED = {"document": "dialogue", "text": "summary1"}
_ABSTRACT = {"document": "1", "text": "2"}

scitldr = Source(
    Summarisation(),
    {
        split: from_file(f"scitldr/{split}.jsonl", Summarisation(), _PAPER, format="jsonl")
        for split in ("train", "dev")
    },
    "SciTLDR-A: abstracts of papers in one sentence; dev has several references (arXiv 2004.15011)",
)
scitldr_sentences = Source(
    Extraction(),
    {
        split: from_file(f"scitldr/{split}.jsonl", Extraction(), _PAPER, format="jsonl")
        for split in ("train", "dev")
    },
    "The same abstracts, of which the sentence is chosen that comes nearest",
)
dialogsum = Source(
    Summarisation(),
    {
        **by_hash(from_file("dialogsum/dialogsum.dev.jsonl", Summarisation(), _DIALOGUE)),
        "test": from_file("dialogsum/dialogsum.test.jsonl", Summarisation(), _JUDGED, edit=_three),
    },
    "DialogSum: everyday dialogues, its official dev alone to learn from; test has three references",
)
csl = Source(
    Summarisation(),
    {
        **by_hash(from_file("csl_title_zh/dev.tsv", Summarisation(), _ABSTRACT)),
        "test": from_file("csl_title_zh/test.tsv", Summarisation(), _ABSTRACT),
    },
    "CSL: Chinese abstracts and their titles, its official dev alone to learn from (arXiv 2209.05034)",
)
bbc_sentences = Source(
    Extraction(),
    by_hash(
        from_file(
            "bbc_news_summary/bbc_news_summary.jsonl",
            Extraction(),
            {"document": "article", "text": "summary"},
        )
    ),
    "The same news, of which sentences are chosen",
)
bbc = Source(
    Summarisation(),
    by_hash(
        from_file(
            "bbc_news_summary/bbc_news_summary.jsonl",
            Summarisation(),
            {"document": "article", "text": "summary"},
        )
    ),
    "BBC news and the sentences that sum each up (Greene & Cunningham 2006)",
)
