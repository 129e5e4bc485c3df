"""Runs that are started, watched and cancelled from within a process, on the demo site."""

import gc
import signal
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from application.run_control import (
    MOST_WATCHERS,
    ChartOrder,
    Order,
    ResumeOrder,
    RetryOrder,
    RunControl,
    TitlesOrder,
)
from application.run_progress import RunProgress, RunState
from demo.facts import load_facts
from demo.faults import Fault, FaultPlan
from demo.site import DemoSite
from domain.batch import Stage
from domain.chart import ChartName
from domain.details import DetailName
from domain.errors import (
    AnotherRunAtWork,
    InvalidConfiguration,
    NothingToDo,
    NotRunningHere,
    RepositoryUnavailable,
    RunAtWork,
    ShuttingDown,
    TooManyWatchers,
    UnknownRun,
)
from domain.identifiers import TitleId
from domain.run import Run, RunOutcome, RunReport
from infrastructure.cli.report_file import read_failed_run, write_report
from infrastructure.container import distribute, find_run, open_ledger, open_run_control
from infrastructure.repositories.csv import newest_runs
from shared.config import Settings, load_settings
from tests.databases import rows_of
from tests.e2e.program import rows, start, titles_asked
from tests.faults.account import assert_all_saved

FACTS = load_facts()
IDS = tuple(TitleId(title.imdb_id) for title in FACTS.titles)
WHOLE_CHART = ChartOrder(chart=ChartName.TOP, limit=250)
RUN = Run(
    run_id="20260102T000000Z-00000000",
    command="chart",
    chart=ChartName.TOP,
    sources=("html",),
    started_at=datetime(2026, 1, 2, tzinfo=UTC),
)
UNKNOWN = "20260101T000000Z-00000000"


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture
def slow_site() -> Iterator[DemoSite]:
    with DemoSite(FACTS, delay_seconds=0.1) as demo_site:
        yield demo_site


def settings_for(site: DemoSite, folder: Path, url: str = "", **options: str) -> Settings:
    given = {
        "base_url": site.url,
        "sources": "html",
        "output_dir": str(folder / "output"),
        "database_url": url,
        "repositories": "csv,postgres" if url else "csv",
        "requests_per_second": "0",
        "max_threads": "5",
        "max_attempts": "1",
    }
    return load_settings(given | options, env_file=None)


@contextmanager
def control_of(settings: Settings) -> Iterator[RunControl]:
    with open_run_control(
        settings,
        reported=partial(read_failed_run, settings.output_dir),
        when_ended=lambda report: write_report(report, settings.output_dir),
    ) as control:
        yield control


def end_of(control: RunControl, run_id: str) -> RunProgress:
    return list(control.watch(run_id))[-1]


def done(control: RunControl, order: Order) -> RunProgress:
    return end_of(control, control.start(order))


def test_a_chart_is_watched_to_its_end(slow_site, tmp_path, postgres_url):
    with control_of(settings_for(slow_site, tmp_path, postgres_url)) as control:
        run_id = control.start(WHOLE_CHART)
        assert control.running == run_id
        seen = list(control.watch(run_id))
        assert control.running is None

    numbers = [progress.number for progress in seen]
    assert numbers == sorted(set(numbers))
    assert {progress.run_id for progress in seen} == {run_id}
    assert all(0 <= (progress.fetched or 0) <= 250 for progress in seen)
    assert any(progress.state is RunState.FETCHING for progress in seen)
    assert [progress.is_over for progress in seen] == [False] * (len(seen) - 1) + [True]
    # Far more has happened than was told: 250 titles, and batches in two repositories.
    assert len(seen) < 100
    last = seen[-1]
    assert (last.asked, last.fetched, last.failed, last.not_tried) == (250, 250, 0, 0)
    assert last.saved == {"csv": 250, "postgres": 250}
    assert (last.outcome, last.error) == (RunOutcome.COMPLETE, None)
    assert_all_saved(FACTS.titles, tmp_path / "output", postgres_url)


def test_an_order_wins_over_the_settings(site, tmp_path):
    settings = settings_for(site, tmp_path, chart="bottom", limit="9", details="awards")
    with control_of(settings) as control:
        order = ChartOrder(chart=ChartName.TOP, limit=3, details=(DetailName.AKAS,))
        run_id = control.start(order)
        assert end_of(control, run_id).fetched == 3
        other = done(control, TitlesOrder(ids=IDS[:2]))
        assert other.fetched == 2
    of_chart, of_titles = find_run(settings, run_id), find_run(settings, other.run_id)
    assert of_chart is not None
    assert (of_chart.run.command, of_chart.run.chart) == ("chart", ChartName.TOP)
    assert of_chart.run.details == (DetailName.AKAS,)
    assert of_titles is not None
    assert (of_titles.run.command, of_titles.run.details) == ("titles", (DetailName.AWARDS,))


def test_cancelled_in_the_middle_it_is_continued_and_nothing_is_fetched_twice(
    slow_site, tmp_path, postgres_url
):
    with control_of(settings_for(slow_site, tmp_path, postgres_url)) as control:
        run_id = control.start(WHOLE_CHART)
        assert slow_site.wait_for_requests(40, 60)
        control.cancel(run_id)
        assert next(iter(control.watch(run_id))).state in {RunState.STOPPING, RunState.ENDED}
        end = end_of(control, run_id)
        assert end.outcome is RunOutcome.INTERRUPTED
        assert end.not_tried
        assert end.fetched == 250 - end.not_tried
        assert end.saved == {"csv": end.fetched, "postgres": end.fetched}
        asked = titles_asked(slow_site)

        assert control.start(ResumeOrder()) == run_id
        resumed = end_of(control, run_id)

    assert resumed.outcome is RunOutcome.COMPLETE
    assert (resumed.asked, resumed.fetched) == (end.not_tried, end.not_tried)
    assert titles_asked(slow_site) - asked == end.not_tried
    assert_all_saved(FACTS.titles, tmp_path / "output", postgres_url)


def test_cancelled_while_the_chart_is_read_nothing_was_asked_for(tmp_path):
    with (
        DemoSite(FACTS, delay_seconds=0.5) as site,
        control_of(settings_for(site, tmp_path)) as control,
    ):
        run_id = control.start(WHOLE_CHART)
        control.cancel(run_id)
        end = end_of(control, run_id)
        assert (end.outcome, end.fetched) == (RunOutcome.INTERRUPTED, 0)
        assert titles_asked(site) == 0


def test_a_run_is_found_as_long_as_one_repository_can_be_asked(site, tmp_path):
    nowhere = "postgresql://127.0.0.1:1/nothing?connect_timeout=2"
    with control_of(settings_for(site, tmp_path)) as control:
        run_id = done(control, TitlesOrder(ids=IDS[:2])).run_id
    both = settings_for(site, tmp_path, nowhere)
    with control_of(both) as control:
        [remembered] = control.watch(run_id)
        assert remembered.fetched == 2
    with (
        control_of(replace(both, repositories=("postgres",))) as control,
        pytest.raises(RepositoryUnavailable),
    ):
        control.watch(run_id)


def test_of_two_starts_at_once_one_is_refused(slow_site, tmp_path):
    both = threading.Barrier(2)

    def start_one(control: RunControl) -> str | AnotherRunAtWork:
        both.wait(30)
        try:
            return control.start(TitlesOrder(ids=IDS[:30]))
        except AnotherRunAtWork as error:
            return error

    with (
        control_of(settings_for(slow_site, tmp_path)) as control,
        ThreadPoolExecutor(2) as threads,
    ):
        outcomes = list(threads.map(start_one, [control, control]))
        [run_id] = [outcome for outcome in outcomes if isinstance(outcome, str)]
        [refused] = [outcome for outcome in outcomes if not isinstance(outcome, str)]
        assert refused.run_id in {None, run_id}
        with pytest.raises(AnotherRunAtWork, match=run_id) as refusal:
            control.start(WHOLE_CHART)
        assert refusal.value.run_id == run_id
        assert end_of(control, run_id).outcome is RunOutcome.COMPLETE
        # Whoever has heard of the end may start the next one.
        assert done(control, TitlesOrder(ids=IDS[:1])).fetched == 1
    assert len(newest_runs(tmp_path / "output", 10)) == 2


def test_a_watcher_that_never_reads_and_one_that_goes_away_hold_nothing(site, tmp_path):
    with control_of(settings_for(site, tmp_path)) as control:
        run_id = control.start(WHOLE_CHART)
        never_reads = control.watch(run_id)
        gone = control.watch(run_id)
        next(iter(gone))
        trace = weakref.ref(gone)
        del gone
        gc.collect()
        assert trace() is None
        assert end_of(control, run_id).fetched == 250
        # All that it missed has become one.
        [missed] = list(never_reads)
        assert missed.is_over


def test_there_is_a_most_of_watchers_until_one_goes_away(site, tmp_path):
    with control_of(settings_for(site, tmp_path)) as control:
        run_id = control.start(TitlesOrder(ids=IDS[:1]))
        assert end_of(control, run_id).is_over
        gc.collect()
        watches = [control.watch(run_id) for _ in range(MOST_WATCHERS)]
        with pytest.raises(TooManyWatchers):
            control.watch(run_id)
        del watches[0]
        gc.collect()
        assert control.watch(run_id).poll() is not None


def test_several_watchers_see_the_same_end(site, tmp_path):
    with control_of(settings_for(site, tmp_path)) as control, ThreadPoolExecutor(5) as threads:
        run_id = control.start(WHOLE_CHART)
        ends = set(map(repr, threads.map(end_of, [control] * 5, [run_id] * 5)))
        assert ends == {repr(end_of(control, run_id))}


def test_closed_in_the_middle_nothing_is_lost_or_doubled(slow_site, tmp_path, postgres_url):
    settings = settings_for(slow_site, tmp_path, postgres_url)
    with ThreadPoolExecutor(1) as thread:
        with control_of(settings) as control:
            run_id = control.start(WHOLE_CHART)
            watching = thread.submit(end_of, control, run_id)
            assert slow_site.wait_for_requests(40, 60)
        end = watching.result(60)
        assert end.outcome is RunOutcome.INTERRUPTED
        with pytest.raises(ShuttingDown):
            control.start(WHOLE_CHART)
    assert len(rows(settings.output_dir, "titles.csv")) == end.fetched
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(end.fetched,)]
    assert not any(thread.name.startswith(("run", "save-")) for thread in threading.enumerate())

    with control_of(settings) as another:
        assert done(another, ResumeOrder(run_id=run_id)).fetched == 250 - (end.fetched or 0)
    assert_all_saved(FACTS.titles, tmp_path / "output", postgres_url)


def test_failures_are_counted_by_reason_and_tried_again(tmp_path, postgres_url):
    plan = FaultPlan([Fault.SERVER_ERROR], share=0.3, seed=2)
    with DemoSite(FACTS, faults=plan) as failing:
        settings = settings_for(failing, tmp_path, postgres_url)
        with control_of(settings) as control:
            first = done(control, TitlesOrder(ids=(*IDS[:60], TitleId("tt9999999"))))
    assert first.failed_by_reason is not None
    assert first.failed_by_reason["not_found"] == 1
    assert first.failed_by_reason["unavailable"] == 60 - (first.fetched or 0)
    assert first.outcome is RunOutcome.INCOMPLETE

    with DemoSite(FACTS) as well:
        settings = settings_for(well, tmp_path, postgres_url)
        with control_of(settings) as control:
            again = done(control, RetryOrder(of=first.run_id))
            assert (again.asked, again.outcome) == ((first.failed or 0) - 1, RunOutcome.COMPLETE)
            with pytest.raises(NothingToDo, match="not found anywhere"):
                control.start(RetryOrder(of=first.run_id))
            assert control.running is None
            last = done(control, RetryOrder(of=first.run_id, with_not_found=True))
            assert last.failed_by_reason == {"not_found": 1}


def test_what_cannot_be_begun_is_told_to_whoever_starts_it(site, tmp_path, postgres_url):
    with control_of(settings_for(site, tmp_path, postgres_url)) as control:
        with pytest.raises(UnknownRun):
            control.start(ResumeOrder(run_id=UNKNOWN))
        with pytest.raises(UnknownRun):
            control.start(RetryOrder(of="../../etc"))
        with pytest.raises(NothingToDo):
            control.start(ResumeOrder())
        with pytest.raises(UnknownRun):
            control.watch(UNKNOWN)
        with pytest.raises(UnknownRun):
            control.cancel(UNKNOWN)
        assert control.running is None
    without_folder = replace(settings_for(site, tmp_path), sources=("saved",))
    with open_run_control(without_folder) as control:
        with pytest.raises(InvalidConfiguration):
            control.start(WHOLE_CHART)
        assert control.running is None


def test_a_run_that_is_over_is_watched_from_what_is_remembered(site, tmp_path, postgres_url):
    settings = settings_for(site, tmp_path, postgres_url)
    with control_of(settings) as control:
        run_id = control.start(TitlesOrder(ids=IDS[:4]))
        assert end_of(control, run_id).fetched == 4
        with pytest.raises(NotRunningHere, match="over"):
            control.cancel(run_id)
    with control_of(settings) as another:
        [remembered] = another.watch(run_id)
        assert (remembered.asked, remembered.fetched, remembered.failed) == (4, 4, 0)
        assert remembered.saved == {"csv": 4, "postgres": 4}
        assert remembered.outcome is RunOutcome.COMPLETE
        assert remembered.failed_by_reason is None
        with pytest.raises(NotRunningHere, match="over"):
            another.cancel(run_id)


@pytest.mark.parametrize("killed", [False, True])
def test_a_run_of_another_process_is_shown_and_left_alone(
    slow_site, tmp_path, postgres_url, killed
):
    settings = settings_for(slow_site, tmp_path, postgres_url)
    given = {"base_url": slow_site.url, "database_url": postgres_url, "requests_per_second": 0}
    with (
        start(tmp_path, max_threads=2, **given) as program,
        control_of(settings) as control,
        ThreadPoolExecutor(1) as thread,
    ):
        assert slow_site.wait_for_requests(10, 60)
        run_id = newest_runs(settings.output_dir, 1)[0].run.run_id
        watching = iter(control.watch(run_id))
        first = next(watching)
        assert (first.state, first.asked, first.fetched) == (RunState.FETCHING, 250, None)
        with pytest.raises(NotRunningHere, match="another program"):
            control.cancel(run_id)
        with pytest.raises(RunAtWork):
            control.start(ResumeOrder(run_id=run_id))
        # A run of other titles goes on beside it.
        assert done(control, TitlesOrder(ids=IDS[240:])).outcome is RunOutcome.COMPLETE
        rest = thread.submit(list, watching)
        program.send_signal(signal.SIGKILL if killed else signal.SIGINT)
        program.communicate(timeout=60)
        last = rest.result(60)[-1]
        assert last.is_over
        assert (last.outcome is None, last.error is None) == (killed, not killed)
        # What was running there before is ours to continue now.
        assert control.start(ResumeOrder(run_id=run_id)) == run_id
        assert end_of(control, run_id).outcome is RunOutcome.COMPLETE
    assert {row["imdb_id"] for row in rows(settings.output_dir, "titles.csv")} == set(IDS)
    assert len(rows(settings.output_dir, "titles.csv")) == 250
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(250,)]


def test_the_embedded_database_serves_the_runs_of_a_process(site, tmp_path, server_dir):
    options = {"repositories": "postgres", "output_dir": str(server_dir.parent)}
    settings = settings_for(site, tmp_path, **options)
    with control_of(settings) as control:
        for _ in range(2):
            assert done(control, TitlesOrder(ids=IDS[:2])).saved == {"postgres": 2}


def test_a_run_that_breaks_off_says_so_and_lets_the_next_one_in():
    def perform(order, observer, stop, begun) -> RunReport:
        begun(RUN)
        raise RuntimeError("out of luck")

    control = RunControl(perform, lambda run_id: None)
    for _ in range(2):
        end = done(control, WHOLE_CHART)
        assert (end.state, end.outcome) == (RunState.ENDED, None)
        assert "out of luck" in str(end.error)
    control.close()


def test_a_report_that_cannot_be_kept_harms_no_run(site, tmp_path):
    def refuse(report: object) -> None:
        raise RuntimeError("no")

    with open_run_control(settings_for(site, tmp_path), when_ended=refuse) as control:
        assert done(control, TitlesOrder(ids=IDS[:1])).outcome is RunOutcome.COMPLETE
        assert control.running is None


def test_a_run_that_workers_do_is_watched_and_cancelled(site, tmp_path, postgres_url):
    settings = settings_for(site, tmp_path, postgres_url)
    with open_ledger(settings) as ledger:
        distribute(settings, ledger, RUN, IDS[:3])
        [batch_id] = ledger.to_send(again=True) or [1]
        claim = ledger.claim(batch_id, "worker", "token")
        assert claim is not None
        ledger.keep(claim, 2, 1)
        with open_run_control(settings) as control:
            seen = control.watch(RUN.run_id).poll()
            assert seen is not None
            assert (seen.state, seen.fetched, seen.failed) == (RunState.FETCHING, 2, 1)
            control.cancel(RUN.run_id)
            control.cancel(RUN.run_id)
        progress = ledger.progress(RUN.run_id)
        assert progress is not None
        assert progress.stage is Stage.CANCELLED
