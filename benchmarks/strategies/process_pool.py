"""A pool of processes, each fetching and reading with a ``requests.Session`` of its own.

The titles come back to the first process, which saves them.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from benchmarks.strategies.job import Keep, do_job, read
from benchmarks.strategies.processes import forked_pool
from benchmarks.strategies.session_and_pool import get_by_thread
from domain.title import Title


def fetch_and_read(url: str) -> Title:
    """Do one page, in a process of the pool."""
    return read(get_by_thread(url))


def fetch(pool: ProcessPoolExecutor, urls: Sequence[str], _: int, keep: Keep) -> None:
    """Fetch and read in the processes of a pool."""
    for title in pool.map(fetch_and_read, urls):
        keep(title)


if __name__ == "__main__":
    with forked_pool(int(os.environ["MAX_THREADS"])) as forked:
        do_job(partial(fetch, forked))
