"""Faults of our own side, each in a real run of 250 titles, and the rows counted afterwards.

`CASES` has a function for each fault, which gives a row of the table; `rows` gives all of them.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from demo.facts import TitleFacts, load_facts
from demo.site import DemoSite
from infrastructure.repositories.csv import open_csv_repository
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.embedded import embedded_postgres
from tests.builders import a_run
from tests.databases import database_url, execute, rows_of
from tests.e2e.program import ROOT, environment, report

FACTS = load_facts()
IDS = frozenset(title.imdb_id for title in FACTS.titles)
ASKED = len(IDS)
MAIN = (str(ROOT / "main.py"),)
LONGEST_SECONDS = 100


@dataclass(frozen=True)
class Row:
    """What became of the titles of a case.

    ``saved`` are in every repository at the end, ``named`` are reported as missing somewhere,
    ``lost`` are neither in a repository nor named for it, ``doubled`` counts keys that stand more
    than once, ``wrong`` facts that are not the site's and accounts that do not add up.
    """

    fault: str
    saved: int
    named: int
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    asked: int = ASKED


class NotPossibleHere(Exception):
    """This machine or this user cannot have the fault; the text says why."""


class Program:
    """The program as a user starts it, and what it says, as soon as it is said."""

    def __init__(self, folder: Path, *, command: tuple[str, ...] = MAIN, **given: object) -> None:
        folder.mkdir(exist_ok=True)
        defaults = {"output_dir": folder / "output", "requests_per_second": 0, "max_threads": 10}
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=environment(**(defaults | given)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._changed = threading.Condition()
        self._said: list[str] = []
        self._ended = 0
        self._readers = [
            threading.Thread(target=self._read, args=(stream,))
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    @property
    def said(self) -> str:
        with self._changed:
            return "".join(self._said)

    def wait_for(self, words: str) -> None:
        """Wait until the program has said that; fail when it ends before."""
        with self._changed:
            self._changed.wait_for(lambda: words in self.said or self._ended == 2, LONGEST_SECONDS)
            assert words in self.said, self.said

    def status(self) -> int:
        """Wait for the end; give the exit status. Nobody may have seen a traceback."""
        try:
            status = self.process.wait(LONGEST_SECONDS)
        finally:
            self.end()
        assert "Traceback" not in self.said, self.said
        return status

    def end(self) -> None:
        """Make sure that it has ended."""
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def _read(self, stream: Iterable[str]) -> None:
        for line in stream:
            with self._changed:
                self._said.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended += 1
            self._changed.notify_all()


class Server:
    """A PostgreSQL that may be stopped and killed, and keeps its URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._using = ExitStack()
        self.url = ""

    def start(self) -> None:
        self._using.close()
        self.url = self._using.enter_context(embedded_postgres(self._folder))

    def stop(self) -> None:
        self._using.close()

    def kill(self) -> None:
        kill_server(self._folder)

    def new_database(self, template: str = "template1") -> str:
        name = f"fault_{uuid4().hex}"
        execute(self.url, f"CREATE DATABASE {name} TEMPLATE {template}")
        return database_url(self.url, name)


def kill_server(folder: Path) -> None:
    """``kill -9`` for the server that runs on a folder; waits for its end."""
    server = psutil.Process(int((folder / "pgdata/postmaster.pid").read_text().split()[0]))
    server.kill()
    with suppress(psutil.NoSuchProcess):
        while server.status() != psutil.STATUS_ZOMBIE:  # nobody may be there to collect it
            pass


@dataclass(frozen=True)
class Place:
    """Where the cases happen."""

    folder: Path
    server: Server
    site: DemoSite
    started: list[Program] = field(default_factory=list)

    def new_folder(self) -> Path:
        made = self.folder / uuid4().hex[:8]
        made.mkdir()
        return made

    def start(self, folder: Path, **given: object) -> Program:
        self.started.append(Program(folder, base_url=self.site.url, **given))
        return self.started[-1]

    def end_all(self) -> None:
        """Make sure that nothing of a case that failed goes on."""
        while self.started:
            self.started.pop().end()

    @contextmanager
    def at_request(self, number: int) -> Iterator[None]:
        """Do the block once the site has had so many more requests, of the run begun in it."""
        before = len(self.site.requests)
        yield
        assert self.site.wait_for_requests(before + number, LONGEST_SECONDS)


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """A server and a site that takes a while to answer, for any number of cases."""
    server = Server(folder / "server")
    with DemoSite(FACTS, delay_seconds=0.1) as site:
        server.start()
        try:
            execute(
                server.url,
                "ALTER SYSTEM SET fsync = off",
                "ALTER SYSTEM SET deadlock_timeout = '100ms'",
                "SELECT pg_reload_conf()",
            )
            yield Place(folder, server, site)
        finally:
            server.stop()


# --- What is in the repositories, and whether it is all there, once, and right ---


@dataclass(frozen=True)
class Stored:
    """What a repository holds: titles by their facts, people by id and name, credits."""

    titles: list[tuple[Any, ...]]
    people: list[tuple[str, str]]
    credits: list[tuple[Any, ...]]

    @property
    def ids(self) -> set[str]:
        return {title[0] for title in self.titles}

    def doubled(self) -> int:
        keys = (
            [title[0] for title in self.titles],
            [person[0] for person in self.people],
            [credit[:3] for credit in self.credits],
        )
        return sum(times - 1 for kind in keys for times in Counter(kind).values())

    def wrong(self) -> int:
        """Titles whose facts or credits are not the site's, and people of another name."""
        expected = {title.imdb_id: title for title in FACTS.titles}
        wrong = {t[0] for t in self.titles if t[0] not in expected or t != facts_of(expected[t[0]])}
        credits_by_title: dict[str, set[tuple[Any, ...]]] = {imdb_id: set() for imdb_id in self.ids}
        for credit in self.credits:
            credits_by_title.setdefault(credit[0], set()).add(credit)
        wrong |= {
            imdb_id
            for imdb_id, found in credits_by_title.items()
            if imdb_id not in expected or found != credits_of(expected[imdb_id])
        }
        return len(wrong) + len(set(self.people) - NAMES)


def facts_of(title: TitleFacts) -> tuple[Any, ...]:
    return (
        title.imdb_id, title.title, title.original_title, title.year, title.rating, title.votes,
        title.runtime_minutes, title.metascore, title.certificate, tuple(title.genres),
    )  # fmt: skip


def credits_of(title: TitleFacts) -> set[tuple[Any, ...]]:
    roles = (("director", title.directors), ("writer", title.writers), ("cast", title.cast))
    return {
        (title.imdb_id, role, place, credit.imdb_id, credit.name)
        for role, listed in roles
        for place, credit in enumerate(listed, 1)
    }


NAMES = frozenset(
    (credit.imdb_id, credit.name)
    for title in FACTS.titles
    for credit in (*title.directors, *title.writers, *title.cast)
)


def in_csv(output: Path) -> Stored:
    """Read the CSV files as any program would."""

    def read(name: str) -> list[dict[str, str]]:
        with (output / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, strict=True))

    def number(text: str) -> int | None:
        return int(text) if text else None

    return Stored(
        [
            (
                row["imdb_id"], row["title"], row["original_title"], number(row["year"]),
                float(row["rating"]), number(row["votes"]), number(row["runtime_minutes"]),
                number(row["metascore"]), row["certificate"] or None,
                tuple(json.loads(row["genres"] or "[]")),
            )
            for row in read("titles.csv")
        ],
        [(row["imdb_id"], row["name"]) for row in read("people.csv")],
        [
            (
                row["title_id"], row["category"], int(row["position"]), row["person_id"] or None,
                row["name"],
            )
            for row in read("credits.csv")
        ],
    )  # fmt: skip


def in_postgres(url: str) -> Stored:
    titles = rows_of(
        url,
        "SELECT imdb_id, title, original_title, year, rating::float8, votes, runtime_minutes,"
        " metascore, certificate, genres FROM titles",
    )
    return Stored(
        [(*facts, tuple(genres)) for *facts, genres in titles],
        rows_of(url, "SELECT imdb_id, name FROM people"),
        rows_of(url, "SELECT title_id, category, position, person_id, name FROM credits"),
    )


def counted(fault: str, account: Mapping[str, Any], stores: Mapping[str, Stored]) -> Row:
    """The row of a case: what the report says, held against what is in the repositories."""
    failed = {failure["imdb_id"] for failure in account["failures"]} | set(account["not_tried"])
    wrong = sum(store.wrong() for store in stores.values()) + _mistakes(account)
    named, lost = set(failed), 0
    for repository in account["repositories"]:
        refused = {failure["imdb_id"] for failure in repository["refused"]}
        named_here = failed | refused | set(repository["missing"])
        held = stores[repository["name"]].ids
        lost += len(IDS - held - named_here)
        wrong += repository["saved"] > len(held)
        named |= named_here
    return Row(
        fault,
        saved=len(IDS.intersection(*(store.ids for store in stores.values()))),
        named=len(named),
        lost=lost,
        doubled=sum(store.doubled() for store in stores.values()),
        wrong=wrong,
        asked=account["asked"],
    )


def _mistakes(account: Mapping[str, Any]) -> int:
    """How many of the report's sums and times cannot be true."""
    fetched, failed = account["fetched"], len(account["failures"]) + len(account["not_tried"])
    sums = [
        repository["saved"] + len(repository["refused"]) + len(repository["missing"])
        for repository in account["repositories"]
    ]
    late = [r for r in account["repositories"] if r["late"] > r["saved"]]
    mistakes = [account["asked"] != fetched + failed, account["seconds"] < 0, *late]
    return sum(map(bool, mistakes)) + sum(total != fetched for total in sums)


def _both(fault: str, folder: Path, url: str) -> Row:
    output = folder / "output"
    return counted(fault, report(output), {"csv": in_csv(output), "postgres": in_postgres(url)})


def _of(name: str, folder: Path) -> Mapping[str, Any]:
    """A repository's part of the report."""
    (found,) = (r for r in report(folder / "output")["repositories"] if r["name"] == name)
    return found


# --- The cases ---


def sigterm(here: Place) -> Row:
    """A polite kill: what is in flight is saved, the rest is named."""
    folder, url = here.new_folder(), here.server.new_database()
    with here.at_request(60):
        program = here.start(folder, database_url=url)
    program.process.send_signal(signal.SIGTERM)
    assert program.status() == 130, program.said
    return _both("SIGTERM", folder, url)


def sigint_twice(here: Place) -> Row:
    """Ctrl-C twice: what is there is whole, and the same command completes it."""
    folder, url = here.new_folder(), here.server.new_database()
    with here.at_request(60):
        program = here.start(folder, database_url=url)
    program.process.send_signal(signal.SIGINT)
    program.wait_for("Stopping")
    program.process.send_signal(signal.SIGINT)
    assert program.status() == 130, program.said
    assert "Stopped at once" in program.said
    for store in (in_csv(folder / "output"), in_postgres(url)):
        assert store.wrong() == store.doubled() == 0
        assert len(store.ids) < ASKED
    again = here.start(folder, database_url=url)
    assert again.status() == 0, again.said
    return _both("SIGINT twice, then the same command", folder, url)


def server_restarted(here: Place) -> Row:
    """PostgreSQL is restarted in the middle of the run."""
    folder, url = here.new_folder(), here.server.new_database()
    with here.at_request(80):
        program = here.start(folder, database_url=url)
    here.server.stop()
    program.wait_for("trying again in")
    here.server.start()
    assert program.status() == 0, program.said
    return _both("PostgreSQL restarted", folder, url)


def server_killed(here: Place) -> Row:
    """``kill -9`` for PostgreSQL, which is started again when the program has missed it."""
    folder, url = here.new_folder(), here.server.new_database()
    with here.at_request(80):
        program = here.start(folder, database_url=url)
    here.server.kill()
    program.wait_for("postgres is away")
    here.server.start()
    assert program.status() == 0, program.said
    assert _of("postgres", folder)["late"] > 0
    assert program.said.count("postgres is away") == program.said.count("postgres is back") == 1
    assert _leftovers(folder) == []
    return _both("PostgreSQL killed, back later", folder, url)


def server_gone_for_good(here: Place) -> Row:
    """PostgreSQL is stopped and does not come back: CSV has everything, the others are named."""
    folder, url = here.new_folder(), here.server.new_database()
    with here.at_request(80):
        program = here.start(folder, database_url=url, repository_wait_seconds=1)
    here.server.stop()
    try:
        assert program.status() == 1, program.said
    finally:
        here.server.start()
    account = _of("postgres", folder)
    assert "waited for it in vain" in account["error"]
    assert set(account["missing"]) >= IDS - in_postgres(url).ids
    assert len(in_csv(folder / "output").ids) == ASKED
    assert _leftovers(folder) == []
    return _both("PostgreSQL gone for good", folder, url)


def killed_while_titles_wait(here: Place) -> Row:
    """``kill -9`` for the program while titles wait: the next run clears up and completes it."""
    folder, url = here.new_folder(), here.server.new_database()
    with here.at_request(80):
        program = here.start(folder, database_url=url)
    here.server.stop()
    try:
        program.wait_for("postgres is away")
        program.process.kill()
        assert program.status() == -signal.SIGKILL
    finally:
        here.server.start()
    assert len(_leftovers(folder)) == 1
    again = here.start(folder, database_url=url)
    assert again.status() == 0, again.said
    assert _leftovers(folder) == []
    return _both("kill -9 while titles wait, then the same command", folder, url)


def embedded_server_killed(here: Place) -> Row:
    """The program's own PostgreSQL is killed: the program starts it again."""
    folder = here.new_folder()
    own = folder / "output/postgres"
    with embedded_postgres(own):
        with here.at_request(100):
            program = here.start(folder)
    kill_server(own)
    assert program.status() == 0, program.said
    assert "has died and is started again" in program.said
    with embedded_postgres(own) as url:
        return _both("embedded PostgreSQL killed", folder, url)


# Locks all rows one by one, from the last to the first, again and again: the program locks those of
# a batch from the first to the last.
OTHER_WRITER = """
import sys, threading
import psycopg2
connection = psycopg2.connect(sys.argv[1])
over, deadlocks = threading.Event(), 0
threading.Thread(target=lambda: (sys.stdin.read(), over.set())).start()
cursor = connection.cursor()
cursor.execute("SELECT imdb_id FROM titles ORDER BY imdb_id DESC")
ids = [row[0] for row in cursor.fetchall()]
connection.commit()
print("ready", flush=True)
while not over.is_set():
    try:
        for imdb_id in ids:
            cursor.execute("SELECT 1 FROM titles WHERE imdb_id = %s FOR UPDATE", (imdb_id,))
            over.wait(0.0005)
        connection.commit()
    except psycopg2.errors.DeadlockDetected:
        connection.rollback()
"""


def deadlocks(here: Place) -> Row:
    """Another writer locks the rows in the opposite order, again and again."""
    folder, url = here.new_folder(), here.server.new_database()
    first = here.start(folder, database_url=url, max_threads=50)
    assert first.status() == 0, first.said
    with subprocess.Popen(
        [sys.executable, "-c", OTHER_WRITER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        second = here.start(folder, database_url=url)
        assert second.status() == 0, second.said
        other.communicate()
        assert other.returncode == 0
    # The server counts a moment later.
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert any(rows_of(url, query)[0][0] for _ in range(200)), "there was no deadlock"
    return _both("deadlocks with another writer", folder, url)


def two_runs_at_once(here: Place) -> Row:
    """Two runs save the same titles to the same files and the same database."""
    folder, url = here.new_folder(), here.server.new_database()
    programs = [
        here.start(folder / name, database_url=url, output_dir=folder / "output")
        for name in ("one", "other")
    ]
    for program in programs:
        assert program.status() == 0, program.said
    return _both("two runs at once", folder, url)


def disk_full(here: Place) -> Row:
    """The disk of the CSV files gets full in the middle of the run, and has room again later."""
    folder, url = here.new_folder(), here.server.new_database()
    output = folder / "output"
    with small_disk(output):
        ballast = output / "ballast"
        ballast.write_bytes(bytes(_free(output) - 300_000))
        program = here.start(folder, database_url=url)
        program.wait_for("csv is away")
        ballast.unlink()
        assert program.status() == 0, program.said
        assert _of("csv", folder)["late"] > 0
        return _both("disk full, room again later", folder, url)


def disk_stays_full(here: Place) -> Row:
    """The disk of the CSV files stays full."""
    folder, url = here.new_folder(), here.server.new_database()
    output = folder / "output"
    with small_disk(output):
        ballast = output / "ballast"
        ballast.write_bytes(bytes(_free(output) - 300_000))
        program = here.start(folder, database_url=url, repository_wait_seconds=1)
        assert program.status() == 1, program.said
        assert "No space left on device" in program.said
        (account,) = (report_ for (report_,) in rows_of(url, "SELECT report FROM runs"))
        stores = {"csv": in_csv(output), "postgres": in_postgres(url)}
        assert len(stores["postgres"].ids) == ASKED
        assert 0 < len(stores["csv"].ids) < ASKED
        return counted("disk stays full", _with_sums(account), stores)


def file_size_limit(here: Place) -> Row:
    """Files reach the limit on their size (as with ``ulimit -f``), which is raised later."""
    folder, url = here.new_folder(), here.server.new_database()
    program = here.start(folder, database_url=url)
    limits = psutil.Process(program.process.pid)
    limits.rlimit(psutil.RLIMIT_FSIZE, (150_000, -1))
    program.wait_for("csv is away")
    limits.rlimit(psutil.RLIMIT_FSIZE, (-1, -1))
    assert program.status() == 0, program.said
    assert _of("csv", folder)["late"] > 0
    return _both("file size limit, raised later", folder, url)


def read_only_folder(here: Place) -> Row:
    """The output folder cannot be written: said at once, and PostgreSQL has everything."""
    folder, url = here.new_folder(), here.server.new_database()
    output = folder / "output"
    with not_writable(output):
        program = here.start(folder, database_url=url)
        assert program.status() == 1, program.said
        assert str(output) in program.said
        assert "csv is away" not in program.said
    (account,) = (report_ for (report_,) in rows_of(url, "SELECT report FROM runs"))
    stores = {"csv": Stored([], [], []), "postgres": in_postgres(url)}
    return counted("read-only folder", _with_sums(account), stores)


# The program with a clock that is an hour behind from the moment when a file appears.
CLOCK_GOES_BACK = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
import application.scrape_titles as module
right, signal = time.time, sys.argv[2]
def behind():
    return 3600 if os.path.exists(signal) else 0
time.time = lambda: right() - behind()
module.time_now = time.time
def utc_now():
    return datetime.fromtimestamp(time_now(), UTC)
# Whoever has the function already has the new one, too.
module.utc_now.__code__ = utc_now.__code__
from infrastructure.cli.main import run
sys.exit(run([]))
"""


def clock_goes_back(here: Place) -> Row:
    """The clock goes back by an hour in the middle of the run."""
    folder, url = here.new_folder(), here.server.new_database()
    gone_back = folder / "the clock has gone back"
    with here.at_request(80):
        command = ("-c", CLOCK_GOES_BACK, str(ROOT), str(gone_back))
        program = here.start(folder, command=command, database_url=url)
    gone_back.touch()
    assert program.status() == 0, program.said
    [(span,)] = rows_of(
        url, "SELECT extract(epoch FROM max(fetched_at) - min(fetched_at)) FROM titles"
    )
    assert span > 3500
    return _both("clock goes back an hour", folder, url)


def small_pool(here: Place) -> Row:
    """50 threads share a pool of 2 connections. (In this process: a run uses one connection.)"""
    folder, url = here.new_folder(), here.server.new_database()
    program = here.start(folder, repositories="csv", max_threads=50)
    assert program.status() == 0, program.said
    with open_csv_repository(folder / "output") as files:
        titles = list(files.titles())
    with (
        open_postgres_repository(url, pool_size=2, wait_seconds=LONGEST_SECONDS) as repository,
        ThreadPoolExecutor(50) as threads,
    ):
        saves = [threads.submit(repository.save, [title], a_run()) for title in titles]
        assert sum(save.result().inserted for save in saves) == ASKED
    stores = {"csv": in_csv(folder / "output"), "postgres": in_postgres(url)}
    return counted("50 threads, pool of 2", report(folder / "output"), stores)


CASES: Mapping[str, Callable[[Place], Row]] = {
    case.__name__: case
    for case in (
        sigterm, sigint_twice, server_restarted, server_killed, server_gone_for_good,
        killed_while_titles_wait, embedded_server_killed, deadlocks, two_runs_at_once, disk_full,
        disk_stays_full, file_size_limit, read_only_folder, clock_goes_back, small_pool,
    )
}  # fmt: skip


def row_of(name: str, here: Place) -> Row:
    """Have a fault; give its row. Raises `NotPossibleHere`."""
    try:
        return CASES[name](here)
    finally:
        here.end_all()


def rows(folder: Path) -> Iterator[Row]:
    """Have every fault once, in a folder that is there; give a row for each that is possible."""
    with place(folder) as here:
        for name in CASES:
            with suppress(NotPossibleHere):
                yield row_of(name, here)


# --- Disks and folders ---


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of 16 MB in a new folder. Raises `NotPossibleHere` where none may be mounted."""
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        raise NotPossibleHere("only root can mount a small disk")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode != 0:
        raise NotPossibleHere(f"no disk can be mounted: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def not_writable(folder: Path) -> Iterator[None]:
    """A new folder that cannot be written, not even by root."""
    if os.geteuid() != 0:
        folder.mkdir(mode=0o500)
        yield
        folder.chmod(0o700)
        return
    with small_disk(folder):
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _leftovers(folder: Path) -> list[Path]:
    return list((folder / "output").glob(".*spill*"))


def _with_sums(account: Mapping[str, Any]) -> dict[str, Any]:
    """The report as the database keeps it, with what the file has besides."""
    repositories = [
        r | {"saved": r["inserted"] + r["updated"] + r["unchanged"]}
        for r in account["repositories"]
    ]
    return {**account, "repositories": repositories, "seconds": 0}
