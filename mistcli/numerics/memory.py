"""The memory allocator: blocks that a loop frees are kept for its next turn."""

from __future__ import annotations

import numpy as np

__all__ = ["keep_freed_memory"]

LARGEST = 2**25 - 2**13
"""A block just below 32 MiB, the upper limit of glibc's dynamic mmap threshold (`DEFAULT_MMAP_THRESHOLD_MAX`)."""


def keep_freed_memory() -> None:
    """Make glibc keep freed blocks of up to 32 MiB, and up to 64 MiB at the end of the heap.

    By default glibc takes blocks of 128 KiB or more from the system one by one and gives them back when they are freed.
    Each use then begins with page faults, which took up to half of the time of a training and of brute-force
    neighbours. The threshold rises to the size of the largest such block that was freed, and the size of free memory
    that is kept to twice that (man 3 mallopt, M_MMAP_THRESHOLD). Memory that is never written to costs nothing. With
    another allocator this has no effect.
    """
    np.empty(LARGEST, dtype=np.uint8)
