"""How ranks have moved over the snapshots of a chart that are kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.history import Snapshot, SnapshotTime
from domain.identifiers import TitleId


@dataclass(frozen=True, slots=True, kw_only=True)
class RankPath:
    """A title's rank in each of some snapshots, the oldest first; ``None`` where it is in none."""

    title_id: TitleId
    ranks: tuple[int | None, ...]

    @property
    def first(self) -> int | None:
        """Its rank in the oldest snapshot."""
        return self.ranks[0]

    @property
    def last(self) -> int | None:
        """Its rank in the newest snapshot."""
        return self.ranks[-1]


def last_of_each_day(times: Sequence[SnapshotTime], most: int) -> list[SnapshotTime]:
    """The last snapshot of each of the newest days (in UTC), ``most`` at most, the oldest first."""
    by_day = {}
    for time in sorted(times, key=lambda each: (each.captured_at, each.run_id)):
        by_day[time.captured_at.date()] = time
    return [*by_day.values()][-most:]


def rank_paths(snapshots: Sequence[Snapshot], depth: int) -> list[RankPath]:
    """The paths of all titles that were among the first ``depth`` in any of the snapshots.

    Those of the newest snapshot come first, in its order, then those that are further down in it,
    then those that have left it. Snapshots are the oldest first.
    """
    by_snapshot = [{e.title_id: e.rank for e in each.chart.entries} for each in snapshots]
    wanted = {
        title_id: None
        for ranks in reversed(by_snapshot)
        for title_id, rank in ranks.items()
        if rank <= depth
    }
    paths = [
        RankPath(title_id=each, ranks=tuple(ranks.get(each) for ranks in by_snapshot))
        for each in wanted
    ]
    return sorted(paths, key=lambda path: (path.last is None, path.last or 0))
