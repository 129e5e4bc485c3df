"""The picture of runs by many workers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import pyplot as plt

from benchmarks.plots import PLAIN_NUMBERS, STYLE, saved

if TYPE_CHECKING:
    from benchmarks.workers import Fleet

_COLOURS = ("#c0392b", "#7fb2dd", "#1f4e79")


def draw(by_case: "Mapping[str, Sequence[Fleet]]", path: Path) -> None:
    """Draw seconds against the number of workers, a line for each case.

    Both axes are logarithmic: what falls as 1 / N is a straight line, which is drawn beside it.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 4.5))
        for (case, fleets), colour in zip(by_case.items(), _COLOURS, strict=True):
            workers = [one.workers for one in fleets if one.workers]
            seconds = [one.seconds for one in fleets if one.workers]
            axes.plot(
                workers, seconds, color=colour, linewidth=2.5, marker="o", label=case,
            )  # fmt: skip
            axes.plot(
                workers, [seconds[0] / number for number in workers], color=colour, linewidth=1,
                linestyle="--",
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
        axes.set_title("200 ms a request; dashed: the time of one worker / N")
        axes.legend(loc="best")
        path.parent.mkdir(parents=True, exist_ok=True)
        saved(figure, path)
