"""Fetching in threads, reading in processes: one process a core.

A thread waits until its page is read before it fetches the next one, so that no more pages are in
memory than there are threads. Pages cross over packed, titles come back.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

from benchmarks.strategies.job import Keep, do_job, read
from benchmarks.strategies.processes import forked_pool
from benchmarks.strategies.session_and_pool import get_by_thread


def fetch(pool: ProcessPoolExecutor, urls: Sequence[str], workers: int, keep: Keep) -> None:
    """Fetch in threads, read in the processes of a pool."""
    with ThreadPoolExecutor(workers) as threads:
        for title in threads.map(lambda url: pool.submit(read, get_by_thread(url)).result(), urls):
            keep(title)


if __name__ == "__main__":
    with forked_pool(os.cpu_count() or 1) as forked:
        do_job(partial(fetch, forked))
