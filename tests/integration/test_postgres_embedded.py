"""The embedded PostgreSQL starts, stops, and survives what people and machines do to it."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from domain.errors import RepositoryUnavailable
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.embedded import (
    embedded_postgres,
    embedded_psql_path,
    revive_embedded_postgres,
)
from tests.builders import a_run, a_title
from tests.databases import execute, rows_of

PROJECT = Path(__file__).parents[2]

# Uses the server until its standard input ends.
USE = """
import sys
from pathlib import Path
from infrastructure.repositories.postgres.embedded import embedded_postgres
with embedded_postgres(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_user(server_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is about to use the server; it ends, or is killed, in the block."""
    with subprocess.Popen(
        [sys.executable, "-c", USE, str(server_dir)],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def url_of(process: subprocess.Popen[str]) -> str:
    """Wait until the other process uses the server."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def postmaster(server_dir: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(int((server_dir / "pgdata/postmaster.pid").read_text().split()[0]))
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None
    return None if process.status() == psutil.STATUS_ZOMBIE else process


def kill(server_dir: Path) -> psutil.Process:
    """``kill -9`` for the server; gives it once its connections have ended, too."""
    server = postmaster(server_dir)
    assert server is not None
    connections = server.children()
    server.kill()
    while any(map(is_alive, [server, *connections])):
        pass
    return server


def is_alive(process: psutil.Process) -> bool:
    """Whether it has not ended; nobody may be there to collect the dead."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def why_not(server_dir: Path) -> RepositoryUnavailable:
    """The error of starting a server that cannot be started."""
    with pytest.raises(RepositoryUnavailable) as caught, embedded_postgres(server_dir):
        pytest.fail("it started")
    return caught.value


def test_data_is_there_at_the_next_start_and_the_server_is_not_in_between(server_dir: Path) -> None:
    with embedded_postgres(server_dir) as url:
        execute(url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1)")
        assert postmaster(server_dir) is not None
    assert postmaster(server_dir) is None

    with embedded_postgres(server_dir) as url:
        assert rows_of(url, "SELECT n FROM kept") == [(1,)]


def test_upper_and_lower_case_work_beyond_ascii_whatever_the_locale(
    server_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "xx_YY.nonsense")
    monkeypatch.setenv("LC_ALL", "xx_YY.nonsense")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATABASE", "nonsense")

    with embedded_postgres(server_dir) as url:
        assert rows_of(url, "SELECT lower('ÀÉÎ ŁÓDŹ ДЮНА')") == [("àéî łódź дюна",)]


@pytest.mark.parametrize(
    "name", ["with space", "with 'quotes\", $HOME, `id` & 100%", "l" + "o" * 120 + "ng"]
)
def test_any_folder_name_will_do(
    server_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(server_dir.parent))  # for sockets

    with embedded_postgres(server_dir / name) as url:
        assert rows_of(url, "SELECT 1") == [(1,)]

    assert not list(server_dir.parent.glob("postgres-*"))


def test_users_in_one_process_share_a_server_until_the_last_is_done(server_dir: Path) -> None:
    with embedded_postgres(server_dir) as first:
        with embedded_postgres(server_dir) as second:
            assert second == first
        assert rows_of(first, "SELECT 1") == [(1,)]
    assert postmaster(server_dir) is None


def test_two_processes_share_a_server_until_the_last_is_done(server_dir: Path) -> None:
    with another_user(server_dir) as other, ExitStack() as stack:
        url = stack.enter_context(embedded_postgres(server_dir))
        assert url_of(other) == url

        other.communicate()
        assert other.returncode == 0
        assert rows_of(url, "SELECT 1") == [(1,)]

        stack.close()
        assert postmaster(server_dir) is None


def test_after_a_kill_the_next_start_takes_over_and_stops_the_server(server_dir: Path) -> None:
    for count in range(1, 4):
        with another_user(server_dir) as other:
            url = url_of(other)
            execute(url, f"CREATE TABLE round_{count} ()")
            other.kill()
            other.wait()
        left_over = postmaster(server_dir)
        assert left_over is not None

        with embedded_postgres(server_dir) as url:
            assert postmaster(server_dir) == left_over
            tables = rows_of(url, "SELECT count(*) FROM pg_tables WHERE tablename ~ '^round_'")
            assert tables == [(count,)]
        assert postmaster(server_dir) is None


def test_after_a_kill_of_everything_the_next_start_recovers(server_dir: Path) -> None:
    with another_user(server_dir) as other:
        execute(url_of(other), "CREATE TABLE kept ()")
        server = postmaster(server_dir)
        assert server is not None
        server.kill()
        other.kill()
        other.wait()

    with embedded_postgres(server_dir) as url:
        assert rows_of(url, "SELECT to_regclass('kept') IS NOT NULL") == [(True,)]


def test_after_a_kill_in_the_middle_of_setting_up_the_next_start_begins_anew(
    server_dir: Path,
) -> None:
    with another_user(server_dir) as other:
        while not list(server_dir.glob("initdb-*/*")):
            assert other.poll() is None
        other.kill()
        other.wait()

    with embedded_postgres(server_dir) as url:
        assert rows_of(url, "SELECT 1") == [(1,)]
    assert not list(server_dir.glob("initdb-*"))


def test_a_process_id_that_is_another_programs_by_now_does_not_matter(server_dir: Path) -> None:
    with embedded_postgres(server_dir):
        stale = (server_dir / "pgdata/postmaster.pid").read_text().splitlines()
    stale[0] = str(os.getpid())
    (server_dir / "pgdata/postmaster.pid").write_text("\n".join(stale) + "\n")

    with embedded_postgres(server_dir) as url:
        assert rows_of(url, "SELECT 1") == [(1,)]


@contextmanager
def process_of_the_pid_file(server_dir: Path, folder: Path, seconds: float) -> Iterator[None]:
    """A process called ``postgres`` with the id that the last server noted, at work in a folder."""
    with embedded_postgres(server_dir):
        noted = (server_dir / "pgdata/postmaster.pid").read_text().splitlines()
    programs = server_dir.with_name("programs")
    programs.mkdir()
    program = Path(shutil.copy("/bin/sleep", programs / "postgres"))
    # Of another account's processes PostgreSQL takes no notice.
    owner = (server_dir / "pgdata").stat()
    account = (
        {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        if not os.geteuid()
        else {}
    )
    with subprocess.Popen([program, str(seconds)], cwd=folder, **account) as process:
        noted[0] = str(process.pid)
        (server_dir / "pgdata/postmaster.pid").write_text("\n".join(noted) + "\n")
        try:
            yield
        finally:
            process.kill()


def test_a_process_id_that_is_another_servers_by_now_does_not_matter(server_dir: Path) -> None:
    with process_of_the_pid_file(server_dir, Path("/"), 600), embedded_postgres(server_dir) as url:
        assert rows_of(url, "SELECT 1") == [(1,)]


def test_a_server_that_is_still_dying_is_waited_for(server_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "nobody knows"
    folder.mkdir()
    with process_of_the_pid_file(server_dir, folder, 2):
        folder.rmdir()
        with embedded_postgres(server_dir) as url:
            assert rows_of(url, "SELECT 1") == [(1,)]


def test_an_interrupt_at_the_terminal_does_not_reach_the_server(server_dir: Path) -> None:
    with embedded_postgres(server_dir):
        server = postmaster(server_dir)

        assert server is not None
        assert os.getsid(server.pid) != os.getsid(0)


def test_a_server_that_is_killed_while_it_is_used_comes_back(server_dir: Path) -> None:
    revive = partial(revive_embedded_postgres, server_dir)
    with (
        embedded_postgres(server_dir) as url,
        open_postgres_repository(url, revive=revive) as repository,
    ):
        for number in range(1, 4):
            assert repository.save([a_title(number)], a_run()).inserted == 1
            server = kill(server_dir)
        assert repository.counts().titles == 3
        assert postmaster(server_dir) not in {None, server}
    assert postmaster(server_dir) is None


def test_only_one_of_many_users_starts_a_killed_server_again(server_dir: Path) -> None:
    revive = partial(revive_embedded_postgres, server_dir)
    with embedded_postgres(server_dir) as url:
        kill(server_dir)
        with ThreadPoolExecutor(8) as pool:
            for started in [pool.submit(revive) for _ in range(8)]:
                started.result()
        assert rows_of(url, "SELECT 1") == [(1,)]


def test_a_server_that_cannot_be_started_again_is_said(server_dir: Path) -> None:
    with embedded_postgres(server_dir) as url:
        revive = partial(revive_embedded_postgres, server_dir)
        with open_postgres_repository(url, revive=revive) as repository:
            kill(server_dir)
            control = server_dir / "pgdata/global/pg_control"
            whole = control.read_bytes()
            control.write_bytes(b"damaged")
            with pytest.raises(RepositoryUnavailable, match="cannot be started") as caught:
                repository.counts()
            assert caught.value.may_pass
            assert not caught.value.transient
            control.write_bytes(whole)
            assert repository.counts().titles == 0


def test_a_server_that_is_already_gone_is_no_trouble_at_the_end(server_dir: Path) -> None:
    with embedded_postgres(server_dir):
        server = postmaster(server_dir)
        assert server is not None
        server.send_signal(signal.SIGINT)
        while postmaster(server_dir) is not None:
            pass


@pytest.mark.parametrize(("gigabytes", "buffers"), [(0.25, "128MB"), (2, "512MB"), (64, "1GB")])
def test_the_server_keeps_a_share_of_the_memory(
    server_dir: Path, monkeypatch: pytest.MonkeyPatch, gigabytes: float, buffers: str
) -> None:
    memory = psutil.virtual_memory()._replace(total=round(gigabytes * 2**30))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    with embedded_postgres(server_dir) as url:
        assert rows_of(url, "SHOW shared_buffers") == [(buffers,)]


def test_nobody_else_may_enter_the_data(server_dir: Path) -> None:
    with embedded_postgres(server_dir):
        assert (server_dir / "pgdata").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account for the server")
def test_folders_opened_to_the_servers_account_are_named_once(
    server_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    closed = server_dir / "closed"
    closed.mkdir(parents=True, mode=0o700)

    for _ in range(2):
        with embedded_postgres(closed / "postgres") as url:
            assert rows_of(url, "SELECT 1") == [(1,)]

    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert f"{closed}" in warning.getMessage()
    assert "refuses to run as root" in warning.getMessage()
    assert closed.stat().st_mode & 0o077 == 0o001


def test_a_file_in_the_way_is_named(server_dir: Path) -> None:
    server_dir.write_text("not a folder")

    error = why_not(server_dir)

    assert not error.transient
    assert str(server_dir) in str(error)
    assert "DATABASE_URL" in str(error)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    assert "Permission denied" in str(why_not(tmp_path / "postgres"))


def test_a_folder_of_something_else_is_left_alone(server_dir: Path) -> None:
    (server_dir / "pgdata").mkdir(parents=True)
    (server_dir / "pgdata/thesis.txt").write_text("mine")

    assert "is not a PostgreSQL data folder" in str(why_not(server_dir))
    assert (server_dir / "pgdata/thesis.txt").read_text() == "mine"


def test_data_of_another_version_is_left_alone(server_dir: Path) -> None:
    with embedded_postgres(server_dir):
        pass
    (server_dir / "pgdata/PG_VERSION").write_text("17\n")

    assert "is of version 17, and version 18 is needed" in str(why_not(server_dir))


@pytest.mark.parametrize(
    ("damaged", "told"), [("global/pg_control", "pg_control"), ("pg_wal/*", "checkpoint record")]
)
def test_damaged_data_is_said_and_not_waited_for(server_dir: Path, damaged: str, told: str) -> None:
    with embedded_postgres(server_dir):
        pass
    for file in (server_dir / "pgdata").glob(damaged):
        if file.is_file():
            file.write_bytes(b"damaged")

    error = why_not(server_dir)

    assert "cannot be started" in str(error)  # and not: "does not answer after 60 s"
    assert told in str(error)
    assert "move the folder away" in str(error)


def test_psql_comes_along(server_dir: Path) -> None:
    with embedded_postgres(server_dir) as url:
        done = subprocess.run(
            [embedded_psql_path(), url, "-tAc", "SELECT 6 * 7"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip

    assert done.stdout.strip() == "42"
