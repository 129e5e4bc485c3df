"""What every `TitleRepository` promises, over the real adapters."""

import multiprocessing
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports import BatchResult, TitleRepository
from domain.identifiers import NameId
from domain.release_date import ReleaseDate
from domain.run import StoreCounts
from domain.title import Credit, CreditCategory, Person, Title, TitleKind
from tests import strategies
from tests.builders import a_chart, a_run, a_title, cast_of, credit, person_number, title_number
from tests.contract.factories import (
    RepositoryFactory,
    expected_shared_titles,
    held,
    in_billing_order,
    save_titles,
)

FREEMAN = Person(NameId("nm0000151"), "Morgan Freeman")
RUN = a_run()
Save = Callable[..., BatchResult]


@pytest.fixture
def save(repository: TitleRepository) -> Save:
    """Save the titles given, as one batch."""
    repository.begin_run(RUN, None)
    return lambda *titles: repository.save(titles, RUN)


def only(repository: TitleRepository) -> Title:
    (title,) = held(repository).values()
    return title


def names(title: Title) -> list[str]:
    return [credit.name for credit in title.credits_of(CreditCategory.CAST)]


def test_an_empty_repository_holds_nothing(repository: TitleRepository) -> None:
    assert held(repository) == {}
    assert repository.counts() == StoreCounts(titles=0, people=0, credits=0)


def test_every_field_comes_back(repository: TitleRepository, save: Save) -> None:
    title = a_title(kind=TitleKind.TV_SERIES, end_year=2008)
    assert save(title) == BatchResult(inserted=1)
    assert only(repository) == in_billing_order(title)


def test_what_is_unknown_stays_unknown(repository: TitleRepository, save: Save) -> None:
    title = Title(
        imdb_id=title_number(1),
        kind=TitleKind.MOVIE,
        title="Nothing Known",
        provenance=a_title().provenance,
    )
    save(title)
    assert only(repository) == title


@pytest.mark.parametrize("field", ["votes", "metascore", "rating"])
def test_zero_is_not_missing(repository: TitleRepository, save: Save, field: str) -> None:
    save(a_title(**{field: 0}))
    value = getattr(only(repository), field)
    assert value == 0
    assert value is not None


@pytest.mark.parametrize("text", ["1994", "1994-10", "1994-10-14"])
def test_a_release_date_keeps_its_precision(
    repository: TitleRepository, save: Save, text: str
) -> None:
    save(a_title(release_date=ReleaseDate.fromisoformat(text)))
    assert only(repository).release_date == ReleaseDate.fromisoformat(text)


@pytest.mark.parametrize("rating", [9.3, 8.0, 10.0, 0.1])
def test_a_rating_comes_back_exactly(
    repository: TitleRepository, save: Save, rating: float
) -> None:
    save(a_title(rating=rating))
    assert only(repository).rating == rating


def test_an_actor_of_fifty_titles_is_one_person(repository: TitleRepository, save: Save) -> None:
    save(*(a_title(n, credits=cast_of(FREEMAN, person_number(n))) for n in range(1, 51)))
    assert repository.counts() == StoreCounts(titles=50, people=51, credits=100)
    titles = held(repository).values()
    assert sum(FREEMAN in title.people for title in titles) == 50


def test_two_people_of_one_name_are_two(repository: TitleRepository, save: Save) -> None:
    first, second = (Person(NameId(f"nm000000{n}"), "John Smith") for n in (1, 2))
    save(a_title(credits=cast_of(first, second)))
    assert repository.counts().people == 2
    assert only(repository).people == (first, second)


def test_a_name_without_an_id_is_kept_and_is_no_person(
    repository: TitleRepository, save: Save
) -> None:
    save(a_title(credits=cast_of("Uncredited Extra", FREEMAN)))
    assert repository.counts() == StoreCounts(titles=1, people=1, credits=2)
    assert names(only(repository)) == ["Uncredited Extra", "Morgan Freeman"]


def test_a_title_without_cast_is_kept(repository: TitleRepository, save: Save) -> None:
    save(a_title(1, credits=()), a_title(2))
    assert held(repository)[title_number(1)].credits == ()
    assert repository.counts().titles == 2


def test_billing_order_survives(repository: TitleRepository, save: Save) -> None:
    shuffled = [
        credit(person_number(n), position)
        for n, position in [(30, 3), (10, 12), (40, 1), (20, 2), (50, 11)]
    ]
    save(a_title(credits=tuple(shuffled)))
    stored = only(repository)
    assert names(stored) == ["Person 40", "Person 20", "Person 30", "Person 50", "Person 10"]
    assert [c.position for c in stored.credits] == [1, 2, 3, 11, 12]


def test_one_person_in_several_parts(repository: TitleRepository, save: Save) -> None:
    parts = tuple(credit(FREEMAN, 1, category=category) for category in CreditCategory)
    save(a_title(credits=parts))
    assert set(only(repository).credits) == set(parts)
    assert repository.counts() == StoreCounts(titles=1, people=1, credits=len(parts))


def test_saving_again_changes_nothing(repository: TitleRepository, save: Save) -> None:
    titles = [a_title(number) for number in range(1, 6)]
    assert save(*titles) == BatchResult(inserted=5)
    before, counts = held(repository), repository.counts()
    assert save(*titles) == BatchResult(unchanged=5)
    assert held(repository) == before
    assert repository.counts() == counts


def test_the_same_facts_read_later_are_unchanged(repository: TitleRepository, save: Save) -> None:
    save(a_title())
    later = a_title(minutes_later=5)
    assert save(later) == BatchResult(unchanged=1)
    assert only(repository).provenance.fetched_at == later.provenance.fetched_at


def test_newer_facts_replace_older_ones(repository: TitleRepository, save: Save) -> None:
    save(a_title(1), a_title(2))
    newer = a_title(1, minutes_later=1, votes=5, plot=None, credits=cast_of(FREEMAN))
    assert save(newer) == BatchResult(updated=1)
    assert held(repository)[newer.imdb_id] == newer
    assert held(repository)[title_number(2)] == in_billing_order(a_title(2))
    assert repository.counts().credits == 1 + len(a_title(2).credits)


def test_credits_that_are_gone_are_gone(repository: TitleRepository, save: Save) -> None:
    save(a_title(credits=cast_of(*(person_number(n) for n in range(1, 20)))))
    save(a_title(minutes_later=1, credits=cast_of(FREEMAN)))
    assert names(only(repository)) == ["Morgan Freeman"]
    save(a_title(minutes_later=2, credits=()))
    assert only(repository).credits == ()
    assert repository.counts().credits == 0


def test_credits_can_come_later(repository: TitleRepository, save: Save) -> None:
    save(a_title(1, credits=()), a_title(2))
    assert save(a_title(1, minutes_later=1)) == BatchResult(updated=1)
    assert held(repository)[title_number(1)] == in_billing_order(a_title(1, minutes_later=1))


def test_older_facts_do_not_replace_newer_ones(repository: TitleRepository, save: Save) -> None:
    newer = a_title(minutes_later=10, votes=20)
    save(newer)
    assert save(a_title(votes=10, credits=())) == BatchResult(unchanged=1)
    assert only(repository) == in_billing_order(newer)


def test_many_versions_leave_the_newest(repository: TitleRepository, save: Save) -> None:
    for minute in range(5):
        save(a_title(1, minutes_later=minute, votes=minute), a_title(2, minutes_later=minute))
    assert {t.votes for t in held(repository).values()} == {4, a_title().votes}
    assert repository.counts().titles == 2


def test_a_title_twice_in_a_batch_is_one_title(repository: TitleRepository, save: Save) -> None:
    result = save(a_title(1, votes=1), a_title(2), a_title(1, minutes_later=1, votes=2))
    assert result.inserted + result.updated + result.unchanged == 3
    assert held(repository)[title_number(1)].votes == 2
    assert repository.counts().titles == 2


def test_an_empty_batch_is_nothing(repository: TitleRepository, save: Save) -> None:
    assert save() == BatchResult()
    assert repository.counts().titles == 0


def test_text_is_kept_letter_by_letter(repository: TitleRepository, save: Save) -> None:
    title = a_title(
        title='Say "cheese", please;\r\nnow\rand\nthen',
        original_title="千と千尋の神隠し \U0001f3ac \u2028 \ufeff'; DROP TABLE titles; --",
        plot="x" * 200_000,
        genres=('Sci-"Fi"', "a, b", "[]"),
        credits=(credit('O\'Brien\\, "Bob"', 1, characters=("Self\n", "{x}", "NULL")),),
    )
    save(title)
    assert only(repository) == title


def test_reopening_sees_everything(repository_factory: RepositoryFactory) -> None:
    with repository_factory() as repository:
        repository.begin_run(RUN, a_chart(1, 2))
        repository.save([a_title(1), a_title(2)], RUN)
        repository.save([a_title(1, minutes_later=1, votes=7)], RUN)
        before, counts = held(repository), repository.counts()
    with repository_factory() as repository:
        assert held(repository) == before
        assert repository.counts() == counts
        assert before[title_number(1)].votes == 7


def test_saving_while_reading_disturbs_neither(repository: TitleRepository, save: Save) -> None:
    save(*(a_title(number) for number in range(1, 11)))
    reading = repository.titles()
    seen = [next(reading).imdb_id]
    save(a_title(3, minutes_later=1, votes=3), a_title(11))
    repository.counts()
    seen += [title.imdb_id for title in reading]
    assert len(set(seen)) == len(seen)
    assert set(seen) >= {title_number(number) for number in range(1, 11)}
    assert held(repository)[title_number(3)].votes == 3


def test_a_second_repository_sees_what_the_first_saves(
    repository_factory: RepositoryFactory, repository: TitleRepository, save: Save
) -> None:
    with repository_factory() as other:
        other.begin_run(RUN, None)
        save(a_title(1))
        assert other.counts().titles == 1
        other.save([a_title(1, minutes_later=1, votes=1), a_title(2)], RUN)
        save(a_title(2, minutes_later=1, votes=2), a_title(1, minutes_later=2, votes=3))
        assert {t.votes for t in held(other).values()} == {2, 3}
        assert held(other) == held(repository)


def test_threads_with_repositories_of_their_own(repository_factory: RepositoryFactory) -> None:
    # Every title is saved by two of the threads.
    shares = [[n for n in range(1, 61) if n % 6 in {part, (part + 1) % 6}] for part in range(6)]
    start = threading.Barrier(len(shares))
    errors: list[BaseException] = []

    def work(numbers: list[int]) -> None:
        start.wait()
        try:
            save_titles(repository_factory, numbers)
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with repository_factory() as repository:
        assert held(repository) == expected_shared_titles(range(1, 61))
        assert repository.counts() == StoreCounts(titles=60, people=9, credits=240)


def test_processes_with_repositories_of_their_own(repository_factory: RepositoryFactory) -> None:
    # Every title is saved by two of the processes.
    shares = [[n for n in range(1, 91) if n % 3 != part] for part in range(3)]
    spawn = multiprocessing.get_context("spawn")
    writers = [
        spawn.Process(target=save_titles, args=(repository_factory, share)) for share in shares
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * len(writers)
    with repository_factory() as repository:
        assert held(repository) == expected_shared_titles(range(1, 91))
        assert repository.counts() == StoreCounts(titles=90, people=9, credits=360)


def test_a_refused_title_leaves_no_trace(repository: TitleRepository, save: Save) -> None:
    bad = a_title(2, credits=cast_of(person_number(77)))
    # No title like this can be made; a repository may check for itself all the same.
    object.__setattr__(bad, "votes", 2**40)
    result = save(a_title(1), bad, a_title(3))
    if not result.refused:
        pytest.skip("this repository refuses nothing that the domain lets through")
    assert [failure.imdb_id for failure in result.refused] == [bad.imdb_id]
    assert result.inserted == 2
    assert set(held(repository)) == {title_number(1), title_number(3)}
    assert repository.counts().people == len(a_title().people)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(titles=st.lists(strategies.titles, max_size=3, unique_by=lambda title: title.imdb_id))
def test_any_title_comes_back(repository: TitleRepository, titles: list[Title]) -> None:
    run = replace(RUN, run_id="20260101T120000Z-any")
    repository.begin_run(run, None)
    # Examples share the repository: an id met before counts as older or newer.
    before = held(repository)
    assert sum_of(repository.save(titles, run)) == len(titles)
    after = held(repository)
    for title in titles:
        known = before.get(title.imdb_id)
        if known is None or known.provenance.fetched_at <= title.provenance.fetched_at:
            assert after[title.imdb_id] == in_billing_order(title)


def sum_of(result: BatchResult) -> int:
    return result.inserted + result.updated + result.unchanged + len(result.refused)


def test_credits_are_compared_too(repository: TitleRepository, save: Save) -> None:
    first = Credit(category=CreditCategory.CAST, position=1, name="A", characters=("X",))
    save(a_title(credits=(first,)))
    changed = replace(first, characters=("Y",))
    assert save(a_title(minutes_later=1, credits=(changed,))) == BatchResult(updated=1)
    assert only(repository).credits == (changed,)
