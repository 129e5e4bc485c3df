"""Comparing and levelling repositories, without fetching."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest

from application import lane
from application.composite_save import CompositeSave
from application.copying import COPIED_TITLES
from application.lane_queue import QUEUE_TITLES
from application.repair import Repair
from domain.errors import RepositoryUnavailable
from domain.identifiers import NameId
from domain.merged_id import MergedId
from domain.run import RunOutcome
from tests.builders import NOON, a_profile, a_run, a_title, keywords, taglines, title_number
from tests.fakes import FakeRepository, RecordingObserver

RUN = a_run("20260102T120000Z-repair", command="repair", chart=None, sources=())
EARLIER = a_run()


def person_id(number: int) -> NameId:
    return NameId(f"nm{number:07d}")


GONE = RepositoryUnavailable("b", "is gone")


def store_with(name: str, *titles) -> FakeRepository:
    store = FakeRepository(name)
    store.save(titles, EARLIER)
    return store


@contextmanager
def repair_of(*stores: FakeRepository, stop: threading.Event | None = None):
    told: list[tuple[str, int, int]] = []
    with CompositeSave([store.opener() for store in stores], RecordingObserver()) as save:
        yield Repair(save, stop or threading.Event(), lambda *how_far: told.append(how_far))
    assert all(done <= of for _, done, of in told)


def levelled(*stores: FakeRepository):
    with repair_of(*stores) as repair:
        return repair.level(repair.compare(), RUN)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(lane, "RETRY_DELAYS_SECONDS", (0.0,))


def test_each_kind_of_difference_is_told_by_repository():
    a = store_with("a", a_title(1), a_title(2, minutes_later=5), a_title(3), a_title(5))
    b = store_with("b", a_title(2), a_title(3, votes=7), a_title(4), a_title(5))
    with repair_of(a, b) as repair:
        found = repair.compare()
    assert found.titles == 5
    assert found.missing == {"b": [title_number(1)], "a": [title_number(4)]}
    assert found.older == {"b": [title_number(2)]}
    assert found.differing == {"b": [title_number(3)]}
    assert found.count == 4
    assert (a.begun, b.begun) == ([], [])


def test_the_newer_facts_go_everywhere_as_they_are():
    a = store_with("a", a_title(1), a_title(2, minutes_later=5), a_title(3), a_title(5))
    b = store_with("b", a_title(2), a_title(3, votes=7), a_title(4), a_title(5))
    report = levelled(a, b)
    assert a.held == b.held
    assert b.held[title_number(2)] == a_title(2, minutes_later=5)
    assert b.held[title_number(3)] == a_title(3)
    assert a.held[title_number(4)] == a_title(4)
    assert report.outcome is RunOutcome.COMPLETE
    assert (report.asked, report.already_saved, report.fetched) == (4, 4, 0)
    first, second = report.repositories
    assert (first.held_before, first.copied) == (3, 1)
    assert (second.held_before, second.copied) == (1, 3)
    assert a.saved_by[title_number(4)] == RUN.run_id
    assert a.saved_by[title_number(1)] == EARLIER.run_id


def test_of_facts_of_one_moment_those_of_the_first_repository_count():
    """Whichever of them answers first."""
    a, b = store_with("a", a_title(1)), store_with("b", a_title(1, votes=7))
    b_has_answered, answer = threading.Event(), b.versions

    def first_versions():
        assert b_has_answered.wait(20)
        return FakeRepository.versions(a)

    def second_versions():
        yield from answer()
        b_has_answered.set()

    a.versions, b.versions = first_versions, second_versions  # type: ignore[method-assign]
    levelled(a, b)
    assert a.held == b.held == {title_number(1): a_title(1)}


def test_three_repositories_become_one():
    a = store_with("a", a_title(1), a_title(2))
    b = store_with("b", a_title(1), a_title(2, minutes_later=1), a_title(3))
    c = store_with("c", a_title(1, votes=9), a_title(2, minutes_later=1))
    levelled(a, b, c)
    assert a.held == b.held == c.held
    with repair_of(a, b, c) as repair:
        assert repair.compare().count == 0


def test_details_that_one_lacks_or_has_older_are_told_and_copied():
    a = store_with(
        "a",
        a_title(1, details=(keywords("a"),)),
        a_title(2, details=(keywords("new", minutes_later=1),)),
        a_title(3, details=(keywords("a"), taglines("b"))),
        a_title(4, details=(keywords("a"),)),
    )
    b = store_with(
        "b",
        a_title(1),
        a_title(2, details=(keywords("old"),)),
        a_title(3, details=(keywords("other"), taglines("b"))),
        a_title(4, details=(keywords("a"),)),
    )
    with repair_of(a, b) as repair:
        found = repair.compare()
    assert found.missing == {}
    assert found.older == {"b": [title_number(1), title_number(2)]}
    assert found.differing == {"b": [title_number(3)]}
    levelled(a, b)
    assert a.held == b.held
    assert a.held[title_number(3)].details == (keywords("a"), taglines("b"))


def test_a_title_is_copied_both_ways_when_each_has_something_newer():
    facts = a_title(1, minutes_later=5, votes=7, details=(taglines("t"),))
    a = store_with("a", facts, a_title(2))
    b = store_with("b", a_title(1, details=(keywords("k"),)), a_title(2))
    with repair_of(a, b) as repair:
        found = repair.compare()
        assert found.older == {"a": [title_number(1)], "b": [title_number(1)]}
        assert (found.count, found.ids) == (1, [title_number(1)])
        report = repair.level(found, RUN)
    assert {d.name: d for d in a.held[title_number(1)].details} == {
        "keywords": keywords("k"),
        "taglines": taglines("t"),
    }
    for store in (a, b):
        assert store.held[title_number(1)].votes == 7
        assert len(store.held[title_number(1)].details) == 2
    assert report.outcome is RunOutcome.COMPLETE
    assert (report.asked, report.already_saved) == (1, 1)
    assert [(kept.held_before, kept.copied) for kept in report.repositories] == [(0, 1), (0, 1)]


def test_of_details_of_one_moment_those_of_the_first_count_also_when_its_facts_are_older():
    a = store_with("a", a_title(1, details=(keywords("a"),)))
    b = store_with("b", a_title(1, minutes_later=1, details=(keywords("b"),)))
    levelled(a, b)
    assert a.held == b.held
    assert a.held[title_number(1)] == a_title(1, minutes_later=1, details=(keywords("a"),))


def test_a_title_that_is_copied_in_one_direction_only_is_not_done():
    a = store_with("a", a_title(1, minutes_later=5))
    b, stop = store_with("b", a_title(1, details=(keywords("k"),))), threading.Event()
    with repair_of(a, b, stop=stop) as repair:
        found = repair.compare()
        stop.set()
        report = repair.level(found, RUN)
    assert report.not_tried == (title_number(1),)
    assert report.outcome is RunOutcome.INTERRUPTED


def test_many_titles_are_copied_some_at_a_time():
    titles = [a_title(n) for n in range(1, 3 * COPIED_TITLES)]
    a, b = store_with("a", *titles), FakeRepository("b")
    report = levelled(a, b)
    assert b.held == a.held
    assert max(map(len, b.batches)) <= QUEUE_TITLES
    assert report.repositories[1].copied == len(titles)


def test_a_repair_that_is_stopped_leaves_the_rest_and_can_be_done_again():
    a = store_with("a", *(a_title(n) for n in range(1, 3 * COPIED_TITLES)))
    b, stop = FakeRepository("b"), threading.Event()
    with repair_of(a, b, stop=stop) as repair:
        found = repair.compare()
        b.before_save = stop.set
        b.before_save()
        report = repair.level(found, RUN)
    assert report.outcome is RunOutcome.INTERRUPTED
    assert len(report.not_tried) == found.count - COPIED_TITLES
    assert len(b.held) == COPIED_TITLES
    assert report.asked == report.already_saved + len(report.not_tried)
    assert levelled(a, b).outcome is RunOutcome.COMPLETE
    assert a.held == b.held


def test_a_title_that_a_repository_refuses_is_named():
    a, b = store_with("a", a_title(1), a_title(2)), FakeRepository("b")
    b.refuses = {title_number(2)}
    report = levelled(a, b)
    assert report.outcome is RunOutcome.INCOMPLETE
    assert [f.imdb_id for f in report.repositories[1].refused] == [title_number(2)]


def test_a_repository_that_cannot_be_read_is_no_empty_one():
    a, b = store_with("a", a_title(1)), store_with("b", a_title(1))
    b.errors_on_reading = [GONE] * 5
    with repair_of(a, b) as repair, pytest.raises(RepositoryUnavailable, match="b: cannot be read"):
        repair.compare()
    assert a.begun == []


def test_a_repository_that_fails_while_it_is_filled_lacks_the_rest():
    a, b = store_with("a", a_title(1), a_title(2)), FakeRepository("b")
    with repair_of(a, b) as repair:
        found = repair.compare()
        b.errors = [GONE] * 9
        report = repair.level(found, RUN)
    assert report.outcome is RunOutcome.INCOMPLETE
    assert sorted(report.repositories[1].missing) == [title_number(1), title_number(2)]
    assert report.repositories[1].error == str(GONE)


# --- People ---


def with_people(store: FakeRepository, *people) -> FakeRepository:
    store.save_profiles(people, EARLIER)
    return store


def test_people_are_compared_and_levelled_like_titles():
    a = with_people(
        store_with("a", a_title(1)),
        a_profile(1), a_profile(2, minutes_later=5), a_profile(3), a_profile(5),
    )  # fmt: skip
    b = with_people(
        store_with("b", a_title(1), a_title(2)),
        a_profile(2), a_profile(3, birth_place="Elsewhere"), a_profile(4), a_profile(5),
    )  # fmt: skip
    with repair_of(a, b) as repair:
        found = repair.compare()
        assert (found.titles, found.people) == (2, 5)
        assert found.missing == {"a": [title_number(2), person_id(4)], "b": [person_id(1)]}
        assert (found.older, found.differing) == ({"b": [person_id(2)]}, {"b": [person_id(3)]})
        assert (found.count, found.is_level) == (5, False)
        report = repair.level(found, RUN)
    assert a.people == b.people
    assert b.people[person_id(2)] == a_profile(2, minutes_later=5)
    assert b.people[person_id(3)] == a_profile(3)
    assert a.held == b.held
    assert report.outcome is RunOutcome.COMPLETE
    assert (report.asked, report.already_saved) == (5, 5)
    first, second = report.repositories
    assert (first.held_before, first.copied) == (3, 2)
    assert (second.held_before, second.copied) == (2, 3)


def test_titles_and_people_are_never_saved_in_one_go():
    """A lane that is behind joins batches: those of one sort only."""
    a = store_with("a", *(a_title(n) for n in range(1, 250)))
    with_people(a, *(a_profile(n) for n in range(1, 250)))
    b, first = FakeRepository("b"), threading.Event()
    b.before_save = lambda: first.wait(0.2)  # so that more is handed over meanwhile
    levelled(a, b)
    assert b.held == a.held
    assert b.people == a.people


def test_a_repair_of_people_that_is_stopped_can_be_done_again():
    a = with_people(FakeRepository("a"), *(a_profile(n) for n in range(1, 3 * COPIED_TITLES)))
    b, stop = FakeRepository("b"), threading.Event()
    with repair_of(a, b, stop=stop) as repair:
        found = repair.compare()
        b.before_save = stop.set
        b.before_save()
        report = repair.level(found, RUN)
    assert report.outcome is RunOutcome.INTERRUPTED
    assert report.asked == report.already_saved + len(report.not_tried) == found.count
    assert report.not_tried
    assert levelled(a, b).outcome is RunOutcome.COMPLETE
    assert a.people == b.people


# --- Merged ids ---


def merged(old: int, new: int, minutes: int = 0) -> MergedId:
    return MergedId(title_number(old), title_number(new), NOON + timedelta(minutes=minutes))


def test_what_one_knows_of_merged_ids_all_know_in_the_end():
    a, b = FakeRepository("a"), FakeRepository("b")
    a.note_merged([merged(1, 2), merged(3, 4, 5)])
    b.note_merged([merged(3, 5), merged(2, 6, 1)])
    with repair_of(a, b) as repair:
        found = repair.compare()
        assert {name: [one.old for one in lacking] for name, lacking in found.merged.items()} == {
            "a": [title_number(1), title_number(2)],
            "b": [title_number(1), title_number(3)],
        }
        assert (found.count, found.is_level) == (0, False)
        assert repair.level(found, RUN).outcome is RunOutcome.COMPLETE
    assert a.merged == b.merged
    assert {old: one.new for old, one in a.merged.items()} == {
        title_number(1): title_number(6),
        title_number(2): title_number(6),
        title_number(3): title_number(4),
    }
    with repair_of(a, b) as repair:
        assert repair.compare().is_level
