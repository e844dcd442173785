"""Parquet, by pyarrow."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litebert.data.files import File
from litebert.data.formats.table import Cells, Known, Table
from litebert.errors import UsageError

suffixes = (".parquet", ".pq")
_ROWS = 1024


def read(file: File, known: Known) -> Table:  # noqa: ARG001 (the file names its columns)
    """The rows of a Parquet file. Raises `DataError`, and `UsageError` if pyarrow is not installed."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UsageError("Parquet needs pyarrow: pip install 'litebert[data]'") from None
    try:
        opened = parquet.ParquetFile(_seekable(file), page_checksum_verification=True)
    except (pyarrow.ArrowException, OSError) as error:
        raise file.error(f"is not a Parquet file, or is damaged: {error}") from None
    columns = tuple(opened.schema_arrow.names)
    for name in columns:
        if columns.count(name) > 1:
            raise file.error(f"two columns are named {name!r}; rename one of them")
    return Table(_rows(file, opened, pyarrow.ArrowException), columns)


def _seekable(file: File) -> Any:
    path = Path(file.path)
    plain = file.start().startswith(b"PAR1") and path.is_file() and path.suffix != ".gz"
    return path if plain else io.BytesIO(file.whole())


def _rows(file: File, opened: Any, damaged: type[Exception]) -> Iterator[tuple[int, Cells]]:
    number = 0
    try:
        for batch in opened.iter_batches(batch_size=_ROWS):
            for cells in batch.to_pylist():
                number += 1
                yield number, cells
    except (damaged, OSError) as error:
        raise file.error(f"is damaged after row {number}: {error}", number + 1) from None
