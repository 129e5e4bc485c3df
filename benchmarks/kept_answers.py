"""Measures what a kept answer of the API costs: ``python -m benchmarks.kept_answers``.

Asks the application the same things again and again: each answer made anew, and kept in memory.
Prints the CPU time and the time of a request: of this process from the guards on, without the
server of HTTP before them, and without PostgreSQL's. This compares and does not judge: the exit
status is 0.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.database import new_database
from benchmarks.options import whole_number
from benchmarks.save_titles import make_titles, server
from domain.run import Run
from infrastructure.container import open_web
from infrastructure.repositories.postgres import open_postgres_repository
from shared.config import Settings
from shared.setting_values import DatabaseUrl

_TITLES = 1_000
_CREDITS = 20
_ROUNDS = 5

_Message = MutableMapping[str, Any]
_App = Callable[[_Message, Any, Any], Awaitable[None]]

ADDRESSES = (
    ("a title", "/api/v1/titles/{id}", ""),
    ("a page of 50 titles", "/api/v1/titles", "sort=rating"),
    ("a search", "/api/v1/titles", "q=title"),
    ("the title's page", "/titles/{id}", ""),
)
"""What is asked for: what it is called, its path and its parameters."""


async def ask(app: _App, path: str, query: str) -> int:
    """Ask the application as a server of HTTP would; give the bytes of the answer's body.

    Raises `RuntimeError` when the answer is an error.
    """
    size = 0

    async def receive() -> _Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: _Message) -> None:
        nonlocal size
        if message.get("status", 200) != 200:
            raise RuntimeError(f"{path}?{query}: status {message['status']}")
        size += len(message.get("body", b""))

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "root_path": "", "headers": [(b"host", b"127.0.0.1:8000"), (b"accept", b"*/*")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    await app(scope, receive, send)
    return size


class Cost(NamedTuple):
    """CPU seconds and seconds of a request (medians of `_ROUNDS`), and the bytes of its answer."""

    cpu: float
    wall: float
    size: int


async def costs(app: _App, imdb_id: str, requests: int) -> list[Cost]:
    """What each of `ADDRESSES` costs; in one event loop, which an application belongs to."""
    return [
        await _cost(app, path.format(id=imdb_id), query, requests) for _, path, query in ADDRESSES
    ]


async def _cost(app: _App, path: str, query: str, requests: int) -> Cost:
    size = await ask(app, path, query)
    cpu: list[float] = []
    wall: list[float] = []
    for _ in range(_ROUNDS):
        began, began_cpu = time.perf_counter(), time.process_time()
        for _ in range(requests):
            await ask(app, path, query)
        cpu.append((time.process_time() - began_cpu) / requests)
        wall.append((time.perf_counter() - began) / requests)
    return Cost(statistics.median(cpu), statistics.median(wall), size)


@contextmanager
def filled_database() -> Iterator[tuple[str, str]]:
    """A database of `_TITLES` titles: its URL, and the id of one of them."""
    titles = make_titles(1, _TITLES, _CREDITS)
    run = Run(
        run_id="benchmark",
        command="titles",
        chart=None,
        sources=("html",),
        started_at=titles[0].provenance.fetched_at,
    )
    with server() as server_url, new_database(server_url) as url:
        with open_postgres_repository(url) as repository:
            repository.save(titles, run)
        yield url, titles[0].imdb_id


def ways(url: str) -> Iterator[tuple[str, Settings]]:
    """How answers are kept: what it is called, and the settings of it."""
    base = msgspec.structs.replace(
        Settings(), database_url=DatabaseUrl(url), api_requests_per_minute=0, api_cache_mb=0
    )
    yield "made anew", base
    yield "in memory", msgspec.structs.replace(base, api_cache_mb=64)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all ways, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=whole_number, default=200, help="of each measurement")
    requests = parser.parse_args(arguments).requests
    table = Table("answer", "kept", "bytes", "CPU, ms", "time, ms")
    with filled_database() as (url, imdb_id):
        for way, settings in ways(url):
            with open_web(settings) as app:
                found = asyncio.run(costs(app, imdb_id, requests))
            for (name, _, _), (cpu, wall, size) in zip(ADDRESSES, found, strict=True):
                row = (f"{size:,}", f"{cpu * 1000:.2f}", f"{wall * 1000:.2f}")
                table.add_row(name, way, *row)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
