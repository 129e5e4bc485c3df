"""Runs that workers do, over HTTP, from any copy of the server: the ledger is the only memory."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from domain.batch import BatchClaim
from domain.identifiers import TitleId
from infrastructure.container import distribute, new_run, open_ledger
from infrastructure.repositories.postgres.ledger import PostgresLedger
from shared.config import Settings, load_settings
from tests.api import api_client
from tests.databases import rows_of
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
