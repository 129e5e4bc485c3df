"""Coroutines over one ``aiohttp.ClientSession``; pages are read and handed on in the event loop."""

import asyncio
from collections.abc import Sequence

import aiohttp

from benchmarks.strategies.job import HEADERS, Keep, Packed, do_job, read


async def fetch_all(urls: Sequence[str], workers: int, keep: Keep) -> None:
    """Fetch and read all pages."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=workers),
        timeout=aiohttp.ClientTimeout(total=None),
        headers=HEADERS,
        auto_decompress=False,  # pages are unpacked as everywhere else in the project
        raise_for_status=True,
    ) as session:

        async def fetch_one(url: str) -> None:
            async with session.get(url) as response:
                raw = await response.read()
                packed = Packed(url, raw, response.headers.get("Content-Encoding", ""))
            keep(read(packed))

        await asyncio.gather(*map(fetch_one, urls))


def fetch(urls: Sequence[str], workers: int, keep: Keep) -> None:
    """Fetch in an event loop of this thread."""
    asyncio.run(fetch_all(urls, workers, keep))


if __name__ == "__main__":
    do_job(fetch)
