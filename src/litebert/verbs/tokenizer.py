"""`litebert tokenizer encode`: text to ids and offsets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import tyro

from litebert.errors import InputError
from litebert.verbs.streams import error_row, open_output, read_jsonl

_MANY = 1024


@dataclass(frozen=True, kw_only=True)
class Encode:
    """JSONL of {"text": …} to {"ids": […], "offsets": [[start, end], …]}, one for each, in order.

    No special pieces; offsets in characters of the text as given, end exclusive.

    Example: echo '{"text": "Café 9,9"}' | litebert tokenizer encode --input - --output -
    """

    tokenizer: str | None = None
    """A folder or file (spiece.model, vocab.txt, tokenizer.json); left out, the embedded one."""
    input: str = "-"
    """A JSONL file, or - for standard input."""
    output: str = "-"
    """A JSONL file, or - for standard output."""

    def run(self, texts: Iterable[str | InputError]) -> Iterator[dict[str, Any]]:
        """A row for each text; an `{"error": …}` for one that cannot be encoded."""
        from litebert.embedded import tokenizer_folder
        from litebert.text.loading import load_tokenizer

        tokenizer = load_tokenizer(Path(self.tokenizer) if self.tokenizer else tokenizer_folder())
        stream = iter(texts)
        while many := list(islice(stream, _MANY)):
            yield from _rows(tokenizer, many)

    def main(self) -> int:
        failed = False
        with open_output(self.output) as write:
            for row in self.run(_texts(self.input)):
                failed |= "error" in row
                write(json.dumps(row, ensure_ascii=False))
        return InputError.exit_code if failed else 0


@dataclass(frozen=True, kw_only=True)
class Tokenize:
    """Text to ids and offsets."""

    do: Annotated[Encode, tyro.conf.subcommand("encode")]

    def main(self) -> int:
        return self.do.main()


def _rows(tokenizer: Any, texts: list[str | InputError]) -> Iterator[dict[str, Any]]:
    for text in texts:
        try:
            if isinstance(text, InputError):
                raise text
            pieces = tokenizer.encode(text)
        except InputError as error:
            yield error_row(error)
        else:
            yield {"ids": pieces.ids.tolist(), "offsets": pieces.spans.tolist()}


def _texts(path: str) -> Iterator[str | InputError]:
    for row in read_jsonl(path):
        if isinstance(row, InputError):
            yield row
        elif isinstance(text := row.get("text"), str):
            yield text
        else:
            yield InputError(
                'the row must be {"text": "…"}, but has ' + (", ".join(map(repr, row)) or "nothing")
            )
