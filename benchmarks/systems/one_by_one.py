"""One page after the other with `requests` and Beautiful Soup on html.parser.

As the first pages of both documentations show it: "Make a Request" (Requests' Quickstart) and
"Quick Start" (Beautiful Soup's documentation).
"""

import requests
from bs4 import BeautifulSoup

from benchmarks.systems.dom import chart_ids, title_page
from benchmarks.systems.job import TIMEOUT_SECONDS, Job, job_from_environment
from benchmarks.systems.saving import save


def run(job: Job) -> None:
    """Do the job."""
    ids = chart_ids(_tree(job.chart_url), job.limit)
    save(job, [title_page(_tree(job.title_url(imdb_id))) for imdb_id in ids])


def _tree(url: str) -> BeautifulSoup:
    response = requests.get(url, timeout=TIMEOUT_SECONDS)
    response.raise_for_status()
    return BeautifulSoup(response.content, "html.parser")


if __name__ == "__main__":
    run(job_from_environment())
