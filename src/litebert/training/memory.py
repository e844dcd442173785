"""Freed memory is kept for the next step, not given back to the system."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of glibc's `mallopt`."""
_NEVER = 2**31 - 1
_MOST = 1 << 30


def keep_freed_memory() -> None:
    """Each step asks for the same large blocks. By default glibc maps each anew and the system clears it
    page by page, which took a quarter of a small model's step. Nothing happens where there is no glibc."""
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_MMAP_THRESHOLD, _MOST)
        libc.mallopt(_TRIM_THRESHOLD, _NEVER)
