"""Fetching again what failed, and nothing else."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from application.composite_save import CompositeSave
from application.retry_failures import FailedRun, RetryFailures
from application.scrape_titles import ScrapeTitles
from application.source_chain import SourceChain
from domain.details import DetailName
from domain.errors import NothingToDo, RepositoryUnavailable, UnknownRun
from domain.run import Failure, Run, RunOutcome, RunReport
from tests.builders import NOON, a_run, a_title, person_number, title_number
from tests.fakes import FakeRepository, FakeSource, RecordingObserver, new_circuit

RETRY = a_run("20260102T120000Z-retry", command="retry", chart=None)


def failure(number: int, reason: str = "unavailable") -> Failure:
    return Failure(imdb_id=title_number(number), reason=reason, message="HTTP 500")


def finish(
    store: FakeRepository, run_id: str, *failures: Failure, minute: int = 0, details=()
) -> None:
    run = a_run(run_id, started_at=NOON + timedelta(minutes=minute), details=details)
    store.begin_run(run, None, [f.imdb_id for f in failures])
    store.finish_run(
        RunReport(
            run=run, finished_at=NOON, outcome=RunOutcome.INCOMPLETE, asked=len(failures),
            fetched=0, failures=failures, fetched_from={},
        )
    )  # fmt: skip


def retried(
    *stores: FakeRepository,
    of: str | None = None,
    with_not_found: bool = False,
    reported: FailedRun | None = None,
    open_errors: tuple[Exception, ...] = (),
    run: Run = RETRY,
    begun_with: tuple[DetailName, ...] = (),
) -> list:
    """The ids that were fetched, sorted."""
    source = FakeSource({title_number(n): a_title(n, minutes_later=9) for n in range(1, 20)})
    source.gives = tuple(DetailName)
    observer = RecordingObserver()
    chain = SourceChain([source], observer.notice, new_circuit)
    with CompositeSave([store.opener(*open_errors) for store in stores], observer) as save:
        titles = ScrapeTitles(chain, save, observer, max_threads=4, stop=threading.Event())
        report = RetryFailures(save, titles).execute(
            run, of=of, with_not_found=with_not_found, reported=reported
        )
    assert report.run == replace(run, details=(*begun_with, *run.details))
    assert source.details_asked == {report.run.details}
    return sorted(imdb_id for ids in source.requests for imdb_id in ids)


def test_what_failed_in_the_newest_run_with_failures_is_fetched_as_a_run_of_its_own():
    store = FakeRepository()
    finish(store, "run-1", failure(9))
    finish(store, "run-2", failure(1), failure(2), minute=1)
    finish(store, "run-3", minute=2)
    assert retried(store) == [title_number(1), title_number(2)]
    assert store.asked[RETRY.run_id] == (title_number(1), title_number(2))


def test_a_run_can_be_named():
    store = FakeRepository()
    finish(store, "run-1", failure(9))
    finish(store, "run-2", failure(1), minute=1)
    assert retried(store, of="run-1") == [title_number(9)]
    with pytest.raises(UnknownRun):
        retried(store, of="run-7")


def test_titles_that_are_not_found_are_asked_for_on_request_only():
    store = FakeRepository()
    finish(store, "run-1", failure(1), failure(2, "not_found"))
    assert retried(store) == [title_number(1)]
    finish(store, "run-1", failure(2, "not_found"))
    with pytest.raises(NothingToDo, match="--all"):
        retried(store)
    assert retried(store, with_not_found=True) == [title_number(2)]


def test_what_every_repository_has_got_since_is_left_alone():
    one, two = FakeRepository("one"), FakeRepository("two")
    for store in (one, two):
        finish(store, "run-1", failure(1), failure(2))
        store.save([a_title(1, minutes_later=5)], RETRY)
    two.save([a_title(2, minutes_later=5)], RETRY)
    assert retried(one, two) == [title_number(2)]
    with pytest.raises(NothingToDo, match="saved since"):
        retried(one, two)


def test_the_report_file_is_asked_when_no_repository_knows():
    reported = FailedRun(a_run("run-0"), (failure(4),))
    for store in (FakeRepository(), FakeRepository()):
        finish(store, "run-1")
    assert retried(store, reported=reported) == [title_number(4)]
    assert retried(FakeRepository(), of="run-0", reported=reported) == [title_number(4)]
    finish(store, "run-2", failure(5), minute=1)
    assert retried(store, reported=reported) == [title_number(5)]
    with pytest.raises(UnknownRun):
        retried(store, of="run-7", reported=reported)


def test_without_failures_there_is_nothing_to_do():
    store = FakeRepository()
    with pytest.raises(NothingToDo, match="no run that is known"):
        retried(store)
    finish(store, "run-1")
    with pytest.raises(NothingToDo, match="no title failed in run run-1"):
        retried(store, of="run-1")


def test_no_repository_to_ask_and_no_report_is_an_error():
    gone = RepositoryUnavailable("memory", "is gone")
    with pytest.raises(RepositoryUnavailable):
        retried(FakeRepository(), open_errors=(gone,))


def people_run(run_id: str = "run-9") -> FailedRun:
    run = a_run(run_id, command="people", chart=None, started_at=NOON + timedelta(hours=1))
    nobody = Failure(imdb_id=person_number(1).imdb_id, reason="unavailable", message="HTTP 500")
    return FailedRun(run, (nobody,))


def finish_people(store: FakeRepository) -> None:
    failed = people_run()
    store.begin_run(failed.run, None, [failed.failures[0].imdb_id])
    store.finish_run(
        RunReport(
            run=failed.run, finished_at=NOON, outcome=RunOutcome.INCOMPLETE, asked=1, fetched=0,
            failures=failed.failures, fetched_from={},
        )
    )  # fmt: skip


def test_people_who_failed_are_not_asked_for_as_titles():
    store = FakeRepository()
    finish(store, "run-1", failure(3))
    finish_people(store)
    assert retried(store, reported=people_run()) == [title_number(3)]
    with pytest.raises(NothingToDo, match="was about people"):
        retried(store, of="run-9")
    with pytest.raises(NothingToDo, match="no run that is known"):
        retried(FakeRepository(), reported=people_run())


def test_what_failed_is_fetched_with_the_details_that_its_run_asked_for():
    store = FakeRepository()
    finish(store, "run-1", failure(1), details=(DetailName.AKAS,))
    run = replace(RETRY, details=(DetailName.GOOFS,))
    assert retried(store, run=run, begun_with=(DetailName.AKAS,)) == [title_number(1)]
