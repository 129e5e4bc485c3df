"""What a run over the API costs: ``python -m benchmarks.graphql_run``.

Runs ``python main.py`` for 250 titles of the demo site's API, which takes 100 ms for each answer,
into CSV files, several times. The whole program counts, from its start to its end. The first run is
not measured: the demo site executes a query for fifty titles in Python, which takes it some hundred
milliseconds of CPU, and keeps the answer.

The command fails (exit status 1) when a run is not complete or takes more than 10 requests, or when
the median is above 2 seconds.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measured_process import ROOT, CommandFailed, run_measured
from benchmarks.options import whole_number
from demo.api import PATH
from demo.facts import synthetic_facts
from demo.site import DemoSite

MOST_REQUESTS = 10
LONGEST_SECONDS = 2.0

_ROW = "{:>8}  {:>8}  {:>7}  {:>7}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and give the exit status."""
    options = _parser().parse_args(arguments)
    seconds = []
    most_requests = 0
    print(_ROW.format("run", "requests", "wall, s", "CPU, s"))
    try:
        with DemoSite(synthetic_facts(options.titles), delay_seconds=options.delay) as site:
            _measured(site, options.titles)
            for number in range(1, options.runs + 1):
                before = len(site.requests)
                wall, cpu = _measured(site, options.titles)
                requests = len(site.requests) - before
                most_requests = max(most_requests, requests)
                seconds.append(wall)
                print(_ROW.format(number, requests, f"{wall:.2f}", f"{cpu:.2f}"), flush=True)
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    median = statistics.median(seconds)
    print(_ROW.format("median", most_requests, f"{median:.2f}", ""))
    return 0 if median <= LONGEST_SECONDS and most_requests <= MOST_REQUESTS else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.graphql_run", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--runs", type=whole_number, default=5)
    parser.add_argument("--titles", type=whole_number, default=250)
    parser.add_argument("--delay", type=float, default=0.1, help="of the API, in seconds")
    return parser


def _measured(site: DemoSite, titles: int) -> tuple[float, float]:
    """Seconds of a run, and of CPU. Raises `CommandFailed` also when titles are missing."""
    settings = {
        "SOURCES": "graphql",
        "GRAPHQL_URL": site.url + PATH,
        "LIMIT": str(titles),
        "REPOSITORIES": "csv",
    }
    with tempfile.TemporaryDirectory(prefix="imdb-graphql-") as name:
        folder = Path(name)
        cost = run_measured(
            [sys.executable, str(ROOT / "main.py")],
            folder=folder,
            environment={"PATH": os.environ["PATH"], **settings},
            log=folder / "log",
        )
        report = json.loads((folder / "output" / "run-report.json").read_text("utf-8"))
    if report["fetched"] != titles:
        raise CommandFailed(f"{report['fetched']} of {titles} titles were fetched")
    return cost.wall_seconds, cost.cpu_seconds


if __name__ == "__main__":
    sys.exit(main())
