"""Measures runs by many workers: ``python -m benchmarks.workers``.

Runs a chart of the demo site, which takes 200 ms for each answer, by ``python main.py`` alone and
by 1, 2 and 4 workers (``python main.py scrape --distributed``) into PostgreSQL, the rate limit off,
three times each. Counted is from the start of the command to its end, which is when the run is
closed; the workers stand ready before. Pages are small (25 kB): they are not padded to the
weight of IMDb's own, so that a core can read more of them than a few workers ask for. Done

- with 5 threads a worker, which wait for the site most of the time: what workers are for;
- with 50 threads a worker and batches of 50 titles, the defaults;
- with 50 threads and batches of 250 titles, which keep a core busy from the beginning.

Then four workers share one limit of 50 requests a second, and the site says when they came.
Everything runs on this one machine: site, PostgreSQL, Redis and workers. Takes 50 minutes; writes
``docs/scaling.md`` and ``docs/images/scaling.svg``, and the figures to
``output/benchmarks/workers.json``. With ``--quick`` there are few titles and one round: a check
that everything works, after which the page stays as it is.

The command fails (exit status 1) when a title is not saved, or saved twice, when the time with 5
threads does not fall as 1 / N as far as the cores last (at most 20 % above it), or when over any 10
seconds there were not 45 to 55 requests a second; with ``--quick`` for the first reason only.
"""

import argparse
import os
import statistics
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import msgspec

from benchmarks.fleet import Ground, Measured, measure_run, open_ground
from benchmarks.machine import machine_facts, machine_line
from benchmarks.measured_process import ROOT, CommandFailed
from benchmarks.options import whole_number
from benchmarks.page import with_section
from benchmarks.tables import seconds_text, table
from demo.facts import synthetic_facts
from demo.site import DemoSite

PAGE = ROOT / "docs" / "scaling.md"
PICTURE = ROOT / "docs" / "images" / "scaling.svg"
RESULTS = ROOT / "output" / "benchmarks" / "workers.json"

DELAY_SECONDS = 0.2
WAITING, DEFAULT, BUSY = "5 threads", "50 threads", "50 threads, batches of 250"
CASES = {
    WAITING: {"MAX_THREADS": "5", "BATCH_TITLES": "50"},
    DEFAULT: {"MAX_THREADS": "50", "BATCH_TITLES": "50"},
    BUSY: {"MAX_THREADS": "50", "BATCH_TITLES": "250"},
}
"""Settings of the workers."""
FLEETS = (1, 2, 4)
MOST_ABOVE_SHARE = 1.2
"""The time may be so many times that of one worker divided by the number of workers."""
BUSY_SHARE = 0.85
"""A run that keeps the cores busy for this part of the time is not expected to go faster."""
MOST_OF_OTHERS = 0.2
"""Where other programs take more of the cores, the page says so."""

LIMIT = 50
"""Requests a second that are allowed to all workers together."""
LIMITED_TITLES = 2_000
WINDOW_SECONDS = 10
LEAST, MOST = 0.9 * LIMIT, 1.1 * LIMIT


@dataclass(slots=True)
class WorkersResults:
    """Everything that is measured; ``runs`` by the names of `CASES`."""

    machine: dict[str, str]
    titles: int
    runs: dict[str, list[Measured]] = field(default_factory=dict)
    limited: list[Measured] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Medians of the runs by so many workers; CPU in seconds.

    ``busy`` is the part of the time (0 to 1) that all cores were, ``ours`` what the run had of it.
    """

    workers: int
    runs: int
    seconds: float
    program_cpu: float
    database_cpu: float
    site_cpu: float
    busy: float
    ours: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the page, and give the exit status."""
    options = _parser().parse_args(arguments)
    file = RESULTS.with_name("workers-quick.json") if options.quick else RESULTS
    try:
        if not options.redraw:
            _keep(_measured(options), file)
        results = msgspec.json.decode(file.read_bytes(), type=WorkersResults)
        if not options.quick:
            _write(results)
    except (CommandFailed, OSError, msgspec.DecodeError) as error:
        print(error, file=sys.stderr)
        return 1
    for text in sections(results).values():
        print(f"\n{text}")
    if options.quick:
        return 0
    missed = [*missed_shares(results), *missed_limits(results)]
    print("\n" + ("\n".join(missed) or "Falls as 1 / N, keeps the limit: met"))
    return 1 if missed else 0


def _measured(options: argparse.Namespace) -> WorkersResults:
    titles = 100 if options.quick else options.titles
    runs = 1 if options.quick else options.runs
    results = WorkersResults(machine_facts(), titles)
    site = DemoSite(synthetic_facts(max(titles, LIMITED_TITLES)), delay_seconds=DELAY_SECONDS)
    site.prerender()
    with open_ground(site) as ground:
        for _ in range(runs):
            for case in CASES:
                for workers in (0, *FLEETS):
                    one = _run(ground, titles, workers, case, 0)
                    results.runs.setdefault(case, []).append(one)
            limited = min(titles, LIMITED_TITLES) if options.quick else LIMITED_TITLES
            results.limited.append(_run(ground, limited, FLEETS[-1], DEFAULT, LIMIT))
    return results


def _run(ground: Ground, titles: int, workers: int, case: str, limit: float) -> Measured:
    settings = CASES[case] | {"REQUESTS_PER_SECOND": str(limit)}
    one = measure_run(ground, titles, workers, settings)
    allowed = f", {limit} requests/s" if limit else ""
    print(
        f"{workers} workers, {case}, {titles:,} titles{allowed}: {one.wall_seconds:.1f} s",
        flush=True,
    )
    return one


def fleets(runs: Sequence[Measured]) -> list[Fleet]:
    """The medians of the runs by each number of workers."""
    ordered = sorted(runs, key=lambda one: one.workers)
    return [_fleet(list(same)) for _, same in groupby(ordered, lambda one: one.workers)]


def _fleet(runs: Sequence[Measured]) -> Fleet:
    median = statistics.median
    return Fleet(
        workers=runs[0].workers,
        runs=len(runs),
        seconds=median(one.wall_seconds for one in runs),
        program_cpu=median(one.program_cpu for one in runs),
        database_cpu=median(one.database_cpu for one in runs),
        site_cpu=median(one.site_cpu for one in runs),
        busy=median(one.busy for one in runs),
        ours=median(_ours(one) for one in runs),
    )


def _ours(one: Measured) -> float:
    """The part of the time that the run kept all cores busy."""
    spent = one.program_cpu + one.database_cpu + one.site_cpu
    return spent / one.wall_seconds / (os.cpu_count() or 1)


def rates(arrivals: Sequence[float], window: float = WINDOW_SECONDS) -> tuple[float, float]:
    """The least and most requests a second over any ``window`` seconds of a run.

    Counts change where a window begins or ends with a request: the least is without those two, the
    most with them. No window reaches out of the run. Raises `ValueError` when the run was shorter.
    """
    if not arrivals or arrivals[-1] - arrivals[0] < window:
        raise ValueError(f"the run was shorter than {window} s")
    first, last = arrivals[0], arrivals[-1]
    begins = [at for at in arrivals if at + window <= last]
    begins += [at - window for at in arrivals if at - window >= first]
    with_ends = [bisect_right(arrivals, at + window) - bisect_left(arrivals, at) for at in begins]
    without = [bisect_left(arrivals, at + window) - bisect_right(arrivals, at) for at in begins]
    return min(without) / window, max(with_ends) / window


def missed_shares(results: WorkersResults) -> list[str]:
    """Say where the time of workers that wait does not fall as it should."""
    by_workers = {one.workers: one for one in _fleets_of(results, WAITING)}
    alone = by_workers[1].seconds
    return [
        f"{one.workers} workers: {one.seconds:.1f} s, more than {MOST_ABOVE_SHARE} x "
        f"{alone:.1f} s / {one.workers}: missed"
        for one in by_workers.values()
        if one.workers > 1
        and one.ours < BUSY_SHARE
        and one.seconds > MOST_ABOVE_SHARE * alone / one.workers
    ]


def missed_limits(results: WorkersResults) -> list[str]:
    """Say which runs did not keep the limit; none that was too short to tell."""
    return [
        f"{low:.1f} to {high:.1f} requests/s, not {LEAST:g} to {MOST:g}: missed"
        for low, high in _limited_rates(results)
        if low < LEAST or high > MOST
    ]


def _limited_rates(results: WorkersResults) -> list[tuple[float, float]]:
    long_enough = [one for one in results.limited if one.arrivals[-1] >= WINDOW_SECONDS]
    return [rates(one.arrivals) for one in long_enough]


def _fleets_of(results: WorkersResults, case: str) -> list[Fleet]:
    return fleets(results.runs[case])


def sections(results: WorkersResults) -> dict[str, str]:
    """The sections of the page, by the name in their markers."""
    return {
        "workers machine": machine_paragraph(results),
        **{
            f"workers {case}": fleets_table(_fleets_of(results, case), results.titles)
            for case in results.runs
        },
        "workers limit": limit_table(results),
    }


def machine_paragraph(results: WorkersResults) -> str:
    """Where it was measured, and whether it had the machine for itself."""
    share = statistics.median(
        one.busy - _ours(one) for runs in results.runs.values() for one in runs
    )
    said = (
        f" Other programs kept its cores busy for {share:.0%} of the time." if share > 0.2 else ""
    )
    return f"Measured on {machine_line(results.machine)}.{said}"


def fleets_table(listed: Sequence[Fleet], titles: int) -> str:
    """A row for each number of workers."""
    headers = [
        "workers", "runs", "seconds", "times as fast as one", "titles a second", "cores busy",
        "CPU ms a title: program", "PostgreSQL", "site",
    ]  # fmt: skip
    alone = next(one.seconds for one in listed if one.workers == 1)
    rows = []
    for one in listed:
        spent = (one.program_cpu, one.database_cpu, one.site_cpu)
        rows.append(
            [
                str(one.workers or "none: `python main.py`"),
                str(one.runs),
                seconds_text(one.seconds),
                f"{alone / one.seconds:.2f}",
                f"{titles / one.seconds:.0f}",
                f"{one.busy:.0%}",
                *(f"{1000 * seconds / titles:.1f}" for seconds in spent),
            ]
        )
    return table(headers, rows)


def limit_table(results: WorkersResults) -> str:
    """A row for each run with a limit; empty cells for one that was too short."""
    headers = ["run", "titles", "least over 10 s, requests/s", "most over 10 s", "whole run"]
    rows = []
    for number, one in enumerate(results.limited, 1):
        seconds = one.arrivals[-1]
        is_long = seconds >= WINDOW_SECONDS
        shown = [f"{rate:.1f}" for rate in rates(one.arrivals)] if is_long else ["", ""]
        whole = f"{(len(one.arrivals) - 1) / seconds:.1f}"
        rows.append([str(number), f"{len(one.arrivals):,}", *shown, whole])
    return table(headers, rows)


def _keep(results: WorkersResults, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results)))


def _write(results: WorkersResults) -> None:
    from benchmarks.workers_plot import draw

    page = PAGE.read_text(encoding="utf-8")
    for name, text in sections(results).items():
        page = with_section(page, name, text)
    PAGE.write_text(page, encoding="utf-8")
    draw({case: _fleets_of(results, case) for case in results.runs}, PICTURE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--runs", type=whole_number, default=3)
    parser.add_argument("--titles", type=whole_number, default=5_000)
    parser.add_argument("--quick", action="store_true", help="few titles, one run, the page kept")
    parser.add_argument(
        "--redraw", action="store_true", help="write tables and picture again, measure nothing"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
