"""The tables refuse what the domain refuses, whoever writes to them; the views answer questions."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import psycopg2
import pytest

from domain.merged_id import MergedId
from domain.release_date import ReleaseDate
from domain.title import CreditCategory, TitleKind
from infrastructure.repositories.postgres import PostgresRepository, open_postgres_repository
from tests.builders import NOON, a_chart, a_run, a_title, credit, person_number, title_number
from tests.databases import execute, rows_of


@pytest.fixture
def repository(postgres_url: str) -> Iterator[PostgresRepository]:
    with open_postgres_repository(postgres_url) as opened:
        yield opened


@pytest.fixture
def one_title(repository: PostgresRepository) -> None:
    repository.begin_run(a_run(), a_chart(111161))
    repository.save([a_title()], a_run())
    repository.note_merged([MergedId(title_number(1), title_number(2), NOON)])


@pytest.mark.usefixtures("one_title")
@pytest.mark.parametrize(
    "change",
    [
        "titles SET imdb_id = 'tt12'",
        "titles SET imdb_id = 'tt1234567890123456'",
        "titles SET imdb_id = E'tt1234567\n'",
        "titles SET imdb_id = 'xtt1234567'",
        "titles SET kind = 'film'",
        "titles SET title = ''",
        "titles SET title = NULL",
        "titles SET original_title = ''",
        "titles SET year = 1873",
        "titles SET end_year = 10000",
        "titles SET runtime_minutes = 0",
        "titles SET rating = 10.1",
        "titles SET rating = -0.1",
        "titles SET rating = 'NaN'",
        "titles SET votes = -1",
        "titles SET metascore = 101",
        "titles SET certificate = ''",
        "titles SET plot = ''",
        "titles SET genres = '{Drama,NULL}'",
        "titles SET genres = ARRAY['']",
        "titles SET release_month = 13",
        "titles SET release_month = 2, release_day = 30",
        "titles SET release_month = NULL",
        "titles SET run_id = 'unheard of'",
        "people SET imdb_id = 'tt0000001'",
        "people SET name = ''",
        "credits SET category = 'friend'",
        "credits SET position = 0",
        "credits SET person_id = 'nm9999999'",
        "credits SET name = ''",
        "credits SET characters = '{NULL}'",
        "credits SET characters = ARRAY['Self', '']",
        "credits SET characters = ARRAY[NULL, '']",
        "chart_entries SET rank = 0",
        "chart_entries SET title_id = 'x'",
        "rating_history SET rating = 11",
        "runs SET asked = -1",
        "merged_ids SET old_id = 'x'",
        "merged_ids SET new_id = old_id",
        "merged_ids SET new_id = 'nm0000001'",
        "merged_ids SET seen_at = NULL",
    ],
)
def test_a_row_that_breaks_a_rule_is_refused(postgres_url: str, change: str) -> None:
    with pytest.raises((psycopg2.IntegrityError, psycopg2.DataError)):
        execute(postgres_url, f"UPDATE {change}")


@pytest.mark.usefixtures("one_title")
def test_a_title_takes_its_credits_and_history_along(postgres_url: str) -> None:
    execute(postgres_url, "DELETE FROM titles")

    assert rows_of(postgres_url, "SELECT count(*) FROM credits") == [(0,)]
    assert rows_of(postgres_url, "SELECT count(*) FROM rating_history") == [(0,)]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (ReleaseDate(year=1994, month=10, day=14), date(1994, 10, 14)),
        (ReleaseDate(year=1994, month=10), None),
        (ReleaseDate(year=1994), None),
        (None, None),
    ],
)
def test_a_release_date_is_a_date_only_when_the_day_is_known(
    repository: PostgresRepository,
    postgres_url: str,
    known: ReleaseDate | None,
    expected: date | None,
) -> None:
    repository.save([a_title(release_date=known)], a_run())

    assert rows_of(postgres_url, "SELECT release_date FROM titles") == [(expected,)]


@pytest.mark.parametrize(
    ("index", "condition"),
    [
        ("titles_by_title", "title_key LIKE 'the god%'"),
        ("titles_words", "words @@ plainto_tsquery('simple', 'godfather')"),
    ],
)
def test_titles_are_found_by_their_text_through_an_index(
    repository: PostgresRepository, postgres_url: str, index: str, condition: str
) -> None:
    repository.save([a_title(1, title="The Godfather"), a_title(2)], a_run())
    name = rows_of(postgres_url, "SELECT current_database()")[0][0]
    execute(postgres_url, f"ALTER DATABASE {name} SET enable_seqscan = off")

    query = f"SELECT title FROM titles WHERE {condition}"

    assert rows_of(postgres_url, query) == [("The Godfather",)]
    assert index in str(rows_of(postgres_url, f"EXPLAIN {query}"))


def test_chart_latest_has_the_last_capture_with_what_is_known_of_its_titles(
    repository: PostgresRepository, postgres_url: str
) -> None:
    repository.begin_run(a_run("run-1"), a_chart(9, 8))
    repository.begin_run(a_run("run-2"), a_chart(1, 2))
    repository.save([a_title(2)], a_run("run-2"))

    found = rows_of(postgres_url, "SELECT chart, rank, title_id, title FROM chart_latest")

    assert found == [("top", 1, "tt0000001", None), ("top", 2, "tt0000002", "Title 2")]


def test_title_directors_keeps_billing_order_and_names_without_ids(
    repository: PostgresRepository, postgres_url: str
) -> None:
    director = CreditCategory.DIRECTOR
    directors = (
        credit("Unknown Twin", 2, category=director),
        credit(person_number(7), 1, category=director),
    )
    repository.save([a_title(1, credits=directors), a_title(2, credits=())], a_run())

    found = rows_of(postgres_url, "SELECT title_id, directors, director_ids FROM title_directors")

    assert found == [("tt0000001", ["Person 7", "Unknown Twin"], ["nm0000007", None])]


def test_people_are_counted_by_titles_and_not_by_credits(
    repository: PostgresRepository, postgres_url: str
) -> None:
    twice = (credit(person_number(7), 1), credit(person_number(7), 2))
    titles = [
        a_title(1, credits=twice, year=1950, rating=8.0),
        a_title(2, credits=twice[:1], year=1970, rating=9.0),
    ]
    repository.save(titles, a_run())

    columns = "person_id, category, titles, mean_rating, first_year, last_year"
    counted = rows_of(postgres_url, f"SELECT {columns} FROM people_by_titles")
    listed = rows_of(
        postgres_url, "SELECT title_id FROM filmography WHERE name = 'Person 7' ORDER BY 1"
    )

    assert counted == [("nm0000007", "cast", 2, Decimal("8.50"), 1950, 1970)]
    assert listed == [("tt0000001",), ("tt0000001",), ("tt0000002",)]


def test_titles_by_decade_leaves_out_titles_without_a_year(
    repository: PostgresRepository, postgres_url: str
) -> None:
    titles = [
        a_title(1, year=1990, rating=8.0, votes=10),
        a_title(2, year=1999, rating=None, votes=None),
        a_title(3, year=2000, kind=TitleKind.SHORT),
        a_title(4, year=None),
    ]
    repository.save(titles, a_run())

    query = "SELECT decade, kind, titles, mean_rating, votes FROM titles_by_decade ORDER BY decade"

    assert rows_of(postgres_url, query)[0] == (1990, "movie", 2, Decimal("8.00"), 10)
    assert len(rows_of(postgres_url, query)) == 2


def test_critics_and_users_compares_titles_that_have_both(
    repository: PostgresRepository, postgres_url: str
) -> None:
    titles = [a_title(1, rating=9.3, metascore=82), a_title(2, metascore=None)]
    repository.save(titles, a_run())

    found = rows_of(postgres_url, "SELECT title_id, critics_above_users FROM critics_and_users")

    assert found == [(title_number(1), Decimal("-11.0"))]


def test_what_was_changed_by_hand_is_put_right_by_the_next_save(
    repository: PostgresRepository, postgres_url: str
) -> None:
    repository.save([a_title(1), a_title(2)], a_run())
    execute(postgres_url, "UPDATE titles SET votes = 1 WHERE imdb_id = 'tt0000001'")
    result = repository.save([a_title(1), a_title(2)], a_run())
    assert (result.updated, result.unchanged) == (1, 1)
    assert {title.votes for title in repository.titles()} == {a_title().votes}
    assert repository.save([a_title(1)], a_run()).unchanged == 1
