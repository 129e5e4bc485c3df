import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from application import lane, lane_queue, scrape_titles
from application.composite_save import CompositeSave
from application.ports import RepositoryOpener
from application.scrape_chart import ScrapeChart
from application.scrape_titles import BATCH_TITLES, ScrapeTitles
from application.source_chain import PATIENCE, SourceChain
from domain.chart import ChartName
from domain.details import DetailName
from domain.errors import (
    PageChanged,
    RepositoryUnavailable,
    RunStopped,
    SourceBlocked,
    SourceUnavailable,
    TitleNotFound,
)
from domain.merged_id import MergedId
from domain.run import DetailFailure, RunOutcome, RunReport
from domain.title import Title
from tests.builders import NOON, a_chart, a_run, a_title, title_number
from tests.fakes import FakeRepository, FakeSource, RecordingObserver, new_circuit

BLOCKED = SourceBlocked("https://site/title", "challenge")
GONE = RepositoryUnavailable("disk", "is full; free some space")


def titles_of(count: int) -> dict:
    return {title_number(n): a_title(n) for n in range(1, count + 1)}


def ids_of(count: int) -> list:
    return [title_number(n) for n in range(1, count + 1)]


def from_source(title: Title, source: str) -> Title:
    return replace(title, provenance=replace(title.provenance, source=source))


@dataclass
class Scene:
    """One wired use case with everything a test wants to look at."""

    observer: RecordingObserver
    stop: threading.Event
    chart: ScrapeChart
    titles: ScrapeTitles


@contextmanager
def scene(*sources: FakeSource, openers: list[RepositoryOpener], threads: int = 8):
    observer, stop = RecordingObserver(), threading.Event()
    chain = SourceChain(sources, observer.notice, new_circuit)
    with CompositeSave(openers, observer) as save:
        titles = ScrapeTitles(chain, save, observer, max_threads=threads, stop=stop)
        yield Scene(observer, stop, ScrapeChart(chain, save, observer, titles), titles)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(lane, "RETRY_DELAYS_SECONDS", (0.0, 0.0))


def assert_adds_up(report: RunReport) -> None:
    assert report.asked == report.fetched + len(report.failures) + len(report.not_tried)
    for repository in report.repositories:
        whole = repository.saved + len(repository.refused) + len(repository.missing)
        assert whole == report.fetched
    assert sum(report.fetched_from.values()) == report.fetched


def test_every_title_is_saved_in_every_repository():
    one, two = FakeRepository("one"), FakeRepository("two")
    source = FakeSource(titles_of(120))
    with scene(source, openers=[one.opener(), two.opener()]) as here:
        report = here.titles.execute(ids_of(120), a_run())
    assert report.outcome is RunOutcome.COMPLETE
    assert set(one.held) == set(two.held) == set(ids_of(120))
    assert [r.inserted for r in report.repositories] == [120, 120]
    assert report.repositories[0].holds == one.counts()
    assert max(len(batch) for batch in one.batches) >= BATCH_TITLES
    assert one.reports == [report]
    assert (one.opened, one.closed) == (1, 1)
    assert_adds_up(report)


def test_each_repository_is_touched_by_its_own_thread_only():
    one, two = FakeRepository("one"), FakeRepository("two")
    with scene(FakeSource(titles_of(60)), openers=[one.opener(), two.opener()]) as here:
        here.titles.execute(ids_of(60), a_run())
    assert one.threads == {"save-one"}
    assert two.threads == {"save-two"}


def test_as_many_titles_as_threads_are_fetched_at_the_same_time():
    together = threading.Barrier(16, timeout=10)
    source = FakeSource(titles_of(32), before=lambda imdb_id: together.wait())
    store = FakeRepository()
    with scene(source, openers=[store.opener()], threads=16) as here:
        report = here.titles.execute(ids_of(32), a_run())
    assert report.outcome is RunOutcome.COMPLETE


def test_a_title_named_twice_is_fetched_once():
    source, store = FakeSource(titles_of(2)), FakeRepository()
    with scene(source, openers=[store.opener()]) as here:
        report = here.titles.execute([*ids_of(2), *ids_of(2)], a_run())
    assert report.asked == 2
    assert len(source.requests) == 2


def test_failing_titles_are_named_and_harm_no_other():
    found = titles_of(50)
    found[title_number(3)] = PageChanged("https://site", "titleText.text")
    found[title_number(7)] = ValueError("a bug")
    del found[title_number(11)]
    store = FakeRepository()
    with scene(FakeSource(found), openers=[store.opener()]) as here:
        report = here.titles.execute(ids_of(50), a_run())
    assert report.outcome is RunOutcome.INCOMPLETE
    assert {f.imdb_id: f.reason for f in report.failures} == {
        "tt0000003": "page_changed",
        "tt0000007": "unexpected",
        "tt0000011": "not_found",
    }
    assert len(store.held) == 47
    assert sorted(here.observer.failures, key=lambda f: f.imdb_id) == sorted(
        report.failures, key=lambda f: f.imdb_id
    )
    assert_adds_up(report)


def test_a_refused_title_is_named_and_the_rest_is_saved():
    strict, lenient = FakeRepository("strict"), FakeRepository("lenient")
    strict.refuses = {title_number(5)}
    openers = [strict.opener(), lenient.opener()]
    with scene(FakeSource(titles_of(30)), openers=openers) as here:
        report = here.titles.execute(ids_of(30), a_run())
    assert report.outcome is RunOutcome.INCOMPLETE
    assert [f.imdb_id for f in report.repositories[0].refused] == [title_number(5)]
    assert report.repositories[1].saved == 30
    assert_adds_up(report)


def test_a_repository_that_is_away_for_a_moment_loses_nothing():
    store = FakeRepository("db")
    store.errors = [RepositoryUnavailable("db", "restarting", transient=True)] * 2
    with scene(FakeSource(titles_of(60)), openers=[store.opener()]) as here:
        report = here.titles.execute(ids_of(60), a_run())
    assert report.outcome is RunOutcome.COMPLETE
    assert len(store.held) == 60


@pytest.mark.parametrize("at_open", [True, False])
def test_a_repository_that_fails_for_good_is_reported_and_never_stops_another(at_open):
    broken, healthy = FakeRepository("broken"), FakeRepository("healthy")
    broken.errors = [] if at_open else [GONE] * 100
    openers = [broken.opener(*([GONE] if at_open else [])), healthy.opener()]
    with scene(FakeSource(titles_of(200)), openers=openers) as here:
        report = here.titles.execute(ids_of(200), a_run())
    first, second = report.repositories
    assert report.outcome is RunOutcome.INCOMPLETE
    assert second.saved == 200
    assert first.error == str(GONE)
    assert sorted(first.missing) == ids_of(200)
    assert here.observer.notices == [str(GONE)]
    assert_adds_up(report)


def test_a_bug_in_a_repository_is_reported_like_any_other_failure():
    broken, healthy = FakeRepository("broken"), FakeRepository("healthy")
    broken.errors = [KeyError("oops")] * 100
    openers = [broken.opener(), healthy.opener()]
    with scene(FakeSource(titles_of(30)), openers=openers) as here:
        report = here.titles.execute(ids_of(30), a_run())
    assert "unexpected KeyError" in str(report.repositories[0].error)
    assert report.repositories[1].saved == 30
    assert_adds_up(report)


def test_a_display_that_fails_costs_no_title():
    class Gone(RecordingObserver):
        def saved(self, repository, result):
            raise OSError("the terminal is gone")

        fetched = notice = saved

    store, observer = FakeRepository(), Gone()
    chain = SourceChain([FakeSource(titles_of(60))], print, new_circuit)
    with CompositeSave([store.opener()], observer) as save:
        titles = ScrapeTitles(chain, save, observer, max_threads=4, stop=threading.Event())
        report = titles.execute(ids_of(60), a_run())
    assert report.outcome is RunOutcome.COMPLETE
    assert len(store.held) == 60


def test_a_repository_that_cannot_be_closed_is_in_the_account():
    store = FakeRepository("db")

    @contextmanager
    def open_it():
        yield store
        raise GONE

    with scene(FakeSource(titles_of(3)), openers=[RepositoryOpener("db", open_it)]) as here:
        report = here.titles.execute(ids_of(3), a_run())
    assert report.outcome is RunOutcome.INCOMPLETE
    assert report.repositories[0].error == str(GONE)
    assert report.repositories[0].saved == 3


def test_what_is_no_title_makes_the_run_incomplete():
    store = FakeRepository()
    with scene(FakeSource(titles_of(3)), openers=[store.opener()]) as here:
        report = here.titles.execute(ids_of(3), a_run(), rejected=["not a title: 'x'"])
    assert report.outcome is RunOutcome.INCOMPLETE
    assert report.rejected == ("not a title: 'x'",)
    assert store.reports[0].outcome is RunOutcome.INCOMPLETE


def test_why_a_source_was_given_up_is_in_the_account_that_is_kept():
    store = FakeRepository()
    with scene(FakeSource(always=BLOCKED), openers=[store.opener()], threads=1) as here:
        report = here.titles.execute(ids_of(30), a_run())
    assert report.notices == tuple(here.observer.notices)
    assert "given up" in store.reports[0].notices[0]


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [(PATIENCE + 2, RunOutcome.INCOMPLETE), (PATIENCE + 200, RunOutcome.NO_SOURCE)],
)
def test_a_source_that_is_given_up_at_the_very_end_makes_no_run_without_source(asked, outcome):
    """What fails may take longer than what does not, and so come last, all in a row."""
    ids = ids_of(asked)

    def fail_after_two(imdb_id):
        if imdb_id not in ids[:2]:
            raise SourceUnavailable("https://site", "HTTP 500")

    source = FakeSource(titles_of(2), before=fail_after_two)
    with scene(source, openers=[FakeRepository().opener()], threads=1) as here:
        report = here.titles.execute(ids, a_run())
    assert report.fetched == 2
    assert report.outcome is outcome


def test_the_titles_of_every_source_but_the_most_giving_are_named():
    ids = ids_of(30)
    merged = a_title(99)
    few = {i: from_source(title, "few") for i, title in titles_of(2).items()}
    some = {i: from_source(title, "some") for i, title in titles_of(9).items()}
    some[ids[8]] = from_source(merged, "some")
    most = {i: from_source(title, "most") for i, title in titles_of(29).items()}
    sources = (FakeSource(few, name="few"), FakeSource(some, name="some"), FakeSource(most))
    store = FakeRepository()
    with scene(*sources, openers=[store.opener()]) as here:
        report = here.titles.execute(ids, a_run())
    assert list(report.fetched_from.items()) == [("most", 20), ("some", 7), ("few", 2)]
    others = {source: sorted(listed) for source, listed in report.from_other_sources.items()}
    assert others == {"some": ids[2:9], "few": ids[:2]}  # as they were asked for
    assert store.reports == [report]
    assert_adds_up(report)


def test_an_old_and_its_new_id_are_one_title_and_both_are_accounted_for():
    old, new = ids_of(2)
    title = titles_of(2)[new]
    store = FakeRepository()
    with scene(FakeSource({old: title, new: title}), openers=[store.opener()]) as here:
        report = here.titles.execute([old, new], a_run())
    assert (report.asked, report.fetched, report.outcome) == (2, 2, RunOutcome.COMPLETE)
    assert report.merged == {old: new}
    assert list(store.held) == [new]
    assert store.merged_ids() == [MergedId(old, new, title.provenance.fetched_at)]
    assert_adds_up(report)


def test_that_an_id_was_merged_is_noted_late_by_a_repository_that_was_away():
    old, new = ids_of(2)
    store = FakeRepository()
    store.errors = [RepositoryUnavailable("memory", "restarting", transient=True)]
    source = FakeSource({old: titles_of(2)[new]})
    with scene(source, openers=[store.opener()]) as here:
        here.titles.execute([old], a_run())
    assert list(store.held) == [new]
    assert [one.old for one in store.merged_ids()] == [old]


def test_the_titles_of_an_only_source_are_not_named():
    for count in (0, 3):
        with scene(FakeSource(titles_of(3)), openers=[FakeRepository().opener()]) as here:
            report = here.titles.execute(ids_of(count), a_run())
        assert report.from_other_sources == {}
        assert sum(report.fetched_from.values()) == count


def test_a_bug_in_reading_the_chart_is_reported():
    class Broken(FakeSource):
        def chart(self, name):
            raise KeyError("oops")

    store = FakeRepository()
    with scene(Broken(), openers=[store.opener()]) as here:
        report = here.chart.execute(ChartName.TOP, 250, a_run())
    assert report.outcome is RunOutcome.INCOMPLETE
    assert "KeyError" in report.notices[0]


def test_after_a_stop_no_other_source_is_asked():
    second = FakeSource(titles_of(9), name="saved")
    first = FakeSource(name="html", always=RunStopped("https://site"))
    store = FakeRepository()
    with scene(first, second, openers=[store.opener()], threads=2) as here:
        here.stop.set()
        report = here.chart.execute(ChartName.TOP, 9, a_run())
        assert report.outcome is RunOutcome.INTERRUPTED
    assert second.requests == []
    assert first.requests == []


def test_a_run_stops_early_when_there_is_nowhere_left_to_save():
    broken = FakeRepository("broken")
    source = FakeSource(titles_of(500))
    with scene(source, openers=[broken.opener(GONE)], threads=2) as here:
        report = here.titles.execute(ids_of(500), a_run())
    assert report.outcome is RunOutcome.INCOMPLETE
    assert len(source.requests) < 500
    assert_adds_up(report)


def test_a_run_that_cannot_keep_its_account_is_not_complete():
    store = FakeRepository("db")
    with scene(FakeSource(titles_of(3)), openers=[store.opener()]) as here:
        original = store.finish_run

        def fail_once(report):
            store.finish_run = original
            raise GONE

        store.finish_run = fail_once
        report = here.titles.execute(ids_of(3), a_run())
    assert report.outcome is RunOutcome.INCOMPLETE
    assert report.repositories[0].error == str(GONE)
    assert report.repositories[0].saved == 3


def test_the_fetcher_waits_for_a_slow_repository(monkeypatch):
    """A lane that does not get on fills its queue; then no more titles are fetched."""
    full = threading.Event()

    class Watched(lane_queue.LaneQueue):
        def put(self, work):
            if self._titles >= lane_queue.QUEUE_TITLES:
                full.set()
            super().put(work)

    monkeypatch.setattr(lane, "LaneQueue", Watched)
    threads, store = 4, FakeRepository()
    source = FakeSource(titles_of(4000))
    fetched_when_full: list[int] = []

    def hold_until_the_queue_is_full():
        assert full.wait(20)
        fetched_when_full.append(len(source.requests))

    store.before_save = hold_until_the_queue_is_full
    with scene(source, openers=[store.opener()], threads=threads) as here:
        report = here.titles.execute(ids_of(4000), a_run())
    assert report.outcome is RunOutcome.COMPLETE
    # Those in the queue, the batch being saved, and the one that waits for room in the queue.
    waiting = lane_queue.QUEUE_TITLES + 3 * BATCH_TITLES
    assert fetched_when_full[0] <= waiting + 2 * threads
    assert len(store.held) == 4000


def test_stopping_finishes_and_saves_what_is_in_flight():
    store = FakeRepository()

    def stop():
        here.stop.set()

    four_in_flight = threading.Barrier(4, action=stop, timeout=10)
    source = FakeSource(titles_of(100), before=lambda imdb_id: four_in_flight.wait())
    with scene(source, openers=[store.opener()], threads=4) as here:
        report = here.titles.execute(ids_of(100), a_run())
    assert report.outcome is RunOutcome.INTERRUPTED
    assert report.fetched == len(store.held) == 4
    assert len(report.not_tried) == 96
    assert_adds_up(report)


def test_titles_that_waited_for_their_turn_when_the_run_was_stopped_are_not_failures():
    source, store = FakeSource(titles_of(50)), FakeRepository()

    def stop_after_ten(imdb_id):
        if len(source.requests) > 10:
            here.stop.set()
            raise RunStopped("https://site")

    source._before = stop_after_ten
    with scene(source, openers=[store.opener()], threads=2) as here:
        report = here.titles.execute(ids_of(50), a_run())
    assert report.outcome is RunOutcome.INTERRUPTED
    assert report.failures == ()
    assert len(report.not_tried) == 40
    assert here.observer.notices == []
    assert_adds_up(report)


def test_a_blocked_run_stops_early_and_keeps_what_it_has():
    found = titles_of(100)
    source, store = FakeSource(found), FakeRepository()
    second_half = set(ids_of(100)[50:])

    def block(imdb_id):
        if imdb_id in second_half:
            source._always = BLOCKED

    source._before = block
    with scene(source, openers=[store.opener()], threads=2) as here:
        report = here.titles.execute(ids_of(100), a_run())
    assert report.outcome is RunOutcome.NO_SOURCE
    assert 48 <= len(store.held) <= 50
    assert report.not_tried
    assert len(here.observer.notices) == 1
    assert_adds_up(report)


def test_the_slowest_titles_are_named_slowest_first():
    with scene(FakeSource(titles_of(20)), openers=[FakeRepository().opener()]) as here:
        report = here.titles.execute(ids_of(20), a_run())
    seconds = [timing.seconds for timing in report.slowest]
    assert len(seconds) == scrape_titles.SLOWEST_SHOWN
    assert seconds == sorted(seconds, reverse=True)


def test_a_chart_is_kept_with_its_ranks_and_its_titles_are_saved():
    chart, store = a_chart(3, 1, 2), FakeRepository()
    source = FakeSource(titles_of(3), chart=chart)
    with scene(source, openers=[store.opener()]) as here:
        report = here.chart.execute(ChartName.TOP, 2, a_run())
    assert report.outcome is RunOutcome.COMPLETE
    assert store.chart == chart
    assert set(store.held) == {title_number(3), title_number(1)}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (BLOCKED, RunOutcome.NO_SOURCE),
        (SourceUnavailable("https://site", "refused", hopeless=True), RunOutcome.NO_SOURCE),
        (SourceUnavailable("https://site", "HTTP 500"), RunOutcome.NO_SOURCE),
        (PageChanged("https://site", "chartTitles"), RunOutcome.INCOMPLETE),
        (RunStopped("https://site"), RunOutcome.INTERRUPTED),
    ],
)
def test_a_chart_that_cannot_be_read_ends_the_run_with_one_message(error, outcome):
    store = FakeRepository()
    with scene(FakeSource(chart=error, always=error), openers=[store.opener()]) as here:
        report = here.chart.execute(ChartName.TOP, 250, a_run())
    assert report.outcome is outcome
    assert report.asked == 0
    assert str(error) in report.notices[0]
    assert store.reports == [report]
    assert store.chart is None
    assert len(here.observer.notices) == 1


def test_a_title_not_found_is_not_a_fault_of_the_source():
    store = FakeRepository()
    with scene(FakeSource(titles_of(1)), openers=[store.opener()]) as here:
        report = here.titles.execute([title_number(n) for n in range(100, 140)], a_run())
    assert report.outcome is RunOutcome.INCOMPLETE
    assert len(report.failures) == 40
    assert all(f.reason == TitleNotFound.reason for f in report.failures)


@pytest.mark.parametrize("chart", [True, False])
def test_a_clock_that_is_set_back_makes_no_run_end_before_it_began(chart):
    observer, store, source = RecordingObserver(), FakeRepository(), FakeSource(always=BLOCKED)
    chain = SourceChain([source], print, new_circuit)

    def an_hour_behind():
        return NOON - timedelta(hours=1)

    with CompositeSave([store.opener()], observer) as save:
        titles = ScrapeTitles(
            chain, save, observer, max_threads=1, stop=threading.Event(), now=an_hour_behind
        )
        if chart:
            use_case = ScrapeChart(chain, save, observer, titles, now=an_hour_behind)
            report = use_case.execute(ChartName.TOP, 250, a_run())
        else:
            report = titles.execute(ids_of(1), a_run())
    assert report.seconds > 0
    assert store.reports[0].finished_at == report.finished_at


def test_details_are_asked_for_with_each_title_and_ten_titles_at_a_time():
    source = FakeSource(titles_of(45), batch_size=50, gives=list(DetailName))
    run = a_run(details=(DetailName.AKAS, DetailName.GOOFS))
    with scene(source, openers=[FakeRepository("one").opener()]) as here:
        report = here.titles.execute(ids_of(45), run)
    assert report.outcome is RunOutcome.COMPLETE
    assert source.details_asked == {run.details}
    assert sorted(len(ids) for ids in source.requests) == [5, 10, 10, 10, 10]


def test_a_detail_that_could_not_be_had_makes_the_run_incomplete_and_is_named():
    failure = DetailFailure(imdb_id=ids_of(1)[0], detail=DetailName.AKAS, message="HTTP 500")
    store = FakeRepository("one")
    source = FakeSource(
        titles_of(1),
        gives=[DetailName.AKAS],
        before=lambda _: chain.note_detail_failure(failure),
    )
    chain = SourceChain([source], print, new_circuit)
    with CompositeSave([store.opener()], RecordingObserver()) as save:
        titles = ScrapeTitles(
            chain, save, RecordingObserver(), max_threads=2, stop=threading.Event()
        )
        report = titles.execute(ids_of(1), a_run(details=(DetailName.AKAS,)))
    assert report.outcome is RunOutcome.INCOMPLETE
    assert report.detail_failures == (failure,)
    assert (report.fetched, report.failures) == (1, ())
    assert store.reports[0].detail_failures == (failure,)
