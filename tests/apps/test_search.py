"""Search: what is found, what stays after changes, and what a crash leaves."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import litebert
from litebert.apps.search import indexing, storage
from litebert.apps.search.documents import Document, read_documents
from litebert.apps.search.neighbours import Exact, Graph
from litebert.apps.search.passages import LETTERS, passages, sentences
from litebert.apps.search.search import Searcher
from litebert.cli import main
from litebert.errors import DataError, ModelError, UsageError
from litebert.text.bm25 import WordIndex, terms
from small_runs import FAST, Runs, write

SHOP = {
    "refunds.txt": "A refund takes five working days. Shipping is never refunded.",
    "送货.md": "包裹三天内送到。周日不送货。",
    "hours.txt": "We open at nine. On Sundays the shop is closed.",
}


def folder_of(texts: dict[str, str], at: Path) -> Path:
    at.mkdir(exist_ok=True)
    for old in at.iterdir():
        old.unlink()
    for name, text in texts.items():
        (at / name).write_text(text, encoding="utf-8")
    return at


# Words.


def test_bm25_is_its_formula() -> None:
    texts = ["the cat sat", "the dog sat down there", "a bird"]
    found = WordIndex.of(texts).scores(terms("cat sat"))
    mean = (3 + 5 + 2) / 3

    def part(having: int, length: int) -> float:
        return math.log(1 + (3 - having + 0.5) / (having + 0.5)) / (1 + 1.2 * (0.25 + 0.75 * length / mean))

    assert found == pytest.approx([part(1, 3) + part(2, 3), part(2, 5), 0.0])


def test_terms_are_words_and_pairs_of_characters() -> None:
    assert terms("Two Films, ２ boxes: 电影好") == [
        *("two", "film", "2", "boxe", "电", "影", "好", "电影", "影好")
    ]
    assert terms("This bus is a class") == ["this", "bus", "is", "a", "class"]
    assert terms(" \0 …") == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab 电影", max_size=12), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_rows_kept_and_added_are_as_if_made_anew(texts: list[str], draw: random.Random) -> None:
    kept = [row for row in range(len(texts)) if draw.random() < 0.6]
    changed = WordIndex.of(texts).with_rows(np.array(kept, np.int64), ["a 电影", ""])
    fresh = WordIndex.of([*(texts[row] for row in kept), "a 电影", ""])
    for query in ("a", "b 电", "影"):
        assert changed.scores(terms(query)) == pytest.approx(fresh.scores(terms(query)))


# Passages.


@given(st.text("ab. 。！\n字", max_size=300))
def test_sentences_stand_where_they_say(text: str) -> None:
    spans = list(sentences(text))
    assert all(text[one.start : one.end].strip() == text[one.start : one.end] != "" for one in spans)
    ends = [place for one in spans for place in (one.start, one.end)]
    assert ends == sorted(ends)
    assert "".join("".join(text[one.start : one.end] for one in spans).split()) == "".join(text.split())


def test_passages_are_whole_sentences_of_some_length() -> None:
    text = "One sentence stands here. " * 200
    parts = list(passages(Document("a", text)))
    assert all(one.end - one.start <= LETTERS and text[one.end - 1] == "." for one in parts)
    assert sum(text[one.start : one.end].count(".") for one in parts) == 200
    assert [(one.start, one.end) for one in passages(Document("q", "a. b.", "why?", faq=True))] == [(0, 5)]


# Documents.


def test_documents_come_from_folders_and_tables(tmp_path: Path) -> None:
    shop = folder_of(SHOP, tmp_path / "shop")
    write(shop / "faq.jsonl", [{"id": "gift", "question": "Gifts?", "answer": " Yes."}, {"text": "x"}])
    (shop / "picture.png").write_bytes(b"\x89PNG")
    (shop / ".hidden.txt").write_text("no")
    found = {one.id: one for one in read_documents(str(shop))}
    assert found.keys() == {*SHOP, "faq.jsonl#gift", "faq.jsonl#2"}
    assert found["faq.jsonl#gift"] == Document("faq.jsonl#gift", " Yes.", "Gifts?", faq=True)
    path = write(tmp_path / "one.jsonl", [{"_id": 7, "title": "T", "text": "body"}])
    assert read_documents(str(path)) == [Document("7", "body", "T")]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}],
            r"docs.jsonl:2: the id 'a' stands at .*:1, too",
        ),
        ([{"id": "a", "title": "x"}], r"docs.jsonl:1: no text: there is 'id', 'title'"),
        ([{"id": "a", "text": " "}], r"docs.jsonl:1: no text"),
    ],
)
def test_what_is_no_document_is_told_with_its_place(
    tmp_path: Path, rows: list[dict[str, str]], told: str
) -> None:
    with pytest.raises(DataError, match=told):
        read_documents(str(write(tmp_path / "docs.jsonl", rows)))


def test_a_source_that_is_not_there_gets_the_nearest(tmp_path: Path) -> None:
    folder_of(SHOP, tmp_path / "shop")
    with pytest.raises(DataError, match=r"did you mean .*shop"):
        read_documents(str(tmp_path / "shp"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no documents"):
        read_documents(str(tmp_path / "empty"))


# Neighbours.


def test_the_graph_finds_nearly_all_and_lets_go() -> None:
    pytest.importorskip("usearch")
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(2000, 24)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    keys, exact, graph = np.arange(2000), Exact(np.arange(2000), rows), Graph(24)
    graph.add(keys, rows)
    found = [set(graph.nearest(row, 10)[0]) & set(exact.nearest(row, 10)[0]) for row in rows[:50]]
    assert sum(map(len, found)) > 450
    graph.remove(np.array([7]))
    assert 7 not in graph.nearest(rows[7], 5)[0] and len(graph) == 1999
    assert exact.nearest(rows[7], 5)[0][0] == 7 and exact.nearest(rows[7], 9999)[0].shape == (2000,)


# The index.


@pytest.mark.parametrize("neighbours", ["exact", "approximate"])
def test_an_index_brought_up_to_date_is_as_one_made_anew(
    runs: Runs, tmp_path: Path, neighbours: indexing.How
) -> None:
    if neighbours == "approximate":
        pytest.importorskip("usearch")
    shop, out = folder_of(SHOP, tmp_path / "shop"), tmp_path / "index"
    options = {"model": str(runs.model), "neighbours": neighbours, "precision": "fp32"}
    first = indexing.make(str(shop), out, **options)
    assert (first.added, first.changed, first.deleted, first.kept, first.passages) == (3, 0, 0, 0, 3)
    folder_of({**SHOP, "hours.txt": "We open at ten.", "new.txt": "Tea and cake."}, shop)
    (shop / "refunds.txt").unlink()
    then = indexing.make(str(shop), out, precision="fp32")
    assert (then.added, then.changed, then.deleted, then.kept, then.passages) == (1, 1, 1, 1, 3)
    indexing.make(str(shop), tmp_path / "anew", **options)
    changed, anew = Searcher(out, precision="fp32"), Searcher(tmp_path / "anew", precision="fp32")
    for by in ("words", "meaning", "both"):
        for query in ("when do you open", "周日", "tea"):
            ours, theirs = ({hit.id: hit.score for hit in one(query, by=by)} for one in (changed, anew))
            assert ours == pytest.approx(theirs, abs=1e-5)
    assert "refunds.txt" not in {hit.id for hit in changed("refund", by="meaning")}


def test_another_model_reads_all_again(runs: Runs, tmp_path: Path) -> None:
    shop, out = folder_of(SHOP, tmp_path / "shop"), tmp_path / "index"
    indexing.make(str(shop), out, model="none")
    with pytest.raises(UsageError, match="an index of words alone"):
        Searcher(out)("refund", by="meaning")
    assert Searcher(out)("refund")[0].id == "refunds.txt"
    assert Searcher(out)(" \n") == []  # Nothing was asked.
    assert indexing.make(str(shop), out).kept == 3
    assert storage.manifest_of(out).model is None
    indexing.make(str(shop), out, model=str(runs.model), precision="fp32")
    assert len(Searcher(out, precision="fp32")("refund", by="meaning")) == 3
    config = json.loads((runs.model / "config.json").read_text("utf-8"))
    model = tmp_path / "model"
    model.mkdir()
    for file in runs.model.iterdir():
        (model / file.name).write_bytes(file.read_bytes())
    indexing.make(str(shop), out, model=str(model), precision="fp32")
    (model / "config.json").write_text(json.dumps({**config, "intermediate_size": 128}))
    with pytest.raises(ModelError, match="is not the model any more"):
        Searcher(out)("refund")


def test_every_damaged_file_is_named(runs: Runs, tmp_path: Path) -> None:
    shop, out = folder_of(SHOP, tmp_path / "shop"), tmp_path / "index"
    indexing.make(str(shop), out, model=str(runs.model))
    files = sorted(path for path in out.iterdir() if not path.name.startswith("."))
    assert {path.name.split(".")[0] for path in files} == {
        *("documents", "passages", "vocabulary", "vectors", "index")
    }
    for path in files:
        whole = path.read_bytes()
        for damaged in (whole[:-9], b"", bytes([whole[0] ^ 1]) + whole[1:]):
            path.write_bytes(damaged)
            with pytest.raises(ModelError, match=f"{path.name} is damaged"):
                Searcher(out)
        path.unlink()
        with pytest.raises(ModelError, match="holds no index" if path.name == "index.json" else path.name):
            Searcher(out)
        path.write_bytes(whole)
    Searcher(out)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    shop = folder_of(SHOP, tmp_path / "shop")
    with pytest.raises(UsageError, match="holds other files"):
        indexing.make(str(shop), shop, model="none")
    with pytest.raises(ModelError, match="holds no index: make one with"):
        Searcher(tmp_path / "nothing")


LOOP = """
import sys
from pathlib import Path
from litebert.apps.search import indexing
shop, out = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
for round in range(10_000):
    for name in range(40):
        (shop / f"{name}.txt").write_text(f"round {round} says {'word ' * (round % 7)}")
    indexing.make(str(shop), out, model="none")
"""


def test_a_killed_writer_leaves_the_old_index_or_the_new(tmp_path: Path) -> None:
    """kill -9 at any moment: what is there can be searched, is of one round, and is brought up to date."""
    shop, out = tmp_path / "shop", tmp_path / "index"
    shop.mkdir()
    (shop / "0.txt").write_text("round 0 says nothing")
    indexing.make(str(shop), out, model="none")
    draw = random.Random(1)
    for _ in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", LOOP, str(shop), str(out)],
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(draw.uniform(0.05, 0.5))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        rounds = {one.text.split()[1] for one in Searcher(out).index.documents}
        assert len(rounds) <= 2  # a killed round's first texts, and the last ones of the round before
        assert Searcher(out)("round")
    indexing.make(str(shop), out, model="none")
    kept = [path.name for path in out.iterdir() if path.name != ".lock"]
    assert len(kept) == 4, kept


# The commands.


def test_index_and_search_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop, out = folder_of(SHOP, tmp_path / "shop"), tmp_path / "index"
    assert main(["index", str(shop), "--out", str(out), "--model", "none"]) == 0
    assert "3 new" in capsys.readouterr().out
    assert main(["search", str(out), "什么时候送货", "--top", "1", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [list(hit) for hit in printed["hits"]] == [["id", "score", "text"]]
    assert printed["hits"][0]["id"] == "送货.md" and printed["hits"][0]["text"] == SHOP["送货.md"]
    assert main(["search", str(out), "zebra", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"hits": []}
    assert main(["index", str(shop)]) == 2
    assert "--out shop.index" in capsys.readouterr().err
    assert main(["search", str(out), "x", "--weight", "2"]) == 2


def test_search_in_python_and_a_re_ranker(runs: Runs, tmp_path: Path) -> None:
    rows = [
        {"query": f"a {one}", "candidates": ["it is excellent", f"{one} walked"], "scores": [1, 0]}
        for one in ("film", "river", "bank", "piano") * 20
    ]
    data = str(write(tmp_path / "rows.jsonl", rows))
    run = tmp_path / "run"
    litebert.train(task="ranking", train=data, dev=data, model=str(runs.model), out=run, **FAST)
    texts = {"a.txt": "the river walked", "b.txt": "the river: it is excellent", "c.txt": "the river walked"}
    litebert.index(str(folder_of(texts, tmp_path / "docs")), tmp_path / "index", model="none")
    hits = litebert.search(tmp_path / "index", "river", rerank=str(run))
    assert hits[0].id == "b.txt" and len(hits) == 3
    assert hits[0].text == texts["b.txt"][hits[0].start : hits[0].end]
