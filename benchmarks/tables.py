"""The measurements as tables in Markdown."""

from collections.abc import Iterable, Sequence

from benchmarks.contestants import REFERENCE, STRATEGIES, SYSTEMS
from benchmarks.done_when import Verdict
from benchmarks.machine import machine_line
from benchmarks.race import Result
from benchmarks.results import Parts, Race, Results


def machine_paragraph(results: Results) -> str:
    """Where and when it was measured."""
    weight = f"{results.page_bytes / 1e6:g} MB"
    return f"Measured on {machine_line(results.machine)}. Pages of {weight}."


def reading_table(ways: dict[str, float], ours: str) -> str:
    """CPU time of reading a page, by way."""
    rows = [
        [way, f"{seconds * 1000:.1f}", f"{seconds / ways[ours]:.1f}"]
        for way, seconds in ways.items()
    ]
    return table(["way", "CPU ms", "times ours"], rows)


def systems_table(race: Race) -> str:
    """One race: medians, and the wall-clock time as a multiple of the reference's."""
    headers = ["system", "runs", "wall s", "times reference", "CPU ms a title", "peak MB"]
    reference = race.results.get(REFERENCE.name)
    ordered = [contestant.name for contestant in SYSTEMS if contestant.name in race.results]
    rows = [[name, *_system_row(race, race.results[name], reference)] for name in ordered]
    return table(headers, rows)


def _system_row(race: Race, result: Result, reference: Result | None) -> list[str]:
    if result.failure is not None:
        return ["", f"failed: {plain(result.failure)}", "", "", ""]
    times = "" if reference is None or reference.failure else _times(result, reference)
    return [
        str(len(result.runs)),
        seconds_text(result.wall_seconds),
        times,
        f"{1000 * result.cpu_seconds / race.titles:.1f}",
        f"{result.peak_bytes / 1e6:.0f}",
    ]


def _times(result: Result, reference: Result) -> str:
    return f"{result.wall_seconds / reference.wall_seconds:.2f}"


def strategies_table(races: Sequence[Race], delay_ms: int) -> str:
    """Seconds of each strategy at one delay, a column for each number of titles."""
    taken = sorted((race for race in races if race.delay_ms == delay_ms), key=lambda r: r.titles)
    rows = []
    for contestant in STRATEGIES:
        cells = [_seconds_cell(race.results.get(contestant.name)) for race in taken]
        rows.append([contestant.name, *cells])
    return table(["strategy", *(f"{race.titles:,} titles" for race in taken)], rows)


def _seconds_cell(result: Result | None) -> str:
    if result is None:
        return ""
    if result.failure is not None:
        return f"failed: {plain(result.failure)}"
    return seconds_text(result.wall_seconds)


def stages_table(stages: dict[str, Parts]) -> str:
    """CPU milliseconds a title, by part; a run that could not say has its reason."""
    names = next((list(parts.parts) for parts in stages.values() if parts.parts), [])
    rows = []
    for name, parts in stages.items():
        if parts.why is not None:
            rows.append([name, f"not measured: {plain(parts.why)}", *[""] * len(names)])
        else:
            cells = [1000 * parts.parts[part] / parts.titles for part in names]
            rows.append([name, *(f"{value:.2f}" for value in cells), f"{sum(cells):.2f}"])
    return table(["strategy", *names, "all"], rows)


_MET = {True: "yes", False: "no", None: ""}


def verdicts_table(verdicts: Iterable[Verdict]) -> str:
    """What was promised, and whether it is so."""
    rows = [[v.promise, v.measured, v.limit, _MET[v.met]] for v in verdicts]
    return table(["promise", "measured", "limit", "met"], rows)


def seconds_text(seconds: float) -> str:
    """Seconds with two digits after the point, or one from ten seconds on."""
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.1f}"


def plain(text: str) -> str:
    """Text for a cell: on one line, without what Markdown takes for the end of the cell."""
    return " ".join(text.split()).replace("|", "/")


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are figures."""
    lines = [headers, ["---", *["---:"] * (len(headers) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
