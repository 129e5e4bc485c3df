"""What is kept in memory of the files: small, and exact about ids."""

import tracemalloc
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import NameId, TitleId
from infrastructure.repositories.csv.index import HeldTitle, IdIndex, PeopleIndex, TitleIndex
from tests import strategies
from tests.builders import person_number, title_number

MANY = 20_000
ALIKE = ["nm0000001", "nm00000001", "nm000000000000001", "nm0000010", "nm999999999999999"]
"""Ids of one number, or almost: each is another person."""

BOB = person_number(1).imdb_id
ANN = person_number(2).imdb_id


@given(st.lists(strategies.name_ids | st.sampled_from(ALIKE), unique=True, max_size=600))
def test_every_id_has_its_own_number_in_the_order_of_coming(ids: list[str]) -> None:
    index = IdIndex("nm")
    for number, imdb_id in enumerate(ids):
        assert index.find(imdb_id) is None
        assert index.add(imdb_id) == number
    assert list(index) == ids
    assert [index.find(imdb_id) for imdb_id in ids] == list(range(len(ids)))
    assert all((index.find(imdb_id) is not None) == (imdb_id in ids) for imdb_id in ALIKE)


def test_many_ids_in_a_row_and_far_apart() -> None:
    index = IdIndex("tt")
    ids = [title_number(n) for n in range(1, MANY)]
    ids += [title_number(n * 2**20) for n in range(1, 1000)]
    for imdb_id in ids:
        index.add(imdb_id)
    assert [index.find(imdb_id) for imdb_id in ids] == list(range(len(ids)))
    assert index.find(title_number(MANY)) is None


def a_held_title(number: int, credits_count: int = 0) -> HeldTitle:
    start = 1000 * number
    return HeldTitle(
        title_number(number), -number, start, start + 9, 2 * start, 2 * start + 7, credits_count
    )


def test_a_title_is_given_back_as_it_was_held() -> None:
    index = TitleIndex()
    titles = [a_held_title(number, number) for number in (3, 1, 2)]
    for title in titles:
        index.add(title)
    assert list(index) == titles
    assert [index.get(title.imdb_id) for title in titles] == titles
    assert index.get(TitleId("tt0000009")) is None
    assert (len(index), index.credits_count) == (3, 6)


def test_credits_can_come_after_their_title() -> None:
    index = TitleIndex()
    index.add(HeldTitle(title_number(1), 5, 0, 10))
    index.add_credits(title_number(1), 30, 12, 4)
    assert index.get(title_number(1)) == HeldTitle(title_number(1), 5, 0, 10, 30, 42, 4)
    assert index.credits_count == 4


def test_titles_that_come_during_an_iteration_are_not_in_it() -> None:
    index = TitleIndex()
    index.add(a_held_title(1))
    titles = iter(index)
    index.add(a_held_title(2))
    assert list(titles) == [a_held_title(1)]


def test_a_person_is_in_the_file_once_there_is_a_name() -> None:
    index = PeopleIndex()
    index.see(BOB, 7)
    assert index.find(BOB) is None
    assert (index.moment(BOB), index.moment(ANN)) == (7, None)
    index.name(BOB, "Bob", 3)
    index.name(ANN, "Ann", 4)
    number = index.find(BOB)
    assert number is not None
    assert index.is_named(number, "Bob")
    assert not index.is_named(number, "Ann")
    index.name(BOB, "Robert", 9)
    assert index.is_named(number, "Robert")
    assert (index.named, index.moment(BOB)) == (2, 9)


def test_the_newest_moment_counts() -> None:
    index = PeopleIndex()
    number = index.see(BOB, -5)
    for moment in (-9, -2, -4):
        index.see_again(number, moment)
    assert index.moment(BOB) == -2


def bytes_each(fill: Callable[[], object]) -> float:
    """Memory that is held for each of `MANY`."""
    tracemalloc.start()
    kept = fill()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return held / MANY


def test_titles_and_people_take_little_memory() -> None:
    def titles() -> TitleIndex:
        index = TitleIndex()
        for number in range(MANY):
            index.add(a_held_title(number))
        return index

    def people() -> PeopleIndex:
        index = PeopleIndex()
        for number in range(MANY):
            index.name(NameId(f"nm{number:07d}"), "A Name", number)
        return index

    assert bytes_each(titles) < 80
    assert bytes_each(people) < 60
