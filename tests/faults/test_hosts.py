"""Workers on hosts of their own, one of which is cut off from the network for a while."""

import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from demo.facts import synthetic_facts
from demo.site import DemoSite
from tests.databases import rows_of
from tests.faults.hosts import Host, hosts, reached_at, why_no_hosts
from tests.faults.program import LONGEST_SECONDS, Program
from tests.faults.row import HandIn
from tests.faults.workers import Fleet, Redis

TITLES = 400
FACTS = synthetic_facts(TITLES)
WORKERS = 3


@pytest.fixture(scope="module")
def network() -> Iterator[tuple[str, list[Host]]]:
    if reason := why_no_hosts():
        pytest.skip(reason)
    with hosts(WORKERS) as made:
        yield made


@pytest.fixture
def fleet(network: tuple[str, list[Host]], folder: Path, postgres_url: str) -> Iterator[Fleet]:
    """What the workers' hosts reach at our address: the site, PostgreSQL and Redis."""
    address, _ = network
    redis_port = _free_port(address)
    parts = urlsplit(postgres_url)
    query = parse_qs(parts.query)
    postgres_socket = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
    with (
        tempfile.TemporaryDirectory(prefix="imdb-redis-") as place,
        DemoSite(FACTS, delay_seconds=0.1, host=address) as site,
        reached_at(address, postgres_socket) as postgres_port,
    ):
        listen = ("--bind", address, "--port", str(redis_port), "--protected-mode", "no")
        redis = Redis(Path(place), *listen)
        redis.start()
        settings: dict[str, object] = {
            "redis_url": f"redis://{address}:{redis_port}",
            "database_url": f"postgresql://postgres@{address}:{postgres_port}{parts.path}",
            "request_timeout_seconds": 2,
        }
        made = Fleet(folder, postgres_url, site, FACTS, redis, settings)
        try:
            yield made
        finally:
            made.end()
            redis.close()


def _free_port(address: str) -> int:
    with socket.create_server((address, 0)) as taken:
        return int(taken.getsockname()[1])


def cut_off_with_a_batch(host: Host, worker: Program, fleet: Fleet) -> None:
    """Cut a host off while its worker has a batch, which it can then neither do nor give back."""
    has_one = f"""
        SELECT FROM run_batches WHERE state = 'running' AND worker LIKE '%-{worker.process.pid}-%'
    """
    while True:
        host.cut_off()
        if rows_of(fleet.url, has_one):
            return
        host.join()


def test_workers_on_several_hosts_one_of_which_is_cut_off_and_comes_back(
    network: tuple[str, list[Host]], fleet: Fleet, hand_in: HandIn
) -> None:
    _, [first, *others] = network
    victim = fleet.worker(first.prefix)
    rest = [fleet.worker(host.prefix) for host in others]
    run = fleet.start("scrape", "--distributed")
    everybody = {host.address for host in (first, *others)}
    while not everybody <= {request.client for request in fleet.site.requests}:
        fleet.site.wait_for_requests(len(fleet.site.requests) + 1, LONGEST_SECONDS)

    cut_off_with_a_batch(first, victim, fleet)
    while not fleet.batches("split"):
        pass  # until its batch is taken from it; ends with the test's own time limit
    first.join()

    assert run.status() == 0, run.said
    account = fleet.account()
    hand_in(
        account, section="workers", status="0",
        fault="a worker's host cut off from the network, back later",
    )  # fmt: skip
    assert account.saved == TITLES

    for worker in rest:
        worker.process.send_signal(signal.SIGTERM)
        assert worker.status() == 0
    before = len(fleet.site.requests)
    assert fleet.start("scrape", "--distributed", FACTS.titles[0].imdb_id).status() == 0
    assert {request.client for request in fleet.site.requests[before:]} == {first.address}
    victim.process.send_signal(signal.SIGTERM)
    assert victim.status() == 0
