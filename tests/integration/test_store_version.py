"""The version of the store: another one from the moment on in which a change is seen."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import psycopg2
import pytest
from psycopg2.extensions import connection

from domain.errors import RepositoryUnavailable
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.store_version import STORE_VERSION, open_store_version
from tests.builders import a_chart, a_run, a_title
from tests.databases import execute, rows_of

NOT_OF_ANSWERS = {
    "runs", "failures", "schema_version", "store_versions", "distributed_runs", "run_batches",
    "job_slots", "served_runs",
}  # fmt: skip
"""What no kept answer is made from: runs are shown as they are at that moment."""

CHANGE = "UPDATE titles SET title = title || '!'"
OF_ALL_EVENTS = 4 | 8 | 16 | 32
"""After an insert, delete, update or truncate, for each statement (``pg_trigger.tgtype``)."""


@pytest.fixture
def url(postgres_url: str) -> str:
    with open_postgres_repository(postgres_url) as repository:
        repository.begin_run(a_run(), a_chart(1))
        repository.save([a_title(1)], a_run())
    return postgres_url


def version(url: str) -> str:
    ((found,),) = rows_of(url, STORE_VERSION)
    return str(found)


@pytest.fixture
def begun(url: str) -> Iterator[connection]:
    """A connection in a transaction that is not committed."""
    with closing(psycopg2.connect(url)) as opened:
        yield opened


def test_every_table_that_answers_are_made_from_has_the_trigger(url: str) -> None:
    tables = {name for (name,) in rows_of(
        url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )}  # fmt: skip
    triggers = rows_of(
        url,
        "SELECT tgrelid::regclass::text, tgtype FROM pg_trigger WHERE tgname = 'change_of_store'",
    )
    assert dict(triggers) == dict.fromkeys(tables - NOT_OF_ANSWERS, OF_ALL_EVENTS)


@pytest.mark.parametrize(
    "statement",
    [
        CHANGE,
        "DELETE FROM credits",
        "INSERT INTO merged_ids VALUES ('tt0000009', 'tt0000001', now())",
        "TRUNCATE chart_entries",
        "DELETE FROM titles",
        "SAVEPOINT s; DELETE FROM credits; ROLLBACK TO s; DELETE FROM rating_history",
        f"SET search_path = ''; {CHANGE.replace('titles', 'public.titles')}",
    ],
)
def test_a_change_makes_another_version(url: str, statement: str) -> None:
    before = version(url)
    execute(url, f"BEGIN; {statement}; COMMIT")
    assert version(url) != before


def test_a_run_that_is_removed_takes_its_chart_along(url: str) -> None:
    execute(url, "INSERT INTO runs (run_id, command, sources, started_at)"
        " VALUES ('other', 'chart', '{}', now())",
        "UPDATE chart_entries SET run_id = 'other'")  # fmt: skip
    before = version(url)
    execute(url, "DELETE FROM runs WHERE run_id = 'other'")
    assert rows_of(url, "SELECT count(*) FROM chart_entries") == [(0,)]
    assert version(url) != before


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM titles FOR UPDATE", "UPDATE runs SET command = 'other'", "ANALYZE titles"],
)
def test_what_changes_no_answer_changes_no_version(url: str, statement: str) -> None:
    before = version(url)
    execute(url, statement)
    assert version(url) == before


def test_it_changes_when_the_change_is_seen(url: str, begun: connection) -> None:
    before = version(url)
    with begun.cursor() as statements:
        statements.execute(CHANGE)
        assert version(url) == before
        begun.commit()
        changed = version(url)
        assert changed != before
        statements.execute(CHANGE)
        begun.rollback()
        assert version(url) == changed


def test_a_transaction_notes_one_change_however_many_it_makes(url: str, begun: connection) -> None:
    with begun.cursor() as statements:
        statements.execute(CHANGE)
        statements.execute(STORE_VERSION)
        first = statements.fetchall()
        statements.execute("SAVEPOINT s")
        statements.execute("DELETE FROM credits")
        statements.execute(STORE_VERSION)
        assert statements.fetchall() == first


def test_a_version_never_comes_again(url: str) -> None:
    seen = {version(url)}
    for _ in range(50):
        execute(url, "DELETE FROM credits")
        seen.add(version(url))
    assert len(seen) == 51


def test_writers_do_not_wait_for_each_other(url: str) -> None:
    """Also when there are more of them than rows; each change is seen by itself."""
    with ExitStack() as stack:
        writers = [stack.enter_context(closing(psycopg2.connect(url))) for _ in range(20)]
        for writer in writers:
            with writer.cursor() as statements:
                statements.execute("SET lock_timeout = '1ms'")
                statements.execute("DELETE FROM rating_history WHERE false")
        seen = [version(url)]
        for writer in writers:
            writer.commit()
            seen.append(version(url))
    assert len(set(seen)) == 21
    assert rows_of(url, "SELECT count(*) FROM store_versions") == [(20,)]


def test_a_transaction_that_sees_an_older_state_may_write_too(url: str, begun: connection) -> None:
    before = version(url)
    with begun.cursor() as statements:
        statements.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        statements.execute("SELECT FROM titles")
        execute(url, "DELETE FROM credits")
        between = version(url)
        statements.execute("DELETE FROM rating_history")
        begun.commit()
    assert len({before, between, version(url)}) == 3


def test_who_may_only_write_titles_may_save_them(url: str) -> None:
    before = version(url)
    execute(
        url,
        "CREATE ROLE only_titles",
        "GRANT SELECT, UPDATE ON titles TO only_titles",
        f"SET ROLE only_titles; {CHANGE}; RESET ROLE",
        "DROP OWNED BY only_titles",
        "DROP ROLE only_titles",
    )
    assert version(url) != before


def test_it_stays_small(url: str) -> None:
    for _ in range(3):
        execute(url, *[CHANGE] * 200)
        version(url)
    ((size,),) = rows_of(url, "SELECT pg_relation_size('store_versions')")
    assert size <= 4 * 8192


class TestAsking:
    def test_gives_what_the_database_says(self, url: str) -> None:
        async def ask() -> None:
            with open_store_version(url) as versions:
                first = await versions.current()
                assert first == await versions.current() == version(url)
                execute(url, CHANGE)
                assert await versions.current() == version(url) != first

        asyncio.run(ask())

    def test_a_question_is_not_answered_by_a_statement_that_began_before_it(self, url: str) -> None:
        """Asked while others are on their way, after a change that they may not have seen."""

        async def ask() -> None:
            with open_store_version(url) as versions:
                await versions.current()
                for _ in range(100):
                    before = asyncio.ensure_future(versions.current())
                    await asyncio.sleep(0)  # it is on its way
                    execute(url, CHANGE)
                    now, after = version(url), asyncio.ensure_future(versions.current())
                    await before
                    assert await after == now

        asyncio.run(ask())

    def test_many_share_a_statement(self, url: str) -> None:
        async def ask() -> None:
            with open_store_version(url) as versions:
                found = await asyncio.gather(*(versions.current() for _ in range(500)))
                assert set(found) == {version(url)}

        asyncio.run(ask())

    def test_goes_on_when_who_asked_has_gone(self, url: str) -> None:
        async def ask() -> None:
            with open_store_version(url) as versions:
                await versions.current()
                gone = asyncio.ensure_future(versions.current())
                await asyncio.sleep(0)
                gone.cancel()
                assert await versions.current() == version(url)

        asyncio.run(ask())

    def test_connects_anew_when_the_connection_was_cut(self, url: str) -> None:
        cut = (
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

        async def ask() -> None:
            with open_store_version(url) as versions:
                await versions.current()
                execute(url, cut, CHANGE)
                try:
                    found = await versions.current()
                except RepositoryUnavailable:  # it learns of the cut by this question
                    found = await versions.current()
                assert found == version(url)

        asyncio.run(ask())

    def test_says_that_there_is_no_server_and_does_not_try_again_at_once(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]

            async def ask() -> list[str]:
                said = []
                with open_store_version(f"postgresql://u:secret@127.0.0.1:{port}/x") as versions:
                    for _ in range(2):
                        with pytest.raises(RepositoryUnavailable) as caught:
                            await versions.current()
                        said.append(str(caught.value))
                return said

            said = asyncio.run(ask())
        assert "a moment ago" in said[1]
        assert "secret" not in "".join(said)

    def test_gives_up_a_server_that_does_not_answer(
        self, monkeypatch: pytest.MonkeyPatch, url: str, begun: connection
    ) -> None:
        """Somebody holds the table for long."""
        monkeypatch.setattr(
            "infrastructure.repositories.postgres.store_version._PATIENCE_SECONDS", 0.2
        )

        async def ask() -> None:
            with open_store_version(url) as versions:
                await versions.current()
                with begun.cursor() as statements:
                    statements.execute("LOCK TABLE store_versions IN ACCESS EXCLUSIVE MODE")
                    with pytest.raises(RepositoryUnavailable, match="no answer"):
                        await versions.current()
                    begun.rollback()
                assert await versions.current() == version(url)

        asyncio.run(ask())
