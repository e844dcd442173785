"""`litebert tokenizer`: text to ids and offsets, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from litebert.errors import InputError
from litebert.verbs.streams import PIPE, error_row, open_output, read_rows, unanswered

if TYPE_CHECKING:
    from litebert.text.tokenizer import Tokenizer

Row = dict[str, Any]
Rows = Iterable[Row | InputError]


@dataclass(frozen=True, kw_only=True)
class Encode:
    """Text to ids and offsets: JSONL of {"text": …} to {"ids": […], "offsets": [[start, end], …]}.

    One row for each, in order. No special pieces; offsets are in characters of the text as given, the end
    exclusive. A row that cannot be encoded becomes {"error": {"code", "message"}}, and the exit code is 3.

    Example: echo '{"text": "Café 9,9"}' | litebert tokenizer encode --input - --output -
    """

    tokenizer: str | None = None
    """A folder, a file (spiece.model, vocab.txt, tokenizer.json) or hub name; left out, the embedded one."""
    input: str = PIPE
    """A JSONL file, or - for standard input."""
    output: str = PIPE
    """A JSONL file, or - for standard output."""

    def run(self, rows: Rows) -> Iterator[Row]:
        """A row for each row."""
        return _answers(partial(_encoded, open_tokenizer(self.tokenizer)), rows, self.input)

    def main(self) -> int:
        return _write(self.run(read_rows(self.input)), self.output)


@dataclass(frozen=True, kw_only=True)
class Decode:
    """Ids to text: JSONL of {"ids": […]} to {"text": …}, special pieces left out.

    One row for each, in order. A row that cannot be decoded becomes {"error": {"code", "message"}}, and the
    exit code is 3.

    Example: echo '{"ids": [13, 18]}' | litebert tokenizer decode --input - --output -
    """

    tokenizer: str | None = None
    """A folder, a file (spiece.model, vocab.txt, tokenizer.json) or hub name; left out, the embedded one."""
    input: str = PIPE
    """A JSONL file, or - for standard input."""
    output: str = PIPE
    """A JSONL file, or - for standard output."""

    def run(self, rows: Rows) -> Iterator[Row]:
        """A row for each row."""
        return _answers(partial(_decoded, open_tokenizer(self.tokenizer)), rows, self.input)

    def main(self) -> int:
        return _write(self.run(read_rows(self.input)), self.output)


def open_tokenizer(name: str | None) -> Tokenizer:
    """The tokenizer of a model by its name, or of a file. Does not import torch."""
    from litebert.embedded import tokenizer_folder
    from litebert.model.checkpoints.hub import resolve
    from litebert.text.loading import load_tokenizer

    if name is None or name == "embedded" or name.startswith("config:"):
        return load_tokenizer(tokenizer_folder())
    path = resolve(name)
    return load_tokenizer(path if path.exists() else path.parent)


def _answers(answer: Callable[[list[Row | InputError]], list[Row]], rows: Rows, path: str) -> Iterator[Row]:
    """What becomes of a stream of rows, many at once."""
    from litebert.engine.windows import as_it_comes, windows

    for window in (as_it_comes if path == PIPE else windows)(rows):
        yield from answer(window)


def _write(rows: Iterator[Row], path: str) -> int:
    failed = 0
    with open_output(path) as write:
        for row in rows:
            failed += "error" in row
            write(row)
    return unanswered(failed)


def _encoded(tokenizer: Tokenizer, rows: list[Row | InputError]) -> list[Row]:
    texts = [_text(row) for row in rows]
    good = [text for text in texts if isinstance(text, str)]
    try:
        pieces = iter(tokenizer.encode_many(good))
    except InputError:  # Only one by one can it be told which, and that the others are well.
        return [_one(tokenizer, text) for text in texts]
    return [error_row(text) if isinstance(text, InputError) else _row(next(pieces)) for text in texts]


def _one(tokenizer: Tokenizer, text: str | InputError) -> Row:
    try:
        return error_row(text) if isinstance(text, InputError) else _row(tokenizer.encode(text))
    except InputError as error:
        return error_row(error)


def _row(pieces: Any) -> Row:
    return {"ids": pieces.ids.tolist(), "offsets": pieces.spans.tolist()}


def _text(row: Row | InputError) -> str | InputError:
    if isinstance(row, InputError):
        return row
    if isinstance(text := row.get("text"), str):
        return text
    return InputError(f'the row must be {{"text": "…"}}, but has {", ".join(map(repr, row)) or "nothing"}')


def _decoded(tokenizer: Tokenizer, rows: list[Row | InputError]) -> list[Row]:
    return [_decoded_one(tokenizer, row) for row in rows]


def _decoded_one(tokenizer: Tokenizer, row: Row | InputError) -> Row:
    try:
        return {"text": tokenizer.decode(_ids(row))}
    except InputError as error:
        return error_row(error)


def _ids(row: Row | InputError) -> list[int]:
    if isinstance(row, InputError):
        raise row
    ids = row.get("ids")
    if not isinstance(ids, list) or not all(type(one) is int for one in ids):
        raise InputError('the row must be {"ids": [whole numbers]}')
    return ids
