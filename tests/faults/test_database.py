"""Faults of PostgreSQL: it goes away, for a while or for good, and others use it, too."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from demo.site import DemoSite
from infrastructure.repositories.csv import open_csv_repository
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.embedded import embedded_postgres
from tests.databases import execute, new_database, rows_of
from tests.e2e.program import ROOT, report
from tests.faults.account import account_of
from tests.faults.here import ASKED, FACTS, IDS, OUR_SIDE, Here
from tests.faults.kept import kept_in_csv, kept_in_postgres
from tests.faults.program import LONGEST_SECONDS
from tests.faults.row import HandIn
from tests.faults.server import Server, kill_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="imdb-faults-") as folder:
        made = Server(Path(folder))
        made.start()
        try:
            execute(made.url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
            yield made
        finally:
            made.stop()


@pytest.fixture
def with_server(folder: Path, server: Server, slow_site: DemoSite) -> Iterator[Here]:
    """A place with a database of a server that may be stopped."""
    made = Here(folder, new_database(server.url), slow_site)
    yield made
    made.end()


def test_a_server_that_is_restarted_gets_every_title(
    with_server: Here, server: Server, hand_in: HandIn
) -> None:
    here = with_server
    with here.at_request(80):
        program = here.start()
    server.stop()
    program.wait_for("trying again in")
    server.start()
    assert program.status() == 0, program.said
    account = here.account()
    hand_in(account, section=OUR_SIDE, fault="PostgreSQL restarted", status="0")
    assert account.saved == ASKED


def test_a_server_that_is_killed_and_comes_back_later_gets_every_title(
    with_server: Here, server: Server, hand_in: HandIn
) -> None:
    here = with_server
    with here.at_request(80):
        program = here.start()
    server.kill()
    program.wait_for("postgres is away")
    server.start()
    assert program.status() == 0, program.said
    assert here.part_of("postgres")["late"] > 0
    assert program.said.count("postgres is away") == program.said.count("postgres is back") == 1
    assert here.leftovers() == []
    account = here.account()
    hand_in(account, section=OUR_SIDE, fault="PostgreSQL killed, back later", status="0")
    assert account.saved == ASKED


def test_what_a_server_that_has_gone_for_good_lacks_is_named(
    with_server: Here, server: Server, hand_in: HandIn
) -> None:
    here = with_server
    with here.at_request(80):
        program = here.start(repository_wait_seconds=1)
    server.stop()
    try:
        assert program.status() == 1, program.said
    finally:
        server.start()
    part = here.part_of("postgres")
    assert "waited for it in vain" in part["error"]
    assert set(part["missing"]) >= IDS - kept_in_postgres(here.url).ids
    assert here.leftovers() == []
    account = here.account()
    hand_in(account, section=OUR_SIDE, fault="PostgreSQL gone for good", status="1")
    assert 0 < account.missing == ASKED - account.saved


def test_a_run_killed_while_titles_wait_for_the_server_is_completed_by_the_same_command(
    with_server: Here, server: Server, hand_in: HandIn
) -> None:
    here = with_server
    with here.at_request(80):
        program = here.start()
    server.stop()
    try:
        program.wait_for("postgres is away")
        program.process.kill()
        assert program.status() == -signal.SIGKILL
    finally:
        server.start()
    assert len(here.leftovers()) == 1
    again = here.start()
    assert again.status() == 0, again.said
    assert here.leftovers() == []
    account = here.account()
    hand_in(
        account, section=OUR_SIDE, fault="`kill -9` while titles wait, the same command",
        status="killed, then 0",
    )  # fmt: skip
    assert account.saved == ASKED


def test_the_embedded_server_is_started_again_when_it_is_killed(
    here: Here, hand_in: HandIn
) -> None:
    own = here.output / "postgres"
    with embedded_postgres(own):
        with here.at_request(100):
            program = here.start(database_url="")
    kill_server(own)
    assert program.status() == 0, program.said
    assert "has died and is started again" in program.said
    with embedded_postgres(own) as url:
        account = here.account(url)
    hand_in(account, section=OUR_SIDE, fault="embedded PostgreSQL killed", status="0")
    assert account.saved == ASKED


def test_a_deadlock_with_another_writer_costs_no_title(here: Here, hand_in: HandIn) -> None:
    first = here.start(max_threads=50)
    assert first.status() == 0, first.said
    command = [sys.executable, "-m", "tests.faults.other_writer", here.url]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        second = here.start()
        assert second.status() == 0, second.said
        gave_way, _ = other.communicate()
        assert other.returncode == 0
    assert deadlocks_in(here.url, but=int(gave_way)) > int(gave_way), "the program never gave way"
    account = here.account()
    hand_in(account, section=OUR_SIDE, fault="deadlocks with another writer", status="0")
    assert account.saved == ASKED


def deadlocks_in(url: str, *, but: int) -> int:
    """How many deadlocks the server has counted, given time to count more than ``but``."""
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    deadline = time.monotonic() + LONGEST_SECONDS
    while (found := rows_of(url, query)[0][0]) <= but and time.monotonic() < deadline:
        pass
    return int(found)


def test_50_threads_share_2_connections(here: Here, hand_in: HandIn) -> None:
    """In this process, as a run uses one connection, and its lane only."""
    program = here.start(repositories="csv", max_threads=50)
    assert program.status() == 0, program.said
    said = report(here.output)
    with (
        open_csv_repository(here.output) as files,
        open_postgres_repository(here.url, pool_size=2, wait_seconds=LONGEST_SECONDS) as database,
        ThreadPoolExecutor(50) as threads,
    ):
        run = files.runs(1)[0].run
        database.begin_run(run, files.chart_of(run.run_id), files.asked_in(run.run_id))
        saves = [threads.submit(database.save, [title], run) for title in files.titles()]
        inserted = sum(save.result().inserted for save in saves)
        holds = asdict(database.counts())
    [in_csv] = said["repositories"]
    part = in_csv | {"name": "postgres", "inserted": inserted, "saved": inserted, "holds": holds}
    kept = [kept_in_csv(here.output), kept_in_postgres(here.url)]
    account = account_of(FACTS.titles, said | {"repositories": [in_csv, part]}, kept, chart=True)
    hand_in(account, section=OUR_SIDE, fault="50 threads, a pool of 2 connections", status="0")
    assert account.saved == ASKED
