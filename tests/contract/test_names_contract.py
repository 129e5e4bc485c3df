"""A person is stored by the name on the newest page with the person: the same in every repository.

Of two pages had at the same moment the one that was saved later counts.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports import TitleRepository
from domain.identifiers import NameId, TitleId
from domain.title import Person, Title
from tests.builders import a_run, a_title, cast_of, person_number
from tests.contract.factories import RepositoryFactory

RUN = a_run()
BOB = NameId("nm0000001")
MINUTES_A_DAY = 24 * 60


def page_of(number: int, day: int, *people: Person) -> Title:
    """A title as it was had on a day."""
    return a_title(number, minutes_later=day * MINUTES_A_DAY, credits=cast_of(*people))


def page(number: int, day: int, *names: str) -> Title:
    """A title that credits one person by each of the names, or someone else."""
    return page_of(number, day, *([Person(BOB, name) for name in names] or [person_number(2)]))


@pytest.fixture
def name_after(repository_factory: RepositoryFactory) -> Callable[..., str]:
    """Save pages one by one, all at the same opening, and give the person's name."""

    def saved(*pages: Title) -> str:
        with repository_factory() as repository:
            repository.begin_run(RUN, None)
            for title in pages:
                repository.save([title], RUN)
        return repository_factory.people()[BOB]

    return saved


def test_a_person_takes_the_newer_name(name_after: Callable[..., str]) -> None:
    assert name_after(page(1, 1, "Bob"), page(2, 2, "Robert")) == "Robert"


def test_an_older_page_that_is_saved_later_changes_no_name(
    name_after: Callable[..., str],
) -> None:
    assert name_after(page(1, 2, "Robert"), page(2, 1, "Bob")) == "Robert"


def test_of_two_pages_of_one_moment_the_later_saved_counts(
    name_after: Callable[..., str],
) -> None:
    assert name_after(page(1, 1, "Bob"), page(2, 1, "Robert")) == "Robert"
    assert name_after(page(1, 1, "Bob")) == "Bob"


def test_a_page_with_unchanged_facts_gives_its_name_again(name_after: Callable[..., str]) -> None:
    assert name_after(page(1, 1, "Bob"), page(2, 2, "Robert"), page(1, 3, "Bob")) == "Bob"


def test_the_name_of_a_page_without_changes_is_as_new_as_the_page(
    name_after: Callable[..., str],
) -> None:
    assert name_after(page(1, 1, "Bob"), page(1, 3, "Bob"), page(2, 2, "Robert")) == "Bob"


def test_a_name_outlives_the_credit_that_gave_it(name_after: Callable[..., str]) -> None:
    assert name_after(page(1, 5, "Robert"), page(1, 6), page(2, 3, "Bob")) == "Robert"
    assert name_after(page(3, 4, "Bobby")) == "Robert"
    assert name_after(page(4, 6, "Rob")) == "Rob"


def test_the_moment_of_a_name_outlives_a_credit_that_only_repeated_it(
    name_after: Callable[..., str],
) -> None:
    assert name_after(page(1, 1, "Robert"), page(2, 5, "Robert"), page(2, 6)) == "Robert"
    assert name_after(page(3, 3, "Bob")) == "Robert"


@pytest.mark.parametrize(
    "pages",
    [
        [page(1, 1, "Bob"), page(2, 2, "Robert"), page(1, 3, "Bob"), page(3, 2, "Rob")],
        [page(1, 5, "Bob"), page(1, 6), page(2, 3, "Robert"), page(3, 4, "Rob")],
        [page(1, 5, "Bob"), page(1, 6, "Bob"), page(1, 7), page(2, 5, "Robert")],
        [page(1, 1, "Robert"), page(2, 2, "Bob"), page(2, 3), page(1, 2, "Robert", "Bob")],
    ],
)
def test_reopening_between_saves_makes_no_difference(
    repository_factory: RepositoryFactory, name_after: Callable[..., str], pages: list[Title]
) -> None:
    for title in pages:
        name_after(title)
        assert len(repository_factory.people()) == len({BOB, *others(pages, title)})
    assert name_after() == "Bob"


def others(pages: list[Title], last: Title) -> set[NameId]:
    """The people, besides the one looked at, on the pages up to the last one saved."""
    until = pages[: pages.index(last) + 1]
    return {person.imdb_id for title in until for person in title.people} - {BOB}


def test_the_order_of_a_batch_counts_when_a_title_is_in_it_twice(
    repository: TitleRepository, repository_factory: RepositoryFactory
) -> None:
    batch = [page(1, 1, "Bob"), page(1, 1, "Rob"), page(2, 1, "Robert")]
    repository.save(batch, RUN)
    assert repository_factory.people() == {BOB: "Robert"}


class Expected:
    """What the pages saved so far make of the people's names, told as plainly as can be."""

    def __init__(self) -> None:
        self.names: dict[NameId, str] = {}
        self._named_at: dict[NameId, datetime] = {}
        self._held: dict[TitleId, datetime] = {}

    def save(self, title: Title) -> None:
        moment = title.provenance.fetched_at
        if moment < self._held.get(title.imdb_id, moment):
            return
        self._held[title.imdb_id] = moment
        for person in title.people:
            if moment >= self._named_at.get(person.imdb_id, moment):
                self.names[person.imdb_id] = person.name
                self._named_at[person.imdb_id] = moment


people = st.tuples(st.integers(1, 2), st.sampled_from(["Bob", "Robert"]))
pages = st.tuples(st.integers(1, 2), st.integers(1, 4), st.lists(people, max_size=2))
batches = st.lists(pages, min_size=1, max_size=4)


@pytest.fixture
def examples() -> Iterator[int]:
    """Numbers that keep the titles and people of one example apart from another's."""
    return count(10, 10)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(openings=st.lists(st.lists(batches, max_size=3), max_size=3))
def test_any_saves_leave_the_newest_names(
    repository_factory: RepositoryFactory,
    examples: Iterator[int],
    openings: list[list[list[tuple[int, int, list[tuple[int, str]]]]]],
) -> None:
    example, expected = next(examples), Expected()

    def title(number: int, day: int, credited: list[tuple[int, str]]) -> Title:
        cast = [Person(person_number(example + n).imdb_id, name) for n, name in credited]
        return page_of(example + number, day, *cast)

    for opening in openings:
        with repository_factory() as repository:
            for batch in opening:
                titles = [title(*facts) for facts in batch]
                repository.save(titles, RUN)
                for saved in titles:
                    expected.save(saved)
        stored = repository_factory.people()
        ours = {imdb_id: name for imdb_id, name in stored.items() if int(imdb_id[2:]) > example}
        assert ours == expected.names
