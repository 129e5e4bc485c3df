"""Runs that workers do, over HTTP, from any copy of the server: the ledger is the only memory."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from domain.batch import BatchClaim
from domain.identifiers import TitleId
from infrastructure.container import distribute, new_run, open_ledger
from infrastructure.repositories.postgres.ledger import PostgresLedger
from shared.config import Settings, load_settings
from tests.api import api_client
from tests.databases import execute, rows_of
from tests.integration.test_api_runs import KEY, RUNS, UNKNOWN, WRITING, events_of, order, watched

FACTS = load_facts()
IDS = tuple(TitleId(title.imdb_id) for title in FACTS.titles[:6])


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture
def settings(site: DemoSite, tmp_path: Path, postgres_url: str) -> Settings:
    given = {
        "base_url": site.url, "sources": "html", "output_dir": str(tmp_path / "output"),
        "requests_per_second": "0", "database_url": postgres_url, "api_keys": KEY,
        "batch_titles": "2",
    }  # fmt: skip
    return load_settings(given, env_file=None)


@contextmanager
def copies_of(settings: Settings, number: int) -> Iterator[list[httpx.Client]]:
    """Copies of the server, as a load balancer has them behind it."""
    with ExitStack() as stack:
        url = settings.database_url.reveal()
        yield [stack.enter_context(api_client(url, settings)) for _ in range(number)]


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx.Client]:
    with copies_of(settings, 1) as [opened]:
        yield opened


@pytest.fixture
def ledger(settings: Settings) -> Iterator[PostgresLedger]:
    with open_ledger(settings) as opened:
        yield opened


@pytest.fixture
def run_id(settings: Settings, ledger: PostgresLedger) -> str:
    """A run of three batches, of which nobody has begun any."""
    run = new_run(settings, "titles")
    distribute(settings, ledger, run, IDS)
    return run.run_id


def claimed_by(ledger: PostgresLedger, *workers: str) -> list[BatchClaim]:
    """The first batches, one for each of these workers."""
    claims = [
        ledger.claim(batch_id, worker, f"token of {worker}")
        for worker, batch_id in zip(workers, ledger.to_send(again=False), strict=False)
    ]
    return [claim for claim in claims if claim is not None]


def post(client: httpx.Client, run_id: str, what: str) -> tuple[int, str | None]:
    answer = client.post(f"{RUNS}/{run_id}/{what}", headers=WRITING)
    return answer.status_code, answer.json().get("reason")


def test_a_run_is_paused_and_goes_on_and_once_more_changes_nothing(client, ledger, run_id):
    for _ in range(2):
        assert post(client, run_id, "pause") == (202, None)
        assert ledger.to_send(again=True) == []
        assert client.get(f"{RUNS}/{run_id}").json()["is_paused"] is True
    for _ in range(2):
        assert post(client, run_id, "continue") == (202, None)
        assert len(ledger.to_send(again=True)) == 3
        assert client.get(f"{RUNS}/{run_id}").json()["is_paused"] is False


def test_what_is_over_or_unknown_neither_pauses_nor_goes_on(client, ledger, run_id):
    assert client.delete(f"{RUNS}/{run_id}", headers=WRITING).status_code == 202
    for what in ("pause", "continue"):
        assert post(client, run_id, what) == (409, "run_is_over")
        assert post(client, UNKNOWN, what) == (404, "unknown_run")
        assert client.post(f"{RUNS}/{run_id}/{what}").status_code == 401


def test_a_run_of_one_program_is_not_paused(client):
    address = order(client, command="titles", ids=list(IDS)).json()
    for what in ("pause", "continue"):
        assert post(client, address["run_id"], what) == (409, "not_distributed")
    assert watched(client, address)[-1][2]["outcome"] == "complete"
    assert post(client, address["run_id"], "pause") == (409, "not_distributed")


def test_batches_and_workers_are_shown(client, ledger, run_id):
    with client.stream("GET", f"{RUNS}/{run_id}/events") as stream:
        events = events_of(stream.iter_lines())
        _, _, first = next(events)
        assert (first["state"], first["batches"], first["workers"]) == (
            "fetching", {"queued": 3}, [],
        )  # fmt: skip
        assert first["notices"] == ["no worker has begun it yet"]
        mine, others = claimed_by(ledger, "one", "another")
        ledger.failed(others, "it is poison", is_cut=False)
        ledger.keep(mine, 1, 1)
        then = next(data for _, _, data in events if data["fetched"])
        assert then["batches"] == {"queued": 1, "running": 1, "failed": 1}
        [worker] = then["workers"]
        assert worker | {"heard_seconds": 0} == {
            "name": "one", "titles": 2, "fetched": 1, "failed": 1, "heard_seconds": 0,
        }  # fmt: skip
        assert (then["fetched"], then["notices"]) == (1, [])
    page = client.get(f"/runs/{run_id}").text
    assert 'data-batches="queued">1<' in page
    assert 'data-batches="running">1<' in page
    assert 'data-batches="failed">1<' in page


def test_a_run_that_pauses_says_so(client, ledger, run_id):
    post(client, run_id, "pause")
    with client.stream("GET", f"{RUNS}/{run_id}/events") as stream:
        assert next(events_of(stream.iter_lines()))[2]["state"] == "paused"


def test_every_copy_controls_every_run(settings, ledger, run_id, postgres_url):
    with copies_of(settings, 2) as [one, another]:
        assert post(one, run_id, "pause") == (202, None)
        assert another.get(f"{RUNS}/{run_id}").json()["is_paused"] is True
        assert post(another, run_id, "continue") == (202, None)
        assert one.delete(f"{RUNS}/{run_id}", headers=WRITING).status_code == 202
        with another.stream("GET", f"{RUNS}/{run_id}/events") as stream:
            assert next(events_of(stream.iter_lines()))[2]["state"] == "stopping"
    assert rows_of(postgres_url, "SELECT stage FROM distributed_runs") == [("cancelled",)]


@pytest.mark.parametrize(
    "command",
    [{"command": "chart", "chart": "top", "limit": 5}, {"command": "titles", "ids": list(IDS[:5])}],
)
def test_a_run_is_handed_to_workers_and_waits_for_them(client, postgres_url, command):
    addresses = [order(client, **command, distributed=True).json() for _ in range(2)]
    assert rows_of(
        postgres_url, "SELECT run_id, count(*) FROM run_batches GROUP BY 1 ORDER BY min(batch_id)"
    ) == [(address["run_id"], 3) for address in addresses]
    page = client.get(f"/runs/{addresses[0]['run_id']}").text
    assert "no worker has begun it yet" in page


def test_the_setting_says_who_does_a_run_and_the_order_wins(settings, postgres_url):
    ticked = 'name="distributed" checked'
    with copies_of(settings, 1) as [client]:
        assert ticked not in client.get("/runs").text
    by_workers = msgspec.structs.replace(settings, api_runs="workers")
    with copies_of(by_workers, 1) as [client]:
        assert ticked in client.get("/runs").text
        run_id = order(client, command="titles", ids=list(IDS[:1])).json()["run_id"]
        assert rows_of(postgres_url, "SELECT run_id FROM distributed_runs") == [(run_id,)]
        address = order(client, command="titles", ids=list(IDS[:1]), distributed=False).json()
        assert watched(client, address)[-1][2]["outcome"] == "complete"


def test_a_chart_that_cannot_be_read_begins_nothing(settings, postgres_url):
    nowhere = msgspec.structs.replace(settings, base_url="http://127.0.0.1:1", max_attempts=1)
    with copies_of(nowhere, 1) as [client]:
        answer = order(client, command="chart", chart="top", distributed=True)
    assert (answer.status_code, answer.json()["reason"]) == (502, "unavailable")
    assert rows_of(postgres_url, "SELECT count(*) FROM runs") == [(0,)]


def test_what_one_copy_does_itself_every_copy_shows_and_cancels(settings, postgres_url):
    with DemoSite(FACTS, delay_seconds=0.1) as slow:
        slowly = msgspec.structs.replace(settings, base_url=slow.url, max_threads=4)
        with copies_of(slowly, 2) as [one, another]:
            address = order(one, command="chart", chart="top").json()
            refused = order(another, command="titles", ids=list(IDS))
            assert (refused.status_code, refused.json()["reason"]) == (409, "another_run_at_work")
            assert address["run_id"] in refused.json()["detail"]
            with another.stream("GET", address["events"]) as stream:
                events = events_of(stream.iter_lines())
                seen = next(data for _, _, data in events if data["fetched"])
                assert (seen["state"], seen["asked"]) == ("fetching", 250)
                assert another.delete(address["url"], headers=WRITING).status_code == 202
                _, name, end = list(events)[-1]
            assert (name, end["outcome"]) == ("end", "interrupted")
            assert watched(one, address)[-1][2]["fetched"] == end["fetched"]
            assert rows_of(postgres_url, "SELECT count(*) FROM served_runs") == [(0,)]
            assert another.delete(address["url"], headers=WRITING).status_code == 409
            resumed = order(another, command="resume", run_id=address["run_id"])
            assert resumed.status_code == 202
            assert watched(one, address)[-1][2]["outcome"] == "complete"
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(250,)]


def test_a_copy_that_was_killed_does_not_keep_the_others_from_starting(settings, postgres_url):
    with copies_of(settings, 1) as [client]:
        execute(
            postgres_url,
            "INSERT INTO served_runs (token, heard_at, run_id, progress)"
            " VALUES ('dead', now() - interval '16 s', 'dead', '{}')",
        )
        address = order(client, command="titles", ids=list(IDS)).json()
        assert watched(client, address)[-1][2]["outcome"] == "complete"


def test_a_run_that_waits_for_its_source_says_so(client, ledger, run_id):
    [mine] = claimed_by(ledger, "one")
    ledger.away(mine, "challenge", has_fetched=False, rest_seconds=60)
    with client.stream("GET", f"{RUNS}/{run_id}/events") as stream:
        _, _, first = next(events_of(stream.iter_lines()))
    assert first["notices"] == ["waiting for source html: challenge"]
    assert "waiting for source html" in client.get(f"/runs/{run_id}").text
