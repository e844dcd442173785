"""A folder or a file → documents to search in.

A folder's text files are documents by their path. In a table (JSONL, JSON, CSV, TSV, Parquet) each row is
one: with an `id`, perhaps a `title`, and a `text`; or, as an entry of a FAQ, with `question` and `answer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from litebert.apps import columns
from litebert.data.files import File, near
from litebert.data.formats.table import Table
from litebert.data.rows import by_name, opened
from litebert.errors import DataError, LitebertError
from litebert.text.limits import check

TEXTS = (".txt", ".text", ".md", ".rst")
NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "_id", "docid", "document_id", "doc_id", "pid", "key", "number", "编号"),
    "title": ("title", "headline", "name", "标题"),
    "text": (
        "text",
        "body",
        "content",
        "passage",
        "document",
        "abstract",
        "paragraph",
        "内容",
        "正文",
        "文本",
    ),
    "question": ("question", "query", "q", "问题", "问"),
    "answer": ("answer", "reply", "a", "回答", "答案", "答"),
}
"""For each field the column names that mean it, likeliest first."""


@dataclass(frozen=True, slots=True)
class Document:
    """What is searched in."""

    id: str
    text: str
    """What is read, and what places in it are counted by; of a FAQ the answer."""
    heading: str = ""
    """What is searched besides: a title; of a FAQ the question."""
    faq: bool = False
    place: str = field(default="", compare=False)
    """Where it stands, for messages."""

    @property
    def fingerprint(self) -> str:
        """By which a changed document is known."""
        whole = f"{self.faq}\0{self.heading}\0{self.text}"
        return blake2b(whole.encode(), digest_size=16).hexdigest()


def read_documents(source: str) -> list[Document]:
    """Every document of a file or a folder, in the order of names and rows.

    Raises `DataError` with the place of a row without text or of an id that stands twice.
    """
    path = Path(source)
    if source != "-" and not path.exists():
        raise DataError(f"there is no such file or folder{near(path)}", path=source)
    found = list(_folder(path) if path.is_dir() else _file(source, path.name))
    if not found:
        what = ", ".join(TEXTS)
        raise DataError(f"holds no documents: expected {what} files, or tables such as JSONL", path=source)
    seen: dict[str, Document] = {}
    for one in found:
        if one.id in seen:
            raise DataError(f"{one.place}: the id {one.id!r} stands at {seen[one.id].place}, too")
        seen[one.id] = one
    return found


def _folder(folder: Path) -> Iterator[Document]:
    """All files below that are texts or tables; others, and hidden ones, are let be."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            yield from _file(str(path), inside.as_posix(), known=False)


def _file(path: str, name: str, *, known: bool = True) -> Iterator[Document]:
    """The documents of a file. known: whether it was named, so that it must be one that can be read."""
    if name.lower().removesuffix(".gz").endswith(TEXTS):
        yield from _text(path, name)
    elif known or by_name(path) is not None:
        with opened(path, known=columns.known(*NAMES.values())) as table:
            yield from _rows(table, path, "" if known else f"{name}#")


def _text(path: str, name: str) -> Iterator[Document]:
    with closing(File(path)) as file:
        text = file.whole_text()
    if text.strip():
        yield _checked(Document(name, text, place=path))


def _rows(table: Table, path: str, prefix: str) -> Iterator[Document]:
    """A row for a document. Without an id it is known by its line."""
    for line, cells in table.rows:
        got = {field: columns.text(cells, names) for field, names in NAMES.items()}
        faq = bool(got["question"].strip() and got["answer"].strip())
        text = got["answer"] if faq else got["text"]
        if not text.strip():
            there = ", ".join(map(repr, cells)) or "nothing"
            raise DataError(
                f"no text: there is {there}; expected a text, or a question and an answer",
                path=path,
                line=line,
            )
        heading = got["question"] if faq else got["title"]
        id = got["id"] or str(line)
        yield _checked(Document(prefix + id, text, heading, faq, f"{path}:{line}"))


def _checked(document: Document) -> Document:
    """Raises `DataError` for a text that cannot be read: a lone surrogate, too long."""
    try:
        check(document.text)
        check(document.heading)
        check(document.id)
    except LitebertError as error:
        raise DataError(f"{document.place}: {error.message}", code=error.code) from None
    return document
