"""What has become of a chart between two of its snapshots."""

from collections.abc import Sequence
from datetime import datetime

from application.ports import HistoryReader
from domain.chart import ChartName
from domain.errors import NoHistory
from domain.history import ChartDiff, Snapshot, SnapshotTime, chart_diff


class CompareCharts:
    """Chooses two snapshots of a chart and compares them. Used by one thread.

    Every method raises `NoHistory` when there are no two of them, `RepositoryUnavailable` when they
    cannot be read.
    """

    def __init__(self, history: HistoryReader, chart: ChartName) -> None:
        self._history = history
        self._chart = chart

    def latest(self) -> ChartDiff:
        """Compare the last two."""
        newest, before, *_ = self._at_least_two()
        return self._between(before, newest)

    def since(self, moment: datetime) -> ChartDiff:
        """Compare the last one with how the chart stood at a moment.

        That is the last snapshot up to then, or else the first of all.
        """
        newest, *earlier = self._at_least_two()
        then = next((s for s in earlier if s.captured_at <= moment), earlier[-1])
        return self._between(then, newest)

    def runs(self, before: str, after: str) -> ChartDiff:
        """Compare the snapshots of two runs."""
        return chart_diff(self._of_run(before), self._of_run(after))

    def _at_least_two(self) -> Sequence[SnapshotTime]:
        known = self._history.snapshots(self._chart)
        if len(known) >= 2:
            return known
        kept = "no snapshot" if not known else f"one snapshot ({known[0].captured_at:%Y-%m-%d})"
        raise NoHistory(
            f"{kept} of the chart {self._chart} is kept, and it takes two to compare: each run of "
            f"`python main.py --chart {self._chart}` keeps one"
        )

    def _between(self, before: SnapshotTime, after: SnapshotTime) -> ChartDiff:
        return chart_diff(self._of_run(before.run_id), self._of_run(after.run_id))

    def _of_run(self, run_id: str) -> Snapshot:
        snapshot = self._history.snapshot(self._chart, run_id)
        if snapshot is None:
            raise NoHistory(
                f"run {run_id} has kept no snapshot of the chart {self._chart}: `python main.py "
                "runs` shows the runs and their charts"
            )
        return snapshot
