"""Ranks over the snapshots of a chart, and the picture of them."""

import re
from datetime import timedelta

import pytest

from application.chart_movement import RankPath, last_of_each_day, rank_paths
from domain.history import SnapshotTime
from infrastructure.web.dashboard.rank_plot import movement, rank_plot
from tests.builders import NOON, title_number
from tests.unit.test_chart_diff import snapshot


def at(run_id: str, hours: float) -> SnapshotTime:
    return SnapshotTime(run_id=run_id, captured_at=NOON + timedelta(hours=hours))


def test_of_a_day_the_last_snapshot_counts() -> None:
    # Noon: the day ends twelve hours later.
    times = [at("d", 13), at("c", 12), at("b", 11.9), at("a", 0)]
    assert [time.run_id for time in last_of_each_day(times, 9)] == ["b", "d"]
    assert [time.run_id for time in last_of_each_day(times, 1)] == ["d"]
    assert last_of_each_day([], 9) == []


def test_the_paths_of_those_that_ever_were_among_the_first() -> None:
    days = [snapshot(1, 2, 3, 4, day=0), snapshot(2, 3, 5, day=1), snapshot(5, 2, 1, day=2)]
    paths = [(int(path.title_id[2:]), path.ranks) for path in rank_paths(days, 2)]
    assert paths == [
        (5, (None, 3, 1)), (2, (2, 1, 2)), (1, (1, None, 3)), (3, (3, 2, None)),
    ]  # fmt: skip


def test_no_snapshots_have_no_paths() -> None:
    assert rank_paths([], 5) == []
    assert rank_plot([], [], 5) is None
    assert rank_plot([snapshot(1)], rank_paths([snapshot(1)], 5), 5) is None


@pytest.mark.parametrize(
    ("ranks", "word"),
    [
        ((9, 1, 6), "up"),
        ((6, 1, 9), "down"),
        ((6, 1, 8), "same"),
        ((None, 3), "new"),
        ((3, None), "left"),
        ((None, 3, None), "left"),
    ],
)
def test_what_became_of_a_title(ranks: tuple[int | None, ...], word: str) -> None:
    assert movement(RankPath(title_id=title_number(1), ranks=ranks)) == word


def test_lines_go_as_ranks_do_and_leave_below() -> None:
    days = [snapshot(1, 2, 3, day=0), snapshot(2, 1, 3, day=1), snapshot(2, 3, 1, day=2)]
    plot = rank_plot(days, rank_paths(days, 2), 2)
    assert plot is not None
    assert [path.title_id for path in plot.named] == [title_number(2), title_number(3)]
    dots = dict(
        re.findall(
            r'<g class="([^"]+)"><path class="way"[^>]*/><path class="dots" d="([^"]*)"',
            plot.picture,
        )
    )
    # The first rank is 20 below the upper edge, the second 60; what is further down has no dot.
    assert dots == {
        "gone": "M14 20h0M500 60h0",
        "same at-2": "M986 60h0",
        "same at-1": "M14 60h0M500 20h0M986 20h0",
    }  # fmt: skip
