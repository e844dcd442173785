"""Sets of queries with candidates that somebody has judged.

WikiQA (Yang et al. 2015) and TrecQA (Wang et al. 2007) come as parallel files: on line n of `a.toks` is a
question, of `b.toks` a sentence, of `id.txt` the question's number, of `sim.txt` whether it is answered. MS
MARCO and DBpedia come as BEIR has them (arXiv 2104.08663): documents, queries, and judgements of some
of their pairs. The samples here have 5,000 documents each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import groupby

from litebert.data.example import Example, Examples, Place
from litebert.data.files import File
from litebert.data.formats import jsonl
from litebert.data.formats.table import Known
from litebert.data.source import Source, data_file
from litebert.errors import DataError
from litebert.tasks.ranking import Query, Rank, Ranking

Read = Callable[[], Examples[Query, Ranking]]


def parallel(folder: str) -> Read:
    """The questions of a folder of four parallel files."""

    def read() -> Examples[Query, Ranking]:
        columns = [list(_lines(f"{folder}/{name}")) for name in ("id.txt", "a.toks", "b.toks", "sim.txt")]
        if len({len(column) for column in columns}) > 1:
            raise DataError(f"its files have {', '.join(str(len(c)) for c in columns)} lines", path=folder)
        path = data_file(f"{folder}/a.toks")
        rows = enumerate(zip(*columns, strict=True), start=1)
        examples = []
        for _, group in groupby(rows, key=lambda row: row[1][0]):
            pairs = list(group)
            relevance = tuple(float(similar) for _, (_, _, _, similar) in pairs)
            query = Query(pairs[0][1][1], tuple(answer for _, (_, _, answer, _) in pairs))
            examples.append(Example(query, Ranking(relevance), Place(path, pairs[0][0])))
        return Examples(examples, Rank())

    return read


def judged(folder: str) -> Read:
    """For each query of a BEIR folder the documents that were judged, to be put into their order."""

    def read() -> Examples[Query, Ranking]:
        documents = {row["_id"]: document(row) for _, row in _objects(f"{folder}/corpus.jsonl")}
        of = judgements(folder)
        path = data_file(f"{folder}/queries.jsonl")
        return Examples(
            [
                Example(
                    Query(row["text"], tuple(documents[id] for id in of[row["_id"]] if id in documents)),
                    Ranking(tuple(score for id, score in of[row["_id"]].items() if id in documents)),
                    Place(path, line),
                )
                for line, row in _objects(f"{folder}/queries.jsonl")
                if any(id in documents for id in of.get(row["_id"], ()))
            ],
            Rank(),
        )

    return read


def document(row: dict[str, str]) -> str:
    """A document as one text: its title, if it has one, and what it says."""
    return ". ".join(part for part in (row.get("title"), row["text"]) if part)


def judgements(folder: str) -> dict[str, dict[str, float]]:
    """Query → document → relevance, in the order of the file."""
    found: dict[str, dict[str, float]] = {}
    for line in _lines(f"{folder}/qrels_test.tsv"):
        query, id, score = line.split("\t")
        if score != "score":  # the row of names
            found.setdefault(query, {})[id] = float(score)
    return found


def _lines(name: str) -> Iterator[str]:
    with closing(File(data_file(name))) as file:
        for _, text in file.lines():
            yield text.rstrip("\r\n")


def _objects(name: str) -> Iterator[tuple[int, dict[str, str]]]:
    with closing(File(data_file(name))) as file:
        yield from jsonl.read(file, Known()).rows


wikiqa = Source(
    Rank(),
    {split: parallel(f"wikiqa/{split}") for split in ("train", "dev", "test")},
    "WikiQA: which sentence of a Wikipedia article answers a question? (Yang et al. 2015)",
)
trecqa = Source(
    Rank(),
    {
        split: parallel(f"trecqa/{folder}")
        for split, folder in {"train": "train", "dev": "clean-dev", "raw_dev": "raw-dev"}.items()
    },
    "TrecQA: which sentence of the news answers a question? (Wang et al. 2007)",
)
msmarco = Source(
    Rank(),
    {"test": judged("msmarco_mini")},
    "MS MARCO, a sample: passages for the queries of TREC's deep learning track, graded 0 to 3",
)
dbpedia = Source(
    Rank(),
    {"test": judged("dbpedia_mini")},
    "DBpedia-Entity, a sample: entities for queries, graded 0 to 2 (Hasibi et al. 2017)",
)
