"""TensorFlow's checkpoint files (the "tensor bundle", V2), read and written without TensorFlow.

A checkpoint named `model.ckpt` is two or more files:

- `model.ckpt.index`: a sorted table (LevelDB's SSTable, `sstable.py`) from a variable's name to its dtype,
  shape and place (`index.py`);
- `model.ckpt.data-00000-of-00001`: the raw bytes of the variables, one after another, in one or more shards;
- beside them a small text file `checkpoint` which names the latest of a folder (`prefix.py`).

Both kinds carry CRC-32C checksums (`crc32c.py`), and all of them are checked.

>>> variables = read("albert_base/model.ckpt-best")
>>> write("out/model.ckpt", variables)
"""

from litebert.model.checkpoints.bundle.index import Entry
from litebert.model.checkpoints.bundle.reader import read, read_index
from litebert.model.checkpoints.bundle.writer import write

__all__ = ["Entry", "read", "read_index", "write"]
