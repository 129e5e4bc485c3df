"""50 threads, a session each, the whole ``__NEXT_DATA__`` by orjson; no tree of the page.

Sessions as under "Session Objects" (Requests' Advanced Usage), one a thread; ``orjson.loads`` of
bytes as orjson's README advises under "Deserialize".
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import requests

from benchmarks.systems.job import TIMEOUT_SECONDS, Job, job_from_environment
from benchmarks.systems.next_data import chart_ids, page_props, title_page
from benchmarks.systems.saving import TitlePage, save

_own = threading.local()


def run(job: Job) -> None:
    """Do the job."""
    ids = chart_ids(page_props(_body(job.chart_url)), job.limit)
    with ThreadPoolExecutor(job.threads) as pool:
        save(job, pool.map(_title_page, map(job.title_url, ids)))


def _title_page(url: str) -> TitlePage:
    return title_page(page_props(_body(url)))


def _body(url: str) -> bytes:
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
    response = _own.session.get(url, timeout=TIMEOUT_SECONDS)
    response.raise_for_status()
    body: bytes = response.content
    return body


if __name__ == "__main__":
    run(job_from_environment())
