"""Parts made on a Ray cluster, whose hosts share the input and the corpus's folder under the same paths."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from litebert.data.corpus.jobs import TRIES, Job
from litebert.data.corpus.parts import Maker
from litebert.errors import UsageError


def make(job: Job, numbers: Sequence[int], told: Callable[[int, int], None]) -> None:
    """Joins the cluster that `RAY_ADDRESS` names, or starts one here. A dead worker's parts go on."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise UsageError("--workers ray needs Ray: pip install 'litebert[ray]'") from None
    ray.init(ignore_reinit_error=True, include_dashboard=False, log_to_driver=False)
    part = ray.remote(max_retries=TRIES)(_make)
    left = [part.remote(job, number) for number in numbers]
    while left:
        done, left = ray.wait(left)
        try:
            ray.get(done)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        told(len(numbers) - len(left), len(numbers))


def _make(job: Job, number: int) -> None:
    _maker(job).make(Path(job.work), number)


@cache
def _maker(job: Job) -> Maker:
    """Made once in each of Ray's processes."""
    return job.open()
