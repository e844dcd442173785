"""A corpus that is made: its pieces, sentences and documents, read where they lie on the disk."""

from __future__ import annotations

from functools import cached_property
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert import strict_json
from litebert.data.corpus.merge import MANIFEST, VERSION
from litebert.data.corpus.report import Report
from litebert.errors import DataError


class Corpus:
    """The corpus in a folder. Opening it reads only its manifest and looks at the sizes of its files.

    pieces: uint16 or uint32 [N], mapped from the disk. sentence_ends: uint64 [S], the end of each sentence in
    pieces. document_ends: uint64 [D], the end of each document in sentences.

    The tokenizer lies in the same folder. Raises `DataError` if the corpus is not whole.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.manifest = _manifest(self.folder)
        try:
            self.vocabulary: dict[str, Any] = self.manifest["vocabulary"]
            self.fingerprint: str = self.manifest["plan"]
            counts, types = self.manifest["counts"], self.manifest["types"]
            self.pieces = self._map("pieces", types["pieces"], counts["pieces"])
            self._word_bits = self._map("words", "uint8", -(-counts["pieces"] // 8))
            self.sentence_ends = self._map("sentences", "uint64", counts["sentences"])
            self.document_ends = self._map("documents", "uint64", counts["documents"])
        except (KeyError, TypeError) as error:
            raise DataError(f"is damaged: {error} is missing or wrong", path=self.folder / MANIFEST) from None

    def __len__(self) -> int:
        """How many documents there are."""
        return len(self.document_ends)

    def sentences(self, document: int) -> range:
        """The numbers of a document's sentences. Raises IndexError."""
        document = range(len(self))[document]
        start = int(self.document_ends[document - 1]) if document else 0
        return range(start, int(self.document_ends[document]))

    def sentence(self, number: int) -> NDArray[np.integer[Any]]:
        """The pieces of a sentence. Raises IndexError."""
        number = range(len(self.sentence_ends))[number]
        start = int(self.sentence_ends[number - 1]) if number else 0
        return self.pieces[start : int(self.sentence_ends[number])]

    def starts_word(self, places: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Whether a word starts with the pieces in these places."""
        bits: NDArray[np.uint8] = self._word_bits[places >> 3] >> (places & 7).astype(np.uint8) & 1
        return bits.astype(bool)

    @cached_property
    def report(self) -> Report:
        """What was read, and what was dropped and why."""
        return Report.from_json(self.manifest["report"])

    def check(self) -> None:
        """Read all of it. Raises `DataError` for a file whose bytes are not those that were written."""
        for name, wanted in self.manifest["sha256"].items():
            path = self.folder / name
            with path.open("rb") as file:
                if file_digest(file, "sha256").hexdigest() != wanted:
                    raise DataError("is damaged: its SHA-256 is not the one in corpus.json", path=path)

    def _map(self, name: str, dtype: str, count: int) -> NDArray[Any]:
        path = self.folder / f"{name}.bin"
        wanted = count * np.dtype(dtype).itemsize
        size = path.stat().st_size if path.exists() else 0
        if size != wanted:
            raise DataError(
                f"has {size:,} bytes; corpus.json says {wanted:,}: is the corpus whole?", path=path
            )
        # A plain array over the map: slicing a memmap costs several times as much.
        return np.memmap(path, np.dtype(dtype).newbyteorder("<"), "r").view(np.ndarray)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = strict_json.loads(path.read_bytes().decode())
    except OSError:
        what = (
            "its parts are not all done, or not merged: give `litebert corpus` again"
            if (folder / ".parts").exists()
            else "it is made by `litebert corpus`"
        )
        raise DataError(f"holds no corpus ({what})", path=folder) from None
    except ValueError as error:
        raise DataError(f"is no JSON: {error}", path=path) from None
    if not isinstance(manifest, dict) or manifest.get("version") != VERSION:
        raise DataError(f"is not of version {VERSION}, which is read here", path=path)
    return manifest
