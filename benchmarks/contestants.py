"""Who is measured: ours, the other systems, and the strategies, each with the command it is run by.

Settings reach all of them through the environment, by the names that ``python main.py`` knows.
"""

import sys
from dataclasses import dataclass

from benchmarks.correctness import EVERYTHING, WHAT_A_PAGE_SHOWS, Claims
from benchmarks.measured_process import ROOT


@dataclass(frozen=True, slots=True)
class Contestant:
    """A way to do the whole job, in a process of its own.

    ``name`` is what tables and plots call it, ``threads`` how many requests it may have under way,
    ``settings`` what else it is told through the environment. A ``slow`` one takes a minute and is
    measured at fewer points.
    """

    name: str
    command: tuple[str, ...]
    threads: int = 50
    claims: Claims = EVERYTHING
    slow: bool = False
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def module(self) -> str | None:
        """The module that it is, or ``None`` for ours."""
        return self.command[2] if self.command[1] == "-m" else None


def _system(
    name: str, module: str, claims: Claims = EVERYTHING, *, slow: bool = False
) -> Contestant:
    command = (sys.executable, "-m", f"benchmarks.systems.{module}")
    return Contestant(name, command, claims=claims, slow=slow)


def _strategy(name: str, module: str, threads: int, *, slow: bool = False) -> Contestant:
    command = (sys.executable, "-m", f"benchmarks.strategies.{module}")
    return Contestant(name, command, threads, slow=slow)


OURS = Contestant("ours", (sys.executable, str(ROOT / "main.py")))
OURS_IN_PROCESSES = Contestant(
    "ours, PARSE_PROCESSES=2", OURS.command, settings=(("PARSE_PROCESSES", "2"),)
)
REFERENCE = _system("reference: pycurl multi", "pycurl_reference")
SCRAPY = _system("scrapy, parsel, orjson", "scrapy_orjson")
ORIGINAL = _system(
    "the original: 50 threads, bs4 html.parser", "original", WHAT_A_PAGE_SHOWS, slow=True
)

SYSTEMS = (
    ORIGINAL,
    _system("one by one, bs4 html.parser", "one_by_one", WHAT_A_PAGE_SHOWS, slow=True),
    _system("50 threads, session, bs4 lxml", "threads_session_lxml", WHAT_A_PAGE_SHOWS, slow=True),
    SCRAPY,
    _system("50 threads, session, orjson", "threads_session_orjson"),
    _system("gevent 50, orjson", "gevent_orjson"),
    _system("httpx, orjson", "httpx_orjson"),
    _system("aiohttp, orjson", "aiohttp_orjson"),
    OURS,
    REFERENCE,
)
"""In the order of the table."""

STRATEGIES = (
    _strategy("sequential", "sequential", 1, slow=True),
    _strategy("session", "session", 1, slow=True),
    *(_strategy(f"thread pool of {n}", "thread_pool", n) for n in (5, 10, 25, 50, 100)),
    _strategy("session and pool of 50", "session_and_pool", 50),
    _strategy("gevent pool of 50", "gevent_pool", 50),
    _strategy("asyncio, aiohttp, 50", "asyncio_aiohttp", 50),
    _strategy("process pool of 10", "process_pool", 10),
    _strategy("50 threads and processes", "threads_and_processes", 50),
    OURS_IN_PROCESSES,
    OURS,
)
"""In the order of table and legend."""

STAGED = tuple(
    contestant
    for contestant in STRATEGIES
    if contestant.name
    in {
        "sequential",
        "session",
        "thread pool of 50",
        "session and pool of 50",
        "gevent pool of 50",
        "asyncio, aiohttp, 50",
        "ours",
    }
)
"""Those whose stages are all in one process, where they can be measured."""
