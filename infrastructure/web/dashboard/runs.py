"""The runs: what each was asked, what came of it, and why titles are missing."""

from collections import defaultdict
from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from domain.run import Failure
from infrastructure.web.access import Access, MayRead
from infrastructure.web.dashboard.rendering import CHART_NAMES, page
from infrastructure.web.parameters import RunIdParameter
from infrastructure.web.services import UsesServices

router = APIRouter(include_in_schema=False, dependencies=[MayRead])

_MOST_RUNS = 100
_MOST_OF_A_REASON = 50


@router.get("/runs")
def runs(request: Request, services: UsesServices) -> HTMLResponse:
    """The latest runs."""
    found = services.repository.runs(_MOST_RUNS)
    return page(
        "runs.html",
        here="/runs",
        runs=found,
        most=_MOST_RUNS,
        charts=CHART_NAMES,
        by_workers=services.runs.hands_over,
        takes_orders=_takes_orders(request),
    )


@router.get("/runs/{run_id}")
def run(request: Request, run_id: RunIdParameter, services: UsesServices) -> HTMLResponse:
    """One run, with its failures by reason."""
    record = services.repository.run(run_id)
    if record is None:
        # One that has just been started is not noted yet; raises `UnknownRun` for any other.
        services.runs.watch(run_id)
        return page(
            "starting.html", here="/runs", run_id=run_id, takes_orders=_takes_orders(request)
        )
    failures = services.repository.failures_of(run_id) if record.finished_at else ()
    progress = services.runs.progress(run_id) if record.at_work else None
    return page(
        "run.html",
        here="/runs",
        record=record,
        progress=progress,
        reasons=_by_reason(failures),
        most=_MOST_OF_A_REASON,
        takes_orders=_takes_orders(request),
    )


def _takes_orders(request: Request) -> bool:
    """Whether runs can be started and cancelled here at all."""
    access: Access = request.app.state.access
    return access.writing_is_on


def _by_reason(failures: Sequence[Failure]) -> list[tuple[str, list[Failure]]]:
    """The failures of each reason, the most frequent reason first."""
    found: defaultdict[str, list[Failure]] = defaultdict(list)
    for failure in failures:
        found[failure.reason].append(failure)
    return sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))
