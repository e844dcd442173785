"""Documents from files: every form, every cut, every complaint with its place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.data.corpus import sources
from litebert.data.corpus.documents import Document, Reader
from litebert.data.corpus.plan import Slice, _cut
from litebert.data.corpus.settings import Form
from litebert.errors import DataError


def read(path: Path, form: Form | None = None, step: int | None = None, limit: int = 10**9) -> list[Document]:
    """All documents, by slices of `step` bytes, with lines counted from the start of the file."""
    source = sources.look(path, path.name, form or "auto")
    found: list[Document] = []
    before = 0
    for part in _cut(source, 0, step or 1 << 30):
        reader = Reader(source, part, limit)
        for document in reader:
            document.line += before
            found.append(document)
        assert before == reader.before()
        before += reader.lines
    return found


def texts(found: list[Document]) -> list[str]:
    return ["".join(document.lines) for document in found]


def test_blank_lines_part_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\n one\ntwo\r\n \t\n\n三\n\r\nlast".encode())
    found = read(path)
    assert texts(found) == [" one\ntwo\r\n", "三\n", "last"]
    assert [document.line for document in found] == [2, 6, 8]


def test_one_document_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\n\ntwo\n")
    assert texts(read(path, "file", step=2)) == ["one\n\ntwo\n"]


WIKI = """<doc id="1" url="https://e.org/?curid=1" title="A &amp; B">
A & B

Text of it.
</doc>
<doc id="2" url="https://e.org/?curid=2" title="Open">
Open

No end
<doc id="3" url="https://e.org/?curid=3" title="空">
</doc>
"""


def test_documents_of_wikiextractor_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "wiki_00"
    path.write_text(WIKI)
    found = read(path)
    assert [document.title for document in found] == ["A &amp; B", "Open", "空"]
    assert texts(found) == ["A & B\n\nText of it.\n", "Open\n\nNo end\n", ""]
    assert [document.line for document in found] == [1, 6, 10]


def test_each_line_of_jsonl_is_a_document(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"text": "one\n\ntwo", "id": 1}, {"text": "三"}]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert texts(read(path)) == ["one\n\ntwo", "三"]


@pytest.mark.parametrize("name", ["a.txt.gz", "a.jsonl.gz", "wiki_00.gz"])
def test_packed_files_read_as_plain_ones(tmp_path: Path, name: str) -> None:
    content = {"a.txt.gz": "one\n\ntwo\n", "a.jsonl.gz": '{"text": "one"}\n', "wiki_00.gz": WIKI}[name]
    plain, packed = tmp_path / name.removesuffix(".gz"), tmp_path / name
    plain.write_text(content)
    packed.write_bytes(gzip.compress(content.encode()))
    assert read(packed, step=3) == read(plain)


def test_a_wrapped_book_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    line = "It was the best of times and the worst of times, it was the age of wisdom,"
    path.write_text("\n".join([line, line, line, "of foolishness.", ""] * 4))
    assert sources.look(path, path.name, "auto").form == "file"
    path.write_text(
        "\n".join(["A sentence a line.", "This is the published form, it is.", "So.", "End.", ""] * 4)
    )
    assert sources.look(path, path.name, "auto").form == "blank-line"


LINE = st.sampled_from(["", " ", "a", "bc d", "中文", '<doc id="1" url="u" title="t">', "</doc>", "\ufeff"])


@settings(max_examples=150, deadline=None)
@given(st.lists(LINE, max_size=12), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(1, 40))
def test_slices_give_each_document_once(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str, is_closed: bool, step: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.txt"
    path.write_bytes((end.join(lines) + (end if is_closed else "")).encode())
    for form in ("blank-line", "wiki"):
        assert read(path, form, step=step) == read(path, form)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=9), max_size=9), st.integers(1, 60))
def test_slices_of_jsonl_give_each_row_once(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], step: int
) -> None:
    rows = [row for row in rows if not any("\ud800" <= c <= "\udfff" for c in row)]
    path = tmp_path_factory.mktemp("cut") / "a.jsonl"
    path.write_text(
        "".join(json.dumps({"text": row}, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    assert texts(read(path, step=step)) == rows


def test_a_document_over_the_limit_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("abc\n" * 1000 + "\nshort\n")
    long, short = read(path, limit=100)
    assert (long.is_whole, long.lines, long.size) == (False, [], 4000)
    assert short.is_whole


@pytest.mark.parametrize("step", [None, 4, 7])
def test_bad_utf8_is_named_by_file_and_line(tmp_path: Path, step: int | None) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n\ntwo\nthree \xff\n\nfour\n")
    with pytest.raises(DataError, match=r"a\.txt:4:7: the byte 0xff is not UTF-8"):
        read(path, "blank-line", step=step)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"text": "a"', r"a\.jsonl:3:1[34]: is not JSON: is cut short"),
        ('{"texts": "a"}', r"a\.jsonl:3: the line must be a JSON object .*, but it has 'texts'"),
        ('{"text": 3}', r"a\.jsonl:3: .* and 'text' is no string"),
        ("[1]", r"a\.jsonl:3: the line must be a JSON object"),
        ('{"text": "\\ud800"}', r"a\.jsonl:3:1: is not JSON: \\ud800 is half of a character"),
        ("[" * 100_000, r"a\.jsonl:3:1: is not JSON: nested too deep"),
    ],
)
@pytest.mark.parametrize("step", [None, 20])
def test_bad_rows_are_named_by_file_and_line(tmp_path: Path, row: str, said: str, step: int | None) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one"}\n\n' + row + "\n")
    with pytest.raises(DataError, match=said):
        read(path, step=step)


def test_a_damaged_gz_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"line\n" * 10_000)[:-20])
    with pytest.raises(DataError, match=r"a\.txt\.gz.*damaged or cut short"):
        read(path, "blank-line")


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"a\n" + b"x" * (17 << 20))
    with pytest.raises(DataError, match=r"a\.txt:2: the line is longer than 16 MB"):
        read(path, "blank-line")


def test_folders_are_walked_in_order(tmp_path: Path) -> None:
    root = tmp_path / "in"
    (root / "b").mkdir(parents=True)
    (root / ".git").mkdir()
    for name in (
        "b/2.txt",
        "b/10.txt.gz",
        "a.jsonl",
        "wiki_00",
        "c.md",
        "b/.hidden.txt",
        ".git/x.txt",
        "d.png",
    ):
        (root / name).write_text("x")
    paths, names, passed_over = sources.find([root, root / "a.jsonl", root / "c.md"])
    assert names == ["in/a.jsonl", "in/wiki_00", "in/b/10.txt.gz", "in/b/2.txt", "c.md"]
    assert [path.name for path in paths] == ["a.jsonl", "wiki_00", "10.txt.gz", "2.txt", "c.md"]
    assert passed_over == ["in/c.md", "in/d.png"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("x")
    with pytest.raises(DataError, match=r"there is no such file; did you mean .*texts\.txt"):
        sources.look(tmp_path / "text.txt", "text.txt", "auto")


def test_a_file_edited_in_its_middle_or_end_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 200_000)
    before = sources.look(path, "a", "auto").mark
    path.write_bytes(b"x" * 199_999 + b"y")
    assert sources.look(path, "a", "auto").mark != before
    path.write_bytes(b"x" * 200_001)
    assert sources.look(path, "a", "auto").mark != before


def test_slice_is_what_a_plan_cuts(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x\n" * 50)
    source = sources.look(path, "a", "blank-line")
    assert list(_cut(source, 4, 40)) == [Slice(4, 0, 40), Slice(4, 40, 80), Slice(4, 80, 100)]
