"""``python main.py serve`` as a process of its own."""

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from tests.e2e.program import report, run, start, titles_asked
from tests.faults.account import assert_all_saved

FACTS = load_facts()


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


def test_runs_are_not_saved_into_what_the_demo_has_left(tmp_path: Path, server_dir: Path) -> None:
    folder = server_dir.parent
    assert run(tmp_path, "demo", output_dir=folder, limit=5).status == 0
    key = "a-key-of-the-tests-0123456789"
    with served(tmp_path, output_dir=folder, api_keys=key) as (_, address):
        assert httpx.get(f"{address}/api/v1/titles").json()["items"] == []


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


def test_ended_in_the_middle_of_a_run_it_saves_what_is_in_flight(
    tmp_path: Path, postgres_url: str
) -> None:
    key = "a-key-of-the-tests-0123456789"
    with DemoSite(FACTS, delay_seconds=0.1) as site:
        settings = {"base_url": site.url, "database_url": postgres_url, "requests_per_second": 0}
        with (
            served(tmp_path, api_keys=key, max_threads=5, **settings) as (process, address),
            httpx.Client(base_url=address, headers={"X-API-Key": key}, timeout=60) as client,
        ):
            started = client.post("/api/v1/runs", json={"command": "chart", "chart": "top"})
            assert started.status_code == 202
            with client.stream("GET", started.json()["events"]) as watching:
                assert watching.status_code == 200
                assert site.wait_for_requests(40, 60)
                process.send_signal(signal.SIGTERM)
                assert "event: progress" in watching.read().decode()
            process.communicate(timeout=60)
        assert process.returncode == 0
        interrupted = report(tmp_path / "output")
        assert interrupted["outcome"] == "interrupted"
        assert interrupted["run"]["run_id"] == started.json()["run_id"]
        before = titles_asked(site)
        assert run(tmp_path, "resume", **settings).status == 0
        assert titles_asked(site) - before == len(interrupted["not_tried"])
    assert_all_saved(FACTS.titles, tmp_path / "output", postgres_url)


def test_killed_in_the_middle_of_a_run_it_tells_so_when_it_is_back(
    tmp_path: Path, postgres_url: str
) -> None:
    key = "a-key-of-the-tests-0123456789"
    with DemoSite(FACTS, delay_seconds=0.1) as site:
        settings = {
            "base_url": site.url, "database_url": postgres_url, "requests_per_second": 0,
            "api_keys": key, "max_threads": 5,
        }  # fmt: skip
        sending = {"headers": {"X-API-Key": key}, "timeout": 60}
        with served(tmp_path, **settings) as (process, address):
            order = {"command": "chart", "chart": "top"}
            started = httpx.post(f"{address}/api/v1/runs", json=order, **sending).json()
            assert site.wait_for_requests(40, 60)
            process.kill()
            process.communicate(timeout=60)
        with served(tmp_path, **settings) as (_, address):
            run_of = f"{address}{started['url']}"
            while httpx.get(run_of).json()["at_work"]:
                pass  # the database has yet to see that it has gone
            assert httpx.get(run_of).json()["finished_at"] is None
            with httpx.stream("GET", f"{address}{started['events']}") as watched:
                told = "".join(watched.iter_text())
            assert "was stopped" in told
            refused = httpx.delete(run_of, **sending)
            assert (refused.status_code, refused.json()["reason"]) == (409, "not_running_here")
            order = {"command": "resume"}
            resumed = httpx.post(f"{address}/api/v1/runs", json=order, **sending)
            assert resumed.json() == started
            with httpx.stream("GET", f"{address}{started['events']}", timeout=60) as watched:
                assert '"outcome":"complete"' in "".join(watched.iter_text())
    assert_all_saved(FACTS.titles, tmp_path / "output", postgres_url)


def test_headers_without_an_end_are_cut_off(tmp_path: Path, postgres_url: str) -> None:
    with served(tmp_path, database_url=postgres_url) as (_, address):
        host, _, port = address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
            sent = 0
            with suppress(ConnectionError):
                while sent < 64 * 1024 * 1024:
                    connection.sendall(b"x-more: " + b"y" * 8192 + b"\r\n")
                    sent += 8192
        assert sent < 64 * 1024 * 1024
        assert httpx.get(f"{address}/healthz").status_code == 200


def test_one_connection_is_kept_for_requests_with_long_headers(
    tmp_path: Path, postgres_url: str
) -> None:
    with served(tmp_path, database_url=postgres_url) as (_, address), httpx.Client() as client:
        for _ in range(10):
            answer = client.get(f"{address}/healthz", headers={"x-more": "y" * 16_000})
            assert answer.status_code == 200


def test_metrics_tell_of_the_api_and_of_its_runs(tmp_path: Path, postgres_url: str) -> None:
    key = "a-key-of-the-tests-0123456789"
    with DemoSite(FACTS) as site:
        settings = {"base_url": site.url, "database_url": postgres_url, "requests_per_second": 0}
        with served(tmp_path, api_keys=key, **settings) as (_, address):
            started = httpx.post(
                f"{address}/api/v1/runs",
                json={"command": "titles", "ids": [title.imdb_id for title in FACTS.titles[:3]]},
                headers={"Authorization": f"Bearer {key}"},
            )
            assert started.status_code == 202, started.text
            events = f"{address}{started.headers['location']}/events"
            with httpx.stream("GET", events, timeout=60) as watched:
                assert "ended" in "".join(watched.iter_text())
            told = httpx.get(f"{address}/metrics")
    assert told.headers["content-type"].startswith("text/plain")
    assert re.search(r'_titles_saved_total\{.*repository="postgres".*\} 3\.0', told.text), told.text
    assert 'route="/api/v1/runs",' in told.text
