"""What a person can get wrong in a data file, and what they are told: the whole message."""

from __future__ import annotations

import gzip
import json
import random
import shlex
import sys
from dataclasses import fields
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from litebert.data import files
from litebert.data.examples import read
from litebert.errors import HAVE_FLAGS, DataError, UsageError
from litebert.names import known
from litebert.tasks.classification import Classification
from litebert.tasks.multilabel import Multilabel
from litebert.tasks.ranking import Rank
from litebert.tasks.regression import Regression
from litebert.tasks.roles import RoleTask
from litebert.tasks.task import Task
from litebert.verbs.columns import Columns, InputColumns

HEAD = "text,label\n"
QUOTE = 'a quote opens here and does not end as it should: in a quoted cell, a quote is written ""'
ONE = "expected one object a line"
TEXTS = "expected one of text, sentence, sentence1, text_a, texta, text1, …"
NUMBER = "If the first row is data and not names, number the columns from 0"

MISTAKES: dict[str, tuple[str | bytes, str]] = {
    "empty.csv": ("", "empty.csv: is empty; expected rows of text"),
    "empty.tsv": ("\n\n", "empty.tsv: is empty; expected rows of text"),
    "empty.jsonl": ("\n", "empty.jsonl: is empty; expected at least one row"),
    "empty.json": ("[]", "empty.json: is empty; expected at least one row"),
    "empty.txt": ("", "empty.txt: is empty; expected rows of text"),
    "nothing.json": ("", "nothing.json:1:1: expected an array of objects, [{…}, …]"),
    "names.csv": (HEAD, "names.csv: has the names of columns (text, label) and no rows"),
    "more.csv": (
        HEAD + "a,1\nb, c,0\n",
        "more.csv:3: 3 cells; expected 2 (text, label): a cell that holds a comma must be quoted",
    ),
    "fewer.csv": (HEAD + "a,1\nb\n", "fewer.csv:3: 1 cell; expected 2 (text, label)"),
    "more.tsv": (
        "a b c d e\t1\na b c d f\t0\nb b b b\tc\t1\n",
        "more.tsv:3: 3 cells; expected 2, as in the first row: a cell cannot hold a tab or a line end; "
        "use CSV or JSONL",
    ),
    "open.csv": (HEAD + 'a,1\n"b,0\nc,1\n', f"open.csv:3:1: {QUOTE}"),
    "inner.csv": (HEAD + 'a,1\n"two\nlines",0\nx,"y\n', f"inner.csv:5:3: {QUOTE}"),
    "after.csv": (
        HEAD + 'a,1\n"b"x,0\n',
        "after.csv:3: is not CSV here: ',' expected after '\"'; after the quote that ends a cell there must "
        'be a comma, and a quote within it is written ""',
    ),
    "mac.csv": (
        "text,label\ra,1\rb,0\r",
        "mac.csv:1: a carriage return amid a line; expected lines that end with \\n or \\r\\n",
    ),
    "broad.csv": (",".join("ab" * 50_000), "broad.csv:1: 100,000 columns; 10,000 are the most that are read"),
    "broad.jsonl": (
        json.dumps({f"c{i}": i for i in range(20_000)}),
        "broad.jsonl:1: 20,000 columns; 10,000 are the most that are read",
    ),
    "nul.csv": (HEAD + "a,1\nb\0,0\n", "nul.csv:3:2: a NUL character; expected text"),
    "twice.csv": (
        "text,label,text\na,1,b\n",
        "twice.csv:1: columns 1 and 3 are both named 'text'; rename one of them",
    ),
    "latin.csv": (
        HEAD.encode() + "a,1\n好 caf".encode() + b"\xe9 x,0\n",
        "latin.csv:3:6: the byte 0xe9 is not UTF-8; it may be cp1252: iconv -f cp1252 -t utf-8 "
        "latin.csv > latin.utf8.csv",
    ),
    "gb.csv": (
        "text,label\n很好,1\n".encode("gb18030"),
        "gb.csv:2:1: the byte 0xba is not UTF-8; it may be gb18030: iconv -f gb18030 -t utf-8 "
        "gb.csv > gb.utf8.csv",
    ),
    "wide.csv": (
        HEAD.encode("utf-16"),
        "wide.csv:1:1: is UTF-16; expected UTF-8: iconv -f utf-16 -t utf-8 wide.csv > wide.utf8.csv",
    ),
    "latin.json": (
        b'[\n {"text": "\xff"}]',
        "latin.json:2:12: the byte 0xff is not UTF-8; it may be cp1252: iconv -f cp1252 -t utf-8 "
        "latin.json > latin.utf8.json",
    ),
    "unknown.csv": (
        "texte,labl\nfine film,1\nbad,0\n",
        f"unknown.csv:1: no column for the text: there are 'texte', 'labl'; {TEXTS}; is it 'texte'? "
        f"Say --text-column 'texte' --label-column 'labl'. {NUMBER}",
    ),
    "unlike.csv": (
        "foo,label\nfine film,1\nbad,0\n",
        f"unlike.csv:1: no column for the text: there are 'foo', 'label'; {TEXTS}; is it 'foo'? "
        f"Say --text-column 'foo'. {NUMBER}",
    ),
    "numbers.csv": (
        "foo,label\n1,1\n2,0\n",
        f"numbers.csv:1: no column for the text: there are 'foo', 'label'; {TEXTS}; say which with "
        f"--text-column NAME. {NUMBER}",
    ),
    "keys.jsonl": (
        '{"txt":"a","label":1}\n',
        f"keys.jsonl:1: no column for the text: there are 'txt', 'label'; {TEXTS}; is it 'txt'? "
        "Say --text-column 'txt'",
    ),
    "uneven.jsonl": (
        '{"foo":"a fine film","label":1}\n{"bar":"b","label":0}\n',
        f"uneven.jsonl:1: no column for the text: there are 'foo', 'label', 'bar'; {TEXTS}; is it 'foo'? "
        "Say --text-column 'foo'",
    ),
    "single.tsv": (
        "a fine film\nbad film\n",
        "single.tsv:1: expected columns of text, label; there is only one column",
    ),
    "unclear.tsv": (
        "a fine film\tone two\nbad film\tthree four\n",
        "unclear.tsv:1: the file has no row of names, and which of its 2 columns is the label cannot be "
        "told; number them from 0, for example --text-column 0 --label-column 1",
    ),
    "nolabel.csv": (HEAD + "a,1\nb, \n", "nolabel.csv:3: label must be a label, but is ' '"),
    "value.jsonl": (
        '{"text":"a","label":1}\n{"text":"b","label":}\n',
        f"value.jsonl:2:21: not JSON: expecting value; {ONE}",
    ),
    "cut.jsonl": ('{"text":"a"', f"cut.jsonl:1:12: not JSON: is cut short: the JSON does not end; {ONE}"),
    "string.jsonl": ('{"text":"a', f"string.jsonl:1:9: not JSON: unterminated string starting at; {ONE}"),
    "array.jsonl": ("[1]\n", "array.jsonl:1: expected a JSON object, {…}, but this is an array"),
    "twice.jsonl": (
        '{"text":"a","text":"b"}\n',
        f"twice.jsonl:1: not JSON: the key 'text' stands twice in one object; {ONE}",
    ),
    "nan.jsonl": (
        '{"text":"a","label":NaN}\n',
        f"nan.jsonl:1: not JSON: NaN is no JSON; leave the field out, or use null; {ONE}",
    ),
    "deep.jsonl": ('{"text":' + "[" * 100_000, f"deep.jsonl:1:1: not JSON: nested too deep; {ONE}"),
    "digits.jsonl": (
        '{"text":"a","label":' + "9" * 5000 + "}\n",
        f"digits.jsonl:1:1: not JSON: a number of thousands of digits; {ONE}",
    ),
    "half.jsonl": (
        '{"text":"\\ud83d","label":1}\n',
        f"half.jsonl:1:1: not JSON: \\ud83d is half of a character (a lone surrogate); {ONE}",
    ),
    "null.jsonl": ('{"text":null,"label":1}\n', "null.jsonl:1: text is missing; expected text"),
    "number.jsonl": ('{"text":5,"label":1}\n', "number.jsonl:1: text must be text, but is 5"),
    "second.jsonl": (
        '{"text":"a","second":[1],"label":1}\n',
        "second.jsonl:1: second must be text, but is [1]",
    ),
    "other.jsonl": (
        '{"text":"a","label":1}\n\n{"sentence":"b","label":1}\n',
        "other.jsonl:3: text is missing; expected text (this row has 'sentence', 'label')",
    ),
    "several.jsonl": (
        '{"text":"a","label":["x","y"]}\n',
        "several.jsonl:1: label has 2 labels, expected one; for several use --task multilabel",
    ),
    "after.jsonl": (
        '{"text":"a"} x\n',
        f"after.jsonl:1:14: not JSON: more text after the end of the JSON value; {ONE}",
    ),
    "comma.json": (
        '[\n  {"text": "a", "label": 1},\n  {"text": "b" "label": 0}\n]',
        "comma.json:3:16: not JSON: expecting ',' delimiter",
    ),
    "cut.json": ('[{"text":"a","label":1}\n', "cut.json:2:1: is cut short: the array does not end"),
    "between.json": ('[{"text":"a","label":1} {}]', "between.json:1:25: expected , or ] after an object"),
    "string.json": ('"x"', "string.json:1:1: expected an array of objects, [{…}, …]"),
    "after.json": ('[{"text":"a","label":1}] x', "after.json:1:26: more text after the end of the array"),
    "item.json": (
        '[{"text":"a","label":1},\n 5]',
        "item.json:2:2: expected an object, {…}, but this is a number",
    ),
    "infinite.json": (
        "[\n[Infinity]]",
        "infinite.json:2:1: not JSON: Infinity is no JSON; leave the field out, or use null",
    ),
    "what.txt": (
        "hello\nworld\n",
        "what.txt:1: of what format is it? Name it by what is in it, with one of .csv, .tsv, .jsonl, .json, "
        ".parquet, .fasttext, .conll at the end",
    ),
    "book.xlsx": (
        b"PK\3\4 and so on",
        "book.xlsx: is a workbook, of Excel or the like; save the sheet as CSV (UTF-8) there",
    ),
    "quoted.tsv": (
        'text\tlabel\n"one\ntwo"\t1\n',
        "quoted.tsv:2: 1 cell; expected 2 (text, label): in .tsv a quote is a quote; where cells are quoted, "
        "name the file .csv, which may have tabs, too",
    ),
    "comma.jsonl": (
        '{"text":"a","label":1},\n{"text":"b","label":0}\n',
        f"comma.jsonl:1:23: not JSON: a comma after the end of the JSON value; {ONE}",
    ),
    "last.jsonl": (
        '{"text":"a","label":1,}\n',
        f"last.jsonl:1:23: not JSON: a comma before the closing }}; {ONE}",
    ),
    "chinese.csv": (
        "用户说的话,结果\n真的是很好看的一部电影,好\n不怎么样，中途就走了,坏\n值得再看一遍的电影,好\n",
        "chinese.csv:1: no column for the text: there are '用户说的话', '结果'; expected one of 文本, 句子, "
        "句子1, 内容, 评论, 标题, …; is it '用户说的话'? Say --text-column '用户说的话' "
        f"--label-column '结果'. {NUMBER}",
    ),
    "several.txt": (
        "__label__a __label__b good film\n",
        "several.txt:1: label has 2 labels, expected one; for several use --task multilabel",
    ),
    "unlabelled.ft": ("good film\n", "unlabelled.ft:1: label is empty; expected a label"),
    "nothing.jsonl.gz": (b"", "nothing.jsonl.gz: is empty, which no .gz is: fetch or pack it again"),
    "cut.csv.gz": (
        gzip.compress(random.Random(0).randbytes(3000).hex().encode())[:900],
        "cut.csv.gz:1: the .gz is damaged or cut short here (Compressed file ended before the end-of-stream "
        "marker was reached); fetch or pack it again",
    ),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, content: str | bytes) -> str:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def told(name: str, task: Task | None = None, **options: object) -> str:  # type: ignore[type-arg]
    with pytest.raises((DataError, UsageError)) as caught:
        read(name, task or Classification(), **options)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_place(name: str) -> None:
    content, message = MISTAKES[name]
    assert told(write(name, content)) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,score\na,1.5\nb,five\n", "x.csv:3: score must be a number, but is 'five'"),
        ("text,stars\na,inf\n", "x.csv:2: score must be a finite number, but is 'inf'"),
        ("text,stars\na,\n", "x.csv:2: score is empty; expected a number"),
        ("text,stars\na," + "9" * 50 + "x\n", f"x.csv:2: score must be a number, but is '{'9' * 36}..."),
    ],
)
def test_a_score_must_be_a_number(content: str, message: str) -> None:
    assert told(write("x.csv", content), Regression()) == message


def test_several_labels_must_be_a_list() -> None:
    write("x.jsonl", '{"text":"a","labels":[1]}\n')
    assert told("x.jsonl", Multilabel()) == "x.jsonl:1: labels must be a list of labels, but is [1]"


def test_a_missing_file_gets_the_nearest() -> None:
    write("train.csv", HEAD)
    assert told("trian.csv") == "trian.csv: there is no such file; did you mean train.csv?"
    assert told("far-off.csv") == "far-off.csv: there is no such file"
    assert told("nowhere/x.csv") == "nowhere/x.csv: there is no such file, and no folder nowhere"
    assert (
        told("train.cvs")
        == "train.cvs: there is no such file; did you mean train.csv? No source is named so either"
    )


def test_a_folder_is_no_file() -> None:
    Path("set").mkdir()
    assert told("set") == "set: is a folder; expected a file"
    write("set/a.csv", HEAD)
    assert told("set") == "set: is a folder; expected a file, for example set/a.csv"


def test_a_file_one_may_not_read() -> None:
    assert told("a\0b.csv") == "a\0b.csv: cannot be read: embedded null byte"
    assert told("x" * 300 + ".csv").endswith(": cannot be read: File name too long")


def test_named_columns_must_be_there() -> None:
    name = write("x.csv", HEAD + "a,1\n")
    assert told(name, columns={"text": "txt"}) == (
        "x.csv:1: no column is named 'txt'; did you mean 'text'? Known: label, text"
    )
    assert told(name, columns={"txet": "text"}) == (
        "no field of this task is named 'txet'; did you mean 'text'? Known: label, second, text"
    )
    assert told(name, columns={"text": "0", "label": "2"}) == "x.csv:1: no column is named '2'. Known: 0, 1"


def test_a_column_that_has_no_flag_of_its_own_is_named_by_the_general_one() -> None:
    name = write("x.jsonl", '{"find": "a", "docs": ["b"], "label": [1]}\n')
    said = told(name, Rank())
    assert said.endswith("is it 'find'? Say --column query='find' candidates='docs'")
    flags = shlex.split(said.partition("Say ")[2])[1:]
    columns = InputColumns(column=tuple(flags)).named()
    assert len(read(name, Rank(), columns=columns)) == 1
    assert told(write("y.csv", "words,at\na,b\n"), RoleTask()).endswith(
        f"Say --column predicate='at'. {NUMBER}"
    )


def test_a_cell_that_should_be_a_list_is_told_with_its_field() -> None:
    row = {"query": "q", "candidates": "abc", "scores": [1]}
    assert told(write("x.jsonl", json.dumps(row)), Rank()) == "x.jsonl:1: candidates must be a list"
    odd = told(write("y.jsonl", json.dumps({**row, "candidates": ["a", 1]})), Rank())
    assert odd == "y.jsonl:1: candidates at 1: must be a valid string"


@pytest.mark.parametrize("odd", ["predicate", "=verb", "predicate=", ""])
def test_a_column_without_its_field(odd: str) -> None:
    with pytest.raises(UsageError, match="expected FIELD=COLUMN, such as predicate=verb, but got"):
        InputColumns(column=(odd,)).named()


def test_the_flags_that_messages_name_are_there() -> None:
    flags = [f.name.removesuffix("_column") for f in fields(Columns) if f.name != "column"]
    assert list(HAVE_FLAGS) == flags


def test_an_unknown_format_gets_the_nearest() -> None:
    all_of_them = ", ".join(known("litebert.data.formats"))
    expected = f"no format is named 'cvs'; did you mean 'csv'? Known: {all_of_them}"
    assert told(write("x.csv", HEAD), format="cvs") == expected


def test_unfit_labels_are_told_with_their_place() -> None:
    name = write("x.csv", HEAD + "good,positive\nbad,negatve\n")
    task = Classification(labels=("negative", "positive"))
    expected = "x.csv:3: no label is named 'negatve'; did you mean 'negative'? Known: negative, positive"
    assert told(name, task) == expected
    assert told(name, task, fit=True) == expected


def test_one_label_is_too_few_to_train_on() -> None:
    name = write("x.csv", HEAD + "a,1\nb,1\n")
    assert (
        told(name, fit=True)
        == "x.csv: training needs at least 2 different labels, but the data have only '1'"
    )


def test_damaged_parquet_is_told() -> None:
    assert told(write("x.parquet", "hello")).startswith("x.parquet: is not a Parquet file, or is damaged: ")


def test_parquet_without_pyarrow_names_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert told(write("x.parquet", b"PAR1")) == "Parquet needs pyarrow: pip install 'litebert[data]'"


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_LINE", 1 << 20)
    name = write("x.jsonl", b'{"text": "a", "label": 1}\n' + b"x" * (5 << 20) + b"\n")
    assert told(name) == "x.jsonl:2: the line is longer than 1 MB; is this a text file?"


@pytest.mark.parametrize("line", [b"a,1" + b" " * 996 + b"\n", b"0"])
def test_a_gz_that_grows_without_end_is_refused(monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    monkeypatch.setattr(files, "MAX_LINE", 1 << 20)
    name = write("x.csv.gz", gzip.compress(HEAD.encode() + line * ((4 << 20) // len(line))))
    assert told(name).endswith("the .gz becomes over 200 times its size; text does not pack so well")


def test_a_file_read_whole_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_WHOLE", 1 << 20)
    name = write("x.json", b"[" + b" " * (3 << 20))
    assert told(name) == "x.json: is over 0 GB, and must be read whole; use JSONL"


def test_standard_input_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"{}\n")))
    assert told("-").startswith("standard input:1: no column for the text: there are ")


def test_only_a_source_knows_its_task() -> None:
    write("x.csv", HEAD)
    with pytest.raises(UsageError, match=r"what is x.csv for\? Say --task; only a source knows its own"):
        read("x.csv")
