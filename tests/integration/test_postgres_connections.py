"""How the repository behaves when the database is busy, away, closed to us, or wrongly named."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from urllib.parse import quote

import psycopg2
import pytest

from domain.errors import RepositoryUnavailable
from domain.run import RunOutcome, RunReport
from infrastructure.repositories.postgres import connections, open_postgres_repository
from infrastructure.repositories.postgres.connections import Server
from infrastructure.repositories.postgres.embedded import embedded_postgres
from tests.builders import NOON, a_run, a_title
from tests.databases import SECRET, a_user, as_user, database_url, execute, rows_of


def why_not(url: str, connect_timeout_seconds: int = 5) -> RepositoryUnavailable:
    """The error of opening a repository that cannot be opened."""
    with (
        pytest.raises(RepositoryUnavailable) as caught,
        open_postgres_repository(url, connect_timeout_seconds=connect_timeout_seconds),
    ):
        pytest.fail("it opened")
    return caught.value


def terminate_clients(url: str) -> None:
    execute(
        url,
        # Each is waited for, ten seconds at most.
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


class TestPresence:
    """A run is seen at work, whatever happens to its connections."""

    def test_a_run_is_seen_again_when_the_connections_were_cut(self, postgres_url: str) -> None:
        with (
            open_postgres_repository(postgres_url) as repository,
            open_postgres_repository(postgres_url) as onlooker,
        ):
            run = a_run()
            repository.begin_run(run, None, [])
            for number in range(3):
                terminate_clients(postgres_url)
                repository.save([a_title(number)], run)
                seen = onlooker.run(run.run_id)
                assert seen is not None
                assert seen.at_work

    def test_one_connection_is_enough_however_many_threads_find_it_cut(
        self, postgres_url: str
    ) -> None:
        count = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        with open_postgres_repository(postgres_url) as repository, ThreadPoolExecutor(8) as pool:
            run = a_run()
            repository.begin_run(run, None, [])
            terminate_clients(postgres_url)
            list(pool.map(lambda n: repository.save([a_title(n)], run), range(40)))
            assert rows_of(postgres_url, count) == [(1,)]

    def test_a_run_that_has_ended_is_not_shown_again(self, postgres_url: str) -> None:
        with open_postgres_repository(postgres_url) as repository:
            run = a_run()
            repository.begin_run(run, None, [])
            report = RunReport(
                run=run, finished_at=NOON, outcome=RunOutcome.COMPLETE, asked=0, fetched=0,
                repositories=(), fetched_from={},
            )  # fmt: skip
            repository.finish_run(report)
            terminate_clients(postgres_url)
            repository.save([a_title(1)], run)
            seen = repository.run(run.run_id)
            assert seen is not None
            assert not seen.at_work


class TestPool:
    def test_it_waits_for_a_connection_to_get_free(self, postgres_url: str) -> None:
        with (
            open_postgres_repository(postgres_url, pool_size=1) as repository,
            ThreadPoolExecutor(1) as thread,
        ):
            repository.save([a_title(1), a_title(2)], a_run())
            reading, asked = repository.titles(), Event()
            next(reading)

            def count() -> int:
                asked.set()
                return repository.counts().titles

            counted = thread.submit(count)
            asked.wait(timeout=10)
            reading.close()  # type: ignore[attr-defined] # it is a generator

            assert counted.result(timeout=10) == 2

    def test_it_gives_up_after_the_time_it_was_given(self, postgres_url: str) -> None:
        with open_postgres_repository(postgres_url, pool_size=1, wait_seconds=0.05) as repository:
            repository.save([a_title(1), a_title(2)], a_run())
            reading = repository.titles()
            next(reading)

            with pytest.raises(RepositoryUnavailable, match=r"1 connections got free in 0.05 s"):
                repository.counts()

            assert len(list(reading)) == 1
            assert repository.counts().titles == 2

    def test_it_never_has_more_connections_than_its_size(self, postgres_url: str) -> None:
        mine = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'imdb%'"
        with (
            open_postgres_repository(postgres_url, pool_size=3) as repository,
            ThreadPoolExecutor(20) as threads,
        ):
            list(threads.map(lambda _: repository.counts(), range(100)))

            assert rows_of(postgres_url, mine)[0][0] <= 3
        assert rows_of(postgres_url, mine) == [(0,)]


class TestRestart:
    def test_connections_that_were_cut_are_replaced(self, postgres_url: str) -> None:
        with open_postgres_repository(postgres_url) as repository:
            repository.save([a_title(1)], a_run())
            terminate_clients(postgres_url)

            assert repository.save([a_title(2)], a_run()).inserted == 1
            terminate_clients(postgres_url)

            assert list(repository.titles()) == [a_title(1), a_title(2)]

    def test_a_table_that_another_program_keeps_is_not_waited_for_for_ever(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connections, "_PATIENCE", "SET LOCAL lock_timeout = '100ms'")
        with (
            open_postgres_repository(postgres_url) as repository,
            closing(psycopg2.connect(postgres_url)) as other,
            other.cursor() as statements,
        ):
            statements.execute("LOCK TABLE titles IN ACCESS EXCLUSIVE MODE")
            for read in (repository.versions, repository.titles, repository.counts):
                with pytest.raises(RepositoryUnavailable, match="keep the tables busy"):
                    list(read())

    def test_a_restarted_server_is_used_again(self, server_dir: Path) -> None:
        with embedded_postgres(server_dir) as url:
            opened = open_postgres_repository(url)
            repository = opened.__enter__()
            repository.save([a_title(1)], a_run())

        with pytest.raises(RepositoryUnavailable) as caught:
            repository.save([a_title(2)], a_run())
        assert caught.value.transient

        with embedded_postgres(server_dir):
            assert repository.save([a_title(1), a_title(2)], a_run()).inserted == 1
            assert repository.counts().titles == 2
            opened.__exit__(None, None, None)


class TestAway:
    def test_nothing_listens_there(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            port = listener.getsockname()[1]

        error = why_not(f"postgresql://me:{quote(SECRET, safe='')}@127.0.0.1:{port}/films")

        assert error.transient
        assert f"postgresql://me@127.0.0.1:{port}/films" in str(error)
        assert "Connection refused" in str(error)
        assert "s3cr" not in str(error)

    def test_something_listens_and_never_answers(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as silent:
            port = silent.getsockname()[1]

            error = why_not(f"postgresql://me@127.0.0.1:{port}/films", connect_timeout_seconds=1)

        assert error.transient
        assert "timeout expired" in str(error)

    def test_the_host_does_not_exist(self) -> None:
        error = why_not("postgresql://me@not..a..host/films")

        assert (error.transient, error.may_pass) == (False, True)
        assert "check the host in DATABASE_URL" in str(error)

    def test_the_database_does_not_exist(self, postgres_server: str) -> None:
        error = why_not(database_url(postgres_server, "no_such_films"))

        assert not error.transient
        assert "no_such_films" in str(error)
        assert "database's name in DATABASE_URL" in str(error)


class TestNotLetIn:
    def test_a_wrong_password_is_said_and_not_shown(self, postgres_url: str) -> None:
        with a_user(postgres_url, "films_user", "scram-sha-256"):
            error = why_not(as_user(postgres_url, "films_user", "wr0ng-word"))

        assert not error.may_pass
        assert "check the user and the password in DATABASE_URL" in str(error)
        assert "wr0ng-word" not in str(error)

    def test_a_password_with_every_special_character_works(self, postgres_url: str) -> None:
        url = as_user(postgres_url, "films_owner", SECRET)
        with a_user(postgres_url, "films_owner", "scram-sha-256"):
            execute(postgres_url, "GRANT CREATE ON SCHEMA public TO films_owner")
            with open_postgres_repository(url) as repository:
                assert repository.save([a_title(1)], a_run()).inserted == 1
                assert "s3cr" not in repository.location
            execute(postgres_url, "DROP OWNED BY films_owner")

    def test_a_user_who_may_not_make_tables_is_told_so(self, postgres_url: str) -> None:
        with a_user(postgres_url, "films_reader", "trust"):
            error = why_not(as_user(postgres_url, "films_reader", "any"))

        assert not error.transient
        assert "lacks a right" in str(error)

    def test_a_database_that_takes_no_changes_is_said(self, postgres_url: str) -> None:
        with open_postgres_repository(postgres_url):
            pass
        name = rows_of(postgres_url, "SELECT current_database()")[0][0]
        execute(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")

        with (
            open_postgres_repository(postgres_url) as repository,
            pytest.raises(RepositoryUnavailable, match="takes no changes") as caught,
        ):
            repository.save([a_title(1)], a_run())

        assert (caught.value.transient, caught.value.may_pass) == (False, True)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "films",
            "mysql://me:hunter2@localhost/films",
            "postgresql://me:hunter2@@localhost/films",
            "postgresql://me:hun@ter2@localhost/films",
            "postgresql://me:hunter2/x@localhost/films",
            "postgresql://me:22/hunter2@localhost/films",
            "postgresql://me:hunter2%@localhost/films",
            "postgresql://me:hunter2@localhost:port/films",
        ],
    )
    def test_a_url_that_cannot_be_read_is_not_repeated(self, url: str) -> None:
        error = why_not(url)

        assert not error.transient
        assert "DATABASE_URL" in str(error)
        assert "hun" not in str(error)
        assert "ter2" not in str(error)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:pw@db.example:5433/films", "postgresql://me@db.example:5433/films"),
        ("postgresql://me:pw@[::1]/films?sslmode=require", "postgresql://me@[::1]/films"),
        ("postgres://localhost/films?user=me&password=pw", "postgresql://me@localhost/films"),
        ("postgresql:///films?host=/run/pg", "postgresql:///films?host=/run/pg"),
    ],
)
def test_the_location_is_the_url_without_the_password(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, url: str, shown: str
) -> None:
    connect = psycopg2.connect
    monkeypatch.setattr(psycopg2, "connect", lambda _: connect(postgres_url))

    with open_postgres_repository(url) as repository:
        assert repository.location == shown


@pytest.mark.parametrize(("said", "milliseconds"), [("", "60000"), ("&tcp_user_timeout=9", "9")])
def test_a_server_that_vanishes_is_not_waited_for_unless_the_url_says_so(
    postgres_url: str, said: str, milliseconds: str
) -> None:
    with closing(Server(postgres_url + said, connect_timeout_seconds=5).connect()) as connection:
        assert connection.info.dsn_parameters["tcp_user_timeout"] == milliseconds


def test_a_server_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class OldServer:
        server_version = 130_012

        def close(self) -> None:
            pass

    monkeypatch.setattr(psycopg2, "connect", lambda _: OldServer())

    assert "PostgreSQL 13 is too old: 14 or later" in str(
        why_not("postgresql://me@localhost/films")
    )
