"""Distributed runs that go on, and what failed in them: by workers again, in this process."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import msgspec
import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from domain.batch import PARKED, Stage
from domain.errors import NothingToDo, UnknownRun
from domain.identifiers import TitleId
from domain.run import RunOutcome, RunReport
from infrastructure.container import (
    distribute,
    distribute_failures,
    distribute_rest,
    find_run,
    new_run,
    open_app,
    open_ledger,
)
from infrastructure.container.distributed import open_work
from infrastructure.repositories.postgres.ledger import PostgresLedger
from shared.config import Settings, load_settings
from tests.api import api_client
from tests.databases import rows_of
from tests.e2e.program import titles_asked
from tests.fakes import RecordingObserver
from tests.integration.test_api_runs import KEY, order
from tests.integration.test_source_away import NoQueue

FACTS = load_facts()
IDS = tuple(TitleId(title.imdb_id) for title in FACTS.titles[:20])


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture
def settings(site: DemoSite, tmp_path: Path, postgres_url: str) -> Settings:
    given = {
        "base_url": site.url, "sources": "html", "output_dir": str(tmp_path / "output"),
        "requests_per_second": "0", "database_url": postgres_url, "batch_titles": "5",
        "max_threads": "4", "batch_attempts": "1", "api_keys": KEY,
    }  # fmt: skip
    return load_settings(given, env_file=None)


@pytest.fixture
def ledger(settings: Settings) -> Iterator[PostgresLedger]:
    with open_ledger(settings) as opened:
        yield opened


def batches_of(settings: Settings, run_id: str) -> list[int]:
    wanted = f"SELECT batch_id FROM run_batches WHERE run_id = '{run_id}' AND state = 'queued'"
    return [number for (number,) in rows_of(settings.database_url.reveal(), f"{wanted} ORDER BY 1")]


def worked_off(settings: Settings, batches: Sequence[int]) -> list[RunReport]:
    """Have a worker do batches, and whatever else is to be done; gives the accounts."""
    closed: list[RunReport] = []
    with open_work(settings, "worker", NoQueue(), closed.append) as work:
        for number in batches:
            work.execute(number)
        work.keep_house()
    return closed


@pytest.fixture
def stopped(settings: Settings, ledger: PostgresLedger) -> str:
    """A run that was cancelled after the first of its four batches."""
    run = new_run(settings, "titles")
    distribute(settings, ledger, run, IDS)
    worked_off(settings, batches_of(settings, run.run_id)[:1])
    ledger.set_stage(run.run_id, Stage.CANCELLED)
    [report] = worked_off(settings, [])
    assert (report.fetched, len(report.not_tried)) == (5, 15)
    return run.run_id


@pytest.mark.parametrize("is_named", [True, False])
def test_a_run_that_was_stopped_goes_on_with_workers(
    settings: Settings, ledger: PostgresLedger, site: DemoSite, stopped: str, *, is_named: bool
) -> None:
    before = titles_asked(site)
    run = distribute_rest(settings, ledger, stopped if is_named else None)
    assert run.run_id == stopped
    batches = batches_of(settings, stopped)
    assert len(batches) == 3
    [report] = worked_off(settings, batches)

    assert titles_asked(site) - before == 15
    assert (report.asked, report.already_saved, report.fetched) == (20, 5, 15)
    assert report.outcome is RunOutcome.COMPLETE
    assert report.resumed_at is not None
    kept = {repository.name: repository.saved for repository in report.repositories}
    assert kept == {"postgres": 20, "csv": 20}
    record = find_run(settings, stopped)
    assert record is not None
    assert record.outcome is RunOutcome.COMPLETE
    assert record.resumed_at is not None
    with pytest.raises(NothingToDo):
        distribute_rest(settings, ledger, stopped)


def test_a_run_that_one_program_began_goes_on_with_workers(
    settings: Settings, ledger: PostgresLedger
) -> None:
    stop = threading.Event()

    class StopsAtTheFifth(RecordingObserver):
        def fetched(self, item, seconds) -> None:  # type: ignore[no-untyped-def]
            super().fetched(item, seconds)
            if len(self.titles) == 5:
                stop.set()

    run = new_run(settings, "titles")
    with open_app(settings, StopsAtTheFifth(), stop, fetches_at_once=True) as app:
        first = app.scrape_titles.execute(IDS, run)
    assert first.not_tried
    distribute_rest(settings, ledger, run.run_id)
    [report] = worked_off(settings, batches_of(settings, run.run_id))
    assert (report.already_saved, report.fetched) == (first.fetched, 20 - first.fetched)
    assert report.outcome is RunOutcome.COMPLETE


@pytest.fixture
def with_parked(settings: Settings, ledger: PostgresLedger) -> str:
    """A run of which one batch was parked, and one title is not to be found."""
    run = new_run(settings, "titles")
    distribute(settings, ledger, run, [*IDS[:15], TitleId("tt9999999")])
    poisoned, *others = batches_of(settings, run.run_id)
    claim = ledger.claim(poisoned, "dead", "token")
    assert claim is not None
    ledger.failed(claim, "it is poison", is_cut=False)
    [report] = worked_off(settings, others)
    assert [failure.reason for failure in report.failures].count(PARKED) == 5
    return run.run_id


def test_what_was_parked_is_fetched_by_workers_again(
    settings: Settings, ledger: PostgresLedger, site: DemoSite, with_parked: str
) -> None:
    before = titles_asked(site)
    again = distribute_failures(
        settings, ledger, new_run(settings, "retry"),
        of=None, with_not_found=False, reported=None,
    )  # fmt: skip
    [report] = worked_off(settings, batches_of(settings, again.run_id))

    assert again.run_id != with_parked
    assert titles_asked(site) - before == 5
    assert (report.asked, report.fetched, report.outcome) == (5, 5, RunOutcome.COMPLETE)
    with pytest.raises(NothingToDo, match="not found anywhere"):
        distribute_failures(
            settings, ledger, again, of=with_parked, with_not_found=False, reported=None
        )
    with pytest.raises(UnknownRun):
        distribute_failures(settings, ledger, again, of="?", with_not_found=True, reported=None)


def test_over_http(settings: Settings, ledger: PostgresLedger, stopped: str) -> None:
    with api_client(settings.database_url.reveal(), settings) as client:
        client.timeout = httpx.Timeout(60)
        answer = order(client, command="resume", run_id=stopped, distributed=True)
        assert (answer.status_code, answer.json()["run_id"]) == (202, stopped)
        assert len(batches_of(settings, stopped)) == 3
        nothing = order(client, command="retry", distributed=True)
        assert (nothing.status_code, nothing.json()["reason"]) == (409, "nothing_to_do")
    by_workers = msgspec.structs.replace(settings, api_runs="workers")
    with api_client(settings.database_url.reveal(), by_workers) as client:
        client.timeout = httpx.Timeout(60)  # a run that seems to be at work is waited for
        refused = order(client, command="resume", run_id=stopped)
        assert (refused.status_code, refused.json()["reason"]) == (409, "run_at_work")


def test_a_run_is_reopened_once(settings: Settings, ledger: PostgresLedger, stopped: str) -> None:
    run = distribute_rest(settings, ledger, stopped)
    assert len(batches_of(settings, run.run_id)) == 3
    progress = ledger.progress(run.run_id)
    assert progress is not None
    assert progress.resumed_at is not None
    ledger.reopen_run(run.run_id, [IDS], progress.resumed_at)
    assert len(batches_of(settings, run.run_id)) == 3
