"""50 threads, a session each, Beautiful Soup's tree of the whole page by lxml.

Sessions as under "Session Objects" (Requests' Advanced Usage), one a thread; lxml as "Installing a
parser" and "Improving Performance" of Beautiful Soup's documentation advise.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import requests
from bs4 import BeautifulSoup

from benchmarks.systems.dom import chart_ids, title_page
from benchmarks.systems.job import TIMEOUT_SECONDS, Job, job_from_environment
from benchmarks.systems.saving import TitlePage, save

_own = threading.local()


def run(job: Job) -> None:
    """Do the job."""
    ids = chart_ids(_tree(job.chart_url), job.limit)
    with ThreadPoolExecutor(job.threads) as pool:
        save(job, pool.map(_title_page, map(job.title_url, ids)))


def _title_page(url: str) -> TitlePage:
    return title_page(_tree(url))


def _tree(url: str) -> BeautifulSoup:
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
    response = _own.session.get(url, timeout=TIMEOUT_SECONDS)
    response.raise_for_status()
    return BeautifulSoup(response.content, "lxml", from_encoding="utf-8")


if __name__ == "__main__":
    run(job_from_environment())
