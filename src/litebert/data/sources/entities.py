"""Entities."""

from __future__ import annotations

from litebert.data.source import Source, from_file
from litebert.tasks.entities import EntityTask

TASK = EntityTask()


def _columns(about: str, **files: str) -> Source:
    """A set in CoNLL's columns. files: each split's."""
    read = {split: from_file(name, TASK, {}, format="conll") for split, name in files.items()}
    return Source(TASK, read, about)


conll2003 = _columns(
    "CoNLL-2003: people, places, organisations, others in Reuters' news (Tjong Kim Sang & De Meulder 2003)",
    train="conll2003_en/eng.train",
    dev="conll2003_en/eng.testa",
)
ncbi = _columns(
    "NCBI: diseases in abstracts of PubMed (Doğan et al. 2014)",
    train="ncbi_disease/train.tsv",
    dev="ncbi_disease/devel.tsv",
)
bc5cdr = _columns(
    "BC5CDR: chemicals and diseases in abstracts of PubMed (Li et al. 2016)",
    train="bc5cdr/train.tsv",
    dev="bc5cdr/devel.tsv",
    test="bc5cdr/test.tsv",
)
weibo = _columns(
    "Weibo: names and mentions of people, places, organisations (Peng & Dredze 2015)",
    train="weibo_ner_zh/weiboNER_2nd_conll.train",
    dev="weibo_ner_zh/weiboNER_2nd_conll.dev",
    test="weibo_ner_zh/weiboNER_2nd_conll.test",
)
resume = _columns(
    "Résumés of managers in 8 types (Zhang & Yang 2018)",
    train="resume_ner_zh/train.char.bmes",
    dev="resume_ner_zh/dev.char.bmes",
)
peoples_daily = _columns(
    "People's Daily: people, places and organisations",
    train="peoples_daily_ner_zh/example.train.zip",
    dev="peoples_daily_ner_zh/example.dev",
    test="peoples_daily_ner_zh/example.test",
)
msra = _columns("MSRA: its dev alone (Levow 2006)", dev="msra_ner_zh/dev.ner")
cluener = Source(
    TASK,
    {split: from_file(f"cluener_zh/{split}.json", TASK, {}) for split in ("train", "dev")},
    "CLUENER: 10 types in Chinese news (Xu et al., arXiv 2001.04351)",
)
