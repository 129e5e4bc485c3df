"""The tables of details: their columns are the domain's fields, and they refuse what it refuses."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import psycopg2
import pytest

from domain.details import DetailName, Field, Kind, fields_of, item_of
from domain.details.items import (
    AlternativeTitle,
    BoxOfficeFigure,
    BoxOfficeKind,
    CompanyCredit,
    Episode,
    FullCredit,
    Keyword,
    Review,
)
from domain.identifiers import NameId, name_id, title_id
from domain.release_date import ReleaseDate
from infrastructure.repositories.postgres import PostgresRepository, open_postgres_repository
from infrastructure.repositories.postgres.migrations import statements_0007
from infrastructure.repositories.postgres.migrations.apply import _VERSIONS
from tests.builders import NOON, a_detail, a_run, a_title, keywords, taglines, title_number
from tests.contract.factories import PostgresFactory, held, in_billing_order
from tests.databases import execute, rows_of

RUN = a_run()

AKAS = a_detail(DetailName.AKAS, AlternativeTitle(title="Die Verurteilten", region="DE"))
CREDITS = a_detail(
    DetailName.FULL_CREDITS,
    FullCredit(category="producer", billing=1, name="N", person_id=NameId("nm0000007")),
)
EPISODES = a_detail(
    DetailName.EPISODES,
    Episode(
        episode_id=title_number(7), season=1, number=2, rating=9.3,
        air_date=ReleaseDate(year=1994, month=10),
    ),
)  # fmt: skip
MONEY = a_detail(
    DetailName.BOX_OFFICE,
    BoxOfficeFigure(kind=BoxOfficeKind.BUDGET, amount=25_000_000, currency="USD"),
)
COMPANIES = a_detail(DetailName.COMPANIES, CompanyCredit(category="production", name="Castle Rock"))
REVIEWS = a_detail(DetailName.REVIEWS, Review(review_id="rw1", rating=10))
WORDS = a_detail(DetailName.KEYWORDS, Keyword(keyword="prison"), Keyword(keyword="hope"))


@pytest.fixture
def repository(postgres_url: str) -> Iterator[PostgresRepository]:
    with open_postgres_repository(postgres_url) as opened:
        opened.begin_run(RUN, None)
        yield opened


@pytest.fixture
def detailed(repository: PostgresRepository) -> None:
    details = (AKAS, CREDITS, EPISODES, MONEY, COMPANIES, REVIEWS, WORDS)
    repository.save([a_title(1, details=details), a_title(2)], RUN)


def type_of(field: Field) -> str:
    """The type that a field's column must have: the smallest that takes all of its range."""
    match field.kind:
        case Kind.WHOLE_NUMBER:
            high = field.range_.high if field.range_ else 2**63
            sizes = ((2**15, "smallint"), (2**31, "integer"), (2**63, "bigint"))
            return next(name for limit, name in sizes if high < limit)
        case Kind.NUMBER:
            return "numeric"
        case Kind.FLAG:
            return "boolean"
        case Kind.TEXTS:
            return "ARRAY"
    return "text"


@pytest.mark.usefixtures("repository")
def test_the_columns_are_the_fields(postgres_url: str) -> None:
    query = """
        SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
        WHERE table_schema = 'public' ORDER BY table_name, ordinal_position
    """
    found: dict[str, list[tuple[str, str, bool]]] = {}
    for table, column, type_, is_nullable in rows_of(postgres_url, query):
        found.setdefault(table, []).append((column, type_, is_nullable == "YES"))
    for name in DetailName:
        fields = fields_of(item_of(name))
        assert found[name] == [
            ("title_id", "text", False),
            ("position", "integer", False),
            *((field.name, type_of(field), field.nullable) for field in fields),
        ], name


def rules_of(field: Field) -> set[str]:
    """Values that the domain refuses, as SQL."""
    if field.kind is Kind.DATE:
        return {"'soon'", "'1994-1'", "'94'"}
    if field.kind is Kind.TEXT and field.made_of in {title_id, name_id}:
        return {"'xx0000001'", "'tt1'", "E'tt0000001\\n'", "'tt1234567890123456'"}
    if field.kind is Kind.TEXT and field.made_of is not str:
        return {"'none of them'"}
    if field.range_:
        return {str(field.range_.low - 1), str(field.range_.high + 1)}
    return set()


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", DetailName)
def test_a_value_that_the_domain_refuses_is_refused(postgres_url: str, name: DetailName) -> None:
    checked = [(field, value) for field in fields_of(item_of(name)) for value in rules_of(field)]
    for field, value in checked:
        # Among rows where nothing else is wrong.
        with pytest.raises((psycopg2.errors.CheckViolation, psycopg2.DataError)):
            execute(
                postgres_url,
                f"CREATE TABLE checked (LIKE {name} INCLUDING CONSTRAINTS)",
                *(
                    f"ALTER TABLE checked ALTER {other.name} DROP NOT NULL"
                    for other in fields_of(item_of(name))
                ),
                f"INSERT INTO checked (title_id, position, {field.name})"
                f" VALUES ('tt0000001', 1, {value})",
            )
        execute(postgres_url, "DROP TABLE checked")


@pytest.mark.usefixtures("detailed")
@pytest.mark.parametrize(
    "change",
    [
        "title_details SET detail = 'words'",
        "title_details SET items = -1",
        "title_details SET run_id = 'unheard of'",
        "title_details SET title_id = 'tt0000009'",
        "akas SET title_id = 'tt0000009'",
        "akas SET position = 0",
        "akas SET types = NULL",
    ],
)
def test_a_row_that_breaks_a_rule_is_refused(postgres_url: str, change: str) -> None:
    with pytest.raises((psycopg2.IntegrityError, psycopg2.DataError)):
        execute(postgres_url, f"UPDATE {change}")


@pytest.mark.usefixtures("detailed")
def test_a_title_takes_its_details_along(postgres_url: str) -> None:
    execute(postgres_url, "DELETE FROM titles")
    for table in ("title_details", "akas", "keywords"):
        assert rows_of(postgres_url, f"SELECT count(*) FROM {table}") == [(0,)]


@pytest.mark.usefixtures("detailed")
def test_what_an_analyst_finds(postgres_url: str) -> None:
    assert rows_of(
        postgres_url,
        "SELECT title_id, position, season, number, air_date, rating::text, votes FROM episodes",
    ) == [("tt0000001", 1, 1, 2, "1994-10", "9.3", None)]
    assert rows_of(postgres_url, "SELECT position, keyword FROM keywords ORDER BY 1") == [
        (1, "prison"),
        (2, "hope"),
    ]
    ledger = "SELECT items, is_whole, source, fetched_at, run_id FROM title_details"
    assert rows_of(postgres_url, f"{ledger} WHERE detail = 'keywords'") == [
        (2, True, "html", NOON, RUN.run_id)
    ]


@pytest.mark.usefixtures("detailed")
@pytest.mark.parametrize(
    ("index", "table", "condition"),
    [
        ("akas_title_prefix", "akas", "left(lower(title), 200) LIKE 'die ver%'"),
        ("full_credits_person_id", "full_credits", "person_id = 'nm0000007'"),
        ("episodes_season", "episodes", "title_id = 'tt0000001' AND season = 1"),
        ("episodes_episode_id", "episodes", "episode_id = 'tt0000007'"),
        ("keywords_keyword", "keywords", "left(keyword, 200) = 'prison'"),
        ("companies_name", "companies", "left(lower(name), 200) LIKE 'castle%'"),
    ],
)
def test_what_people_search_is_found_through_an_index(
    postgres_url: str, index: str, table: str, condition: str
) -> None:
    name = rows_of(postgres_url, "SELECT current_database()")[0][0]
    execute(
        postgres_url,
        f"ALTER DATABASE {name} SET enable_seqscan = off",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey",
    )
    query = f"SELECT title_id FROM {table} WHERE {condition}"
    assert rows_of(postgres_url, query) == [("tt0000001",)]
    assert index in str(rows_of(postgres_url, f"EXPLAIN {query}"))


def test_a_text_too_long_for_an_index_is_kept(repository: PostgresRepository) -> None:
    long = "".join(f"word{n} " for n in range(20_000))
    details = (
        a_detail(DetailName.AKAS, AlternativeTitle(title=long)),
        a_detail(DetailName.KEYWORDS, Keyword(keyword=long)),
        a_detail(DetailName.COMPANIES, CompanyCredit(category="production", name=long)),
    )
    title = a_title(1, details=details)
    assert repository.save([title], RUN).inserted == 1
    assert held(repository) == {title.imdb_id: in_billing_order(title)}


@pytest.mark.usefixtures("detailed")
def test_units_and_precision_are_told_in_the_database_itself(postgres_url: str) -> None:
    def comment(table: str, column: str) -> str:
        query = (
            f"SELECT col_description('{table}'::regclass, attnum) FROM pg_attribute"
            f" WHERE attrelid = '{table}'::regclass AND attname = '{column}'"
        )
        return str(rows_of(postgres_url, query)[0][0])

    assert "whole units" in comment("box_office", "amount")
    assert "1994-10" in comment("episodes", "air_date")
    query = "SELECT relname FROM pg_class WHERE obj_description(oid) IS NOT NULL"
    assert set(DetailName) | {"title_details"} <= {name for (name,) in rows_of(postgres_url, query)}


@pytest.mark.usefixtures("detailed")
def test_the_same_again_leaves_the_items_rows_alone(
    repository: PostgresRepository, postgres_url: str
) -> None:
    places = "SELECT ctid::text FROM keywords ORDER BY position"
    before = rows_of(postgres_url, places)
    again = replace(
        WORDS, provenance=replace(WORDS.provenance, fetched_at=NOON + timedelta(minutes=1))
    )
    assert repository.save([a_title(1, details=(again,))], RUN).unchanged == 1
    assert rows_of(postgres_url, places) == before


def test_writers_who_share_titles_do_not_wait_for_each_other_for_ever(postgres_url: str) -> None:
    factory = PostgresFactory(postgres_url)
    with factory() as repository:
        repository.begin_run(RUN, None)
    start = Barrier(4)
    errors: list[BaseException] = []

    def work(part: int) -> None:
        try:
            with factory() as mine:
                start.wait()
                for minute in range(part, 24, 4):
                    batch = [
                        a_title(
                            number,
                            details=(
                                keywords(f"k{minute}", minutes_later=minute),
                                taglines(f"t{minute}", minutes_later=minute),
                            ),
                        )
                        for number in range(1, 9)
                    ]
                    mine.save(batch if part % 2 else batch[::-1], RUN)
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            errors.append(error)

    threads = [Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with factory() as repository:
        newest = (keywords("k23", minutes_later=23), taglines("t23", minutes_later=23))
        assert {title.details for title in repository.titles()} == {newest}
    assert rows_of(postgres_url, "SELECT count(*) FROM keywords") == [(8,)]


def test_a_database_of_version_3_gets_the_tables(postgres_url: str) -> None:
    execute(postgres_url, *_version_3())
    with open_postgres_repository(postgres_url) as repository:
        repository.save([a_title(1, details=(WORDS,))], RUN)
        assert held(repository)[title_number(1)].details == (WORDS,)


def _version_3() -> list[str]:
    statements = [s for version in ("0001", "0002", "0003") for s in _VERSIONS[version]]
    return [
        *statements,
        "CREATE TABLE schema_version (version_num varchar(32) PRIMARY KEY)",
        "INSERT INTO schema_version VALUES ('0003')",
    ]


def test_the_statements_name_the_details_that_there_are() -> None:
    assert set(re.findall(r"'([a-z_]+)'", statements_0007.LEDGER[-1])) == set(DetailName)
