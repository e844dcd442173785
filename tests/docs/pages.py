"""The project's pages, and the blocks of code, links and flags in them.

A block of bash or Python is run by the tests. A comment before it says what else is to be done:

    <!-- not run: why -->    it stays as it is
    <!-- file: lab/one.py --> it is written to that file

A block of text, JSON or JSONL right after one that is run is what that one prints; `…` stands for anything.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = ("bash", "python")
SHOWN = ("text", "json", "jsonl", "csv", "toml")

_COMMENT = re.compile(r"<!-- (not run|file): (.+?) -->")
_FENCE = re.compile(r"```(\w*)")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    """Of the fence that opens it."""
    language: str
    code: str
    not_run: str = ""
    """Why, or empty."""
    file: str = ""
    """Where it is written to, or empty."""
    printed: str | None = None
    """What it prints, if the page says so."""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def runs(self) -> bool:
        return self.language in RUN and not self.not_run and not self.file


def pages() -> list[Path]:
    """Every page that a person reads."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in order; a block of output belongs to the one before it."""
    found: list[Block] = []
    for block, touching in _fenced(page):
        if touching and found and found[-1].runs and block.language in SHOWN and found[-1].printed is None:
            found[-1] = replace(found[-1], printed=block.code)
        else:
            found.append(block)
    return found


def prose(page: Path) -> str:
    """A page without its blocks."""
    text, inside = [], False
    for line in page.read_text("utf-8").splitlines():
        fence = line.startswith("```")
        inside ^= fence
        text.append("" if inside or fence else line)
    return "\n".join(text)


def matches(printed: str, expected: str) -> bool:
    """Whether what was printed is what a page says, `…` standing for anything."""
    pattern = "(.|\n)*?".join(map(re.escape, expected.strip().split("…")))
    return re.fullmatch(pattern, printed.strip()) is not None


def place(folder: Path) -> Path:
    """A folder that looks like a clone to the commands of the pages."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def _fenced(page: Path) -> Iterator[tuple[Block, bool]]:
    """Blocks, and whether nothing stands between one and the block before."""
    lines = iter(enumerate(page.read_text("utf-8").splitlines(), start=1))
    said: dict[str, str] = {}
    touching = False
    for number, line in lines:
        if opened := _FENCE.fullmatch(line):
            code = "\n".join(_until_closed(lines))
            block = Block(page, number, opened[1], code, said.get("not run", ""), said.get("file", ""))
            yield block, touching
            said, touching = {}, True
        elif line.lstrip().startswith("```"):
            raise ValueError(f"{page}:{number}: a fence must begin its line and hold no more than a language")
        elif comment := _COMMENT.fullmatch(line):
            said[comment[1]] = comment[2]
            touching = False
        elif line.strip():
            said, touching = {}, False


def _until_closed(lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    for _, line in lines:
        if line == "```":
            return
        yield line
    raise ValueError("a fence is not closed")
