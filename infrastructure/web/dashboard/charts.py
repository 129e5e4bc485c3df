"""The charts: as they stood at any time that was kept, and what has moved since."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from application.catalogue import TitleSummary
from application.chart_movement import last_of_each_day, rank_paths
from application.ports import HistoryReader
from domain.chart import ChartName
from domain.history import ChartDiff, Snapshot, SnapshotTime, chart_diff
from domain.identifiers import TitleId
from infrastructure.web.access import MayRead
from infrastructure.web.dashboard.rank_plot import TELLING_PLACES, RankPlot, movement, rank_plot
from infrastructure.web.dashboard.rendering import page
from infrastructure.web.services import UsesServices

router = APIRouter(include_in_schema=False, dependencies=[MayRead])

_MOST_MOVES = 3
"""So many of those that came, rose, fell and left are shown each on the first page."""
_MOST_TIMES = 60
_LEADERS = 3
_MOST_DAYS = 30
_PLOTTED_RANKS = 15


@dataclass(frozen=True, slots=True)
class KeptChart:
    """A chart that is kept, and when it stood so, the newest first."""

    name: ChartName
    times: tuple[SnapshotTime, ...]


def kept_charts(history: HistoryReader) -> list[KeptChart]:
    """The charts that are kept at all."""
    found = [KeptChart(name, tuple(history.snapshots(name))) for name in ChartName]
    return [chart for chart in found if chart.times]


@dataclass(frozen=True, slots=True)
class Move:
    """What a title did in a chart, in words."""

    title_id: str
    title: str
    rank: int | None
    before: int | None

    @property
    def sign(self) -> str:
        """``up``, ``down``, ``same``, ``new`` or ``left``."""
        if self.before is None:
            return "new"
        if self.rank is None:
            return "left"
        if self.rank == self.before:
            return "same"
        return "up" if self.rank < self.before else "down"

    @property
    def places(self) -> int:
        """By how many places it moved."""
        return abs((self.before or 0) - (self.rank or 0))


@dataclass(frozen=True, slots=True)
class Movement:
    """What moved most in a chart since the time before."""

    chart: ChartName
    since: SnapshotTime
    moves: tuple[Move, ...]


def movements(history: HistoryReader) -> list[Movement]:
    """What moved most in each chart that is kept twice at least."""
    found = []
    for kept in kept_charts(history):
        if len(kept.times) > 1 and (diff := _diff(history, kept, kept.times[0].run_id)):
            found.append(Movement(kept.name, kept.times[1], _moves(history, diff, _MOST_MOVES)))
    return found


@router.get("/charts")
def charts(services: UsesServices) -> HTMLResponse:
    """The charts that are kept."""
    kept = kept_charts(services.history)
    leaders = {each.name: _leaders(services.history, each) for each in kept}
    return page("charts.html", here="/charts", charts=kept, leaders=leaders)


def _leaders(history: HistoryReader, kept: KeptChart) -> list[tuple[int, str]]:
    """The first ranks as they were last, with the titles, or their ids where they are not held."""
    snapshot = history.snapshot(kept.name, kept.times[0].run_id)
    first = snapshot.chart.entries[:_LEADERS] if snapshot else ()
    names = history.names([entry.title_id for entry in first])
    return [(entry.rank, names.get(entry.title_id, entry.title_id)) for entry in first]


@router.get("/charts/{name}")
def chart(name: str, services: UsesServices, run: str | None = None) -> HTMLResponse:
    """A chart as the newest run found it, or the one that is asked for."""
    kept = next((each for each in kept_charts(services.history) if each.name == name), None)
    if kept is None:
        raise HTTPException(404, f"There is no chart {name[:40]!r} here.")
    run_id = run or kept.times[0].run_id
    snapshot = services.history.snapshot(kept.name, run_id)
    if snapshot is None:
        raise HTTPException(404, "No run of this id has kept this chart.")
    diff = _diff(services.history, kept, run_id)
    plot = _plotted(services.history, kept, snapshot)
    shown = {entry.title_id for entry in snapshot.chart.entries}
    drawn = {path.title_id for path in plot.paths} if plot else set()
    titles = services.catalogue.summaries(shown | drawn)
    return page(
        "chart.html",
        here="/charts",
        kept=kept,
        times=kept.times[:_MOST_TIMES],
        snapshot=snapshot,
        rows=_rows(snapshot, diff, titles),
        diff=diff,
        moves=_moves(services.history, diff, None) if diff else (),
        plot=plot,
        movement=movement,
        telling=TELLING_PLACES,
        titles=titles,
    )


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A place in a chart: the title (``None`` when it is not held), and its move, if known."""

    rank: int
    title_id: TitleId
    title: TitleSummary | None
    move: Move | None


def _rows(
    snapshot: Snapshot, diff: ChartDiff | None, titles: Mapping[TitleId, TitleSummary]
) -> list[ChartRow]:
    before = {entry.title_id: entry.rank for entry in diff.before.chart.entries} if diff else {}
    # Further down than the shorter one of the two goes, nothing is known to be new.
    depth = diff.depth if diff else 0
    found = []
    for entry in snapshot.chart.entries:
        was = before.get(entry.title_id)
        is_known = was is not None or entry.rank <= depth
        move = Move(entry.title_id, "", entry.rank, was) if is_known else None
        found.append(ChartRow(entry.rank, entry.title_id, titles.get(entry.title_id), move))
    return found


def _plotted(history: HistoryReader, kept: KeptChart, shown: Snapshot) -> RankPlot | None:
    """The ranks of the days up to the snapshot that is shown."""
    times = [t for t in kept.times if t.captured_at <= shown.chart.captured_at]
    days = last_of_each_day(times, _MOST_DAYS)
    snapshots = history.snapshots_of(kept.name, [day.run_id for day in days])
    return rank_plot(snapshots, rank_paths(snapshots, _PLOTTED_RANKS), _PLOTTED_RANKS)


def _diff(history: HistoryReader, kept: KeptChart, run_id: str) -> ChartDiff | None:
    """What moved up to a run since the one before it, if there is one."""
    ids = [time.run_id for time in kept.times]
    earlier = ids[ids.index(run_id) + 1 :][:1] if run_id in ids else []
    if not earlier:
        return None
    before, after = history.snapshot(kept.name, earlier[0]), history.snapshot(kept.name, run_id)
    return chart_diff(before, after) if before and after else None


def _moves(history: HistoryReader, diff: ChartDiff, most: int | None) -> tuple[Move, ...]:
    """What a chart's titles did, at most so many of those that came, rose, fell and left each."""
    groups = (diff.entered, diff.rose, diff.fell, diff.left)
    changes = [change for group in groups for change in group[:most]]
    names = history.names([change.title_id for change in changes])
    return tuple(
        Move(c.title_id, names.get(c.title_id, c.title_id), c.after, c.before) for c in changes
    )
