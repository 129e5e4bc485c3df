"""What dead proxies cost a run: ``python -m benchmarks.dead_proxies``.

Runs ``python main.py`` for 250 titles of the demo site into CSV files over two good proxies, and
over five, of which the first refuses connections, the second takes them and never answers, and the
third adds four seconds to each. In turn, several times. The dead ones stand first in the list,
which is the worst order.

The command fails (exit status 1) when a run is not complete, or when the median with the five is
more than twice the one with the two.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measured_process import ROOT, CommandFailed, run_measured
from benchmarks.options import whole_number
from benchmarks.replica import Workload, demo_site

HIGHEST_RATIO = 2.0
TITLES = 250

_GOOD, _ALL = 2, 5
_ROW = "{:>8}  {:>11}  {:>13}  {:>5}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and give the exit status."""
    options = _parser().parse_args(arguments)
    workload = Workload(options.titles, options.delay, options.page_bytes)
    print(_ROW.format("run", "2 good, s", "2 good of 5, s", "ratio"))
    measured = []
    try:
        with demo_site(workload) as url, _proxies() as proxies:
            for number in range(1, options.runs + 1):
                pair = [
                    _seconds(url, given, options.titles, options.requests_per_second)
                    for given in (proxies[-_GOOD:], proxies)
                ]
                measured.append(pair)
                _print_row(str(number), pair)
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    medians = [statistics.median(column) for column in zip(*measured, strict=True)]
    _print_row("median", medians)
    return 0 if medians[1] <= HIGHEST_RATIO * medians[0] else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dead_proxies", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--runs", type=whole_number, default=5)
    parser.add_argument("--titles", type=whole_number, default=TITLES)
    parser.add_argument("--delay", type=float, default=0.2, help="of the site, in seconds")
    parser.add_argument("--page-bytes", type=whole_number, default=1_440_000)
    parser.add_argument(
        "--requests-per-second", type=float, default=0.0, help="the rate limit; 0: none"
    )
    return parser


@contextmanager
def _proxies() -> Iterator[list[str]]:
    """URLs of five proxies, the good ones last. Raises `CommandFailed` when they do not start."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.socks_proxies", "--good", str(_GOOD)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            addresses = [process.stdout.readline().strip() for _ in range(_ALL)]
            if not all(addresses):
                raise CommandFailed("the proxies did not start; see their message above")
            yield [f"socks5h://{address}" for address in addresses]
        finally:
            process.kill()


def _seconds(url: str, proxies: Sequence[str], titles: int, rate: float) -> float:
    """How long a run takes. Raises `CommandFailed` also when titles are missing."""
    settings = {
        "SOURCES": "html",
        "BASE_URL": url,
        "PROXIES": ",".join(proxies),
        "LIMIT": str(titles),
        "REPOSITORIES": "csv",
        "REQUESTS_PER_SECOND": str(rate),
    }
    with tempfile.TemporaryDirectory(prefix="imdb-proxies-") as name:
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
    return cost.wall_seconds


def _print_row(name: str, pair: Sequence[float]) -> None:
    good, all_five = pair
    shown = (f"{good:.2f}", f"{all_five:.2f}", f"{all_five / good:.2f}")
    print(_ROW.format(name, *shown), flush=True)


if __name__ == "__main__":
    sys.exit(main())
