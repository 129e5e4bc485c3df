"""``python main.py serve`` as a process of its own."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.program import run, start


@contextmanager
def served(folder: Path, **settings: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running program and its address."""
    with start(folder, "serve", api_port=0, **settings) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if found := re.search(r"Serving at (http://\S+)/ ", line):
                    yield process, found[1]
                    break
            else:
                pytest.fail("it never said where it is")
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(
    tmp_path: Path, postgres_url: str, number: signal.Signals
) -> None:
    with served(tmp_path, database_url=postgres_url) as (process, address):
        assert httpx.get(f"{address}/readyz").json() == {"status": "ok"}
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == err == ""


def test_without_a_database_it_starts_its_own(tmp_path: Path, server_dir: Path) -> None:
    with served(tmp_path, output_dir=server_dir.parent) as (process, address):
        assert httpx.get(f"{address}/readyz").status_code == 200
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert server_dir.is_dir()


def test_after_a_demo_there_is_something_to_see(tmp_path: Path, server_dir: Path) -> None:
    folder = server_dir.parent
    assert run(tmp_path, "demo", output_dir=folder, limit=5).status == 0
    with served(tmp_path, output_dir=folder) as (process, address):
        titles = httpx.get(f"{address}/api/v1/titles").json()["items"]
        process.terminate()
        process.communicate(timeout=60)
    assert len(titles) == 5
    assert not server_dir.exists()


def test_it_needs_postgres(tmp_path: Path) -> None:
    result = run(tmp_path, "serve", repositories="csv")
    assert result.status == 2
    assert "add postgres" in result.err


def test_it_does_not_listen_to_everybody_by_mistake(tmp_path: Path, postgres_url: str) -> None:
    result = run(tmp_path, "serve", api_host="0.0.0.0", database_url=postgres_url)  # noqa: S104
    assert result.status == 2
    assert "API_HOST=0.0.0.0" in result.err
    assert "API_KEYS" in result.err
    assert "API_OPEN" in result.err


def test_a_port_in_use_is_one_line(tmp_path: Path, postgres_url: str) -> None:
    with served(tmp_path, database_url=postgres_url) as (_, address):
        port = address.rpartition(":")[2]
        result = run(tmp_path, "serve", api_port=port, database_url=postgres_url)
    assert result.status == 1
    assert len(result.err.splitlines()) == 1
    assert f"port {port}" in result.err
