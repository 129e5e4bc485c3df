"""A pool of threads, a new connection for each page: ``requests.get``."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.strategies.job import Keep, do_job, get, read


def fetch(urls: Sequence[str], workers: int, keep: Keep) -> None:
    """Fetch and read in the threads of a pool."""
    with ThreadPoolExecutor(workers) as pool:
        for title in pool.map(lambda url: read(get(None, url)), urls):
            keep(title)


if __name__ == "__main__":
    do_job(fetch)
