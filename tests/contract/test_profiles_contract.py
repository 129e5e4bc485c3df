"""What every `TitleRepository` promises of people's profiles, over the real adapters."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports import BatchResult, TitleRepository
from domain.identifiers import NameId
from domain.partial_date import PartialDate
from domain.person_profile import PersonProfile
from domain.run import ProfileCounts, StoreCounts
from tests import strategies
from tests.builders import (
    a_filmography_credit,
    a_person_fact,
    a_profile,
    a_run,
    a_title,
    cast_of,
    person_number,
)
from tests.contract.factories import RepositoryFactory

RUN = a_run(command="people", chart=None)
Save = Callable[..., BatchResult]


@pytest.fixture
def save(repository: TitleRepository) -> Save:
    """Save the profiles given, as one batch."""
    repository.begin_run(RUN, None)
    return lambda *profiles: repository.save_profiles(profiles, RUN)


def held(repository: TitleRepository) -> dict[NameId, PersonProfile]:
    """Everybody in a repository by id; fails when somebody comes twice."""
    people = list(repository.profiles())
    by_id = {profile.imdb_id: profile for profile in people}
    assert len(by_id) == len(people)
    return by_id


def only(repository: TitleRepository) -> PersonProfile:
    (profile,) = held(repository).values()
    return profile


def test_an_empty_repository_has_no_profiles(repository: TitleRepository) -> None:
    assert held(repository) == {}
    assert list(repository.profiles([NameId("nm0000001")])) == []
    assert repository.profile_counts() == ProfileCounts(profiles=0, credits=0)


def test_every_field_comes_back(repository: TitleRepository, save: Save) -> None:
    assert save(a_profile(1)) == BatchResult(inserted=1)
    assert only(repository) == a_profile(1)
    assert repository.profile_counts() == ProfileCounts(profiles=1, credits=3)


def test_what_is_unknown_stays_unknown(repository: TitleRepository, save: Save) -> None:
    bare = PersonProfile(
        imdb_id=NameId("nm0000001"), name="Nobody", provenance=a_profile().provenance
    )
    save(bare)
    assert only(repository) == bare


@pytest.mark.parametrize("text", ["-0496", "-0044-03-15", "0005", "1564-04", "1920-12-10"])
def test_a_date_keeps_its_precision_and_its_era(
    repository: TitleRepository, save: Save, text: str
) -> None:
    save(a_profile(birth_date=PartialDate.fromisoformat(text), death_date=None))
    assert only(repository).birth_date == PartialDate.fromisoformat(text)
    assert only(repository).death_date is None


def test_zero_votes_and_credits_are_not_missing(repository: TitleRepository, save: Save) -> None:
    credit = a_filmography_credit(votes=0, rating=0.0)
    save(a_profile(total_credits=0, filmography=(credit,)))
    found = only(repository)
    assert (found.total_credits, found.filmography) == (0, (credit,))


def test_a_profile_again_is_unchanged(repository: TitleRepository, save: Save) -> None:
    save(a_profile(1))
    later = a_profile(1, minutes_later=1)
    assert save(later) == BatchResult(unchanged=1)
    assert held(repository) == {later.imdb_id: later}


def test_newer_facts_and_credits_take_the_place_of_earlier_ones(
    repository: TitleRepository, save: Save
) -> None:
    save(a_profile(1), a_profile(2))
    newer = a_profile(1, minutes_later=1, biography=None, filmography=(a_filmography_credit(9),))
    assert save(newer) == BatchResult(updated=1)
    assert held(repository) == {newer.imdb_id: newer, "nm0000002": a_profile(2)}
    assert repository.profile_counts() == ProfileCounts(profiles=2, credits=4)


def test_older_facts_change_nothing(repository: TitleRepository, save: Save) -> None:
    save(a_profile(1, minutes_later=1))
    assert save(a_profile(1, name="Once")) == BatchResult(unchanged=1)
    assert only(repository) == a_profile(1, minutes_later=1)


def test_a_person_twice_in_a_batch_has_one_profile_the_newer(
    repository: TitleRepository, save: Save
) -> None:
    newer = a_profile(1, minutes_later=2, name="Now")
    result = save(a_profile(1), newer, a_profile(1, minutes_later=1, name="Between"))
    assert result == BatchResult(inserted=1, updated=1, unchanged=1)
    assert only(repository) == newer


def test_profiles_are_given_by_id(repository: TitleRepository, save: Save) -> None:
    save(*(a_profile(number) for number in range(1, 5)))
    wanted = [NameId("nm0000003"), NameId("nm0000009"), NameId("nm0000001")]
    found = {profile.imdb_id for profile in repository.profiles(wanted)}
    assert found == {"nm0000001", "nm0000003"}


def test_profiles_and_the_names_in_credits_leave_each_other_alone(
    repository: TitleRepository, save: Save
) -> None:
    repository.save([a_title(credits=cast_of(person_number(1)))], RUN)
    save(a_profile(1, name="Another name"), a_profile(2))
    (title,) = repository.titles()
    assert [person.name for person in title.people] == ["Person 1"]
    assert repository.counts() == StoreCounts(titles=1, people=1, credits=1)
    assert held(repository)[NameId("nm0000001")].name == "Another name"


def test_profiles_are_there_when_the_repository_is_opened_again(
    repository_factory: RepositoryFactory,
) -> None:
    with repository_factory() as repository:
        repository.begin_run(RUN, None, [NameId("nm0000001"), NameId("nm0000002")])
        repository.save_profiles([a_profile(1), a_profile(2)], RUN)
        repository.save_profiles([a_profile(1, minutes_later=1, name="Now")], RUN)
    with repository_factory() as repository:
        assert {profile.name for profile in repository.profiles()} == {"Now", "Person 2"}
        assert repository.asked_in(RUN.run_id) == ("nm0000001", "nm0000002")


def test_a_person_of_many_credits_comes_back_whole(repository: TitleRepository, save: Save) -> None:
    credits_ = tuple(a_filmography_credit(number) for number in range(3000, 0, -1))
    save(a_profile(filmography=credits_))
    assert only(repository).filmography == credits_


def test_facts_keep_their_order_and_newer_ones_take_their_place(
    repository: TitleRepository, save: Save
) -> None:
    facts = tuple(a_person_fact(text=f"Fact {number}") for number in range(60, 0, -1))
    save(a_profile(1, facts=facts), a_profile(2, facts=()))
    assert [len(profile.facts) for profile in repository.profiles()] == [60, 0]
    assert held(repository)[NameId("nm0000001")].facts == facts
    assert save(a_profile(1, minutes_later=1, facts=facts[:2])) == BatchResult(updated=1)
    assert held(repository)[NameId("nm0000001")].facts == facts[:2]
    assert save(a_profile(2, minutes_later=1, facts=facts[2:4])) == BatchResult(updated=1)
    assert [len(profile.facts) for profile in repository.profiles()] == [2, 2]


def test_writers_at_the_same_time_leave_the_newest_of_each(
    repository_factory: RepositoryFactory,
) -> None:
    start = threading.Barrier(4)

    def write(minutes_later: int) -> None:
        with repository_factory() as repository:
            repository.begin_run(RUN, None)
            start.wait()
            for number in range(1, 31):
                person = a_profile(number, minutes_later=minutes_later, name=f"{minutes_later}")
                repository.save_profiles([person], RUN)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    with repository_factory() as repository:
        found = held(repository)
    assert len(found) == 30
    assert all(
        profile == a_profile(int(imdb_id[2:]), minutes_later=3, name="3")
        for imdb_id, profile in found.items()
    )


@given(people=st.lists(strategies.profiles, max_size=5))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_profile_comes_back_as_it_was(
    repository: TitleRepository, save: Save, people: list[PersonProfile]
) -> None:
    before = held(repository)
    save(*people)
    expected = dict(before)
    for profile in people:
        known = expected.get(profile.imdb_id)
        if known is None or known.provenance.fetched_at <= profile.provenance.fetched_at:
            expected[profile.imdb_id] = profile
    found = held(repository)
    assert found.keys() == expected.keys()
    for imdb_id, profile in expected.items():
        assert replace(found[imdb_id], provenance=profile.provenance) == profile
        assert found[imdb_id].provenance.fetched_at == profile.provenance.fetched_at
