"""The picture of runs by many workers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import pyplot as plt

from benchmarks.plots import PLAIN_NUMBERS, STYLE, saved

if TYPE_CHECKING:
    from benchmarks.workers import Fleet

_COLOURS = ("#c0392b", "#1f4e79")


def draw(by_threads: "Mapping[int, Sequence[Fleet]]", path: Path) -> None:
    """Draw seconds against the number of workers, a line for each number of threads.

    Both axes are logarithmic: what falls as 1 / N is a straight line, which is drawn beside it.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 4.5))
        for (threads, fleets), colour in zip(by_threads.items(), _COLOURS, strict=True):
            workers = [one.workers for one in fleets if one.workers]
            seconds = [one.seconds for one in fleets if one.workers]
            axes.plot(
                workers, seconds, color=colour, linewidth=2.5, marker="o",
                label=f"{threads} threads a worker",
            )  # fmt: skip
            axes.plot(
                workers, [seconds[0] / number for number in workers], color=colour, linewidth=1,
                linestyle="--", label="one worker's time / N",
            )  # fmt: skip
            for number, taken in zip(workers, seconds, strict=True):
                axes.annotate(
                    f"{taken:.3g} s", (number, taken), (0, 7), textcoords="offset points",
                    ha="center", fontsize=9,
                )  # fmt: skip
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.set_xticks(workers)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PLAIN_NUMBERS)
        axes.set_xlabel("workers")
        axes.set_ylabel("seconds for the whole run")
        axes.set_title("A run by 1, 2 and 4 workers, 200 ms a request")
        axes.legend(loc="best")
        path.parent.mkdir(parents=True, exist_ok=True)
        saved(figure, path)
