"""A distributed run under a fault: a site, a database, a Redis that can be stopped, workers."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import redis

from demo.facts import ChartFacts
from demo.faults import Fault
from demo.site import DemoSite
from tests.databases import rows_of
from tests.faults.account import BOTH, Account, count
from tests.faults.program import LONGEST_SECONDS, Program
from tests.redis_server import start_redis

LEASE_SECONDS = 3


class Redis:
    """A server that can be killed and started again, with its data or without.

    ``options`` are further ones of ``redis-server``.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self.url = f"unix://{folder / 'redis.sock'}"
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._server = start_redis(self._folder, *self._options)

    def kill(self, *, with_data: bool) -> None:
        """Kill it; ``with_data`` it knows all it knew when it is started again."""
        assert self._server is not None
        if with_data:
            with redis.Redis.from_url(self.url) as client:
                client.save()
        else:
            (self._folder / "dump.rdb").unlink(missing_ok=True)
        self._server.kill()
        self._server.wait()

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def close(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()


@dataclass
class Fleet:
    """The workers of a case, and the run that is handed to them."""

    folder: Path
    url: str
    site: DemoSite
    facts: ChartFacts
    redis: Redis
    settings: dict[str, object] = field(default_factory=dict)
    started: list[Program] = field(default_factory=list)

    @property
    def output(self) -> Path:
        return self.folder / "output"

    def start(self, *arguments: str, prefix: tuple[str, ...] = ()) -> Program:
        given: dict[str, object] = {
            "base_url": self.site.url, "database_url": self.url, "redis_url": self.redis.url,
            "limit": len(self.facts.titles), "batch_titles": 20, "max_threads": 5,
            "batch_lease_seconds": LEASE_SECONDS, "repository_wait_seconds": 60,
        }  # fmt: skip
        given |= self.settings
        self.started.append(Program(self.folder, *arguments, prefix=prefix, **given))
        return self.started[-1]

    def worker(self, prefix: tuple[str, ...] = ()) -> Program:
        program = self.start("worker", prefix=prefix)
        program.wait_for("ready for batches")
        return program

    def stage(self) -> tuple[str, bool] | None:
        """The stage of the run, and whether somebody closes it."""
        found = rows_of(self.url, "SELECT stage, closer IS NOT NULL FROM distributed_runs")
        return found[0] if found else None

    def run_id(self) -> str:
        [(run_id,)] = rows_of(self.url, "SELECT run_id FROM distributed_runs")
        return str(run_id)

    def end(self) -> None:
        for program in self.started:
            if program.process.poll() is None:
                kill_all(program)
            program.end()

    def account(self, stores: str = BOTH) -> Account:
        return count(self.facts.titles, self.output, self.url, stores=stores)

    def batches(self, state: str) -> int:
        [(number,)] = rows_of(self.url, f"SELECT count(*) FROM run_batches WHERE state = '{state}'")
        return int(number)

    @contextmanager
    def at_request(self, number: int) -> Iterator[None]:
        before = len(self.site.requests)
        yield
        assert self.site.wait_for_requests(before + number, LONGEST_SECONDS)


def children_of(program: Program) -> list[psutil.Process]:
    """The processes that a worker has, which do its batches."""
    try:
        return psutil.Process(program.process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill_all(program: Program) -> None:
    """``kill -9`` of a worker as a whole, as when its machine is switched off."""
    for process in suspend_all(program):  # so that none has time to replace another
        with suppress(psutil.NoSuchProcess):
            process.kill()
    program.process.wait()


def suspend_all(program: Program) -> list[psutil.Process]:
    """Have a worker stand still as a whole, as when it is cut off; gives its processes."""
    first = psutil.Process(program.process.pid)
    first.suspend()  # before its children are counted: it makes no further ones then
    children = children_of(program)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.suspend()
    return [first, *children]


class OneHangs:
    """A plan of faults: one page never comes."""

    def __init__(self, path: str) -> None:
        self._path = path

    def next(self, path: str, query: str = "") -> Fault | None:
        return Fault.HANG if path == self._path else None


class DeadlySite(DemoSite):
    """Calls ``strike`` when a title is asked for, before it answers."""

    def __init__(self, facts: ChartFacts, path: str, strike: Callable[[], None]) -> None:
        super().__init__(facts)
        self._path = path
        self._strike = strike
        self._lock = threading.Lock()

    def answer(self, record, question=None):  # type: ignore[no-untyped-def]
        if record.path == self._path:
            with self._lock:
                self._strike()
        return super().answer(record, question)
