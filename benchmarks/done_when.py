"""Checks what the project promises of its speed: ``python -m benchmarks.done_when``.

Runs ours, the reference, Scrapy and the original scraper in turn over the same work (250 titles,
pages of 1.44 MB, a PostgreSQL that is already running), and ours and the reference over TLS; then
``benchmarks.save_titles``, which has its own limit. Medians count. The exit status is 1 when a
limit is not met or a run failed.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.contestants import ORIGINAL, OURS, REFERENCE, SCRAPY, Contestant
from benchmarks.machine import machine_facts, machine_line
from benchmarks.measured_process import ROOT
from benchmarks.options import whole_number
from benchmarks.parts import Heat, measure_systems, open_workshop
from benchmarks.results import Race, Results

PAGE_BYTES = 1_440_000
DELAY_MS = 100

_LONGEST_SECONDS = 1.35
_TIMES_REFERENCE = 1.25
_TIMES_REFERENCE_WITHOUT_DELAY = 2.2
_TIMES_REFERENCE_OVER_TLS = 1.4
_CPU_MS = 5.0
_CPU_MS_OVER_TLS = 6.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """A promise, what was measured, the limit, and whether it is met; figures with their unit.

    A figure that only goes with a promise has ``met`` as ``None``, and for a limit what to compare
    it with.
    """

    promise: str
    measured: str
    limit: str
    met: bool | None


def verdicts(results: Results) -> list[Verdict]:
    """Hold the figures against the promises, as far as they were measured.

    A promise about somebody who failed is not met. How many times faster ours is than Scrapy and
    the original has no limit of its own: it depends on what the machine makes of them, and the
    reference stands beside it for what can be had.
    """
    found: list[Verdict] = []
    if race := results.race(DELAY_MS):
        found += _with_delay(race)
    if race := results.race(0):
        found += _wall(race, "no delay", _TIMES_REFERENCE_WITHOUT_DELAY)
        found += _cpu(race, "no delay", _CPU_MS)
    if race := results.race(DELAY_MS, tls=True):
        found += _wall(race, f"{DELAY_MS} ms, TLS", _TIMES_REFERENCE_OVER_TLS)
        found += _cpu(race, f"{DELAY_MS} ms, TLS", _CPU_MS_OVER_TLS)
    return found


def _with_delay(race: Race) -> list[Verdict]:
    where = f"{DELAY_MS} ms"
    return [
        *_wall(race, where, _TIMES_REFERENCE, _LONGEST_SECONDS),
        *_cpu(race, where, _CPU_MS),
        *_times_faster(race, where, SCRAPY),
        *_times_faster(race, where, ORIGINAL),
    ]


def _wall(race: Race, where: str, times: float, least: float = 0.0) -> list[Verdict]:
    promise = f"whole job, {where}"
    ours, reference = _median(race, OURS), _median(race, REFERENCE)
    if ours is None or reference is None:
        return [_failed(promise)]
    limit = max(least, times * reference)
    reason = f"{times:g} x the reference's {reference:.2f} s"
    shown = f"{limit:.2f} s ({reason})" if limit > least else f"{limit:.2f} s"
    return [Verdict(promise, f"{ours:.2f} s", f"at most {shown}", ours <= limit)]


def _cpu(race: Race, where: str, limit: float) -> list[Verdict]:
    promise = f"CPU per title, {where}"
    result = race.results[OURS.name]
    if result.failure:
        return [_failed(promise)]
    milliseconds = 1000 * result.cpu_seconds / race.titles
    met = milliseconds <= limit
    return [Verdict(promise, f"{milliseconds:.2f} ms", f"at most {limit:g} ms", met)]


def _times_faster(race: Race, where: str, other: Contestant) -> list[Verdict]:
    if other.name not in race.results:
        return []
    promise = f"times as fast as {other.name}, {where}"
    ours, reference, theirs = (_median(race, one) for one in (OURS, REFERENCE, other))
    if ours is None or reference is None or theirs is None:
        return [_failed(promise)]
    return [
        Verdict(promise, f"{theirs / ours:.1f}", f"the reference: {theirs / reference:.1f}", None)
    ]


def _median(race: Race, contestant: Contestant) -> float | None:
    result = race.results[contestant.name]
    return None if result.failure else result.wall_seconds


def _failed(promise: str) -> Verdict:
    return Verdict(promise, "a run failed", "", met=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the verdicts, and give the exit status."""
    options = _parser().parse_args(arguments)
    facts = machine_facts()
    print(machine_line(facts))
    with open_workshop(PAGE_BYTES) as workshop:
        races = measure_systems(workshop, options.titles, _heats(options.rounds))
    held = verdicts(Results(facts, PAGE_BYTES, systems=races))
    for verdict in held:
        print_verdict(verdict)
    saving = subprocess.run([sys.executable, "-m", "benchmarks.save_titles"], cwd=ROOT, check=False)
    return 0 if saving.returncode == 0 and all(verdict.met is not False for verdict in held) else 1


def _heats(rounds: int) -> list[Heat]:
    """The runs that the promises are about, and no others."""
    two = {OURS: rounds, REFERENCE: rounds}
    four = {**two, SCRAPY: rounds, ORIGINAL: rounds}
    return [Heat(0, two), Heat(DELAY_MS, four), Heat(DELAY_MS, two, tls=True)]


def print_verdict(verdict: Verdict) -> None:
    """Print one line."""
    word = {True: "met", False: "NOT met", None: ""}[verdict.met]
    print(f"{word:8}{verdict.promise}: {verdict.measured}; {verdict.limit}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.done_when", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rounds", type=whole_number, default=5, help="(default: %(default)s)")
    parser.add_argument("--titles", type=whole_number, default=250, help="(default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
