"""Continuing a run: what is saved is found, copied or fetched, and the account adds up."""

import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from application import lane, resume_run
from application.composite_save import CompositeSave
from application.copying import COPIED_TITLES
from application.ports import RepositoryOpener
from application.resume_run import ResumeRun
from application.run_history import RunHistory
from application.scrape_chart import ScrapeChart
from application.scrape_titles import ScrapeTitles
from application.source_chain import SourceChain
from domain.details import DetailName
from domain.errors import NothingToDo, RepositoryUnavailable, RunAtWork, UnknownRun
from domain.merged_id import MergedId
from domain.run import Failure, RunOutcome, RunRecord, RunReport
from tests.builders import NOON, a_chart, a_run, a_title, keywords, title_number
from tests.fakes import FakeRepository, FakeSource, RecordingObserver, new_circuit

RUN = a_run()
LATER = NOON + timedelta(hours=3)
GONE = RepositoryUnavailable("db", "is gone")


def ids_of(*numbers: int) -> list:
    return [title_number(n) for n in numbers]


def found(count: int = 9) -> dict:
    return {title_number(n): a_title(n, minutes_later=200) for n in range(1, count + 1)}


def store_with(name: str, *numbers: int, asked: int | None = 9, chart=None) -> FakeRepository:
    """A repository that was killed in the middle of the run, with these titles saved."""
    store = FakeRepository(name)
    store.begin_run(RUN, chart, None if asked is None else ids_of(*range(1, asked + 1)))
    store.save([a_title(n, minutes_later=1) for n in numbers], RUN)
    store.batches.clear()
    return store


@dataclass
class Scene:
    observer: RecordingObserver
    stop: threading.Event
    resume: ResumeRun


@contextmanager
def scene(source: FakeSource, *openers: RepositoryOpener, details=()):
    observer, stop = RecordingObserver(), threading.Event()
    chain = SourceChain([source], observer.notice, new_circuit)
    with CompositeSave(openers, observer, stop=stop) as save:
        titles = ScrapeTitles(chain, save, observer, max_threads=4, stop=stop, now=lambda: LATER)
        chart = ScrapeChart(chain, save, observer, titles, now=lambda: LATER)
        resumed_at = LATER - timedelta(seconds=5)
        resume = ResumeRun(
            save, chart, titles, sources=["fake"], details=details, gives=chain.gives,
            now=lambda: resumed_at,
        )  # fmt: skip
        yield Scene(observer, stop, resume)


def resumed(
    source: FakeSource, *stores: FakeRepository, run_id: str | None = None, details=()
) -> RunReport:
    with scene(source, *(store.opener() for store in stores), details=details) as here:
        return here.resume.execute(run_id, 250)


def requested(source: FakeSource) -> list:
    return sorted(imdb_id for ids in source.requests for imdb_id in ids)


def assert_adds_up(report: RunReport) -> None:
    done = report.already_saved + report.fetched
    assert report.asked == done + len(report.failures) + len(report.not_tried)
    for kept in report.repositories:
        assert kept.saved + len(kept.refused) + len(kept.missing) == done


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(lane, "RETRY_DELAYS_SECONDS", (0.0,))
    monkeypatch.setattr(resume_run, "WAIT_SECONDS", 0.0)


def test_only_what_no_repository_has_is_fetched_and_the_rest_is_copied():
    one, two = store_with("one", 1, 2, 3, 4), store_with("two", 3, 4, 5)
    source = FakeSource(found())
    report = resumed(source, one, two)
    assert requested(source) == ids_of(6, 7, 8, 9)
    assert one.held == two.held
    assert set(one.held) == set(ids_of(*range(1, 10)))
    assert report.run.run_id == RUN.run_id
    assert report.outcome is RunOutcome.COMPLETE
    assert (report.asked, report.already_saved, report.fetched) == (9, 5, 4)
    first, second = report.repositories
    assert (first.held_before, first.copied, first.inserted) == (4, 1, 4)
    assert (second.held_before, second.copied, second.inserted) == (3, 2, 4)
    assert report.seconds == 5
    assert one.reports[-1].run == two.reports[-1].run
    assert_adds_up(report)


def test_copying_ends_when_the_run_is_stopped_and_can_be_continued():
    count = 3 * COPIED_TITLES
    one = store_with("one", *range(1, count + 1), asked=count)
    two = store_with("two", asked=count)
    source = FakeSource(found(count))
    read = one.titles
    with scene(source, one.opener(), two.opener()) as here:

        def read_and_stop(ids=None):
            here.stop.set()
            return read(ids)

        one.titles = read_and_stop
        report = here.resume.execute(None, 250)
    assert report.outcome is RunOutcome.INTERRUPTED
    assert len(two.held) == COPIED_TITLES
    assert report.already_saved == COPIED_TITLES == count - len(report.not_tried)
    assert_adds_up(report)
    one.titles = read
    report = resumed(source, one, two)
    assert report.outcome is RunOutcome.COMPLETE
    assert one.held == two.held
    assert source.requests == []


def test_a_copy_is_the_very_title_that_was_fetched():
    one, two = store_with("one", 1), store_with("two")
    resumed(FakeSource(found()), one, two)
    assert two.held[title_number(1)] == a_title(1, minutes_later=1)


def test_what_is_older_than_the_run_is_fetched():
    store = store_with("one", 1, asked=2)
    old = replace(a_title(2, minutes_later=-5))
    store.save([old], a_run("20250101T000000Z-00000000"))
    source = FakeSource(found())
    resumed(source, store)
    assert requested(source) == ids_of(2)


def test_a_run_whose_titles_are_all_saved_fetches_nothing():
    store, source = store_with("one", *range(1, 10)), FakeSource(found())
    report = resumed(source, store)
    assert source.requests == []
    assert (report.outcome, report.already_saved) == (RunOutcome.COMPLETE, 9)
    assert_adds_up(report)


def test_the_chart_reaches_the_repository_that_had_no_time_to_keep_it():
    one, two = store_with("one", 1, chart=a_chart(*range(1, 10))), FakeRepository("two")
    resumed(FakeSource(found()), one, two)
    assert two.chart == a_chart(*range(1, 10))
    assert two.asked == one.asked


def test_a_run_killed_before_it_knew_its_chart_reads_it():
    store = store_with("one", asked=None)
    report = resumed(FakeSource(found(3), chart=a_chart(3, 1, 2)), store)
    assert (report.run.run_id, report.fetched, report.already_saved) == (RUN.run_id, 3, 0)
    assert store.chart == a_chart(3, 1, 2)
    assert report.seconds == 5


def test_what_failed_before_is_tried_again_and_the_failures_of_now_count():
    store = store_with("one", 1, 2)
    with scene(FakeSource(found(4)), store.opener()) as here:
        here.stop.set()
        interrupted = here.resume.execute(None, 250)
    assert interrupted.outcome is RunOutcome.INTERRUPTED
    assert len(interrupted.not_tried) == 7
    source = FakeSource(found(6))
    report = resumed(source, store)
    assert requested(source) == ids_of(*range(3, 10))
    assert [f.imdb_id for f in sorted(report.failures, key=lambda f: f.imdb_id)] == ids_of(7, 8, 9)
    assert_adds_up(interrupted)
    assert_adds_up(report)


def test_a_repository_that_is_out_of_reach_misses_all_and_harms_nothing():
    one, two = store_with("one", 1, 2), FakeRepository("db")
    with scene(FakeSource(found()), one.opener(), two.opener(GONE, GONE, GONE)) as here:
        report = here.resume.execute(None, 250)
    assert report.outcome is RunOutcome.INCOMPLETE
    assert report.repositories[0].saved == 9
    assert sorted(report.repositories[1].missing) == ids_of(*range(1, 10))
    assert_adds_up(report)


def test_what_cannot_be_read_where_it_is_held_is_fetched():
    one, two = store_with("one", 1, 2), store_with("two", 3)
    one.errors_on_reading = [GONE] * 9
    source = FakeSource(found())
    report = resumed(source, one, two)
    assert requested(source) == ids_of(1, 2, *range(4, 10))
    assert set(two.held) == set(ids_of(*range(1, 10)))
    assert report.repositories[0].error == str(GONE)
    assert_adds_up(report)


def test_a_copy_that_is_refused_is_named():
    one, two = store_with("one", 1, 2), store_with("two")
    two.refuses = set(ids_of(2))
    report = resumed(FakeSource(found()), one, two)
    assert [f.imdb_id for f in report.repositories[1].refused] == ids_of(2)
    assert report.outcome is RunOutcome.INCOMPLETE
    assert_adds_up(report)


def finished(number: int, command: str = "chart", **changes) -> RunRecord:
    began = NOON + timedelta(minutes=number)
    given = {
        "run": a_run(f"run-{number}", command=command, started_at=began),
        "asked": 9,
        "finished_at": began + timedelta(minutes=1),
        "outcome": RunOutcome.COMPLETE,
        "fetched": 9,
        "failed": 0,
    }
    return RunRecord(**(given | changes))


def test_the_newest_run_that_was_stopped_is_continued():
    store = store_with("one", 1)
    records = [
        finished(1, outcome=RunOutcome.INTERRUPTED, fetched=4),
        finished(2),
        finished(3, outcome=RunOutcome.INCOMPLETE, fetched=5, failed=4),
        finished(4, "demo", outcome=RunOutcome.INTERRUPTED, fetched=4),
        finished(5, "repair", finished_at=None, outcome=None),
    ]
    store.records |= {record.run.run_id: record for record in records}
    store.asked["run-1"] = tuple(ids_of(1, 2))
    del store.records[RUN.run_id]
    assert resumed(FakeSource(found()), store).run.run_id == "run-1"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (finished(1), "has tried all of its titles"),
        (finished(1, outcome=RunOutcome.INCOMPLETE, fetched=5, failed=4), "tried all"),
        (finished(1, "repair", finished_at=None, outcome=None), "start it anew"),
        (finished(1, "demo", finished_at=None, outcome=None), "start it anew"),
    ],
)
def test_a_run_with_nothing_left_is_not_continued(record, words):
    store, source = FakeRepository("one"), FakeSource(found())
    store.records["run-1"] = record
    with pytest.raises(NothingToDo, match=words):
        resumed(source, store, run_id="run-1")
    with pytest.raises(NothingToDo, match="no run to continue"):
        resumed(source, store)
    assert (store.begun, source.requests) == ([], [])


def test_a_run_that_nobody_knows_and_one_that_is_at_work_are_not_continued():
    store = FakeRepository("one")
    with pytest.raises(UnknownRun, match="run-7"):
        resumed(FakeSource(), store, run_id="run-7")
    store.records["run-1"] = finished(1, finished_at=None, outcome=None, at_work=True)
    for run_id in (None, "run-1"):
        with pytest.raises(RunAtWork, match="run-1"):
            resumed(FakeSource(), store, run_id=run_id)
    assert store.begun == []


def test_titles_of_an_old_run_that_are_not_known_are_not_made_up():
    store = FakeRepository("one")
    run = a_run("run-1", command="titles", chart=None)
    store.records["run-1"] = RunRecord(run=run)
    with pytest.raises(NothingToDo):
        resumed(FakeSource(), store)


def test_without_any_repository_to_ask_nothing_is_begun():
    store = FakeRepository("one")
    with scene(FakeSource(), store.opener(GONE, GONE)) as here:
        with pytest.raises(RepositoryUnavailable, match="one"):
            here.resume.execute(None, 250)
    assert here.observer.notices == [str(GONE)]


def test_the_account_of_each_repository_is_brought_together():
    one, two = FakeRepository("one"), FakeRepository("two")
    one.records["run-1"] = finished(1, finished_at=None, outcome=None, asked=None)
    two.records["run-1"] = finished(1, outcome=RunOutcome.INTERRUPTED, fetched=4)
    two.records["run-2"] = finished(2)
    with CompositeSave([one.opener(), two.opener()], RecordingObserver()) as save:
        latest = RunHistory(save).latest()
        assert latest == [finished(2), two.records["run-1"]]
        assert RunHistory(save).named("run-1") == two.records["run-1"]


def test_failures_are_part_of_what_is_left():
    """A run that was stopped counts as tried what had failed; resuming tries it all the same."""
    store = store_with("one", 1, asked=3)
    failure = Failure(imdb_id=title_number(2), reason="unavailable", message="HTTP 500")
    store.finish_run(
        RunReport(
            run=RUN, finished_at=NOON, outcome=RunOutcome.NO_SOURCE, asked=3, fetched=1,
            failures=(failure,), not_tried=(title_number(3),), fetched_from={},
        )
    )  # fmt: skip
    source = FakeSource(found())
    assert resumed(source, store).fetched == 2
    assert requested(source) == ids_of(2, 3)


WORDS = keywords("prison", minutes_later=1)


def test_a_run_goes_on_with_the_details_that_it_was_begun_with():
    run = replace(RUN, details=(DetailName.KEYWORDS,))
    store = FakeRepository("csv")
    store.begin_run(run, None, ids_of(1, 2, 3))
    store.save([a_title(1, minutes_later=1, details=(WORDS,)), a_title(2, minutes_later=1)], run)
    source = FakeSource(found(3), gives=[DetailName.KEYWORDS])
    report = resumed(source, store)
    assert requested(source) == ids_of(2, 3)
    assert source.details_asked == {(DetailName.KEYWORDS,)}
    assert report.run.details == (DetailName.KEYWORDS,)
    assert (report.already_saved, report.fetched) == (1, 2)


def test_a_detail_that_no_source_gives_has_no_title_fetched_again():
    run = replace(RUN, details=(DetailName.KEYWORDS, DetailName.TRIVIA))
    store = FakeRepository("csv")
    store.begin_run(run, None, ids_of(1, 2))
    store.save([a_title(1, minutes_later=1, details=(WORDS,))], run)
    source = FakeSource(found(2), gives=[DetailName.KEYWORDS])
    resumed(source, store, details=(DetailName.GOOFS,))
    assert requested(source) == ids_of(2)
    assert store.reports[0].run.details == (
        DetailName.KEYWORDS, DetailName.TRIVIA, DetailName.GOOFS,
    )  # fmt: skip


def test_an_id_that_was_merged_is_done_when_the_title_is_saved_under_the_new_one():
    store = store_with("csv", 20, asked=3)
    store.note_merged([MergedId(title_number(2), title_number(20), NOON)])
    source = FakeSource(found())
    with scene(source, store.opener()) as here:
        report = here.resume.execute(None, 250)
    assert sorted(source.requests) == [(title_number(1),), (title_number(3),)]
    assert (report.asked, report.already_saved, report.fetched) == (3, 1, 2)
