"""A corpus from files: plan, parts, merge. Give the same call again, here or elsewhere, and it goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from litebert import strict_json
from litebert.data.corpus import parts, plan, ray
from litebert.data.corpus.jobs import Job
from litebert.data.corpus.merge import MANIFEST, merge
from litebert.data.corpus.plan import Plan
from litebert.data.corpus.report import Report
from litebert.data.corpus.settings import Settings, default_words
from litebert.data.corpus.workers import Crew
from litebert.durable import replace_json, sweep, telling
from litebert.errors import LitebertError, UsageError
from litebert.text.loading import load_tokenizer
from litebert.text.tokenizer import Tokenizer

WORK = ".parts"
"""The folder in a corpus's folder that holds the parts until they are merged."""

Told = Callable[[int, int], None]
"""Is told how many of the parts that fall to this job are done, of how many."""


def build(
    inputs: Sequence[str | Path],
    out: str | Path,
    tokenizer: str | Path,
    settings: Settings | None = None,
    *,
    workers: int | Literal["ray"] = 1,
    shard: tuple[int, int] = (0, 1),
    told: Told = lambda _done, _all: None,
) -> Report | None:
    """Make the corpus of the text files and folders `inputs` in the folder `out`; give its report.

    tokenizer: a folder or file that `load_tokenizer` opens. workers: how many processes work here, or `ray`.
    shard: `(i, n)`, the parts that fall to the i-th of n jobs on hosts that share the folder; None is given
    as long as parts of others are missing, and the job that finds all done merges them.

    A process may be killed at any moment: the parts that it had finished stand, the others are made again.
    Raises `UsageError` if the folder holds a corpus of other inputs or settings, `DataError` for an input
    that cannot be read, and `LitebertError` (code `disk`, `worker`).
    """
    folder = Path(out)
    settings = settings or Settings()
    settings = replace(settings, words=settings.words or default_words())
    opened = load_tokenizer(tokenizer)
    made = plan.make(inputs, opened, settings)
    if finished := _finished(folder, made):
        return finished
    with telling(f"write in {folder}"):
        _prepare(folder, made, opened)
    job = Job(
        inputs=tuple(str(Path(each).absolute()) for each in inputs),
        tokenizer=str(folder.absolute()),
        work=str((folder / WORK).absolute()),
        plan=made.fingerprint,
        settings=settings,
    )
    _make(job, _left(folder / WORK, made, *shard), workers, told)
    return _merged(folder, made, opened)


def _merged(folder: Path, made: Plan, tokenizer: Tokenizer) -> Report | None:
    """The corpus of the parts, if all are done; they are removed. Its report, or None."""
    work = folder / WORK
    try:
        if not all(parts.is_done(work, number, made) for number in range(len(made.shards))):
            return _finished(folder, made)
        report = merge(work, folder, made, tokenizer)
    except (OSError, LitebertError):
        if finished := _finished(folder, made):  # Another job merged, and has removed the parts.
            return finished
        raise
    shutil.rmtree(work, ignore_errors=True)
    sweep(folder)
    return report


def _make(job: Job, numbers: Sequence[int], workers: int | Literal["ray"], told: Told) -> None:
    if workers == "ray":
        ray.make(job, numbers, told)
    elif workers > 1 and len(numbers) > 1:
        Crew(job, workers).make(numbers, told)
    elif numbers:
        maker = job.open()
        for done, number in enumerate(numbers, start=1):
            maker.make(Path(job.work), number)
            told(done, len(numbers))


def _left(work: Path, made: Plan, job: int, jobs: int) -> list[int]:
    """The parts that fall to a job and are not done."""
    if not 0 <= job < jobs:
        raise UsageError(f"shard is {job}/{jobs}; the first number runs from 0 to {jobs - 1}")
    mine = range(job, len(made.shards), jobs)
    return [number for number in mine if not parts.is_done(work, number, made)]


def _prepare(folder: Path, made: Plan, tokenizer: Tokenizer) -> None:
    """The folder with the plan and the tokenizer in it. Raises `UsageError` if it holds something else."""
    work = folder / WORK
    if folder.exists() and not work.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds other files; give an empty or a new folder as --out")
    work.mkdir(parents=True, exist_ok=True)
    if (saved := _read(work / "plan.json")) is None:
        replace_json(work / "plan.json", {"plan": made.fingerprint, **made.to_json()})
    else:
        _check_same(folder, saved, made)
    tokenizer.save(folder)


def _finished(folder: Path, made: Plan) -> Report | None:
    """The report of the corpus in the folder, if it is whole. Raises `UsageError` for another corpus."""
    saved = _read(folder / MANIFEST)
    if saved is None:
        return None
    _check_same(folder, saved, made)
    return Report.from_json(saved["report"])


def _read(path: Path) -> dict[str, Any] | None:
    try:
        saved = strict_json.loads(path.read_bytes().decode())
    except OSError:
        return None
    except ValueError:
        saved = None
    if not isinstance(saved, dict) or "plan" not in saved:
        raise UsageError(f"{path} is damaged, or not ours; give another --out, or remove that folder")
    return saved


def _check_same(folder: Path, saved: dict[str, Any], made: Plan) -> None:
    if saved["plan"] != made.fingerprint:
        what = "; ".join(_differences(saved, made.to_json(), "")) or "another version"
        raise UsageError(f"{folder} holds another corpus, or a part of one ({what}); give another --out")


def _differences(there: Any, here: Any, name: str) -> Iterator[str]:
    """`settings min_chars: 50 there, 60 here`, for each value of `here` that is not so `there`."""
    if isinstance(here, dict) and isinstance(there, dict):
        for key, value in here.items():
            yield from _differences(there.get(key), value, f"{name} {key}".strip())
    elif there != here:
        is_long = isinstance(here, list)
        yield f"{name} differ" if is_long else f"{name}: {there} there, {here} here"
