"""Comparing snapshots of a chart, and choosing which."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.compare_charts import CompareCharts
from domain.chart import Chart, ChartEntry, ChartName
from domain.errors import NoHistory
from domain.history import ChartDiff, Snapshot, SnapshotTime, TitleHistory, chart_diff
from domain.identifiers import TitleId
from tests.builders import NOON, title_number


def snapshot(*numbers: int, day: int = 0) -> Snapshot:
    entries = tuple(ChartEntry(rank, title_number(n)) for rank, n in enumerate(numbers, 1))
    return Snapshot(
        run_id=f"run{day}", chart=Chart(ChartName.TOP, entries, NOON + timedelta(days=day))
    )


def told(diff: ChartDiff) -> dict[str, list[tuple[int, int | None, int | None]]]:
    return {
        word: [(int(c.title_id[2:]), c.before, c.after) for c in getattr(diff, word)]
        for word in ("rose", "fell", "entered", "left")
    }


def test_who_rose_fell_entered_and_left() -> None:
    diff = chart_diff(snapshot(1, 2, 3, 4, 5), snapshot(4, 6, 1, 2, 7))
    assert told(diff) == {
        "rose": [(4, 4, 1)],
        "fell": [(1, 1, 3), (2, 2, 4)],
        "entered": [(6, None, 2), (7, None, 5)],
        "left": [(3, 3, None), (5, 5, None)],
    }
    assert diff.depth == 5


def test_who_moved_most_comes_first() -> None:
    diff = chart_diff(snapshot(1, 2, 3, 4, 5), snapshot(3, 5, 4, 2, 1))
    assert [c[0] for c in told(diff)["rose"]] == [5, 3, 4]
    assert [c[0] for c in told(diff)["fell"]] == [1, 2]


def test_the_same_chart() -> None:
    same = chart_diff(snapshot(1, 2), snapshot(1, 2))
    assert told(same) == {"rose": [], "fell": [], "entered": [], "left": []}


class TestPartsOfDifferentLength:
    def test_nobody_has_left_who_stands_further_down(self) -> None:
        diff = chart_diff(snapshot(1, 2), snapshot(3, 1, 2, 4))
        assert told(diff) == {
            "rose": [],
            "fell": [(1, 1, 2), (2, 2, 3)],
            "entered": [(3, None, 1)],
            "left": [],
        }
        assert diff.depth == 2

    def test_nor_has_anybody_who_was_beyond_the_shorter_one(self) -> None:
        diff = chart_diff(snapshot(1, 2, 3, 4), snapshot(3, 1))
        assert told(diff) == {
            "rose": [(3, 3, 1)],
            "fell": [(1, 1, 2)],
            "entered": [],
            "left": [(2, 2, None)],
        }


@given(
    old=st.lists(st.integers(1, 12), unique=True, min_size=1),
    new=st.lists(st.integers(1, 12), unique=True, min_size=1),
)
def test_every_change_of_a_rank_is_told_once(old: list[int], new: list[int]) -> None:
    diff = chart_diff(snapshot(*old), snapshot(*new))
    depth = min(len(old), len(new))
    changes = [change for word in told(diff).values() for change in word]
    numbers = [number for number, _, _ in changes]
    assert len(set(numbers)) == len(numbers)
    for number, before, after in changes:
        assert before == (old.index(number) + 1 if number in old else None)
        assert after == (new.index(number) + 1 if number in new else None)
        assert before != after
    # With what has stayed, they are all titles in the part that both have.
    stayed = {n for n in old[:depth] if n in new and old.index(n) == new.index(n)}
    assert {*numbers, *stayed} == {*old[:depth], *new[:depth]}


class FakeHistory:
    """Fulfils `HistoryReader` with snapshots that it was given."""

    def __init__(self, *snapshots: Snapshot) -> None:
        self._by_run = {one.run_id: one for one in snapshots}

    def snapshots(self, chart: ChartName) -> Sequence[SnapshotTime]:
        times = [
            SnapshotTime(run_id=s.run_id, captured_at=s.chart.captured_at)
            for s in self._by_run.values()
        ]
        return sorted(times, key=lambda s: s.captured_at, reverse=True)

    def snapshot(self, chart: ChartName, run_id: str) -> Snapshot | None:
        return self._by_run.get(run_id)

    def of_title(self, imdb_id: TitleId) -> TitleHistory:
        raise NotImplementedError

    def names(self, ids: Collection[TitleId]) -> Mapping[TitleId, str]:
        raise NotImplementedError


def days(diff: ChartDiff) -> tuple[str, str]:
    return diff.before.run_id, diff.after.run_id


class TestWhichSnapshots:
    history = FakeHistory(*(snapshot(1, 2, day=day) for day in (0, 10, 20, 30)))
    compare = CompareCharts(history, ChartName.TOP)

    def test_the_last_two(self) -> None:
        assert days(self.compare.latest()) == ("run20", "run30")

    @pytest.mark.parametrize(
        ("moment", "run"),
        [
            (NOON + timedelta(days=15), "run10"),
            (NOON + timedelta(days=10), "run10"),
            (NOON + timedelta(days=10, seconds=-1), "run0"),
            (NOON - timedelta(days=99), "run0"),
            (NOON + timedelta(days=99), "run20"),
        ],
    )
    def test_how_it_stood_at_a_moment(self, moment: datetime, run: str) -> None:
        assert days(self.compare.since(moment)) == (run, "run30")

    def test_two_runs_in_any_order(self) -> None:
        assert days(self.compare.runs("run30", "run0")) == ("run30", "run0")

    def test_a_run_without_a_snapshot(self) -> None:
        with pytest.raises(NoHistory, match="run run99 has kept no snapshot of the chart top"):
            self.compare.runs("run0", "run99")

    @pytest.mark.parametrize(
        ("history", "kept"),
        [(FakeHistory(), "no snapshot"), (FakeHistory(snapshot(1)), "one snapshot (2026-01-01)")],
    )
    def test_fewer_than_two(self, history: FakeHistory, kept: str) -> None:
        for ask in (
            CompareCharts(history, ChartName.TOP).latest,
            lambda: CompareCharts(history, ChartName.TOP).since(NOON),
        ):
            with pytest.raises(NoHistory) as raised:
                ask()
            assert str(raised.value).startswith(f"{kept} of the chart top is kept")
