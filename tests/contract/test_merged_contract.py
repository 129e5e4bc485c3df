"""What every `TitleRepository` keeps of merged ids, over the real adapters."""

import threading
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports import TitleRepository
from domain.identifiers import ImdbId, NameId
from domain.merged_id import MergedId, with_merged
from tests.builders import NOON, a_run, a_title, title_number
from tests.contract.factories import RepositoryFactory, held

OLD, NEW, NEWEST = (title_number(n) for n in (1, 2, 3))
RUN = a_run()


def merged(old: ImdbId, new: ImdbId, minutes_later: int = 0) -> MergedId:
    return MergedId(old, new, NOON + timedelta(minutes=minutes_later))


def kept(repository: TitleRepository) -> dict[ImdbId, MergedId]:
    found = {one.old: one for one in repository.merged_ids()}
    assert len(found) == len(repository.merged_ids())
    return found


def test_at_first_none_is_known(repository: TitleRepository) -> None:
    assert list(repository.merged_ids()) == []


def test_merged_ids_of_titles_and_people_are_kept_once(repository: TitleRepository) -> None:
    ids = [merged(OLD, NEW), merged(NameId("nm0000001"), NameId("nm0000002"))]
    repository.note_merged(ids)
    repository.note_merged(ids)
    repository.note_merged([])
    assert kept(repository) == {one.old: one for one in ids}


def test_they_outlive_the_repository(repository_factory: RepositoryFactory) -> None:
    with repository_factory() as repository:
        repository.note_merged([merged(OLD, NEW)])
    with repository_factory() as repository:
        assert kept(repository) == {OLD: merged(OLD, NEW)}


def test_what_was_seen_later_counts(repository: TitleRepository) -> None:
    repository.note_merged([merged(OLD, NEW, 5)])
    repository.note_merged([merged(OLD, NEWEST, 1)])
    assert kept(repository) == {OLD: merged(OLD, NEW, 5)}
    repository.note_merged([merged(NEW, NEWEST, 9)])
    assert kept(repository) == {OLD: merged(OLD, NEWEST, 5), NEW: merged(NEW, NEWEST, 9)}
    repository.note_merged([merged(NEWEST, OLD, 12)])
    assert kept(repository) == {NEW: merged(NEW, OLD, 9), NEWEST: merged(NEWEST, OLD, 12)}


def test_an_old_id_is_held_with_the_title_that_it_was_merged_into(
    repository: TitleRepository,
) -> None:
    repository.begin_run(RUN, None)
    repository.note_merged([merged(OLD, NEW), merged(NEWEST, title_number(4))])
    assert repository.held_since([OLD, NEW, NEWEST], RUN) == frozenset()
    repository.save([a_title(2, minutes_later=-60)], RUN)
    assert repository.held_since([OLD, NEW, NEWEST], RUN) == {OLD, NEW}
    other = a_run("20990101T000000Z-00000000", started_at=NOON)
    assert repository.held_since([OLD], other) == frozenset(), "it is older than that run"
    assert list(held(repository)) == [NEW]


def test_a_title_that_was_saved_under_its_old_id_stays(repository: TitleRepository) -> None:
    repository.begin_run(RUN, None)
    repository.save([a_title(1), a_title(2, minutes_later=9)], RUN)
    repository.note_merged([merged(OLD, NEW)])
    assert set(held(repository)) == {OLD, NEW}


def test_writers_at_once_lose_nothing(repository_factory: RepositoryFactory) -> None:
    def write(start: int) -> None:
        with repository_factory() as repository:
            for number in range(start, start + 10):
                repository.note_merged([merged(title_number(number), title_number(999))])

    with repository_factory():  # makes the tables
        threads = [threading.Thread(target=write, args=(start,)) for start in (1, 11, 21)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with repository_factory() as repository:
        assert set(kept(repository)) == {title_number(number) for number in range(1, 31)}


_NEWS = st.builds(
    lambda ids, minutes: merged(title_number(ids[0]), title_number(ids[1]), minutes),
    st.lists(st.integers(1, 6), min_size=2, max_size=2, unique=True),
    st.integers(0, 5),
)


@given(parts=st.lists(st.lists(_NEWS, max_size=4), max_size=5))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_comes_it_is_kept_as_the_domain_says(
    repository_factory: RepositoryFactory, parts: list[list[MergedId]]
) -> None:
    with repository_factory() as repository:
        expected = kept(repository)
        for part in parts:
            repository.note_merged(part)
            expected = with_merged(expected, part)
        assert kept(repository) == expected


def test_they_are_no_titles(repository: TitleRepository) -> None:
    repository.note_merged([merged(OLD, NEW)])
    assert repository.counts().titles == 0
    assert list(repository.versions()) == []
