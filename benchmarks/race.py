"""Runs contestants over the same work, in turn, and says what each run cost or why it failed."""

import os
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from benchmarks.contestants import Contestant
from benchmarks.correctness import problems
from benchmarks.database import new_database
from benchmarks.measured_process import ROOT, CommandFailed, Cost, run_measured
from benchmarks.replica import Authority
from demo.facts import synthetic_facts

_WRONG_ROWS = (OSError, KeyError, ValueError, psycopg2.Error)
_NO_PROXY = {"NO_PROXY": "*", "no_proxy": "*"}
"""The site is on this machine, whatever proxies the environment names."""


@dataclass(slots=True)
class Result:
    """What a contestant's runs cost, in order; ``failure`` is what went wrong in one of them."""

    runs: list[Cost] = field(default_factory=list)
    failure: str | None = None

    @property
    def wall_seconds(self) -> float:
        """Median of the runs."""
        return statistics.median(run.wall_seconds for run in self.runs)

    @property
    def cpu_seconds(self) -> float:
        """Median of the runs."""
        return statistics.median(run.cpu_seconds for run in self.runs)

    @property
    def peak_bytes(self) -> float:
        """Median of the runs."""
        return statistics.median(run.peak_bytes for run in self.runs)


class Course:
    """The place where runs happen: a site, a database server, and a folder for what they leave."""

    def __init__(
        self, site_url: str, server_url: str, folder: Path, authority: Authority | None = None
    ) -> None:
        self._site_url = site_url
        self._server_url = server_url
        self._folder = folder
        self._authority = authority

    def run(
        self,
        contestant: Contestant,
        titles: int,
        *,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        watch: Callable[[int], None] | None = None,
        look: Callable[[Path], None] | None = None,
    ) -> Cost:
        """Do one run and check what it has saved; ``look`` is given its output folder.

        Raises `CommandFailed` when the run fails or its rows are not those of the facts.
        """
        with (
            new_database(self._server_url) as database_url,
            tempfile.TemporaryDirectory(dir=self._folder) as folder,
        ):
            output = Path(folder) / "output"
            settings = self._settings(contestant, titles, database_url, output)
            cost = run_measured(
                [*contestant.command, *arguments],
                folder=Path(folder),  # away from any .env of the user
                environment={**os.environ, **_NO_PROXY, **settings, **(environment or {})},
                log=Path(folder) / "log",
                watch=watch,
            )
            self._check(contestant, titles, database_url, output)
            if look is not None:
                look(output)
            return cost

    def _settings(
        self, contestant: Contestant, titles: int, database_url: str, output: Path
    ) -> dict[str, str]:
        trusted = {"SSL_CERT_FILE": str(self._authority.trusted)} if self._authority else {}
        return trusted | {
            "BASE_URL": self._site_url,
            "DATABASE_URL": database_url,
            "OUTPUT_DIR": str(output),
            "SOURCES": "html",
            "REPOSITORIES": "csv,postgres",
            "CHART": "top",
            "LIMIT": str(titles),
            "MAX_THREADS": str(contestant.threads),
            "REQUESTS_PER_SECOND": "0",
            "PYTHONPATH": str(ROOT),
            **dict(contestant.settings),
        }

    def _check(self, contestant: Contestant, titles: int, database_url: str, output: Path) -> None:
        facts = synthetic_facts(titles).titles
        try:
            wrong = problems(output, database_url, facts, contestant.claims)
        except _WRONG_ROWS as error:
            wrong = [f"{type(error).__name__}: {error}"]
        if wrong:
            raise CommandFailed("; ".join(wrong))


def race(course: Course, entries: Mapping[Contestant, int], titles: int) -> dict[str, Result]:
    """Run each contestant as often as ``entries`` says, in turn; give results by name.

    In each round all take their turn, so that a slower stretch of the machine meets all of them.
    One that failed does not run again.
    """
    results = {contestant.name: Result() for contestant in entries}
    for number in range(max(entries.values())):
        for contestant, rounds in entries.items():
            result = results[contestant.name]
            if result.failure is None and number < rounds:
                run_into(result, course, contestant, titles)
    return results


def run_into(result: Result, course: Course, contestant: Contestant, titles: int) -> None:
    """Do one run, add it to a result, and print what came out."""
    try:
        cost = course.run(contestant, titles)
    except CommandFailed as error:
        result.failure = str(error).splitlines()[-1][:300]
        print(f"    {contestant.name}: failed: {error}", flush=True)
        return
    result.runs.append(cost)
    print(
        f"    {contestant.name}: {cost.wall_seconds:.2f} s, CPU {cost.cpu_seconds:.2f} s, "
        f"peak {cost.peak_bytes / 1e6:.0f} MB",
        flush=True,
    )
