"""Which columns are read, what is told about them, and how sets are put together."""

from __future__ import annotations

from pathlib import Path

import pytest

from litebert.data.examples import Examples, read, sibling
from litebert.errors import UsageError
from litebert.tasks.classification import Classification
from litebert.tasks.multilabel import Multilabel
from litebert.tasks.regression import Regression
from litebert.tasks.task import Task


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wrote(name: str, content: str) -> str:
    Path(name).write_text(content, encoding="utf-8")
    return name


def seen(name: str, content: str, task: Task | None = None, **options: object) -> Examples:  # type: ignore[type-arg]
    return read(wrote(name, content), task or Classification(), fit=True, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("text,label", {"text": "text", "label": "label"}),
        ("label,review", {"text": "review", "label": "label"}),
        ("Sentence,Category", {"text": "Sentence", "label": "Category"}),
        ("id,TEXT_A,Text B,LABEL", {"text": "TEXT_A", "second": "Text B", "label": "LABEL"}),
        ("premise,hypothesis,label", {"text": "premise", "second": "hypothesis", "label": "label"}),
        ("Quality,#1 String,#2 String", {"text": "#1 String", "second": "#2 String", "label": "Quality"}),
        ("内容,标签", {"text": "内容", "label": "标签"}),
        (",text,label", {"text": "text", "label": "label"}),
    ],
)
def test_columns_are_known_by_their_names(header: str, columns: dict[str, str]) -> None:
    width = header.count(",") + 1
    rows = [",".join(f"{cell}{i}" for cell in "abcd"[:width]) for i in range(2)]
    assert seen("x.csv", "\n".join([header, *rows])).columns == columns


def test_columns_without_names_are_known_by_what_is_in_them() -> None:
    rows = "".join(
        f"gj{i % 3}\t{i % 2}\t{'*' * (i % 2)}\tThe sentence number {i} is here.\n" for i in range(9)
    )
    examples = seen("cola.tsv", rows)
    assert examples.columns == {"text": "3", "label": "1"}
    assert examples.notes == (
        "cola.tsv: columns text = '3' (guessed), label = '1' (guessed); not used: '0', '2'",
    )
    rows = "".join(f"{i}\tone sentence {i}\tand another {i}\t{i % 2}\n" for i in range(9))
    assert seen("pairs.tsv", rows).columns == {"text": "1", "second": "2", "label": "3"}
    rows = "".join(f"{i},the text of {i},{i * 0.7:.1f}\n" for i in range(9))
    assert seen("scores.csv", rows, Regression()).columns == {"text": "1", "score": "2"}


def test_a_first_row_of_data_is_not_taken_for_names() -> None:
    assert len(seen("x.csv", "good,yes\nbad,no\nfine,yes\nawful,no\n")) == 4
    # "question" is a name that somebody might give a column, but here it comes again below.
    assert len(seen("x.csv", "who is it,question\nit is me,answer\nwho are you,question\n")) == 3


def test_named_columns_win() -> None:
    content = "text,other,label,stars\na,b,x,1\nc,d,y,2\n"
    examples = seen("x.csv", content, columns={"text": "other", "label": "stars"})
    assert [(e.given.text, e.wanted.label) for e in examples] == [("b", "1"), ("d", "2")]
    assert examples.notes == ()
    partly = seen("x.csv", content, columns={"label": "stars"})
    assert partly.notes == ("x.csv: columns text = 'text', label = 'stars'; not used: 'other', 'label'",)


def test_numbered_columns_say_that_there_are_no_names() -> None:
    examples = seen("x.csv", "text,label\nb,c\nb,c\n", columns={"text": "0", "label": "1"})
    assert [e.given.text for e in examples] == ["text", "b", "b"]


def test_the_answer_of_any_task_may_be_called_its_label() -> None:
    assert (
        seen("x.csv", "text,mark\na,1\nb,2\n", Regression(), columns={"label": "mark"}).columns["score"]
        == "mark"
    )
    several = seen("x.csv", "text,mark\na,1;2\nb,2\n", Multilabel(), columns={"label": "mark"})
    assert several.task.labels == ("1", "2")


def test_a_second_text_may_come_and_go() -> None:
    examples = seen("x.jsonl", '{"text":"a","label":1}\n{"text":"b","second":"c","label":2}\n')
    assert [e.given.second for e in examples] == [None, "c"]
    many = '{"text":"a","label":1}\n' * 500 + '{"text":"b","second":"c","label":2}\n'
    assert seen("x.jsonl", many)[-1].given.second == "c"
    assert [e.given.second for e in seen("x.csv", "text,second,label\na,,1\nb,c,2\n")] == [None, "c"]


def test_labels_are_strings_whatever_the_file_has() -> None:
    rows = (
        f'{{"text":"a","label":{label}}}\n'
        for label in ("1", '"1"', "1.0", '" 1 "', "[1]", "true", "2.5", '"x"')
    )
    examples = seen("x.jsonl", "".join(rows))
    assert [e.wanted.label for e in examples] == ["1", "1", "1", "1", "1", "true", "2.5", "x"]


def test_empty_texts_are_kept_and_counted() -> None:
    examples = seen("x.csv", "text,label\n,1\nb,0\n  ,1\n,0\n,1\n")
    assert len(examples) == 5
    assert examples.counts == {"empty": 4}
    assert examples.notes[-1] == "x.csv: 4 texts are empty, kept (lines 2, 4, 5, …)"
    assert seen("x.csv", "text,label\n,1\nb,0\n").notes[-1] == "x.csv: 1 text is empty, kept (line 2)"


def test_several_files_are_one_set() -> None:
    wrote("a.csv", "text,label\none,x\n")
    wrote("b.jsonl", '{"sentence":"two","label":"y"}\n')
    for where in ("a.csv,b.jsonl", "a.csv, b.jsonl", ["a.csv", Path("b.jsonl")]):
        examples = read(where, Classification(), fit=True)
        assert [(e.given.text, str(e.place)) for e in examples] == [("one", "a.csv:2"), ("two", "b.jsonl:1")]
        assert examples.task.labels == ("x", "y")
        assert len(examples.notes) == 2


def test_a_file_may_have_a_comma_in_its_name() -> None:
    wrote("a,b.csv", "text,label\none,x\ntwo,y\n")
    assert len(read("a,b.csv", Classification(), fit=True)) == 2


def test_a_file_stands_before_a_source_of_the_same_name() -> None:
    wrote("reviews.en", "text,label\none,x\ntwo,y\n")
    assert len(read("reviews.en", Classification(), fit=True)) == 2


def test_at_most_so_many() -> None:
    content = "text,label\n" + "a,x\nb,y\n" * 300
    assert len(seen("x.csv", content, limit=5)) == 5
    assert len(read("reviews.en", limit=7)) == 7


def test_settings_of_the_task_are_kept() -> None:
    examples = seen("x.csv", "text,label\na,x\nb,y\n", Classification(max_pieces=64))
    assert examples.task == Classification(max_pieces=64, labels=("x", "y"))
    source = read("reviews.en", Classification(max_pieces=64))
    assert source.task == Classification(max_pieces=64, labels=("negative", "positive"))


def test_a_source_knows_its_task_and_nobody_elses() -> None:
    assert read("reviews.en:test").task == Classification(labels=("negative", "positive"))
    with pytest.raises(UsageError, match=r"reviews\.en is for the task classification, not regression"):
        read("reviews.en", Regression())
    with pytest.raises(UsageError, match="knows its columns and its format"):
        read("reviews.en", columns={"text": "text"})
    with pytest.raises(UsageError, match="no split is named 'tset'; did you mean 'test'"):
        read("reviews.en:tset")
    with pytest.raises(UsageError, match=r"no source is named 'reviws\.en'; did you mean 'reviews\.en'"):
        read("reviws.en")
    with pytest.raises(UsageError, match=r"no source is named 'reviews\.task'"):
        read("reviews.task")


def test_a_split_may_stand_for_a_source_without_one() -> None:
    assert read("reviews.en", split=("dev", "test")).rows == read("reviews.en:test").rows
    assert read("reviews.en").rows == read("reviews.en:train").rows


def test_a_source_and_a_file_go_together() -> None:
    wrote("x.csv", "text,label\na,negative\nb,mixed\n")
    examples = read("reviews.en:test,x.csv", Classification(), fit=True)
    assert examples.task.labels == ("mixed", "negative", "positive")
    assert [e.given.text for e in examples[-2:]] == ["a", "b"]


def test_sets_of_different_tasks_do_not_go_together(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    (here / "glue/RTE").mkdir(parents=True)
    wrote("glue/RTE/train.tsv", "sentence1\tsentence2\tlabel\na\tb\tentailment\nc\td\tnot_entailment\n")
    monkeypatch.setenv("LITEBERT_DATA", str(here))
    with pytest.raises(
        UsageError, match="these sets have different labels or tasks; say --task to join them"
    ):
        read("reviews.en,glue.rte:all")


def test_a_sibling_is_the_same_set_at_another_split() -> None:
    assert sibling("glue.sst2", "dev") == "glue.sst2:dev"
    assert sibling("glue.sst2:train", "dev") == "glue.sst2:dev"
    assert sibling("reviews.en,reviews.zh", "test") == "reviews.en:test,reviews.zh:test"
    assert sibling("reviews.en", "dev") is None
    assert sibling("glue.sst2:all", "dev") is None
    assert sibling("glue.sst2:dev", "dev") is None
    assert sibling("glue.sst2,train.csv", "dev") is None
    assert sibling("train.csv", "dev") is None


def test_without_the_data_folder_one_is_told_how_to_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LITEBERT_DATA", raising=False)
    with pytest.raises(UsageError) as caught:
        read("glue.rte")
    assert str(caught.value) == (
        "LITEBERT_DATA is not set: it must name the folder of data sets that holds glue/RTE/train.tsv, "
        "for example: export LITEBERT_DATA=~/data"
    )


def test_a_data_folder_without_the_set_is_told(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    monkeypatch.setenv("LITEBERT_DATA", str(here))
    with pytest.raises(Exception, match=r"glue/RTE/train.tsv: is not there, and no train.tsv.gz"):
        read("glue.rte")


def test_a_source_of_ones_own(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("lab").mkdir()
    wrote("lab/tweets.tsv", "a\tx\nb\ty\n")
    wrote(
        "lab/sets.py",
        "from litebert.data.source import Source, from_file\n"
        "from litebert.tasks.classification import Classification\n"
        "task = Classification(labels=('x', 'y'))\n"
        "columns = {'text': '0', 'label': '1'}\n"
        "tweets = Source(task, {'train': from_file('lab/tweets.tsv', task, columns)}, 'Mine')\n",
    )
    monkeypatch.setenv("LITEBERT_DATA", str(here))
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    assert [e.given.text for e in read("lab.sets.tweets")] == ["a", "b"]


def test_reading_needs_no_torch() -> None:
    import subprocess
    import sys

    modules = "litebert.data.examples, litebert.data.inputs, litebert.data.split"
    code = f"import sys, {modules}; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
