"""Chinese sentences and their English translations, by which litebert-tiny's Chinese comes to mean the same.

    LITEBERT_DATA=… python -m litebert.recipes.embedded_parallel OUT

writes `OUT`, JSONL of {"text", "translation"}, from Tatoeba (CC BY 2.0 FR), without the tenth held out.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from litebert import durable
from litebert.recipes.embedded_text import is_held_out, pairs


def write(data: Path, out: Path) -> int:
    """Writes the file and returns how many pairs it holds."""
    kept = [(chinese, english) for english, chinese in pairs(data) if not is_held_out(english)]
    rows = ({"text": chinese, "translation": english} for chinese, english in kept)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    durable.replace(out, lines.encode())
    return len(kept)


if __name__ == "__main__":
    print(write(Path(os.environ["LITEBERT_DATA"]), Path(sys.argv[1])))
