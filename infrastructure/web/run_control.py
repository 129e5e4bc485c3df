"""Runs that are started, cancelled and watched over HTTP; those of others are only shown."""

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Literal

import anyio
from fastapi import APIRouter, Body, Header
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from application.run_control import (
    ChartOrder,
    Order,
    ResumeOrder,
    RetryOrder,
    RunWatch,
    TitlesOrder,
)
from application.run_progress import RunProgress, RunState
from domain.batch import BatchState
from domain.chart import ChartName
from domain.details import DetailName
from domain.errors import RepositoryUnavailable
from domain.identifiers import TitleId
from domain.run import RunOutcome
from infrastructure.web.access import MayRead, MayWrite
from infrastructure.web.parameters import Nothing, RunIdParameter
from infrastructure.web.problems import responses
from infrastructure.web.services import UsesServices

logger = logging.getLogger(__name__)

_RUNS = "/api/v1/runs"

_MOST_IDS = 3_000
"""So many of the longest ids fit into the largest body that is taken."""

_HEARTBEAT_SECONDS = 15
_RETRY_MILLISECONDS = 3000
_SEND_SECONDS = 60
"""A watcher that does not read is let go after this time."""

_GRACE_SECONDS = 5
"""How long a stream has to end by itself when the server does."""

_END = "end"
"""Id of the last event: whoever reconnects with it has seen everything."""

_EXAMPLE_ID = "20261122T081500Z-1a2b3c4d"


router = APIRouter(prefix="/runs", tags=["runs"])

_Details = Annotated[
    list[DetailName] | None,
    Field(max_length=100, description="What to get besides the main facts; by default DETAILS."),
]


_Distributed = Annotated[
    bool | None,
    Field(
        strict=True,
        description="true: workers do it, beside any number of others, and it waits until there "
        "are some; false: this server does it, one at a time; by default as API_RUNS says.",
    ),
]


class _Given(BaseModel):
    """What is sent; a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class ChartRun(_Given):
    """Scrape the first titles of a chart."""

    command: Literal["chart"]
    chart: ChartName
    limit: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 250
    details: _Details = None
    distributed: _Distributed = None

    def order(self) -> Order:
        """What the application takes."""
        return ChartOrder(chart=self.chart, limit=self.limit, details=_tuple(self.details))


class TitlesRun(_Given):
    """Scrape titles by their ids."""

    command: Literal["titles"]
    ids: Annotated[
        list[Annotated[str, Field(pattern=r"^tt[0-9]{7,15}$")]],
        Field(min_length=1, max_length=_MOST_IDS, examples=[["tt0111161"]]),
    ]
    details: _Details = None
    distributed: _Distributed = None

    def order(self) -> Order:
        """What the application takes."""
        return TitlesOrder(ids=tuple(map(TitleId, self.ids)), details=_tuple(self.details))


_EarlierRun = Annotated[str | None, Field(pattern=r"^[A-Za-z0-9-]{1,100}$", examples=[_EXAMPLE_ID])]


class RetryRun(_Given):
    """Fetch again what failed in a run, by default the newest with failures."""

    command: Literal["retry"]
    run_id: _EarlierRun = None
    distributed: _Distributed = None
    with_not_found: Annotated[bool, Field(strict=True, description="Also what no source has.")] = (
        False
    )

    def order(self) -> Order:
        """What the application takes."""
        return RetryOrder(of=self.run_id, with_not_found=self.with_not_found)


class ResumeRun(_Given):
    """Continue a run that was stopped, by default the newest, under its own id."""

    command: Literal["resume"]
    run_id: _EarlierRun = None
    distributed: _Distributed = None

    def order(self) -> Order:
        """What the application takes."""
        return ResumeOrder(run_id=self.run_id)


class RunAddress(BaseModel):
    """Where a run is found."""

    run_id: str = Field(examples=[_EXAMPLE_ID])
    url: str = Field(examples=[f"{_RUNS}/{_EXAMPLE_ID}"])
    events: str = Field(
        description="Its progress as server-sent events.",
        examples=[f"{_RUNS}/{_EXAMPLE_ID}/events"],
    )


class WorkerOut(BaseModel):
    """A worker that has a batch of the run."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    titles: int = Field(description="Titles of the batch that it has.")
    fetched: int
    failed: int
    heard_seconds: float = Field(description="So long ago it last said that it lives.")


class ProgressOut(BaseModel):
    """How far a run is; what is not known is null."""

    model_config = ConfigDict(from_attributes=True)

    run_id: str
    state: RunState
    asked: int | None = Field(description="Titles to fetch; of a resumed run, those left.")
    fetched: int | None
    failed: int | None
    failed_by_reason: dict[str, int] | None
    saved: dict[str, int] = Field(description="Titles saved, by repository.")
    seconds: float | None
    per_second: float | None
    notices: list[str]
    not_tried: int | None
    outcome: RunOutcome | None
    error: str | None
    batches: dict[BatchState, int] | None = Field(
        description="Of a run that workers do: how many of its batches are in each state."
    )
    workers: list[WorkerOut] = Field(description="Those that have a batch of it now.")


_ORDERS: Mapping[str, Any] = {
    "chart": {"value": {"command": "chart", "chart": "top", "limit": 250}},
    "distributed": {"value": {"command": "chart", "chart": "top", "distributed": True}},
    "titles": {"value": {"command": "titles", "ids": ["tt0111161"], "details": ["awards"]}},
    "retry": {"value": {"command": "retry", "run_id": _EXAMPLE_ID}},
    "resume": {"value": {"command": "resume"}},
}

AnyRun = Annotated[
    ChartRun | TitlesRun | RetryRun | ResumeRun,
    Body(discriminator="command", openapi_examples=dict(_ORDERS)),
]


@router.post(
    "",
    summary="Start a run",
    status_code=202,
    dependencies=[MayWrite],
    responses=responses(403, 404, 409),
)
def start_run(
    wanted: AnyRun, services: UsesServices, response: Response, _none: Nothing
) -> RunAddress:
    """Answers when it is sure that there is something to do.

    409: another run is at work, here or in another copy of the server; workers do any number.
    """
    address = _address(services.runs.start(wanted.order(), distributed=wanted.distributed))
    response.headers["Location"] = address.url
    return address


@router.delete(
    "/{run_id}",
    summary="Cancel a run",
    status_code=202,
    dependencies=[MayWrite],
    responses=responses(403, 404, 409),
)
def cancel_run(run_id: RunIdParameter, services: UsesServices, _none: Nothing) -> RunAddress:
    """Finishes what is in flight and saves it; it can be resumed.

    409: it is at work neither here nor in workers.
    """
    services.runs.cancel(run_id)
    return _address(run_id)


@router.post(
    "/{run_id}/pause",
    summary="Pause a run that workers do",
    status_code=202,
    dependencies=[MayWrite],
    responses=responses(403, 404, 409),
)
def pause_run(run_id: RunIdParameter, services: UsesServices, _none: Nothing) -> RunAddress:
    """Workers save what is in flight and begin nothing more of it. Once more does nothing.

    409: it is over, or no run that workers do.
    """
    services.runs.pause(run_id)
    return _address(run_id)


@router.post(
    "/{run_id}/continue",
    summary="Go on with a run that was paused",
    status_code=202,
    dependencies=[MayWrite],
    responses=responses(403, 404, 409),
)
def continue_run(run_id: RunIdParameter, services: UsesServices, _none: Nothing) -> RunAddress:
    """Workers go on with it. Once more does nothing. 409: as for pausing."""
    services.runs.go_on(run_id)
    return _address(run_id)


@router.get(
    "/{run_id}/events",
    summary="Watch a run",
    response_class=EventSourceResponse,
    dependencies=[MayRead],
    responses={
        200: {
            "description": "First the event `progress` as it stands, then one whenever something "
            "has changed, at most four a second; `end` is the last. A run of another program shows "
            "what the repositories know of it.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'id: 17\r\nevent: progress\r\ndata: {"state": "fetching", '
                    '"asked": 250, "fetched": 16}\r\nretry: 3000\r\n\r\n',
                }
            },
        },
        204: {"description": "`Last-Event-ID` is that of the end: there is nothing more."},
        **responses(404),
    },
)
async def run_events(
    run_id: RunIdParameter,
    services: UsesServices,
    _none: Nothing,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """The data is the JSON of `ProgressOut`. Whoever reconnects gets the run as it stands then."""
    watch = await run_in_threadpool(services.runs.watch, run_id)
    first = await run_in_threadpool(watch.poll)
    if last_event_id == _END and first is not None and first.is_over:
        return Response(status_code=204)
    shutdown = anyio.Event()
    return EventSourceResponse(
        _events(watch, first, shutdown),
        ping=_HEARTBEAT_SECONDS,
        send_timeout=_SEND_SECONDS,
        shutdown_event=shutdown,
        shutdown_grace_period=_GRACE_SECONDS,
    )


async def _events(
    watch: RunWatch, first: RunProgress | None, shutdown: anyio.Event
) -> AsyncIterator[ServerSentEvent]:
    """Give what is to be sent; ends with the run, or whole but without its end at a shutdown."""
    progress = first
    while True:
        if progress is not None:
            yield _event(progress)
            if progress.is_over:
                return
        with anyio.move_on_after(watch.pause_seconds):
            await shutdown.wait()
            return
        try:
            if watch.asks_repositories:
                progress = await run_in_threadpool(watch.poll)
            else:
                progress = watch.poll()
        except RepositoryUnavailable as error:
            logger.warning("how far a run is cannot be looked up now: %s", error)
            progress = None


def _event(progress: RunProgress) -> ServerSentEvent:
    return ServerSentEvent(
        data=ProgressOut.model_validate(progress).model_dump_json(),
        event=_END if progress.is_over else "progress",
        id=_END if progress.is_over else str(progress.number),
        retry=_RETRY_MILLISECONDS,
    )


def _address(run_id: str) -> RunAddress:
    url = f"{_RUNS}/{run_id}"
    return RunAddress(run_id=run_id, url=url, events=f"{url}/events")


def _tuple(details: list[DetailName] | None) -> tuple[DetailName, ...] | None:
    return None if details is None else tuple(dict.fromkeys(details))
