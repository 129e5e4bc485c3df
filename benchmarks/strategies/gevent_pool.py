"""A pool of greenlets over one ``requests.Session``, after gevent's monkey patching."""

from gevent import monkey

monkey.patch_all()

from collections.abc import Sequence  # noqa: E402 - what waits has to be imported after the patch

import requests  # noqa: E402
from gevent.pool import Pool  # noqa: E402
from requests.adapters import HTTPAdapter  # noqa: E402

from benchmarks.strategies.job import Keep, do_job, get, read  # noqa: E402


def fetch(urls: Sequence[str], workers: int, keep: Keep) -> None:
    """Fetch and read in greenlets."""
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(pool_maxsize=workers))
        for title in Pool(workers).imap_unordered(lambda url: read(get(session, url)), urls):
            keep(title)


if __name__ == "__main__":
    do_job(fetch)
