"""Workers of distributed runs, a Redis, a PostgreSQL and the demo site, to measure runs with."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg2

from benchmarks.database import new_database
from benchmarks.measured_process import ROOT, CommandFailed, run_measured
from benchmarks.save_titles import server
from demo.site import DemoSite
from infrastructure.workers.embedded import embedded_redis

_READY = "ready for batches"
_LONGEST_START_SECONDS = 120
_LONGEST_END_SECONDS = 60

# A title that is saved twice has two ratings, of two moments.
_SAVED = """
    SELECT count(*), (SELECT count(*) FROM rating_history),
        (SELECT count(DISTINCT title_id) FROM rating_history)
    FROM titles
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """What runs need: a site, a PostgreSQL server and a Redis, both by URL."""

    site: DemoSite
    postgres_url: str
    redis_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run: seconds from its command to its end, CPU seconds by who spent them.

    ``workers`` is 0 for a run without any, by ``python main.py``. ``busy`` is the part of the time
    (0 to 1) that all cores of the machine were, with whatever. ``arrivals`` are the moments when
    title pages were asked for, in seconds from the first one; none of a run from another source.
    """

    workers: int
    wall_seconds: float
    program_cpu: float
    database_cpu: float
    site_cpu: float
    busy: float
    arrivals: list[float]


@contextmanager
def open_ground(site: DemoSite) -> Iterator[Ground]:
    """Start PostgreSQL and Redis, and have the site answer, until the end of the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imdb-workers-")))
        stack.enter_context(site)
        postgres_url = stack.enter_context(server())
        yield Ground(site, postgres_url, stack.enter_context(embedded_redis(folder)))


def measure_run(ground: Ground, titles: int, workers: int, settings: Mapping[str, str]) -> Measured:
    """Do a run of so many titles with so many workers, into a new database.

    Raises `CommandFailed`, also when a title is not saved, or was saved twice.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imdb-workers-")))
        url = stack.enter_context(new_database(ground.postgres_url))
        environment = _environment(ground, url, folder, titles, settings)
        started = stack.enter_context(_workers(workers, folder, environment))
        command = ["scrape", "--distributed"] if workers else []
        if not workers:
            del environment["REDIS_URL"]
        psutil.cpu_percent()  # from here on, until it is asked for again
        before = (_cpu_of(started), _cpu_of_database(ground.postgres_url), time.process_time())
        asked_before = len(ground.site.requests)
        cost = run_measured(
            [sys.executable, str(ROOT / "main.py"), *command],
            folder=folder,
            environment=environment,
            log=folder / "log",
        )
        after = (_cpu_of(started), _cpu_of_database(ground.postgres_url), time.process_time())
        busy = psutil.cpu_percent() / 100
        by_workers, by_database, by_site = (b - a for a, b in zip(before, after, strict=True))
        _check(url, titles)
        asked = ground.site.requests[asked_before:]
    moments = [one.received_at for one in asked if one.path.startswith("/title/")]
    return Measured(
        workers=workers,
        wall_seconds=cost.wall_seconds,
        program_cpu=by_workers if workers else cost.cpu_seconds,
        database_cpu=by_database,
        site_cpu=by_site,
        busy=busy,
        arrivals=[moment - moments[0] for moment in moments],
    )


def _environment(
    ground: Ground, url: str, folder: Path, titles: int, settings: Mapping[str, str]
) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ours = {
        "SOURCES": "html",
        "BASE_URL": ground.site.url,
        "LIMIT": str(titles),
        "REPOSITORIES": "postgres",
        "DATABASE_URL": url,
        "REDIS_URL": ground.redis_url,
        "OUTPUT_DIR": str(folder / "output"),
    }
    return {**kept, **ours, **settings}


@contextmanager
def _workers(
    number: int, folder: Path, environment: Mapping[str, str]
) -> Iterator[list[psutil.Process]]:
    """Start workers, wait until they can do batches, and end them. Raises `CommandFailed`."""
    logs = [folder / f"worker-{index}.log" for index in range(number)]
    with ExitStack() as stack:
        programs = [stack.enter_context(_worker(log, folder, environment)) for log in logs]
        deadline = time.monotonic() + _LONGEST_START_SECONDS
        for program, log in zip(programs, logs, strict=True):
            while _READY not in log.read_text("utf-8"):
                if program.poll() is not None or time.monotonic() > deadline:
                    raise CommandFailed(f"a worker did not start:\n{log.read_text('utf-8')}")
                time.sleep(0.05)
        yield [psutil.Process(program.pid) for program in programs]


@contextmanager
def _worker(
    log: Path, folder: Path, environment: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as said:
        program = subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), "worker"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    with program:
        try:
            yield program
        finally:
            program.terminate()
            try:
                program.wait(_LONGEST_END_SECONDS)
            except subprocess.TimeoutExpired:
                program.kill()


def _cpu_of(programs: list[psutil.Process]) -> float:
    """CPU seconds of programs so far, with the processes that they have started."""
    every = [one for program in programs for one in (program, *program.children(recursive=True))]
    return sum(_cpu(process) for process in every)


def _cpu_of_database(url: str) -> float:
    """CPU seconds of all processes of a PostgreSQL so far; 0 when it is on another machine."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [(backend,)] = cursor.fetchall()
        try:
            postmaster = psutil.Process(backend).parent()
        except psutil.NoSuchProcess:
            postmaster = None
        if postmaster is None or not postmaster.name().startswith("postgres"):
            return 0.0
        ended = postmaster.cpu_times()
        at_work = sum(_cpu(process) for process in (postmaster, *postmaster.children()))
        return at_work + float(ended.children_user + ended.children_system)


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _check(url: str, titles: int) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(_SAVED)
        [(rows, ratings, rated)] = cursor.fetchall()
    if (rows, ratings, rated) != (titles, titles, titles):
        raise CommandFailed(
            f"{rows:,} of {titles:,} titles are saved, {ratings - rated:,} of them twice"
        )
