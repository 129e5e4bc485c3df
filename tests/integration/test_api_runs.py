"""Runs over HTTP: started, watched and cancelled, on the demo site and real repositories."""

import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from application.run_control import _LiveWatch
from demo.facts import load_facts
from demo.site import DemoSite
from shared.config import load_settings
from tests.api import api_client
from tests.faults.account import account_of
from tests.faults.kept import kept_in_csv, kept_in_postgres

FACTS = load_facts()
KEY = "a-key-of-the-tests-0123456789"
WRITING = {"Authorization": f"Bearer {KEY}"}
RUNS = "/api/v1/runs"
UNKNOWN = "20260101T000000Z-00000000"
Event = tuple[str, str, dict[str, Any]]
"""Its id, its name and its data."""


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture
def slow_site() -> Iterator[DemoSite]:
    with DemoSite(FACTS, delay_seconds=0.1) as demo_site:
        yield demo_site


@contextmanager
def client_of(site: DemoSite, folder: Path, url: str, **options: str) -> Iterator[httpx.Client]:
    given = {
        "base_url": site.url,
        "sources": "html",
        "output_dir": str(folder / "output"),
        "requests_per_second": "0",
        "max_threads": "5",
        "api_keys": KEY,
    }
    with api_client(url, load_settings(given | options, env_file=None)) as client:
        client.timeout = httpx.Timeout(60)
        yield client


@pytest.fixture
def client(site: DemoSite, tmp_path: Path, postgres_url: str) -> Iterator[httpx.Client]:
    with client_of(site, tmp_path, postgres_url) as opened:
        yield opened


def order(client: httpx.Client, **wanted: object) -> httpx.Response:
    return client.post(RUNS, json=wanted, headers=WRITING)


def events_of(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if not line and "data" in fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            assert fields["retry"] == "3000"
        name, _, value = line.partition(": ")
        fields = fields | {name: value} if line else {}


def watched(client: httpx.Client, address: dict[str, str]) -> list[Event]:
    with client.stream("GET", address["events"]) as stream:
        assert stream.status_code == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        return list(events_of(stream.iter_lines()))


def test_a_run_is_started_and_watched_to_its_end(slow_site, tmp_path, postgres_url):
    with client_of(slow_site, tmp_path, postgres_url) as client:
        answer = order(client, command="chart", chart="top", limit=250)
        assert answer.status_code == 202
        address = answer.json()
        assert answer.headers["location"] == address["url"] == f"{RUNS}/{address['run_id']}"

        refused = order(client, command="titles", ids=["tt0111161"])
        assert (refused.status_code, refused.json()["reason"]) == (409, "another_run_at_work")
        assert address["run_id"] in refused.json()["detail"]

        events = watched(client, address)
        again = watched(client, address)
        seen = client.get(address["events"], headers={"Last-Event-ID": "end"})
    assert [name for _, name, _ in events] == ["progress"] * (len(events) - 1) + ["end"]
    assert len({number for number, _, _ in events}) == len(events) > 2
    _, _, end = events[-1]
    assert (end["outcome"], end["fetched"], end["failed"]) == ("complete", 250, 0)
    assert end["saved"] == {"csv": 250, "postgres": 250}
    assert again == events[-1:]
    assert (seen.status_code, seen.content) == (204, b"")


def test_a_run_is_cancelled_and_resumed(slow_site, tmp_path, postgres_url):
    with client_of(slow_site, tmp_path, postgres_url) as client:
        address = order(client, command="chart", chart="top").json()
        assert slow_site.wait_for_requests(40, 60)
        cancelled = client.delete(address["url"], headers=WRITING)
        assert (cancelled.status_code, cancelled.json()) == (202, address)
        _, _, end = watched(client, address)[-1]
        assert (end["state"], end["outcome"]) == ("ended", "interrupted")
        assert end["fetched"] + end["not_tried"] == 250

        over = client.delete(address["url"], headers=WRITING)
        assert (over.status_code, over.json()["reason"]) == (409, "not_running_here")

        assert order(client, command="resume", run_id=address["run_id"]).json() == address
        _, _, resumed = watched(client, address)[-1]
    assert (resumed["outcome"], resumed["fetched"]) == ("complete", end["not_tried"])
    kept = [kept_in_csv(tmp_path / "output"), kept_in_postgres(postgres_url)]
    account = account_of(FACTS.titles, None, kept, chart=True)
    assert (account.saved, account.lost, account.doubled) == (250, [], [])


def test_a_watcher_that_never_reads_harms_nothing(slow_site, tmp_path, postgres_url):
    with client_of(slow_site, tmp_path, postgres_url) as client:
        address = order(client, command="chart", chart="top").json()
        with client.stream("GET", address["events"]):
            _, _, end = watched(client, address)[-1]
        assert (end["outcome"], end["fetched"]) == ("complete", 250)


def test_a_watcher_that_goes_away_leaves_nothing_behind(tmp_path, postgres_url):
    gc.collect()
    before = live_watches()
    with (
        DemoSite(FACTS, delay_seconds=0.3) as very_slow,
        client_of(very_slow, tmp_path, postgres_url, max_threads="1") as client,
    ):
        address = order(client, command="chart", chart="top").json()
        with client.stream("GET", address["events"]) as gone:
            assert next(events_of(gone.iter_lines()))[1] == "progress"
            assert live_watches() == before + 1
        deadline = time.monotonic() + 60
        while live_watches() > before and time.monotonic() < deadline:
            gc.collect()
        assert live_watches() == before
        assert client.delete(address["url"], headers=WRITING).status_code == 202


def test_there_is_a_most_of_watchers(slow_site, tmp_path, postgres_url, monkeypatch):
    monkeypatch.setattr("application.run_control.MOST_WATCHERS", 1)
    with client_of(slow_site, tmp_path, postgres_url) as client:
        address = order(client, command="chart", chart="top").json()
        with client.stream("GET", address["events"]) as first:
            assert first.status_code == 200
            refused = client.get(address["events"])
        assert (refused.status_code, refused.json()["reason"]) == (429, "too_many_watchers")
        assert int(refused.headers["retry-after"]) > 0
        client.delete(address["url"], headers=WRITING)


def live_watches() -> int:
    return sum(isinstance(thing, _LiveWatch) for thing in gc.get_objects())


def test_failures_are_told_by_reason(client):
    address = order(client, command="titles", ids=["tt0111161", "tt9999999"]).json()
    _, _, end = watched(client, address)[-1]
    assert (end["outcome"], end["failed_by_reason"]) == ("incomplete", {"not_found": 1})
    refused = order(client, command="retry", run_id=address["run_id"])
    assert (refused.status_code, refused.json()["reason"]) == (409, "nothing_to_do")
    address = order(client, command="retry", run_id=address["run_id"], with_not_found=True).json()
    _, _, end = watched(client, address)[-1]
    assert (end["asked"], end["failed"]) == (1, 1)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "chart",
        {"command": "format"},
        {"command": "chart"},
        {"command": "chart", "chart": "best"},
        {"command": "chart", "chart": "top", "limit": 0},
        {"command": "chart", "chart": "top", "limit": 1_000_001},
        {"command": "chart", "chart": "top", "limit": "5"},
        {"command": "chart", "chart": "top", "output_dir": "/"},
        {"command": "chart", "chart": "top", "details": ["everything"]},
        {"command": "titles", "ids": []},
        {"command": "titles", "ids": ["nm0000151"]},
        {"command": "titles", "ids": ["tt0111161\n"]},
        {"command": "titles", "ids": ["tt0111161"] * 3_001},
        {"command": "retry", "run_id": "../../etc"},
        {"command": "resume", "run_id": "a" * 101},
        {"command": "resume", "limit": 3},
    ],
)
def test_an_order_that_is_wrong_starts_nothing(client, body):
    answer = client.post(RUNS, json=body, headers=WRITING)
    assert (answer.status_code, answer.json()["reason"]) == (422, "invalid_parameter")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"command": "titles", "ids": ["' + b"t" * 10_000_000 + b'"]}', 413),
        (b'{"command": "chart\xff"}', 400),
        (b"[" * 60_000, 400),
        (b"", 422),
        (b"{", 422),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(client, content, status):
    headers = WRITING | {"Content-Type": "application/json"}
    answer = client.post(RUNS, content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_only_those_with_a_key_start_and_cancel(client, site):
    before = len(site.requests)
    wanted = {"command": "titles", "ids": ["tt0111161"]}
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert client.post(RUNS, json=wanted, headers=headers).status_code == 401
        assert client.delete(f"{RUNS}/{UNKNOWN}", headers=headers).status_code == 401
    assert len(site.requests) == before


def test_without_keys_writing_is_off(site, tmp_path, postgres_url):
    with client_of(site, tmp_path, postgres_url, api_keys="") as client:
        assert order(client, command="resume").status_code == 403


def test_an_unknown_run_is_not_found(client):
    assert client.delete(f"{RUNS}/{UNKNOWN}", headers=WRITING).status_code == 404
    assert client.get(f"{RUNS}/{UNKNOWN}/events").status_code == 404
    assert order(client, command="resume", run_id=UNKNOWN).status_code == 404
    assert client.get(f"{RUNS}/..%2F..%2Fetc/events").status_code in {404, 422}


def test_it_is_described_with_examples(client):
    paths = client.get("/openapi.json").json()["paths"]
    start = paths[RUNS]["post"]
    examples = start["requestBody"]["content"]["application/json"]["examples"]
    assert set(examples) == {"chart", "distributed", "titles", "retry", "resume"}
    assert {"202", "401", "403", "404", "409", "413", "422", "503"} <= set(start["responses"])
    assert {"202", "404", "409"} <= set(paths[f"{RUNS}/{{run_id}}"]["delete"]["responses"])
    events = paths[f"{RUNS}/{{run_id}}/events"]["get"]["responses"]
    assert "example" in events["200"]["content"]["text/event-stream"]
    commands = {name: example["value"]["command"] for name, example in examples.items()}
    assert commands == {name: name for name in examples} | {"distributed": "chart"}
