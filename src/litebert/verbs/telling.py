"""What verbs say beside their results: on standard error, as the person asked to be told."""

from __future__ import annotations

import json
import sys
from typing import Literal

Progress = Literal["auto", "bar", "lines", "json", "silent"]
"""auto is a bar on a terminal and plain lines elsewhere."""


def tell(note: str, progress: Progress = "auto") -> None:
    """Says a sentence; for programs as a JSON object, and to nobody if all is to be silent."""
    if progress == "json":
        note = json.dumps({"kind": "note", "message": note}, ensure_ascii=False)
    if progress != "silent":
        print(note, file=sys.stderr, flush=True)
