"""How a run is shown: one word chooses."""

from __future__ import annotations

import sys
from typing import Literal

from litebert.training.events import Watcher
from litebert.training.report.bar import bar
from litebert.training.report.lines import json_lines, plain_lines

Style = Literal["auto", "bar", "lines", "json", "silent"]
"""auto is a bar on a terminal and plain lines elsewhere."""


def shown(style: Style) -> list[Watcher]:
    """The watchers of a style; all of them write to stderr."""
    match style:
        case "auto":
            return [bar() if sys.stderr.isatty() else plain_lines()]
        case "bar":
            return [bar()]
        case "lines":
            return [plain_lines()]
        case "json":
            return [json_lines()]
        case "silent":
            return []
