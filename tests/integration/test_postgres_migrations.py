"""The schema comes about by itself, once, whoever gets there first."""

import logging
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import psycopg2
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from domain.details import DetailName
from domain.errors import RepositoryUnavailable
from domain.run import StoreCounts
from infrastructure.repositories.postgres import migrations, open_postgres_repository
from infrastructure.repositories.postgres.migrations import apply, statements_0001
from tests.databases import execute, rows_of

PROJECT = Path(__file__).parents[2]

TABLES = {
    "runs", "titles", "people", "credits", "chart_entries", "rating_history", "failures",
    "schema_version", "title_details", *DetailName, "person_profiles", "person_filmography",
    "merged_ids", "person_facts", "person_credits", "store_versions", "distributed_runs",
    "run_batches", "job_slots", "served_runs",
}  # fmt: skip


def tables(url: str) -> set[str]:
    found = rows_of(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {name for (name,) in found}


def open_and_close(url: str) -> str:
    with open_postgres_repository(url) as repository:
        return repository.name


def test_an_empty_database_gets_the_schema(postgres_url: str) -> None:
    open_and_close(postgres_url)

    assert tables(postgres_url) == TABLES
    assert rows_of(postgres_url, "SELECT version_num FROM schema_version") == [(migrations.HEAD,)]


def test_opening_again_changes_nothing(postgres_url: str) -> None:
    open_and_close(postgres_url)
    open_and_close(postgres_url)

    assert tables(postgres_url) == TABLES


def test_processes_that_start_at_once_do_not_collide(postgres_url: str) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        names = list(processes.map(open_and_close, [postgres_url] * 3))

    assert names == ["postgres"] * 3
    assert tables(postgres_url) == TABLES


def make_first_version(url: str) -> None:
    """A database as the first version of the program left it, with a title of one person."""
    execute(
        url,
        *statements_0001.STATEMENTS,
        "CREATE TABLE schema_version (version_num varchar(32) PRIMARY KEY)",
        "INSERT INTO schema_version VALUES ('0001')",
        "INSERT INTO runs (run_id, command, sources, started_at) VALUES ('r', 'top', '{}', now())",
        """
        INSERT INTO titles
            (imdb_id, kind, title, source, found_by, fetched_at, facts_digest, run_id)
        VALUES ('tt0000001', 'movie', 'Kept', 'html', 'dom', '2026-01-01Z', '', 'r')
        """,
        "INSERT INTO people VALUES ('nm0000001', 'Bob', '2026-01-01Z', 'r')",
        "INSERT INTO credits VALUES ('tt0000001', 'cast', 1, 'nm0000001', 'Bob', '{Self}')",
    )


def test_a_database_of_the_first_version_is_upgraded_and_keeps_its_data(postgres_url: str) -> None:
    make_first_version(postgres_url)

    with open_postgres_repository(postgres_url) as repository:
        (title,) = repository.titles()
        assert (title.title, title.credits[0].characters) == ("Kept", ("Self",))
        assert repository.counts() == StoreCounts(titles=1, people=1, credits=1)
    assert rows_of(postgres_url, "SELECT version_num FROM schema_version") == [(migrations.HEAD,)]


def test_a_schema_of_a_later_version_is_left_alone(postgres_url: str) -> None:
    open_and_close(postgres_url)
    execute(postgres_url, "UPDATE schema_version SET version_num = '9999'")

    with pytest.raises(RepositoryUnavailable, match=r"schema version 9999") as caught:
        open_and_close(postgres_url)

    assert not caught.value.transient


def test_tables_of_another_program_are_left_alone(postgres_url: str) -> None:
    execute(postgres_url, "CREATE TABLE titles (theirs text)")

    with pytest.raises(RepositoryUnavailable, match="another program's tables") as caught:
        open_and_close(postgres_url)

    assert not caught.value.transient
    assert tables(postgres_url) == {"titles"}


def test_the_newest_version_is_the_one_that_the_program_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))

    assert ScriptDirectory.from_config(config).get_current_head() == migrations.HEAD


def test_migrating_leaves_logging_as_it_was(postgres_url: str) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("domain").disabled)

    open_and_close(postgres_url)

    assert (root.level, root.handlers, logging.getLogger("domain").disabled) == before


CATALOG = (
    (
        "SELECT table_name, column_name, data_type, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public'"
    ),
    (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
    ),
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
    (
        "SELECT c.relname, d.objsubid, d.description FROM pg_description d"
        " JOIN pg_class c ON c.oid = d.objoid WHERE c.relnamespace = 'public'::regnamespace"
    ),
    "SELECT version_num FROM schema_version",
)


def test_a_new_database_is_what_alembic_would_have_made_of_it(
    postgres_url: str, postgres_server: str
) -> None:
    with closing(psycopg2.connect(postgres_url)) as opened:
        apply._upgrade(opened)
    by_alembic = [sorted(rows_of(postgres_url, query)) for query in CATALOG]
    execute(postgres_url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")

    open_and_close(postgres_url)

    assert [sorted(rows_of(postgres_url, query)) for query in CATALOG] == by_alembic
    assert all(by_alembic)


@pytest.mark.parametrize("new", [True, False])
def test_a_database_that_is_new_or_up_to_date_opens_without_loading_alembic(
    postgres_url: str, new: bool
) -> None:
    if not new:
        open_and_close(postgres_url)
    script = (
        "import sys; from infrastructure.repositories.postgres import open_postgres_repository\n"
        "with open_postgres_repository(sys.argv[1]): print('alembic' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, postgres_url],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("table", "column"), [("titles", "runtime_minutes"), ("titles", "rating"), ("runs", "asked")]
)
def test_units_are_told_in_the_database_itself(postgres_url: str, table: str, column: str) -> None:
    open_and_close(postgres_url)
    query = (
        f"SELECT col_description('{table}'::regclass, attnum) FROM pg_attribute"
        f" WHERE attrelid = '{table}'::regclass AND attname = '{column}'"
    )

    assert rows_of(postgres_url, query)[0][0]


def test_indexes_answer_for_titles_that_were_there_before(postgres_url: str) -> None:
    versions = {n: statements for n, statements in apply._VERSIONS.items() if n < "0014"}
    execute(
        postgres_url,
        *(statement for number in sorted(versions) for statement in versions[number]),
        apply._CREATE_VERSION_TABLE,
        "INSERT INTO schema_version VALUES ('0013')",
        """
        INSERT INTO runs (run_id, command, sources, started_at)
        VALUES ('r', 'titles', '{}', now())
        """,
        """
        INSERT INTO titles (imdb_id, kind, title, genres, source, found_by, fetched_at,
            facts_digest, run_id)
        SELECT 'tt' || lpad(n::text, 7, '0'), 'movie', 'Été the ' || n, '{Drama,War}', 'html',
            'dom', now(), '', 'r'
        FROM generate_series(1, 500) AS n
        """,
    )

    open_and_close(postgres_url)

    facts = "title_key, genre_marks = genre_marks_of('{War,Drama}'), word_marks <> 0"
    assert rows_of(postgres_url, f"SELECT {facts} FROM titles WHERE imdb_id = 'tt0000007'") == [
        ("été the 7", True, True)
    ]
    seen = "SELECT relallvisible = relpages FROM pg_class WHERE oid = 'titles'::regclass"
    assert rows_of(postgres_url, seen) == [(True,)]
