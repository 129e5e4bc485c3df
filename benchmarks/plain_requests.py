"""The yardstick: fetch and unpack pages with plain ``requests`` in threads, and do nothing else.

``python -m benchmarks.plain_requests FILE THREADS``, the file having one URL a line. Prints how
many bytes the pages have, unpacked. What this costs is what any scraper built on ``requests`` pays
before it has read a single fact.
"""

import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

_TIMEOUT_SECONDS = 30


def download(urls: Sequence[str], threads: int) -> int:
    """Fetch all pages, one session a thread; give their size in bytes, unpacked.

    Raises `requests.RequestException` for the first page that cannot be had.
    """
    own = threading.local()

    def size_of(url: str) -> int:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        response = own.session.get(url, timeout=_TIMEOUT_SECONDS)
        response.raise_for_status()
        return len(response.content)

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(size_of, urls))


if __name__ == "__main__":
    print(download(Path(sys.argv[1]).read_text(encoding="utf-8").split(), int(sys.argv[2])))
