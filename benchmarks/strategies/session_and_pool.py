"""A pool of threads, a ``requests.Session`` for each thread."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import requests

from benchmarks.strategies.job import Keep, Packed, do_job, get, read

_own = threading.local()


def get_by_thread(url: str) -> Packed:
    """Fetch a page with the session of this thread."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
    return get(_own.session, url)


def fetch(urls: Sequence[str], workers: int, keep: Keep) -> None:
    """Fetch and read in the threads of a pool."""
    with ThreadPoolExecutor(workers) as pool:
        for title in pool.map(lambda url: read(get_by_thread(url)), urls):
            keep(title)


if __name__ == "__main__":
    do_job(fetch)
