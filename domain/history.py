"""How ratings and ranks have changed over time."""

from dataclasses import dataclass
from datetime import datetime

from domain.chart import Chart, ChartName
from domain.identifiers import TitleId


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingObservation:
    """The rating (0.0 to 10.0) and the number of votes that a title had at a moment.

    There is one when a title was first seen with either, and one whenever they had changed.
    """

    observed_at: datetime
    rating: float | None
    votes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RankObservation:
    """The rank that a title had in a chart, as a run found it."""

    chart: ChartName
    run_id: str
    captured_at: datetime
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleHistory:
    """All that is known of a title over time, the oldest first.

    ``title`` is ``None`` when it has never been fetched: a chart names titles by their ids.
    """

    imdb_id: TitleId
    title: str | None
    year: int | None
    ratings: tuple[RatingObservation, ...]
    ranks: tuple[RankObservation, ...]

    @property
    def is_empty(self) -> bool:
        """Whether it has never been seen."""
        return self.title is None and not self.ratings and not self.ranks


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTime:
    """When a chart stood as a run found it."""

    run_id: str
    captured_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A chart as a run found it."""

    run_id: str
    chart: Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class RankChange:
    """A title's rank before and after; ``None`` where it was not in the chart."""

    title_id: TitleId
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartDiff:
    """What has become of a chart between two snapshots.

    ``rose`` and ``fell`` have those that moved most first, ``entered`` is in the order of the new
    ranks, ``left`` in that of the old ones. Only the first ``depth`` ranks are compared: as far as
    both snapshots go.
    """

    before: Snapshot
    after: Snapshot
    depth: int
    rose: tuple[RankChange, ...]
    fell: tuple[RankChange, ...]
    entered: tuple[RankChange, ...]
    left: tuple[RankChange, ...]


def chart_diff(before: Snapshot, after: Snapshot) -> ChartDiff:
    """Compare two snapshots of a chart.

    When one is shorter, to enter and to leave is to enter and to leave the ranks that both have:
    what stands further down in the longer one tells nothing.
    """
    old = {entry.title_id: entry.rank for entry in before.chart.entries}
    new = {entry.title_id: entry.rank for entry in after.chart.entries}
    depth = min(len(old), len(new))
    changes = [
        RankChange(title_id=title_id, before=old.get(title_id), after=new.get(title_id))
        for title_id in {**new, **old}
        if min(old.get(title_id, depth + 1), new.get(title_id, depth + 1)) <= depth
    ]
    moved = [(_places(change), change) for change in changes if _is_in_both(change)]
    return ChartDiff(
        before=before,
        after=after,
        depth=depth,
        rose=tuple(c for places, c in sorted(moved, key=_most_first) if places > 0),
        fell=tuple(c for places, c in sorted(moved, key=_most_first) if places < 0),
        entered=tuple(sorted((c for c in changes if c.before is None), key=lambda c: c.after or 0)),
        left=tuple(sorted((c for c in changes if c.after is None), key=lambda c: c.before or 0)),
    )


def _is_in_both(change: RankChange) -> bool:
    return change.before is not None and change.after is not None


def _places(change: RankChange) -> int:
    """How many places a title has risen; below 0 it has fallen."""
    return (change.before or 0) - (change.after or 0)


def _most_first(moved: tuple[int, RankChange]) -> tuple[int, int]:
    places, change = moved
    return -abs(places), change.after or 0
