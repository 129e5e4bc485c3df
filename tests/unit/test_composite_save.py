"""A lane that is behind saves what has waited in one go, and still accounts for each title."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from application import lane
from application.composite_save import CompositeSave
from application.lane_queue import QUEUE_TITLES, Batch, LaneQueue
from application.ports import BatchResult
from domain.errors import RepositoryUnavailable
from domain.identifiers import TitleId
from domain.run import RepositoryReport, Run
from domain.title import Title
from shared.stages import measured_stages
from tests.builders import a_run, a_title, title_number
from tests.fakes import FakeRepository, RecordingObserver

RUN = a_run()
BATCH = 25


class Held(FakeRepository):
    """A repository whose first save waits until it is let go."""

    def __init__(self) -> None:
        super().__init__("slow")
        self.saving = threading.Event()
        self.go_on = threading.Event()
        self.poison: set[TitleId] = set()
        self.trouble_when_behind: list[Exception] = []
        self.before_save = self._wait

    def _wait(self) -> None:
        self.saving.set()
        assert self.go_on.wait(20)

    def save(
        self, batch: Sequence[Title], run: Run, when_sent: Callable[[], None] | None = None
    ) -> BatchResult:
        if self.held and self.trouble_when_behind:
            raise self.trouble_when_behind.pop()
        if self.poison & {title.imdb_id for title in batch}:
            raise RepositoryUnavailable("slow", "cannot take it")
        return super().save(batch, run, when_sent)


def batches_of(count: int, size: int = BATCH) -> list[list[Title]]:
    return [[a_title(n * size + i + 1) for i in range(size)] for n in range(count)]


def ids(batches: Sequence[Sequence[Title]]) -> list[TitleId]:
    return [title.imdb_id for batch in batches for title in batch]


@contextmanager
def behind(
    store: Held, observer: RecordingObserver, batches: Sequence[Sequence[Title]]
) -> Iterator[CompositeSave]:
    """A composite whose lane has begun with the first batch, with all others waiting for it."""
    with CompositeSave([store.opener()], observer) as save:
        save.save(batches[0], RUN)
        assert store.saving.wait(20)
        for batch in batches[1:]:
            save.save(batch, RUN)
        store.go_on.set()
        yield save


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "RETRY_DELAYS_SECONDS", (0.0, 0.0))


def saved(store: Held, batches: Sequence[Sequence[Title]]) -> tuple[RepositoryReport, int]:
    """Save them while the lane is behind; give the report and what the observer was told."""
    observer = RecordingObserver()
    with behind(store, observer, batches) as save:
        (report,) = save.settle()
    told = [result for _, result in observer.results]
    assert sum(r.inserted for r in told) == report.inserted
    assert sum(r.updated for r in told) == report.updated
    assert tuple(f for r in told for f in r.refused) == report.refused
    return report, len(told)


def test_what_has_waited_is_saved_in_one_go_and_in_order() -> None:
    store, batches = Held(), batches_of(12)
    report, told = saved(store, batches)
    assert [len(batch) for batch in store.batches] == [BATCH, 11 * BATCH]
    assert [imdb_id for batch in store.batches for imdb_id in batch] == ids(batches)
    assert (report.inserted, told) == (12 * BATCH, 2)


def test_no_save_has_more_titles_than_may_wait() -> None:
    store, batches = Held(), batches_of(5, QUEUE_TITLES // 4 - 1)
    saved(store, batches)
    assert max(len(batch) for batch in store.batches) <= QUEUE_TITLES
    store, large = Held(), batches_of(2, QUEUE_TITLES - 1)
    saved(store, large)
    assert [len(batch) for batch in store.batches] == [QUEUE_TITLES - 1] * 2


class Sending(Held):
    """Says that it has sent a batch, then waits for its server until it is let go."""

    def save(
        self, batch: Sequence[Title], run: Run, when_sent: Callable[[], None] | None = None
    ) -> BatchResult:
        assert when_sent is not None
        when_sent()
        return super().save(batch, run, when_sent)


def test_what_has_been_sent_leaves_room_before_it_is_saved() -> None:
    store, batches = Sending(), batches_of(2, QUEUE_TITLES)
    # The second batch finds room: only after it the first, which waits, is let go on.
    with behind(store, RecordingObserver(), batches) as save:
        (report,) = save.settle()
    assert report.inserted == 2 * QUEUE_TITLES


def test_room_is_made_once_for_what_was_taken() -> None:
    queue = LaneQueue()
    for titles in batches_of(2):
        queue.put(Batch(tuple(titles), RUN))
        queue.take()
        assert queue._titles == BATCH
        queue.note_sent()
        queue.note_sent()
        assert queue._titles == 0
        queue.put(Batch(tuple(titles), RUN))
        queue.note_sent()
        assert queue._titles == BATCH
        queue.take()
        queue.note_sent()
        assert queue._titles == 0


def test_of_batches_that_are_tried_one_by_one_none_is_said_to_be_all() -> None:
    told: list[bool] = []

    class Telling(Held):
        def save(
            self, batch: Sequence[Title], run: Run, when_sent: Callable[[], None] | None = None
        ) -> BatchResult:
            told.append(when_sent is not None)
            return super().save(batch, run, when_sent)

    store, batches = Telling(), batches_of(4)
    store.poison = {batches[2][0].imdb_id}
    saved(store, batches)
    # The first alone, the other three together, which fails, then each of them.
    assert told[:2] == [True, True]
    assert set(told[2:]) == {False}


def test_what_is_being_saved_takes_up_room_until_it_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = threading.Event()

    class Watched(LaneQueue):
        def put(self, work: Any) -> None:
            if self._titles >= QUEUE_TITLES:
                full.set()
            super().put(work)

    monkeypatch.setattr(lane, "LaneQueue", Watched)
    store, (first, second) = Held(), batches_of(2, QUEUE_TITLES)
    with CompositeSave([store.opener()], RecordingObserver()) as save:
        save.save(first, RUN)
        assert store.saving.wait(20)
        handing_over = threading.Thread(target=save.save, args=(second, RUN))
        handing_over.start()
        assert full.wait(20)
        store.go_on.set()
        handing_over.join()
        (report,) = save.settle()
    assert report.inserted == 2 * QUEUE_TITLES


def test_refused_titles_are_named_whichever_batch_they_came_in() -> None:
    store, batches = Held(), batches_of(6)
    store.refuses = {title_number(n) for n in (1, 30, 140)}
    report, _ = saved(store, batches)
    assert [failure.imdb_id for failure in report.refused] == sorted(store.refuses)
    assert report.inserted == 6 * BATCH - 3


def test_what_can_be_saved_is_when_one_of_the_batches_cannot() -> None:
    store, batches = Held(), batches_of(6)
    store.poison = {batches[3][7].imdb_id}
    report, _ = saved(store, batches)
    assert report.error == "slow: cannot take it"
    assert list(report.missing) == ids(batches[3:])
    assert list(store.held) == ids(batches[:3])


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_moment_of_trouble_loses_and_doubles_nothing(failures: int) -> None:
    store, batches = Held(), batches_of(6)
    restarting = RepositoryUnavailable("slow", "restarting", transient=True)
    store.trouble_when_behind = [restarting] * failures
    report, _ = saved(store, batches)
    assert (report.inserted, report.missing, report.error) == (6 * BATCH, (), None)
    assert [imdb_id for batch in store.batches for imdb_id in batch] == ids(batches)


def test_other_jobs_keep_their_place_among_the_batches() -> None:
    store, observer, batches = Held(), RecordingObserver(), batches_of(4)
    store.go_on.set()
    with CompositeSave([store.opener()], observer) as save:
        save.begin_run(RUN, None)
        save.save(batches[0], RUN)
        save.save(batches[1], RUN)
        (first,) = save.settle()
        save.save(batches[2], RUN)
        (second,) = save.settle()
    held = [report.holds.titles for report in (first, second) if report.holds is not None]
    assert held == [2 * BATCH, 3 * BATCH]
    assert store.begun == [RUN.run_id]


def test_saving_is_a_stage_of_its_own_for_each_repository() -> None:
    store = Held()
    with measured_stages() as clock:
        saved(store, batches_of(2))
    assert clock.times()["save slow"].calls == 2


def test_the_ids_asked_for_are_waited_for_until_one_repository_has_them() -> None:
    slow, quick = Held(), FakeRepository("quick")
    with CompositeSave([slow.opener(), quick.opener()], RecordingObserver()) as save:
        save.save([a_title(1)], RUN)
        assert slow.saving.wait(20)
        save.begin_run(RUN, None, [title_number(1)])
        save.wait_until_noted(3600)
        assert quick.asked[RUN.run_id] == (title_number(1),)
        assert slow.asked == {}
        slow.go_on.set()


@pytest.mark.parametrize("transient", [True, False])
def test_nobody_waits_for_repositories_that_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch, transient: bool
) -> None:
    monkeypatch.setattr(lane, "RETRY_DELAYS_SECONDS", (0.0,))
    trouble = [RepositoryUnavailable("a", "is not there", transient=transient)] * 9
    stores = [FakeRepository("a"), FakeRepository("b")]
    with CompositeSave([each.opener(*trouble) for each in stores], RecordingObserver()) as save:
        save.begin_run(RUN, None, [title_number(1)])
        save.wait_until_noted(3600)
        assert save.hopeless
