"""One page after the other, a new connection each: ``requests.get``."""

from collections.abc import Sequence

from benchmarks.strategies.job import Keep, do_job, get, read


def fetch(urls: Sequence[str], _: int, keep: Keep) -> None:
    """Fetch in the order of the addresses."""
    for url in urls:
        keep(read(get(None, url)))


if __name__ == "__main__":
    do_job(fetch)
