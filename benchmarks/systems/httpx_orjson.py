"""httpx's asynchronous client with 50 connections, the whole ``__NEXT_DATA__`` by orjson.

As under "Async Support" and "Resource Limits" (HTTPX's documentation): one `AsyncClient` for the
whole job, its limits set to what is wanted at once.
"""

import asyncio

import httpx

from benchmarks.systems.job import TIMEOUT_SECONDS, Job, job_from_environment
from benchmarks.systems.next_data import chart_ids, page_props, title_page
from benchmarks.systems.saving import TitlePage, save


async def fetch(job: Job) -> list[TitlePage]:
    """Fetch and read every title of the job."""
    limits = httpx.Limits(max_connections=job.threads, max_keepalive_connections=job.threads)
    # All requests are made at once and wait for one of the connections, for as long as it takes.
    timeout = httpx.Timeout(TIMEOUT_SECONDS, pool=None)
    async with httpx.AsyncClient(limits=limits, timeout=timeout) as client:

        async def body(url: str) -> bytes:
            response = await client.get(url)
            response.raise_for_status()
            content: bytes = response.content
            return content

        async def read(imdb_id: str) -> TitlePage:
            return title_page(page_props(await body(job.title_url(imdb_id))))

        ids = chart_ids(page_props(await body(job.chart_url)), job.limit)
        return await asyncio.gather(*map(read, ids))


def run(job: Job) -> None:
    """Do the job."""
    save(job, asyncio.run(fetch(job)))


if __name__ == "__main__":
    run(job_from_environment())
