"""The server under clients that are many, slow, or send what nobody asked for."""

import asyncio
import resource
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from infrastructure.repositories.postgres import open_postgres_repository
from tests.builders import a_run, a_title
from tests.e2e.test_serve import served

KEY = "a-key-of-the-tests-0123456789"
MANY = 1000
MOST_MEMORY = 400 * 1024 * 1024
"""Bytes of memory that the server may take, whoever comes."""

SLOW = (
    b"",
    b"GET /api/v1/titles HTTP/1.1\r\nHost: local",
    b"POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n{",
    b"POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
)
PATHS = (
    "/",
    "/titles?q=title",
    "/api/v1/titles?q=title&sort=rating",
    "/api/v1/titles/tt0000001",
    "/api/v1/people",
    "/api/v1/runs",
    "/api/v1/export?columns=imdb_id",
    "/healthz",
    "/readyz",
    "/metrics",
)


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def filled_url(postgres_url: str) -> str:
    with open_postgres_repository(postgres_url) as repository:
        repository.save(
            [a_title(number, plot="word " * 2000) for number in range(1, 1001)], a_run("run1")
        )
    return postgres_url


def connected(address: str) -> socket.socket:
    parts = urlsplit(address)
    assert parts.hostname
    assert parts.port
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


async def statuses_of_many(address: str) -> Counter[int]:
    """Ask for as many things at once, each over a connection of its own."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=300) as client:
        asked = (client.get(PATHS[number % len(PATHS)]) for number in range(MANY))
        return Counter(answer.status_code for answer in await asyncio.gather(*asked))


def test_a_thousand_that_ask_and_a_thousand_that_do_not(tmp_path: Path, filled_url: str) -> None:
    settings = {"database_url": filled_url, "api_keys": KEY, "api_requests_per_minute": 0}
    with served(tmp_path, **settings) as (process, address), ExitStack() as stack:
        for number in range(MANY):
            slow = stack.enter_context(connected(address))
            slow.sendall(SLOW[number % len(SLOW)])
        statuses = asyncio.run(statuses_of_many(address))
        assert httpx.get(f"{address}/readyz", timeout=60).status_code == 200
        assert psutil.Process(process.pid).memory_info().rss < MOST_MEMORY
    # Two exports are written at a time; whoever else wants one comes again.
    assert set(statuses) <= {200, 429}
    assert statuses[200] >= MANY * (len(PATHS) - 1) // len(PATHS)


@pytest.mark.parametrize("headers", ["", f"X-API-Key: {KEY}\r\n"], ids=["no key", "key"])
@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/titles", "/", "/nowhere"])
def test_ten_megabytes_are_refused(
    tmp_path: Path, postgres_url: str, path: str, headers: str
) -> None:
    size = 10 * 1024 * 1024
    with (
        served(tmp_path, database_url=postgres_url, api_keys=KEY) as (_, address),
        connected(address) as client,
    ):
        client.sendall(
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}"
            f"Content-Length: {size}\r\n\r\n".encode()
            + bytes(size)
        )
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")
        assert httpx.get(f"{address}/readyz").status_code == 200


def test_it_ends_in_time_whatever_is_open(tmp_path: Path, filled_url: str) -> None:
    with DemoSite(load_facts(), delay_seconds=0.1) as site, ExitStack() as stack:
        settings = {"base_url": site.url, "database_url": filled_url, "max_threads": 5}
        with served(tmp_path, api_keys=KEY, **settings) as (process, address):
            started = httpx.post(
                f"{address}/api/v1/runs",
                json={"command": "chart", "chart": "top"},
                headers={"X-API-Key": KEY},
                timeout=60,
            ).json()
            for path in [started["events"]] * 100 + ["/api/v1/export"] * 2:
                reader = stack.enter_context(connected(address))
                reader.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                assert reader.recv(15) == b"HTTP/1.1 200 OK"
            for sent in SLOW * 10:
                stack.enter_context(connected(address)).sendall(sent)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=120)
        assert process.returncode == 0
