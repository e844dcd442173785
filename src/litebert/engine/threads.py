"""How many threads answer, without importing torch to ask."""

from __future__ import annotations

import os
import sys


def threads() -> int:
    """As many as torch is set to, where it is in use; else `OMP_NUM_THREADS`, or one for each processor that
    this process may use."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    own = getattr(os, "sched_getaffinity", None)  # Linux has it, macOS has not.
    return len(own(0)) if own else os.cpu_count() or 1
