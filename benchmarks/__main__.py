"""All benchmarks in one command: ``python -m benchmarks``, or ``make bench``.

Measures reading a page, other systems, strategies, CPU time by stage and memory over time; writes
tables and pictures into ``docs/performance.md`` and ``docs/images``, and the figures to
``output/benchmarks/results.json``. Takes about 40 minutes on 2 cores. Saving, filling, growth and
api, named as parts, run ``benchmarks.save_titles``, ``benchmarks.memory`` and
``benchmarks.api_load`` and take some more.

With ``--quick`` there are few titles and one round: a check that everything works, whose figures
mean nothing, so that the pictures go to ``output/benchmarks`` and the page stays as it is.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks import parse_page, parts, tables
from benchmarks.contestants import ORIGINAL, OURS, REFERENCE, SYSTEMS, Contestant
from benchmarks.done_when import DELAY_MS, PAGE_BYTES, print_verdict, verdicts
from benchmarks.machine import machine_facts, machine_line
from benchmarks.measured_process import ROOT, CommandFailed
from benchmarks.page import with_section
from benchmarks.results import RESULTS_FILE, Results, read_results, write_results

PAGE = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"

PROGRAMS = {
    "saving": "benchmarks.save_titles",
    "filling": "benchmarks.save_titles --grow-to 1000000",
    "growth": "benchmarks.memory",
    "api": "benchmarks.api_load",
}
"""Parts that are programs of their own, measured when they are named: they take long."""

PARTS = ("reading", "systems", "strategies", "stages", "memory")
"""What is measured unless parts are named."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; ``grid`` has the numbers of titles of the strategies by delay in ms."""

    titles: int
    rounds: int
    grid: Mapping[int, tuple[int, ...]]
    memory_titles: int
    pages_read: int

    def rounds_of(self, contestant: Contestant, delay_ms: int) -> int:
        """How often a system runs: one that takes a minute once, where no promise names it."""
        promised = contestant is ORIGINAL and delay_ms == DELAY_MS
        return 1 if contestant.slow and not promised else self.rounds


FULL = Plan(
    titles=250,
    rounds=5,
    grid={
        0: (250, 500, 1000),
        20: (250, 500, 1000),
        100: (250, 500, 1000, 2000),
        300: (250, 500, 750),
    },
    memory_titles=500,
    pages_read=25,
)
QUICK = Plan(titles=20, rounds=1, grid={20: (10, 20)}, memory_titles=40, pages_read=3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; give the exit status: 1 when a run failed or lost something."""
    options = _parser().parse_args(arguments)
    file = RESULTS_FILE.with_name("quick.json") if options.quick else RESULTS_FILE
    try:
        if not options.redraw:
            _measure(options.parts, QUICK if options.quick else FULL, file)
        results = read_results(file)
        written = _write(results, quick=options.quick)
    except (CommandFailed, OSError, msgspec.DecodeError) as error:
        print(error, file=sys.stderr)
        return 1
    for path in [file, *written]:
        print(path.relative_to(ROOT))
    if not options.quick:
        for verdict in verdicts(results):
            print_verdict(verdict)
    return 1 if _failed(results) else 0


def _measure(only: Sequence[str], plan: Plan, file: Path) -> None:
    """Measure the parts, keeping the results in a file after each: a later one may fail."""
    results = _results_to_add_to(file, only)
    print(machine_line(results.machine))
    with parts.open_workshop(results.page_bytes) as workshop:
        for part in only or PARTS:
            began = time.monotonic()
            print(part, flush=True)
            measure_part(part, plan, workshop, results)
            write_results(results, file)
            print(f"  {part} took {(time.monotonic() - began) / 60:.1f} minutes", flush=True)


def _results_to_add_to(file: Path, only: Sequence[str]) -> Results:
    """Earlier results when only some parts are measured again, else none."""
    if only and file.exists():
        results = read_results(file)
        results.machine = machine_facts()
        return results
    return Results(machine_facts(), PAGE_BYTES)


def measure_part(part: str, plan: Plan, workshop: parts.Workshop, results: Results) -> None:
    """Measure a part and note it in the results. Raises `CommandFailed` when a program fails."""
    if part == "reading":
        taken = parse_page.measure(parse_page.samples(plan.pages_read, results.page_bytes))
        results.reading = {way: statistics.median(times) for way, times in taken.items()}
    elif part == "systems":
        results.systems = parts.measure_systems(workshop, plan.titles, _heats(plan))
    elif part == "strategies":
        results.strategies = parts.measure_strategies(workshop, plan.grid)
    elif part == "stages":
        rounds = min(plan.rounds, 3)
        results.stages = parts.measure_stages(workshop, plan.titles, DELAY_MS, rounds)
    elif part == "memory":
        results.memory = parts.measure_memory(workshop, plan.memory_titles, DELAY_MS)
    else:
        results.printed[part] = parts.printed_by(PROGRAMS[part])


def _heats(plan: Plan) -> list[parts.Heat]:
    heats = [
        parts.Heat(delay_ms, {system: plan.rounds_of(system, delay_ms) for system in SYSTEMS})
        for delay_ms in (0, DELAY_MS)
    ]
    over_tls = {OURS: plan.rounds, REFERENCE: plan.rounds}
    return [*heats, parts.Heat(DELAY_MS, over_tls, tls=True)]


def _write(results: Results, *, quick: bool) -> list[Path]:
    from benchmarks.plots import draw_all

    if quick:
        return draw_all(results, RESULTS_FILE.parent)
    page = PAGE.read_text(encoding="utf-8")
    for name, text in sections(results).items():
        page = with_section(page, name, text)
    PAGE.write_text(page, encoding="utf-8")
    return [PAGE, *draw_all(results, IMAGES)]


def sections(results: Results) -> dict[str, str]:
    """The sections of the page for which there are measurements, by the name in their markers."""
    made = {"machine": tables.machine_paragraph(results)}
    if results.reading:
        made["reading"] = tables.reading_table(results.reading, parse_page.OURS)
    for race in results.systems:
        name = f"systems {race.delay_ms} ms{' TLS' if race.tls else ''}"
        made[name] = tables.systems_table(race)
    if results.systems:
        made["promises"] = tables.verdicts_table(verdicts(results))
    for delay_ms in sorted({race.delay_ms for race in results.strategies}):
        text = tables.strategies_table(results.strategies, delay_ms)
        made[f"strategies {delay_ms} ms"] = text
    if results.stages:
        made["stages"] = tables.stages_table(results.stages)
    for part, text in results.printed.items():
        made[part] = f"```console\n$ python -m {PROGRAMS[part]}\n{text}\n```"
    return made


def _failed(results: Results) -> bool:
    races = [*results.systems, *results.strategies]
    return any(result.failure for race in races for result in race.results.values())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="few titles, one round, the page kept")
    parser.add_argument(
        "--redraw", action="store_true", help="write tables and pictures again, measure nothing"
    )
    known = ", ".join(sorted({*PARTS, *PROGRAMS}))
    parser.add_argument("parts", nargs="*", type=_part, metavar="PART", help=f"only these: {known}")
    return parser


def _part(text: str) -> str:
    if text not in {*PARTS, *PROGRAMS}:
        raise argparse.ArgumentTypeError(f"{text} is no part")
    return text


if __name__ == "__main__":
    sys.exit(main())
