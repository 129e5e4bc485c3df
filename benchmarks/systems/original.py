"""The scraper that the project grew out of: 50 threads, `requests`, Beautiful Soup on html.parser.

As such scrapers are published: a pool of threads (the "ThreadPoolExecutor Example" of the page
"concurrent.futures" of Python's documentation), each page by ``requests.get`` ("Make a Request",
Requests' Quickstart), its whole tree by ``BeautifulSoup(page, "html.parser")`` ("Making the soup",
Beautiful Soup's documentation). Sleeps between requests, which such scrapers have, are left out.
"""

from concurrent.futures import ThreadPoolExecutor

import requests
from bs4 import BeautifulSoup

from benchmarks.systems.dom import chart_ids, title_page
from benchmarks.systems.job import TIMEOUT_SECONDS, Job, job_from_environment
from benchmarks.systems.saving import TitlePage, save


def run(job: Job) -> None:
    """Do the job."""
    ids = chart_ids(_tree(job.chart_url), job.limit)
    with ThreadPoolExecutor(job.threads) as pool:
        save(job, pool.map(_title_page, map(job.title_url, ids)))


def _title_page(url: str) -> TitlePage:
    return title_page(_tree(url))


def _tree(url: str) -> BeautifulSoup:
    response = requests.get(url, timeout=TIMEOUT_SECONDS)
    response.raise_for_status()
    return BeautifulSoup(response.content, "html.parser")


if __name__ == "__main__":
    run(job_from_environment())
