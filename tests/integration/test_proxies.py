import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from domain.errors import SourceUnavailable
from infrastructure.http import client as client_module
from infrastructure.http.client import HttpClient
from tests import clients
from tests.servers import page, serving

SECRET = "pr0xy-s3cret"  # noqa: S105 -- of a proxy that lives for one test


@contextmanager
def proxy(scheme: str) -> Iterator[str]:
    """A real proxy on loopback that wants a user name and a password; gives its host and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-u", "-m", "pproxy", "-l", f"{scheme}://{address}/#user:{SECRET}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            assert process.stdout is not None
            assert any(b"Serving on" in line for line in process.stdout), "it did not start"
            yield address
        finally:
            process.kill()


def http_client(*proxies: str) -> HttpClient:
    return clients.http_client(max_attempts=2, proxies=proxies)


@pytest.fixture(autouse=True)
def _quick_backoff(monkeypatch):
    monkeypatch.setattr(client_module, "_BACKOFF", lambda state: 0.01)


@pytest.mark.parametrize(("served", "scheme"), [("http", "http"), ("socks5", "socks5h")])
def test_pages_come_through_a_proxy_with_a_password(served, scheme):
    with proxy(served) as address, serving({"/": page(b"through")}) as server:
        with http_client(f"{scheme}://user:{SECRET}@{address}") as http:
            assert http.get(server.url + "/").body == b"through"


def test_the_proxy_resolves_names_with_socks5h():
    """A name that only the proxy could know is not looked up here."""
    with proxy("socks5") as address:
        with http_client(f"socks5h://user:{SECRET}@{address}") as http:
            with pytest.raises(SourceUnavailable) as caught:
                http.get("http://nowhere.invalid/")
    assert "cannot be resolved" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_socks_proxy_that_refuses_the_password_is_reported_without_showing_it():
    with proxy("socks5") as address, serving({"/": page(b"x")}) as server:
        with http_client(f"socks5://user:wr0ng-word@{address}") as http:
            with pytest.raises(SourceUnavailable, match="through a proxy") as caught:
                http.get(server.url + "/")
    assert "wr0ng-word" not in str(caught.value)
    assert server.requests["/"] == 0


def test_an_http_proxy_that_refuses_the_password_gives_no_page():
    with proxy("http") as address, serving({"/": page(b"x")}) as server:
        with http_client(f"http://user:wr0ng-word@{address}") as http:
            with pytest.raises(SourceUnavailable, match="through a proxy"):
                http.get(server.url + "/")
    assert server.requests["/"] == 0


def test_a_dead_proxy_costs_a_try_and_not_the_page():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{free.getsockname()[1]}"
    with proxy("http") as address, serving({"/": page(b"through")}) as server:
        with http_client(dead, f"http://user:{SECRET}@{address}") as http:
            assert http.get(server.url + "/").body == b"through"
