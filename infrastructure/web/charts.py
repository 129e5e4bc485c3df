"""Charts: which are kept, how one stood at a time, and what has changed in it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from application.compare_charts import CompareCharts
from domain.chart import ChartName
from domain.errors import InvalidFilter, NoHistory
from domain.history import SnapshotTime
from infrastructure.web.access import MayRead
from infrastructure.web.answers import answer
from infrastructure.web.models import ChartLine, ChartList, ChartOut, DiffOut
from infrastructure.web.parameters import (
    ChartParameter,
    Day,
    Nothing,
    Parameters,
    RunName,
    last_moment,
)
from infrastructure.web.problems import InvalidParameter, responses
from infrastructure.web.services import UsesServices

router = APIRouter(prefix="/charts", tags=["charts"], dependencies=[MayRead])


class ChartParameters(Parameters):
    """As it stood when."""

    at: Day = None


class DiffParameters(Parameters):
    """Since when, or between which runs; without either the last two snapshots are compared."""

    since: Day = None
    before: RunName = None
    after: RunName = None


@router.get("", summary="The charts that are kept", response_model=ChartList)
def charts(request: Request, services: UsesServices, _none: Nothing) -> Response:
    """Each with when it was kept last."""
    found = [ChartLine.of(summary) for summary in services.catalogue.charts()]
    return answer(request, ChartList(items=found))


@router.get(
    "/{chart}",
    summary="A chart as it stood",
    response_model=ChartOut,
    responses=responses(404),
)
def chart(
    request: Request,
    chart: ChartParameter,
    parameters: Annotated[ChartParameters, Query()],
    services: UsesServices,
) -> Response:
    """As the last run found it, or the last one up to a date."""
    wanted = _chosen(services.history.snapshots(chart), chart, parameters.at)
    snapshot = services.history.snapshot(chart, wanted.run_id)
    if snapshot is None:
        raise NoHistory(f"the chart {chart} of the run {wanted.run_id} has just been removed")
    ids = [entry.title_id for entry in snapshot.chart.entries]
    return answer(request, ChartOut.of(snapshot, services.catalogue.summaries(ids)))


@router.get(
    "/{chart}/diff",
    summary="Who rose, fell, entered and left",
    response_model=DiffOut,
    responses=responses(404),
)
def diff(
    request: Request,
    chart: ChartParameter,
    parameters: Annotated[DiffParameters, Query()],
    services: UsesServices,
) -> Response:
    """The last two snapshots, the last one and that of a date, or those of two runs."""
    compare = CompareCharts(services.history, chart)
    since, before, after = parameters.since, parameters.before, parameters.after
    if (before is None) != (after is None) or (before is not None and since is not None):
        raise InvalidParameter("before", "give before and after together, and since without them")
    if before is not None and after is not None:
        found = compare.runs(before, after)
    else:
        found = compare.latest() if since is None else compare.since(_moment("since", since))
    changes = (*found.rose, *found.fell, *found.entered, *found.left)
    names = services.history.names([change.title_id for change in changes])
    return answer(request, DiffOut.of(found, names))


def _chosen(known: Sequence[SnapshotTime], chart: ChartName, at: str | None) -> SnapshotTime:
    """The newest snapshot up to then. Raises `NoHistory` when there is none."""
    if at is not None:
        moment = _moment("at", at)
        known = [snapshot for snapshot in known if snapshot.captured_at <= moment]
    if not known:
        when = "" if at is None else f" of {at} or before"
        raise NoHistory(f"no snapshot of the chart {chart}{when} is kept")
    return known[0]


def _moment(name: str, text: str) -> datetime:
    try:
        return last_moment(text)
    except InvalidFilter as error:
        raise InvalidParameter(name, str(error)) from error
