"""aiohttp's client with 50 connections, the whole ``__NEXT_DATA__`` by orjson.

As "Client Quickstart" says: one `ClientSession` for the whole job; and "Limiting connection pool
size" (Advanced Client Usage): a connector with the limit.
"""

import asyncio

import aiohttp

from benchmarks.systems.job import Job, job_from_environment
from benchmarks.systems.next_data import chart_ids, page_props, title_page
from benchmarks.systems.saving import TitlePage, save


async def fetch(job: Job) -> list[TitlePage]:
    """Fetch and read every title of the job."""
    connector = aiohttp.TCPConnector(limit=job.threads)
    # No limit on the whole of a request: it includes the wait for one of the connections.
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, raise_for_status=True
    ) as session:

        async def body(url: str) -> bytes:
            async with session.get(url) as response:
                content: bytes = await response.read()
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
