"""The charts: as they stood at any time that was kept, and what has moved since."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from application.ports import HistoryReader
from domain.chart import ChartName
from domain.history import ChartDiff, Snapshot, SnapshotTime, chart_diff
from infrastructure.web.access import MayRead
from infrastructure.web.dashboard.rendering import page
from infrastructure.web.services import UsesServices

router = APIRouter(include_in_schema=False, dependencies=[MayRead])

_MOST_MOVES = 5
_MOST_TIMES = 60


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
        """``up``, ``down``, ``new`` or ``left``."""
        if self.before is None:
            return "new"
        if self.rank is None:
            return "left"
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
    return page("charts.html", here="/charts", charts=kept_charts(services.history))


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
    before = {entry.title_id: entry.rank for entry in diff.before.chart.entries} if diff else None
    return page(
        "chart.html",
        here="/charts",
        kept=kept,
        times=kept.times[:_MOST_TIMES],
        snapshot=snapshot,
        rows=_rows(services, snapshot),
        before=before,
        diff=diff,
        moves=_moves(services.history, diff, None) if diff else (),
    )


def _rows(services: UsesServices, snapshot: Snapshot) -> list[tuple[int, str, str | None]]:
    """Rank, id, and display title (``None`` when the title is not held)."""
    entries = snapshot.chart.entries
    names = services.history.names([entry.title_id for entry in entries])
    return [(e.rank, e.title_id, names.get(e.title_id)) for e in entries]


def _diff(history: HistoryReader, kept: KeptChart, run_id: str) -> ChartDiff | None:
    """What moved up to a run since the one before it, if there is one."""
    ids = [time.run_id for time in kept.times]
    earlier = ids[ids.index(run_id) + 1 :][:1] if run_id in ids else []
    if not earlier:
        return None
    before, after = history.snapshot(kept.name, earlier[0]), history.snapshot(kept.name, run_id)
    return chart_diff(before, after) if before and after else None


def _moves(history: HistoryReader, diff: ChartDiff, most: int | None) -> tuple[Move, ...]:
    changes = [*diff.entered, *diff.rose, *diff.fell, *diff.left][:most]
    names = history.names([change.title_id for change in changes])
    return tuple(
        Move(c.title_id, names.get(c.title_id, c.title_id), c.after, c.before) for c in changes
    )
