"""A repository that goes away: its titles wait, are saved when it is back, or are named."""

import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from application import lane
from application.backlog import Backlog
from application.composite_save import CompositeSave
from application.lane_queue import QUEUE_TITLES, Batch
from application.ports import BatchResult, RepositoryOpener, Spill
from domain.errors import RepositoryUnavailable
from domain.identifiers import TitleId
from domain.run import RepositoryReport, Run, RunOutcome, RunReport
from domain.title import Title
from infrastructure.repositories.spill_file import SpillFile
from tests.builders import NOON, a_chart, a_profile, a_run, a_title, title_number
from tests.fakes import FakeRepository, RecordingObserver

RUN = a_run()
AWAY = RepositoryUnavailable("db", "connection refused", transient=True)
FULL = RepositoryUnavailable("db", "the disk is full", may_pass=True)
REJECTED = RepositoryUnavailable("db", "wrong password")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "RETRY_DELAYS_SECONDS", (0.0,))
    monkeypatch.setattr(lane, "AWAY_DELAYS_SECONDS", (0.001, 0.01))


class Remote(FakeRepository):
    """A repository that fails with ``trouble`` while there is one; ``calls`` has what it did."""

    def __init__(self, trouble: Exception | None = None) -> None:
        super().__init__("db")
        self.trouble = trouble
        self.tried = threading.Event()
        self.calls: list[str] = []

    def _be_there(self) -> None:
        self.tried.set()
        if self.trouble is not None:
            raise self.trouble

    def begin_run(self, *given: object) -> None:
        self._be_there()
        self.calls.append("begin_run")

    def save(
        self, batch: Sequence[Title], run: Run, when_sent: Callable[[], None] | None = None
    ) -> BatchResult:
        self._be_there()
        self.calls.append("save")
        return super().save(batch, run, when_sent)

    def finish_run(self, report: RunReport) -> None:
        self._be_there()
        self.calls.append("finish_run")


class Watching(RecordingObserver):
    """Lets a test wait for a notice, again and again for the same words."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()
        self._seen = 0

    def notice(self, message: str) -> None:
        with self._changed:
            super().notice(message)
            self._changed.notify_all()

    def wait_for(self, words: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._has_said(words), 20), self.notices

    def _has_said(self, words: str) -> bool:
        for number in range(self._seen, len(self.notices)):
            if words in self.notices[number]:
                self._seen = number + 1
                return True
        return False


class Scene:
    """A composite of one repository that spills into a folder, and what a test looks at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.observer = Watching()
        self.stop = threading.Event()
        self.most_bytes = 10**6
        self.folders = [folder]

    def save(self, *stores: FakeRepository, wait_seconds: float = 60) -> CompositeSave:
        return CompositeSave(
            [store.opener() for store in stores],
            self.observer,
            spills=self.spill,
            wait_seconds=wait_seconds,
            stop=self.stop,
        )

    def spill(self, name: str) -> Spill:
        return SpillFile(name, self.folders, most_bytes=self.most_bytes)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def batches_of(count: int, size: int = 5) -> list[list[Title]]:
    numbers = itertools.count(1)
    return [[a_title(next(numbers)) for _ in range(size)] for _ in range(count)]


def ids(batches: Sequence[Sequence[Title]]) -> list[TitleId]:
    return [title.imdb_id for batch in batches for title in batch]


def saved_ids(store: FakeRepository) -> list[TitleId]:
    return [imdb_id for batch in store.batches for imdb_id in batch]


def assert_adds_up(report: RepositoryReport, fetched: int) -> None:
    assert report.saved + len(report.refused) + len(report.missing) == fetched
    assert report.late <= report.saved


@pytest.mark.parametrize("trouble", [AWAY, FULL])
def test_titles_wait_and_are_saved_in_order_when_it_is_back(
    scene: Scene, trouble: Exception
) -> None:
    store, batches = Remote(), batches_of(8)
    with scene.save(store) as save:
        save.begin_run(RUN, None)
        save.save(batches[0], RUN)
        save.settle()
        store.trouble = trouble
        for batch in batches[1:]:
            save.save(batch, RUN)
        scene.observer.wait_for("is away")
        assert sum(result.inserted for _, result in scene.observer.results) == 5
        (spill,) = scene.folder.iterdir()
        assert spill.stat().st_mode & 0o777 == 0o600
        store.trouble = None
        (report,) = save.settle()
    assert saved_ids(store) == ids(batches)
    assert len(store.batches[1]) == 5, "it is tried with one batch, not with all that waits"
    assert (report.inserted, report.late, report.missing, report.error) == (40, 35, (), None)
    away, *_, back = scene.observer.notices
    assert str(trouble.cause) in away
    assert str(spill) in away
    assert back == "db is back; saved 35 titles that waited"
    assert list(scene.folder.iterdir()) == []
    assert (store.opened, store.closed) == (1, 1)


def test_neither_the_fetcher_nor_another_repository_waits_for_it(scene: Scene) -> None:
    store, healthy = Remote(AWAY), FakeRepository("healthy")
    batches = batches_of(5, QUEUE_TITLES)
    scene.most_bytes = 10**8
    with scene.save(store, healthy) as save:
        for batch in batches:  # does not return when a lane that is away keeps no room
            save.save(batch, RUN)
        store.trouble = None
        reports = save.settle()
    assert [report.inserted for report in reports] == [5 * QUEUE_TITLES] * 2
    assert saved_ids(store) == saved_ids(healthy) == ids(batches)
    assert max(len(batch) for batch in store.batches) <= QUEUE_TITLES


def test_one_that_is_slow_to_fail_is_away_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "RETRY_DELAYS_SECONDS", (3600.0,))
    monkeypatch.setattr(lane, "MOMENT_SECONDS", -1.0)
    store = Remote()
    with scene.save(store) as save:
        save.settle()
        store.trouble = AWAY
        save.save([a_title(1)], RUN)
        scene.observer.wait_for("is away")
        store.trouble = None
        (report,) = save.settle()
    assert (report.inserted, report.late) == (1, 1)


def test_what_is_missing_is_named_when_it_does_not_come_back(scene: Scene) -> None:
    store, healthy, batches = Remote(), FakeRepository("healthy"), batches_of(6)
    with scene.save(store, healthy, wait_seconds=0.05) as save:
        save.save(batches[0], RUN)
        save.settle()
        store.trouble = AWAY
        for batch in batches[1:]:
            save.save(batch, RUN)
        report, other = save.settle()
    assert list(report.missing) == ids(batches[1:])
    assert (report.inserted, report.late) == (5, 0)
    assert report.error == "db: connection refused; 25 titles waited for it in vain"
    assert (other.inserted, other.error) == (30, None)
    assert "waiting for db, at most 0.05 s" in " ".join(scene.observer.notices)
    assert list(scene.folder.iterdir()) == []
    assert_adds_up(report, 30)


def test_a_run_that_is_stopped_waits_no_longer(scene: Scene) -> None:
    store, batches = Remote(), batches_of(2)
    with scene.save(store, wait_seconds=3600) as save:
        save.save(batches[0], RUN)
        save.settle()
        store.trouble = AWAY
        save.save(batches[1], RUN)
        settling = threading.Thread(target=save.settle)
        settling.start()
        scene.observer.wait_for("waiting for db")
        scene.stop.set()
        settling.join(20)
        assert not settling.is_alive()
        (report,) = save.settle()
    assert list(report.missing) == ids(batches[1:])


def test_one_that_never_was_there_is_not_waited_for_at_the_end(scene: Scene) -> None:
    store, batches = FakeRepository("db"), batches_of(3)
    never = store.opener(*[AWAY] * 1000)
    with CompositeSave([never], scene.observer, spills=scene.spill, wait_seconds=3600) as save:
        save.begin_run(RUN, None)
        for batch in batches:
            save.save(batch, RUN)
        scene.observer.wait_for("is away")
        assert save.hopeless
        (report,) = save.settle()
    assert list(report.missing) == ids(batches)
    assert "connection refused" in str(report.error)
    assert store.closed == 0


def test_one_that_comes_late_gets_everything_in_order(scene: Scene) -> None:
    store, batches = Remote(), batches_of(3)
    late = store.opener(AWAY, AWAY, AWAY)
    with CompositeSave([late], scene.observer, spills=scene.spill) as save:
        save.begin_run(RUN, a_chart(1, 2))
        for batch in batches:
            save.save(batch, RUN)
        scene.observer.wait_for("db is back")
        (report,) = save.settle()
    assert store.calls[0] == "begin_run"
    assert saved_ids(store) == ids(batches)
    assert (report.inserted, report.error, report.location) == (15, None, "db://")


@pytest.mark.parametrize("trouble", [FULL, REJECTED])
@pytest.mark.parametrize("at_open", [True, False])
def test_what_is_wrong_from_the_beginning_is_told_at_once(
    scene: Scene, trouble: Exception, at_open: bool
) -> None:
    store = Remote(trouble)
    opener = store.opener(*([trouble] if at_open else []))
    with CompositeSave([opener], scene.observer, spills=scene.spill) as save:
        save.save(batches_of(1)[0], RUN)
        (report,) = save.settle()
        assert save.hopeless
    assert scene.observer.notices == [str(trouble)]
    assert report.error == str(trouble)
    assert store.opened == 1


@pytest.mark.parametrize("worse", [REJECTED, KeyError("oops")])
def test_one_that_comes_back_with_another_trouble_is_given_up(
    scene: Scene, worse: Exception
) -> None:
    store, batches = Remote(), batches_of(4)
    with scene.save(store, wait_seconds=3600) as save:
        save.save(batches[0], RUN)
        save.settle()
        store.trouble = AWAY
        save.save(batches[1], RUN)
        scene.observer.wait_for("is away")
        store.trouble = worse
        for batch in batches[2:]:
            save.save(batch, RUN)
        (report,) = save.settle()
    assert list(report.missing) == ids(batches[1:])
    assert ("wrong password" in str(report.error)) == (worse is REJECTED)
    assert_adds_up(report, 20)


def test_a_batch_that_fails_by_itself_costs_what_comes_after_it_only(scene: Scene) -> None:
    store, batches = Remote(), batches_of(5)
    poison = batches[3][0].imdb_id

    class Poisoned(Remote):
        def save(self, batch: Sequence[Title], *more: object) -> BatchResult:
            self._be_there()
            if poison in {title.imdb_id for title in batch}:
                raise REJECTED
            return super().save(batch, RUN)

    store = Poisoned()
    with scene.save(store) as save:
        save.settle()
        store.trouble = AWAY
        for batch in batches:
            save.save(batch, RUN)
        scene.observer.wait_for("is away")
        store.trouble = None
        (report,) = save.settle()
    assert saved_ids(store) == ids(batches[:3])
    assert list(report.missing) == ids(batches[3:])
    assert report.late == 15


def test_what_does_not_fit_into_the_spill_is_missing_and_the_report_says_why(scene: Scene) -> None:
    store, batches = Remote(), batches_of(20)
    scene.most_bytes = 20_000
    with scene.save(store) as save:
        save.settle()
        store.trouble = AWAY
        for batch in batches:
            save.save(batch, RUN)
        scene.observer.wait_for("full")
        assert save.hopeless
        store.trouble = None
        (report,) = save.settle()
        assert not save.hopeless
    kept = len(report.missing) // 5
    assert 0 < kept < 20
    assert saved_ids(store) == ids(batches[:-kept])
    assert list(report.missing) == ids(batches[-kept:])
    assert "full (0.0190735 MB)" in str(report.error)
    assert_adds_up(report, 100)


def test_where_nothing_can_be_written_one_batch_waits_and_the_others_are_missing(
    scene: Scene,
) -> None:
    store, batches = Remote(), batches_of(4)
    scene.folders = [scene.folder / "missing"]
    with scene.save(store) as save:
        save.settle()
        store.trouble = FULL
        save.save(batches[0], RUN)
        scene.observer.wait_for("is away")
        for batch in batches[1:]:
            save.save(batch, RUN)
        scene.observer.wait_for("No such file")
        store.trouble = None
        (report,) = save.settle()
    assert_adds_up(report, 20)
    assert saved_ids(store)[:5] == ids(batches[:1])
    assert set(report.missing) == set(ids(batches)) - set(store.held)
    assert report.missing


def test_titles_that_were_lost_with_the_spill_are_named(scene: Scene) -> None:
    store, batches = Remote(), batches_of(3)
    with scene.save(store) as save:
        save.settle()
        store.trouble = AWAY
        save.save(batches[0], RUN)
        save.save(batches[1], RUN)
        scene.observer.wait_for("is away")
        store.tried.clear()
        assert store.tried.wait(20)  # what is read before the file is cut may still be saved
        (spill,) = scene.folder.iterdir()
        os.truncate(spill, 40)
        store.trouble = None
        scene.observer.wait_for("db is back")
        save.save(batches[2], RUN)
        (report,) = save.settle()
    assert_adds_up(report, 15)
    assert set(report.missing) == set(ids(batches)) - set(store.held)
    assert set(ids(batches[2:])) <= set(store.held)


def test_an_account_that_cannot_be_kept_is_not_waited_for(scene: Scene) -> None:
    store = Remote()
    with scene.save(store, wait_seconds=3600) as save:
        save.save([a_title(1)], RUN)
        reports = save.settle()
        store.trouble = AWAY
        report = RunReport(
            run=RUN, finished_at=NOON, outcome=RunOutcome.COMPLETE, asked=1, fetched=1,
            repositories=reports, fetched_from={},
        )  # fmt: skip
        (after,) = save.finish_run(report)
    assert after.error == "db: connection refused"
    assert (after.inserted, after.missing) == (1, ())
    assert store.closed == 1


@pytest.mark.parametrize("trouble", [AWAY, FULL, REJECTED])
def test_one_that_cannot_be_closed_is_in_the_account(scene: Scene, trouble: Exception) -> None:
    store = Remote()

    @contextmanager
    def open_it() -> Iterator[Remote]:
        yield store
        raise trouble

    opener = RepositoryOpener("db", open_it)
    with CompositeSave([opener], scene.observer, spills=scene.spill) as save:
        save.save([a_title(1)], RUN)
        reports = save.settle()
        report = RunReport(
            run=RUN, finished_at=NOON, outcome=RunOutcome.COMPLETE, asked=1, fetched=1,
            repositories=reports, fetched_from={},
        )  # fmt: skip
        (after,) = save.finish_run(report)
    assert after.error == str(trouble)


def test_a_run_that_breaks_off_does_not_wait(scene: Scene) -> None:
    store = Remote()
    with pytest.raises(KeyError), scene.save(store, wait_seconds=3600) as save:
        save.settle()
        store.trouble = AWAY
        save.save([a_title(1)], RUN)
        scene.observer.wait_for("is away")
        raise KeyError("oops")
    assert list(scene.folder.iterdir()) == []
    assert store.closed == 1


def test_each_absence_is_told_once_and_a_moment_of_trouble_is_none(scene: Scene) -> None:
    store, batches = Remote(), batches_of(6)
    with scene.save(store) as save:
        for number, batch in enumerate(batches):
            store.trouble = AWAY if number % 2 else None
            save.save(batch, RUN)
            if number % 2:
                scene.observer.wait_for("is away")
                store.trouble = None
            (report,) = save.settle()
        store.errors = [AWAY]
        save.save([a_title(99)], RUN)
        (report,) = save.settle()
    told = [n for n in scene.observer.notices if "is away" in n or "db is back" in n]
    assert len(told) == 6
    assert all("is away" in away for away in told[::2])
    assert all("db is back" in back for back in told[1::2])
    assert (report.inserted, report.late, report.missing) == (31, 15, ())


def test_refused_titles_that_waited_are_not_called_late(scene: Scene) -> None:
    store, batches = Remote(), batches_of(1)
    store.refuses = {title_number(2)}
    with scene.save(store) as save:
        save.settle()
        store.trouble = AWAY
        save.save(batches[0], RUN)
        scene.observer.wait_for("is away")
        store.trouble = None
        (report,) = save.settle()
    assert (report.late, report.inserted, len(report.refused)) == (4, 4, 1)


def test_titles_and_people_that_waited_are_never_given_together(tmp_path: Path) -> None:
    """A repair hands over both in one run."""
    with closing(Backlog(SpillFile("csv", [tmp_path]))) as backlog:
        for items in ((a_title(1),), (a_title(2),), (a_profile(1),), (a_profile(2),)):
            backlog.add(Batch(items, RUN, is_copy=True))
        assert [batch.ids for batch in backlog.first()] == [("tt0000001",), ("tt0000002",)]
        backlog.drop(backlog.first())
        assert [batch.ids for batch in backlog.first()] == [("nm0000001",), ("nm0000002",)]
