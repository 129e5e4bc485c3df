"""What only PostgreSQL promises of a save; what every repository promises is in the contract."""

import itertools
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from types import MappingProxyType
from typing import Any

import pytest
from psycopg2.extensions import cursor

from application.ports import BatchResult
from domain.run import Failure, RepositoryReport, Run, RunOutcome, RunReport, StoreCounts
from domain.title import Credit, Person, Title
from infrastructure.repositories.postgres import (
    PostgresRepository,
    open_postgres_repository,
    saving,
)
from infrastructure.repositories.postgres import (
    repository as repository_module,
)
from tests.builders import (
    NOON,
    a_chart,
    a_run,
    a_title,
    cast_of,
    credit,
    person_number,
    title_number,
)
from tests.databases import execute, rows_of

OTHERS_QUERIES = """
    SELECT query FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'
"""
HISTORY = "SELECT observed_at, rating::float8, votes FROM rating_history ORDER BY 1"


@pytest.fixture
def repository(postgres_url: str) -> Iterator[PostgresRepository]:
    with open_postgres_repository(postgres_url, pool_size=8) as opened:
        yield opened


def a_refused_title(number: int, field: str = "metascore", value: object = 101) -> Title:
    """A title with a fact that the domain would not let pass."""
    title = a_title(number, credits=cast_of(person_number(90_000 + number)))
    object.__setattr__(title, field, value)
    return title


def a_credit_with(**changes: object) -> Credit:
    """A credit with a fact that the domain would not let pass."""
    made = credit(person_number(90_000))
    for field, value in changes.items():
        object.__setattr__(made, field, value)
    return made


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("metascore", 101),
        ("year", 99_999),
        ("title", "NUL \0 inside"),
        ("plot", "half a surrogate \ud800"),
        ("genres", ("",)),
        ("imdb_id", "not an id"),
        ("genres", ("".join(map(chr, range(0x4E00, 0x4E00 + 9000))),)),
        ("credits", (a_credit_with(name="NUL \0 inside"),)),
        ("credits", (a_credit_with(name="half a surrogate \ud800"),)),
        ("credits", (a_credit_with(characters=("half a surrogate \ud800",)),)),
        ("credits", (a_credit_with(person_id="not an id"),)),
        ("credits", (a_credit_with(person_id='{"'),)),
        ("credits", (a_credit_with(), a_credit_with())),
    ],
)
def test_a_refused_title_costs_itself_only_and_leaves_no_trace(
    repository: PostgresRepository, field: str, value: object
) -> None:
    refused = a_refused_title(2, field, value)

    result = repository.save([a_title(1), refused, a_title(3)], a_run())

    assert (result.inserted, result.updated, result.unchanged) == (2, 0, 0)
    (failure,) = result.refused
    assert failure.imdb_id == refused.imdb_id
    assert failure.reason == "invalid_title"
    assert "PostgreSQL refused it" in failure.message
    assert {title.imdb_id for title in repository.titles()} == {title_number(1), title_number(3)}
    assert repository.counts() == StoreCounts(titles=2, people=2, credits=6)


def test_a_refused_title_in_a_large_batch_is_found_in_a_few_steps(
    repository: PostgresRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []
    original = saving._save_together

    def counted(statements: cursor, titles: Sequence[Title], run: Run) -> BatchResult:
        attempts.append(len(titles))
        return original(statements, titles, run)

    monkeypatch.setattr(saving, "_save_together", counted)
    batch = [a_title(number) for number in range(1, 257)]
    refused = a_refused_title(200)
    batch[199] = refused

    result = repository.save(batch, a_run())

    assert result.inserted == 255
    assert [failure.imdb_id for failure in result.refused] == [refused.imdb_id]
    assert len(attempts) == 1 + 2 * 8


def test_a_batch_that_another_writer_never_lets_through_is_saved_by_halves(
    repository: PostgresRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    original = repository_module.save_round

    def given_up_for_another(
        statements: cursor, titles: Sequence[Title], **more: Any
    ) -> BatchResult:
        sizes.append(len(titles))
        if len(titles) > 2:
            statements.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$")
        return original(statements, titles, **more)

    monkeypatch.setattr(repository_module, "save_round", given_up_for_another)
    result = repository.save([a_title(number) for number in range(1, 9)], a_run())

    assert result == BatchResult(inserted=8)
    assert sizes == [8, 4, 2, 2, 4, 2, 2]
    assert repository.counts().titles == 8


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("".join(map(chr, range(0x4E00, 0x9E00))) * 5, id="one incompressible word"),
        pytest.param(" ".join(f"w{number:x}" for number in range(200_000)), id="many words"),
        pytest.param("Ⱥ" * 300_000, id="longer in lower case"),
    ],
)
def test_text_of_any_length_is_saved(repository: PostgresRepository, text: str) -> None:
    title = a_title(
        title=text,
        original_title=text,
        plot=text,
        certificate=text,
        credits=(credit(Person(person_number(1).imdb_id, text), characters=(text,)),),
    )
    assert len(text.encode()) >= 300_000

    assert repository.save([title], a_run()).inserted == 1

    assert list(repository.titles()) == [title]


def test_a_refused_update_keeps_what_was_there(repository: PostgresRepository) -> None:
    repository.save([a_title(1)], a_run())
    newer = a_title(1, minutes_later=5, credits=cast_of(person_number(7)))
    object.__setattr__(newer, "votes", -1)

    result = repository.save([newer], a_run())

    assert len(result.refused) == 1
    assert list(repository.titles()) == [a_title(1)]


def test_a_refused_title_is_explained(repository: PostgresRepository) -> None:
    (failure,) = repository.save([a_refused_title(1)], a_run()).refused

    assert "titles_metascore_check" in failure.message


def test_a_batch_is_counted_by_what_became_of_each_title(repository: PostgresRepository) -> None:
    repository.save([a_title(1), a_title(2), a_title(3, minutes_later=10)], a_run())

    batch = [
        a_title(1, minutes_later=1),
        a_title(2, minutes_later=1, votes=1),
        a_title(3, votes=1),
        a_title(4),
    ]
    result = repository.save(batch, a_run("run-2"))

    assert (result.inserted, result.updated, result.unchanged) == (1, 1, 2)


def test_the_same_facts_later_refresh_where_they_were_found(
    repository: PostgresRepository, postgres_url: str
) -> None:
    repository.save([a_title(1)], a_run("run-1"))
    credits_before = rows_of(postgres_url, "SELECT ctid, xmin::text FROM credits")

    repository.save([a_title(1, minutes_later=1)], a_run("run-2"))

    (row,) = rows_of(postgres_url, "SELECT run_id, fetched_at FROM titles")
    assert row == ("run-2", NOON + timedelta(minutes=1))
    assert rows_of(postgres_url, "SELECT ctid, xmin::text FROM credits") == credits_before


def test_a_title_twice_in_a_batch_is_saved_in_turn(repository: PostgresRepository) -> None:
    batch = [a_title(1), a_title(1, minutes_later=2, votes=2), a_title(1, minutes_later=1, votes=3)]

    result = repository.save(batch, a_run())

    assert (result.inserted, result.updated, result.unchanged) == (1, 1, 1)
    assert list(repository.titles()) == [batch[1]]


def test_rating_history_has_a_row_for_each_change(
    repository: PostgresRepository, postgres_url: str
) -> None:
    versions = [
        a_title(1, rating=9.2, votes=100),
        a_title(1, rating=9.2, votes=100, minutes_later=1),
        a_title(1, rating=9.2, votes=100, plot="Another plot.", minutes_later=2),
        a_title(1, rating=9.3, votes=120, minutes_later=3),
        a_title(1, rating=None, votes=None, minutes_later=4),
    ]
    for version in versions:
        repository.save([version], a_run())

    assert rows_of(postgres_url, HISTORY) == [
        (NOON, 9.2, 100),
        (NOON + timedelta(minutes=3), 9.3, 120),
        (NOON + timedelta(minutes=4), None, None),
    ]


def test_a_title_that_nobody_rated_has_no_rating_history(
    repository: PostgresRepository, postgres_url: str
) -> None:
    repository.save([a_title(1, rating=None, votes=None)], a_run())

    assert rows_of(postgres_url, HISTORY) == []


@pytest.mark.parametrize("rating", [9.3, 0.0, 10.0, 7, 1 / 3, 0.1 + 0.2, 5e-324])
def test_a_rating_comes_back_as_the_float_it_was(
    repository: PostgresRepository, rating: float
) -> None:
    repository.save([a_title(1, rating=rating)], a_run())
    again = repository.save([a_title(1, rating=float(rating), minutes_later=1)], a_run())

    (kept,) = repository.titles()
    assert kept.rating == rating
    assert again.unchanged == 1


def test_a_person_has_the_name_of_the_newest_page(
    repository: PostgresRepository, postgres_url: str
) -> None:
    def named(name: str) -> tuple[Any, ...]:
        return (credit(person_number(1), name=name),)

    repository.save([a_title(1, credits=named("Middle"), minutes_later=1)], a_run())
    newest_and_oldest = [
        a_title(2, credits=named("Newest"), minutes_later=2),
        a_title(3, credits=named("Oldest")),
    ]
    repository.save(newest_and_oldest, a_run())
    repository.save([a_title(4, credits=named("Oldest"))], a_run())

    assert rows_of(postgres_url, "SELECT name FROM people") == [("Newest",)]


def test_writers_who_share_people_never_deadlock(
    repository: PostgresRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository_module, "_may_succeed_again", lambda _: False)
    threads, barrier = 8, Barrier(8)

    def save_mine(writer: int) -> int:
        chance = random.Random(writer)
        saved = 0
        for turn in range(10):
            numbers = chance.sample(range(1, 40), 10)
            batch = [
                a_title(
                    number,
                    minutes_later=turn * threads + writer,
                    votes=writer,
                    credits=cast_of(*map(person_number, chance.sample(range(1, 25), 8))),
                )
                for number in numbers
            ]
            barrier.wait(timeout=30)
            result = repository.save(batch, a_run())
            saved += result.inserted + result.updated + result.unchanged
        return saved

    with ThreadPoolExecutor(threads) as pool:
        assert sum(pool.map(save_mine, range(threads))) == threads * 10 * 10
    titles = list(repository.titles())
    assert len({title.imdb_id for title in titles}) == len(titles)
    assert all(len(title.credits) == 8 for title in titles)


def test_writers_who_name_people_otherwise_never_deadlock_and_the_newest_name_stays(
    repository: PostgresRepository, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository_module, "_may_succeed_again", lambda _: False)
    threads, turns, barrier = 6, 10, Barrier(6)
    newest: dict[str, tuple[int, str]] = {}
    batches: dict[tuple[int, int], list[Title]] = {}
    chance = random.Random(1)
    for minute, place in enumerate(itertools.product(range(turns), range(threads))):
        numbers = chance.sample(range(1, 30), 4)
        cast = [Person(person_number(n).imdb_id, f"Name {minute % 3}") for n in numbers]
        # Half of them are titles that lose the people whom they credited before.
        title = minute % 7 + 1 if minute % 2 else minute + 100
        batches[place] = [a_title(title, minutes_later=minute, credits=cast_of(*cast))]
        newest |= {person.imdb_id: (minute, person.name) for person in cast}

    def save_mine(writer: int) -> None:
        for turn in range(turns):
            barrier.wait(timeout=30)
            repository.save(batches[turn, writer], a_run())

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(save_mine, range(threads)))

    last_of_title = {title.imdb_id: title for batch in batches.values() for title in batch}
    assert {title.imdb_id: title for title in repository.titles()} == last_of_title
    names = dict(rows_of(postgres_url, "SELECT imdb_id, name FROM people"))
    assert names.keys() <= newest.keys()
    # A page that was overtaken by a newer one of its title is not read for names.
    for person_id, (_, name) in newest.items():
        credited = [
            (title.provenance.fetched_at, person.name)
            for title in last_of_title.values()
            for person in title.people
            if person.imdb_id == person_id
        ]
        if credited and max(credited)[1] == name:
            assert names[person_id] == name


def test_people_known_by_the_same_name_are_left_alone(
    repository: PostgresRepository, postgres_url: str
) -> None:
    repository.save([a_title(1)], a_run("run-1"))
    before = rows_of(postgres_url, "SELECT ctid, xmin::text FROM people ORDER BY imdb_id")

    repository.save([a_title(1, minutes_later=1), a_title(2, minutes_later=2)], a_run("run-2"))

    after = rows_of(postgres_url, "SELECT ctid, xmin::text FROM people ORDER BY imdb_id")
    assert after == before


def test_one_of_several_writers_inserts_a_title(repository: PostgresRepository) -> None:
    barrier = Barrier(8)
    batch = [a_title(number) for number in range(1, 21)]

    def save_all(_: int) -> int:
        barrier.wait(timeout=30)
        return repository.save(batch, a_run()).inserted

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(save_all, range(8))) == 20
    assert list(repository.titles()) == batch


def test_a_run_can_be_begun_twice(repository: PostgresRepository, postgres_url: str) -> None:
    repository.begin_run(a_run(), a_chart(1, 2, 3))
    repository.begin_run(a_run(), a_chart(3, 1))

    entries = rows_of(postgres_url, "SELECT rank, title_id FROM chart_entries ORDER BY rank")
    assert entries == [(1, title_number(3)), (2, title_number(1))]
    assert rows_of(postgres_url, "SELECT count(*) FROM runs") == [(1,)]


def test_a_finished_run_is_kept_with_its_failures(
    repository: PostgresRepository, postgres_url: str
) -> None:
    missing = Failure(imdb_id=title_number(1), reason="not_found", message="no \0 such \ud800")
    refused = Failure(imdb_id=title_number(2), reason="invalid_title", message="year 3")
    report = RunReport(
        run=a_run(),
        finished_at=NOON + timedelta(minutes=1),
        outcome=RunOutcome.INCOMPLETE,
        asked=3,
        fetched=2,
        failures=(missing,),
        repositories=(RepositoryReport(name="postgres", inserted=1, refused=(refused,)),),
        fetched_from=MappingProxyType({"html": 2}),
        notices=("a notice with a NUL \0",),
    )

    repository.finish_run(report)
    repository.finish_run(report)

    (run,) = rows_of(
        postgres_url,
        "SELECT finished_at, outcome, asked, fetched, failed, report->'fetched_from'->>'html'"
        " FROM runs",
    )
    assert run == (NOON + timedelta(minutes=1), "incomplete", 3, 2, 1, "2")
    failures = rows_of(
        postgres_url,
        "SELECT imdb_id, repository, reason FROM failures ORDER BY imdb_id",
    )
    assert failures == [
        (title_number(1), None, "not_found"),
        (title_number(2), "postgres", "invalid_title"),
    ]


def test_runs_of_another_command_are_noticed(repository: PostgresRepository) -> None:
    assert not repository.holds_runs_other_than("demo")

    repository.begin_run(a_run(command="demo"), None)
    assert not repository.holds_runs_other_than("demo")

    repository.begin_run(a_run("run-2", command="chart"), None)
    assert repository.holds_runs_other_than("demo")


def test_titles_are_read_from_one_snapshot_while_others_write(
    repository: PostgresRepository,
) -> None:
    repository.save([a_title(number) for number in range(1, 4)], a_run())

    reading = repository.titles()
    first = next(reading)
    repository.save([a_title(number) for number in range(4, 7)], a_run())

    assert [first, *reading] == [a_title(number) for number in range(1, 4)]


def test_a_row_that_breaks_a_rule_of_the_domain_is_named(
    repository: PostgresRepository, postgres_url: str
) -> None:
    repository.save([a_title(1)], a_run())
    execute(
        postgres_url,
        "ALTER TABLE titles DROP CONSTRAINT titles_metascore_check",
        "UPDATE titles SET metascore = 101",
    )

    with pytest.raises(repository_module.RepositoryUnavailable, match="tt0000001: metascore 101"):
        list(repository.titles())


class TestWhenEverythingHasBeenSent:
    def test_it_is_told_while_the_server_is_still_at_work(
        self, repository: PostgresRepository, postgres_url: str
    ) -> None:
        held: list[int] = []
        under_way: list[str] = []

        def look() -> None:
            held.append(len(rows_of(postgres_url, "SELECT imdb_id FROM titles")))
            under_way.extend(query for (query,) in rows_of(postgres_url, OTHERS_QUERIES))

        titles = [a_title(n, credits=cast_of(person_number(n))) for n in range(1, 101)]
        assert repository.save(titles, a_run(), look).inserted == 100
        assert held == [0]
        assert any(query.startswith("COPY credits") for query in under_way)

    def test_it_is_told_of_the_last_round_only(self, repository: PostgresRepository) -> None:
        told: list[int] = []
        older = a_title(1, credits=cast_of(person_number(1)))
        newer = a_title(1, title="Another", minutes_later=1)
        result = repository.save([older, newer], a_run(), lambda: told.append(1))
        assert (result.inserted, result.updated) == (1, 1)
        assert len(told) == 1

    def test_nothing_is_told_of_titles_that_are_held_already(
        self, repository: PostgresRepository
    ) -> None:
        told: list[int] = []
        for _ in range(2):
            told.clear()
            repository.save([a_title(1)], a_run(), lambda: told.append(1))
        assert told == []
