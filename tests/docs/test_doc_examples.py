"""The scripts in examples/ run, as their first lines say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT

SCRIPTS = sorted(path.name for path in (ROOT / "examples").glob("*.py"))


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("script", SCRIPTS)
def test_every_example_runs(script: str, trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "clone")
    done = subprocess.run(
        [sys.executable, f"examples/{script}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_readmes_count_the_examples(page: str) -> None:
    counted = {"README.md": "three short scripts", "README.zh.md": "三个短小的脚本"}
    assert len(SCRIPTS) == 3
    assert counted[page] in (ROOT / page).read_text("utf-8")
