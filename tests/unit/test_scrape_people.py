import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from application import lane
from application.composite_save import CompositeSave
from application.ports import BatchResult, PersonOutcome
from application.scrape_people import ScrapePeople
from application.source_chain import PersonChain
from domain.errors import (
    PersonNotFound,
    RepositoryUnavailable,
    RunStopped,
    SourceBlocked,
    SourceUnavailable,
)
from domain.identifiers import NameId
from domain.person_profile import PersonProfile
from domain.run import ProfileCounts, Run, RunOutcome, RunReport
from infrastructure.repositories.spill_file import SpillFile
from tests.builders import a_profile, a_run
from tests.fakes import FakeRepository, RecordingObserver, new_circuit

RUN = a_run(command="people", chart=None)
BLOCKED = SourceBlocked("https://site/name", "challenge")


def ids_of(count: int) -> list[NameId]:
    return [NameId(f"nm{number:07d}") for number in range(1, count + 1)]


def people_of(count: int) -> dict[NameId, PersonOutcome]:
    return {NameId(f"nm{number:07d}"): a_profile(number) for number in range(1, count + 1)}


class FakePeople:
    """Gives the people it was made with, unless ``always`` is to be raised."""

    def __init__(
        self,
        people: Mapping[NameId, PersonOutcome],
        *,
        name: str = "fake",
        always: Exception | None = None,
        stop_at: tuple[NameId, threading.Event] | None = None,
    ) -> None:
        self.name = name
        self.batch_size = 2
        self.asked: list[NameId] = []
        self._people = people
        self._always = always
        self._stop_at = stop_at

    def people(self, ids: Sequence[NameId]) -> Sequence[PersonOutcome]:
        self.asked += ids
        if self._always is not None:
            raise self._always
        if self._stop_at is not None and self._stop_at[0] in ids:
            self._stop_at[1].set()
            raise RunStopped("https://site/name")
        return [self._people.get(i, PersonNotFound(i, self.name)) for i in ids]


class PeopleRepository(FakeRepository):
    """Keeps profiles as the other one keeps titles."""

    def __init__(self, name: str = "memory") -> None:
        super().__init__(name)
        self.people: dict[NameId, PersonProfile] = {}

    def save_profiles(self, batch: Sequence[PersonProfile], run: Run) -> BatchResult:
        if self.errors:
            raise self.errors.pop(0)
        new = sum(profile.imdb_id not in self.people for profile in batch)
        self.people.update((profile.imdb_id, profile) for profile in batch)
        return BatchResult(inserted=new, updated=len(batch) - new)

    def profile_counts(self) -> ProfileCounts:
        credits_ = sum(len(profile.filmography) for profile in self.people.values())
        return ProfileCounts(profiles=len(self.people), credits=credits_)


@contextmanager
def scene(
    *sources: FakePeople,
    store: PeopleRepository,
    stop: threading.Event | None = None,
    spill_in: Path | None = None,
) -> Iterator[tuple[ScrapePeople, RecordingObserver]]:
    observer = RecordingObserver()
    chain = PersonChain(sources, observer.notice, new_circuit)
    spills = None if spill_in is None else lambda name: SpillFile(name, [spill_in])
    with CompositeSave([store.opener()], observer, spills=spills) as save:
        stop = stop or threading.Event()
        yield ScrapePeople(chain, save, observer, max_threads=4, stop=stop), observer


def assert_adds_up(report: RunReport) -> None:
    assert report.asked == report.fetched + len(report.failures) + len(report.not_tried)
    for kept in report.repositories:
        assert kept.saved + len(kept.refused) + len(kept.missing) == report.fetched


def test_everybody_is_saved_and_accounted_for() -> None:
    store = PeopleRepository()
    with scene(FakePeople(people_of(61)), store=store) as (people, observer):
        report = people.execute(ids_of(61), RUN, rejected=["not a person: 'x'"])
    assert_adds_up(report)
    assert store.people == people_of(61)
    assert (report.asked, report.fetched, report.fetched_from) == (61, 61, {"html": 61})
    assert report.repositories[0].holds == ProfileCounts(profiles=61, credits=183)
    assert report.outcome is RunOutcome.INCOMPLETE  # somebody was named who is nobody
    assert sorted(observer.titles) == ids_of(61)
    assert store.asked[RUN.run_id] == tuple(ids_of(61))


def test_somebody_who_is_not_found_harms_nobody_else() -> None:
    store = PeopleRepository()
    with scene(FakePeople(people_of(3)), store=store) as (people, _):
        report = people.execute([*ids_of(3), NameId("nm0000009")], RUN)
    assert_adds_up(report)
    assert set(store.people) == set(ids_of(3))
    (failure,) = report.failures
    assert (failure.imdb_id, failure.reason) == ("nm0000009", "person_not_found")
    assert "no such person" in failure.message


def test_what_one_source_lacks_the_next_one_gives_and_a_blocked_one_is_left() -> None:
    store = PeopleRepository()
    blocked = FakePeople({}, name="wall", always=BLOCKED)
    poor, rich = FakePeople(people_of(2), name="poor"), FakePeople(people_of(20), name="rich")
    with scene(blocked, poor, rich, store=store) as (people, observer):
        report = people.execute(ids_of(20), RUN)
    assert report.outcome is RunOutcome.COMPLETE
    assert store.people == people_of(20)
    assert set(rich.asked) == set(ids_of(20)[2:])
    assert sum("wall is given up" in notice for notice in observer.notices) == 1


def test_without_a_source_the_run_ends_early_and_says_so() -> None:
    store = PeopleRepository()
    gone = SourceUnavailable("https://site/name", "refused", hopeless=True)
    with scene(FakePeople({}, always=gone), store=store) as (people, _):
        report = people.execute(ids_of(200), RUN)
    assert_adds_up(report)
    assert report.outcome is RunOutcome.NO_SOURCE
    assert report.not_tried


def test_a_run_that_is_stopped_keeps_what_it_has_and_names_the_rest() -> None:
    store, stop = PeopleRepository(), threading.Event()
    source = FakePeople(people_of(40), stop_at=(NameId("nm0000021"), stop))
    with scene(source, store=store, stop=stop) as (people, _):
        report = people.execute(ids_of(40), RUN)
    assert_adds_up(report)
    assert report.outcome is RunOutcome.INTERRUPTED
    assert set(store.people) == set(ids_of(40)) - set(report.not_tried)
    assert "nm0000021" in report.not_tried


def test_people_wait_in_the_spill_for_a_repository_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "RETRY_DELAYS_SECONDS", ())
    monkeypatch.setattr(lane, "AWAY_DELAYS_SECONDS", (0.01,))
    store = PeopleRepository()
    store.errors = [RepositoryUnavailable("memory", "restarts", transient=True)] * 3
    with scene(FakePeople(people_of(60)), store=store, spill_in=tmp_path) as (people, _):
        report = people.execute(ids_of(60), RUN)
    assert report.outcome is RunOutcome.COMPLETE
    assert store.people == people_of(60)
    assert report.repositories[0].late > 0
    assert list(tmp_path.iterdir()) == []
