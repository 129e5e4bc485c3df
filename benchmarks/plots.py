"""The measurements as pictures (SVG): light, labelled, and readable when printed small."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter

from benchmarks.contestants import OURS, OURS_IN_PROCESSES, REFERENCE, STRATEGIES, SYSTEMS
from benchmarks.results import MemoryCurve, Parts, Race, Results

STYLE = {
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.labelsize": 11,
    "figure.facecolor": "white",
    "font.size": 11,
    "grid.color": "#dddddd",
    "legend.frameon": False,
    "savefig.bbox": "tight",
    "svg.hashsalt": "benchmarks",  # the same figures give the same file
}

_OURS_COLOUR = "#c0392b"
_REFERENCE_COLOUR = "#222222"
_COLOURS = (
    "#1f77b4",
    "#7fb2dd",
    "#2ca02c",
    "#55b955",
    "#84cf84",
    "#b2904f",
    "#e0b050",
    "#9467bd",
    "#17a2b8",
    "#e377c2",
    "#7f7f7f",
    "#bcbd22",
)
_PART_COLOURS = ("#b0b0b0", "#4c78a8", "#f2a33a", "#59a14f", "#af7aa1", "#9c6b4e")
_MARKERS = "osv^<>DPX*ph"
_SLOWEST_IN_ZOOM = 30
"""Titles a second below which a strategy is left out of the picture of the fast ones."""


def draw_all(results: Results, folder: Path) -> list[Path]:
    """Draw what was measured into files of a folder; give their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn: dict[str, Any] = {}
    with plt.rc_context(STYLE):
        races = [race for race in results.systems if not race.tls]
        if races:
            drawn["systems"] = systems_figure(races)
        if results.strategies:
            drawn["strategies"] = strategies_figure(results.strategies)
            drawn["strategies-fast"] = strategies_figure(_fast(results.strategies))
        if any(parts.parts for parts in results.stages.values()):
            drawn["cpu-by-stage"] = stages_figure(results.stages)
        if results.memory:
            drawn["memory"] = memory_figure(results.memory)
        return [saved(figure, folder / f"{name}.svg") for name, figure in drawn.items()]


def systems_figure(races: Sequence[Race]) -> Any:
    """Seconds of the whole job, a bar for each system and delay; the axis is logarithmic."""
    names = [s.name for s in reversed(SYSTEMS) if any(s.name in race.results for race in races)]
    figure, axes = plt.subplots(figsize=(9, 0.55 * len(names) + 1.2))
    height = 0.8 / len(races)
    for number, race in enumerate(races):
        for position, name in enumerate(names):
            result = race.results.get(name)
            if result is None or result.failure is not None:
                continue
            place = position + 0.4 - height * (number + 0.5)
            seconds = result.wall_seconds
            colour = ("#7fb2dd", "#1f4e79", "#999999")[number % 3]
            label = f"{race.delay_ms} ms a request" if position == 0 else None
            axes.barh(place, seconds, height * 0.92, color=colour, label=label)
            axes.text(seconds * 1.05, place, f"{seconds:.3g} s", va="center", fontsize=9)
    axes.set_yticks(range(len(names)), names)
    for tick in axes.get_yticklabels():
        tick.set_fontweight("bold" if tick.get_text() == OURS.name else "normal")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(PLAIN_NUMBERS)
    axes.set_xlabel("seconds for the whole job (logarithmic)")
    axes.set_title(f"{races[0].titles} titles into CSV files and PostgreSQL")
    axes.grid(visible=False, axis="y")
    axes.legend(loc="lower right")
    return figure


def strategies_figure(races: Sequence[Race]) -> Any:
    """Seconds against the number of titles, a panel for each delay."""
    delays = sorted({race.delay_ms for race in races})
    figure, grid = plt.subplots(
        -(-len(delays) // 2), 2, figsize=(11, 4.2 * -(-len(delays) // 2)), squeeze=False
    )
    for axes, delay_ms in zip(grid.flat, delays, strict=False):
        at_delay = sorted((r for r in races if r.delay_ms == delay_ms), key=lambda r: r.titles)
        for number, contestant in enumerate(STRATEGIES):
            points = [
                (race.titles, race.results[contestant.name].wall_seconds)
                for race in at_delay
                if contestant.name in race.results and not race.results[contestant.name].failure
            ]
            if points:
                axes.plot(*zip(*points, strict=True), **_line(contestant.name, number))
        axes.set_title(f"{delay_ms} ms a request")
        axes.set_xlabel("titles")
        axes.set_ylabel("seconds")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
    for axes in list(grid.flat)[len(delays) :]:
        axes.set_visible(False)
    _common_legend(figure, grid.flat)
    figure.tight_layout()
    return figure


def _line(name: str, number: int) -> dict[str, Any]:
    if name == OURS.name:
        return {"label": name, "color": _OURS_COLOUR, "linewidth": 3, "marker": "o", "zorder": 5}
    if name == OURS_IN_PROCESSES.name:
        return {"label": name, "color": _OURS_COLOUR, "linewidth": 1.5, "linestyle": "--"}
    return {
        "label": name,
        "color": _COLOURS[number % len(_COLOURS)],
        "linewidth": 1.5,
        "marker": _MARKERS[number % len(_MARKERS)],
        "markersize": 5,
    }


def _fast(races: Sequence[Race]) -> list[Race]:
    """The races without the strategies that get through few titles a second at a delay."""
    chosen = {delay_ms: _fast_at(races, delay_ms) for delay_ms in {r.delay_ms for r in races}}
    return [
        Race(
            race.titles,
            race.delay_ms,
            {n: result for n, result in race.results.items() if n in chosen[race.delay_ms]},
        )
        for race in races
    ]


def _fast_at(races: Iterable[Race], delay_ms: int) -> set[str]:
    """The strategies that are fast in the longest race of a delay."""
    longest = max((race for race in races if race.delay_ms == delay_ms), key=lambda r: r.titles)
    return {
        name
        for name, result in longest.results.items()
        if not result.failure and longest.titles / result.wall_seconds >= _SLOWEST_IN_ZOOM
    }


def stages_figure(stages: dict[str, Parts]) -> Any:
    """CPU milliseconds a title, a bar for each strategy, stacked by part of the work."""
    measured = {name: parts for name, parts in stages.items() if parts.parts}
    names = list(reversed(measured))
    figure, axes = plt.subplots(figsize=(9, 0.5 * len(names) + 1.6))
    lefts = [0.0] * len(names)
    part_names = next(iter(measured.values())).parts
    for part, colour in zip(part_names, _PART_COLOURS, strict=True):
        widths = [
            max(0.0, 1000 * measured[name].parts[part] / measured[name].titles) for name in names
        ]
        axes.barh(names, widths, 0.7, left=lefts, color=colour, label=part)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    for position, total in enumerate(lefts):
        axes.text(total, position, f" {total:.1f}", va="center", fontsize=10)
    axes.set_xlabel("CPU milliseconds a title")
    axes.set_title("Where the CPU time of a title goes")
    axes.grid(visible=False, axis="y")
    _common_legend(figure, [axes], columns=len(part_names))
    figure.tight_layout()
    return figure


def memory_figure(curves: dict[str, MemoryCurve]) -> Any:
    """Resident memory over time, a line for each system."""
    figure, axes = plt.subplots(figsize=(9, 4.5))
    for number, (name, curve) in enumerate(curves.items()):
        seconds = [moment for moment, _ in curve.samples]
        megabytes = [resident / 1e6 for _, resident in curve.samples]
        style = {"color": _COLOURS[2 * number % len(_COLOURS)], "linewidth": 1.5}
        if name == OURS.name:
            style = {"color": _OURS_COLOUR, "linewidth": 3}
        elif name == REFERENCE.name:
            style = {"color": _REFERENCE_COLOUR, "linewidth": 1.5}
        axes.plot(seconds, megabytes, label=name, **style)
    curve = next(iter(curves.values()))
    axes.set_title(f"{curve.titles:,} titles, {curve.delay_ms} ms a request")
    axes.set_xlabel("seconds since the start of the process")
    axes.set_ylabel("resident memory, MB")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.legend(loc="best")
    return figure


PLAIN_NUMBERS = FuncFormatter(lambda value, _: f"{value:g}")


def _common_legend(figure: Any, panels: Iterable[Any], columns: int = 4) -> None:
    """One legend below all panels."""
    lines = {
        label: line
        for axes in panels
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        lines.values(), lines.keys(), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncol=columns
    )


def saved(figure: Any, path: Path) -> Path:
    """Write a figure to a file, and forget it; gives the path."""
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path
