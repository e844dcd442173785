"""What the pages state as fact is so."""

from __future__ import annotations

import ast
import dataclasses
import io
import re
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path

import pytest
from pages import ROOT, blocks, pages, prose

SOURCE = ROOT / "src" / "litebert"
DOCS = ROOT / "docs"
READMES = [ROOT / "README.md", ROOT / "README.zh.md"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TORCHRUNS = {
    "--nnodes",
    "--node-rank",
    "--nproc-per-node",
    "--master-addr",
    "--master-port",
    "--max-restarts",
}
OTHERS_FLAGS = TORCHRUNS | {"--index-url", "--constraint", "--logdir", "--signal", "--strict", "--version"}
"""Flags of torchrun, pip, tensorboard, timeout, mypy, and the one that is no verb's."""
_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def table(page: Path, heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, without its head."""
    text = page.read_text("utf-8").split(f"\n{heading}\n", 1)[1]
    lines = text[text.index("\n|") + 1 :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def words(cell: str) -> list[str]:
    """What stands in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


# Errors


def modules() -> Iterator[ast.Module]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield ast.parse(path.read_text("utf-8"))


def errors_in_the_code() -> set[tuple[str, str]]:
    """(code, exception): those of the exceptions, and those given where one is raised."""
    found = set()
    for node in (node for module in modules() for node in ast.walk(module)):
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
            found |= {
                (item.value.value, node.name)
                for item in node.body
                if isinstance(item, ast.Assign)
                and ast.unparse(item.targets[0]) == "code"
                and isinstance(item.value, ast.Constant)
            }
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
            found |= {
                (keyword.value.value, node.func.id)
                for keyword in node.keywords
                if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
            }
    return found


def test_error_codes_are_those_of_the_code() -> None:
    rows = table(DOCS / "errors.md", "## Error codes")
    assert {(words(code)[0], words(exception)[0]) for code, exception, _ in rows} == errors_in_the_code()


def test_exit_codes_are_those_of_the_code() -> None:
    from litebert import cli, errors
    from litebert.training import interrupts

    raised = {
        thing.exit_code
        for thing in vars(errors).values()
        if isinstance(thing, type) and issubclass(thing, errors.LitebertError)
    }
    known = {0, *raised, interrupts.TRY_AGAIN, interrupts.INTERRUPTED, cli.INTERRUPTED}
    assert {int(code) for code, _ in table(DOCS / "errors.md", "## Exit codes")} == known


# Data


def test_sources_are_those_there_are() -> None:
    from litebert.data.source import find, known

    rows = table(DOCS / "data.md", "## Sources")
    written = {words(name)[0]: (task, set(splits.replace("*", "").split())) for name, task, splits, _ in rows}
    sources = {name: find(name)[0] for name in known()}
    assert written == {name: (one.task.name, set(one.splits)) for name, one in sources.items()}


@pytest.mark.parametrize(
    ("page", "heading"), [(DOCS / "data.md", "## Formats"), (READMES[0], "## Data"), (READMES[1], "## 数据")]
)
def test_formats_are_those_there_are(page: Path, heading: str) -> None:
    from litebert import names

    formats = "litebert.data.formats"
    known = {
        ending for name in names.known(formats) for ending in names.find(formats, name, "format").suffixes
    }
    written = {ending for row in table(page, heading) for ending in words(row[0])}
    assert written - {".gz", "-"} == known


def test_a_runs_folder_holds_what_the_page_says(trained: Path) -> None:
    written = {
        name for files, _ in table(DOCS / "training.md", "## The run's folder") for name in words(files)
    }
    assert {path.name for path in (trained / "runs" / "messages").iterdir()} == written


# Figures


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_demos_figures_are_in_one_place_and_of_all_test_reviews(page: Path) -> None:
    ours, baseline = re.findall(r"\*\*(\d+) %\*\*", page.read_text("utf-8"))
    assert [ours, baseline] == re.findall(r"\*\*(\d+) %\*\*", READMES[0].read_text("utf-8"))
    reviews = SOURCE / "embedded" / "reviews"
    count = sum(len(path.read_text("utf-8").splitlines()) for path in reviews.glob("*.test.jsonl"))
    assert set(re.findall(r"\b\d{3}\b(?= (?:held-out|条))", page.read_text("utf-8"))) == {str(count)}


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_embedded_model_is_as_described(page: Path) -> None:
    from litebert.embedded import model_folder
    from litebert.model_source import open_source

    source = open_source(str(model_folder()))
    said = page.read_text("utf-8")
    assert f"{source.config.vocabulary:,}" in said
    assert str(source.config.hidden) in said
    assert re.search(rf"\b{source.config.layers} (applications|次)", said)
    assert (source.checkpoint is None) == ("random weights" in said or "随机数" in said)


# The house


def test_the_tree_has_every_room() -> None:
    rooms = [path for path in SOURCE.rglob("*") if path.is_dir()]
    there = {str(path.relative_to(SOURCE)) for path in [*rooms, *SOURCE.glob("*.py")]}
    assert set(drawn()) == {path for path in there if not re.search(r"(^|/)(\.|__pycache__)", path)}


def drawn() -> Iterator[str]:
    """The paths in design.md's tree."""
    tree = next(b.code for b in blocks(DOCS / "design.md") if b.code.startswith("src/litebert/"))
    above: list[str] = []
    for line in tree.splitlines()[1:]:
        name = re.search(r"── ([\w.]+)", line)
        assert name, line
        depth = line.index("──") // 4
        above[depth:] = [name[1]]
        yield "/".join(above)


def test_every_file_that_the_design_names_is_there() -> None:
    named = set(re.findall(r"`([\w/]+\.py)`", (DOCS / "design.md").read_text("utf-8")))
    assert len(named) > 20
    assert {name for name in named if not ((SOURCE / name).is_file() or (ROOT / name).is_file())} == set()


def test_the_import_contract_is_the_one_that_is_checked() -> None:
    contract = next(b.code for b in blocks(DOCS / "design.md") if b.code.startswith("cli\n"))
    (checked,) = PROJECT["tool"]["importlinter"]["contracts"]
    assert contract.splitlines() == [layer.replace("litebert.", "") for layer in checked["layers"]]


def test_every_dependency_has_its_reason() -> None:
    project = PROJECT["project"]
    extras = [one for several in project["optional-dependencies"].values() for one in several]
    wanted = {re.match(r"[\w-]+", one)[0] for one in [*project["dependencies"], *extras]}  # type: ignore[index]
    text = (DOCS / "design.md").read_text("utf-8").split("## Dependencies")[1]
    cells = re.findall(r"^\| ([\w, -]+?) \|", text, re.MULTILINE)
    written = {name for cell in cells for name in cell.split(", ")} - {"package"}
    assert written == wanted - {"litebert"}


# What a person types


@pytest.mark.parametrize(
    ("page", "heading"), [(READMES[0], "## On the command line"), (READMES[1], "## 命令行")]
)
def test_every_verb_is_in_the_table(page: Path, heading: str) -> None:
    from litebert.verbs import VERBS

    rows = table(page, heading)
    assert [words(verb)[0].removeprefix("litebert ") for verb, _ in rows] == list(
        dict.fromkeys(verb.split()[0] for verb in VERBS)
    )


@pytest.fixture(scope="module")
def flags() -> set[str]:
    """All that the verbs' help names, and those of the benchmarks and of the page of results."""
    from litebert.cli import main
    from litebert.recipes.results.__main__ import Results
    from litebert.verbs import VERBS

    shown = io.StringIO()
    for verb in VERBS:
        with redirect_stdout(shown), suppress(SystemExit):
            main([*verb.split(), "--help"])
    benchmarks = "".join(path.read_text("utf-8") for path in (ROOT / "benchmarks").glob("*.py"))
    own = {f"--{field.name}" for field in dataclasses.fields(Results)}
    return own | {*_FLAG.findall(shown.getvalue()), *re.findall(r'add_argument\("(--[\w-]+)"', benchmarks)}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_flags_that_a_page_names_exist(page: Path, flags: set[str]) -> None:
    assert set(_FLAG.findall(page.read_text("utf-8"))) <= flags | OTHERS_FLAGS


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(prose(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(there), f"{page.name}: {target}; there are {', '.join(anchors(there))}"


def anchors(page: Path) -> list[str]:
    """As forges make them of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_a_task_is_one_short_file() -> None:
    (task,) = (block for block in blocks(DOCS / "add_a_task.md") if block.file)
    assert len(task.code.splitlines()) < 60
