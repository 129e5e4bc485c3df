"""One page after the other over one connection: a ``requests.Session``."""

from collections.abc import Sequence

import requests

from benchmarks.strategies.job import Keep, do_job, get, read


def fetch(urls: Sequence[str], _: int, keep: Keep) -> None:
    """Fetch in the order of the addresses."""
    with requests.Session() as session:
        for url in urls:
            keep(read(get(session, url)))


if __name__ == "__main__":
    do_job(fetch)
