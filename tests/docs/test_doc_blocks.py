"""Every block of code in the pages does what the pages say."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from pages import ROOT, RUN, SHOWN, Block, blocks, matches, pages, place

WITH_BLOCKS = [page for page in pages() if blocks(page)]
WALK_THROUGH = ROOT / "README.md"
TWINS = {ROOT / "README.zh.md": WALK_THROUGH, ROOT / "docs" / "albert.zh.md": ROOT / "docs" / "albert.md"}
"""Pages in Chinese, and those in English that have the same blocks."""
ITSELF = {WALK_THROUGH, ROOT / "CONTRIBUTING.md"}
"""Pages that begin in a fresh clone; the others go on from the walk-through."""
LONGEST = 300
"""Seconds for one block."""


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("page", [p for p in WITH_BLOCKS if p not in TWINS], ids=lambda page: page.name)
def test_blocks_do_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if page in ITSELF:
        folder = place(tmp_path)
    else:
        folder = shutil.copytree(request.getfixturevalue("trained"), tmp_path / "clone")
    monkeypatch.chdir(folder)
    session: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.file:
            write(block, folder)
        elif block.runs:
            printed = bash(block, folder) if block.language == "bash" else python(block, session)
            if block.printed is not None:
                assert matches(printed, block.printed), f"{block} prints\n{printed}\nnot\n{block.printed}"


@pytest.mark.parametrize("page", TWINS, ids=lambda page: page.name)
def test_a_page_in_chinese_has_the_blocks_of_the_english_one(page: Path) -> None:
    """So that running those of one is running those of both."""
    chinese, english = (
        [(b.language, b.code, b.printed, bool(b.not_run), b.file) for b in blocks(one)]
        for one in (page, TWINS[page])
    )
    assert chinese == english


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: page.name)
def test_every_block_is_run_or_is_said_not_to_be(page: Path) -> None:
    for block in blocks(page):
        assert block.language in (*RUN, *SHOWN), f"{block}: of what language is this block?"
        assert not block.not_run or block.language in RUN, f"{block}: is never run, so needs no reason"


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: page.name)
def test_blocks_that_are_not_run_are_right_as_far_as_can_be_seen(page: Path) -> None:
    """They parse, and the scripts that they name are there."""
    for block in blocks(page):
        if not block.not_run:
            continue
        if block.language == "python":
            compile(block.code, str(block), "exec")
            continue
        subprocess.run(["bash", "-n"], input=block.code, text=True, check=True)
        for word in block.code.split():
            if word.startswith("scripts/"):
                assert (ROOT / word).stat().st_mode & 0o111, f"{block}: {word} cannot be run"


def bash(block: Block, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{block} ends with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def python(block: Block, session: dict[str, Any]) -> str:
    """Runs it as the next lines of one session for the whole page."""
    printed = io.StringIO()
    with redirect_stdout(printed), importing_from_here():
        exec(compile(block.code, str(block), "exec"), session)
    return printed.getvalue()


def write(block: Block, folder: Path) -> None:
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.code + "\n", "utf-8")


@contextmanager
def importing_from_here() -> Iterator[None]:
    """As in a session of Python: the folder one is in comes first, and is forgotten afterwards."""
    before, modules = list(sys.path), set(sys.modules)
    sys.path.insert(0, str(Path.cwd()))
    try:
        yield
    finally:
        sys.path[:] = before
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(Path.cwd())):
                del sys.modules[name]
