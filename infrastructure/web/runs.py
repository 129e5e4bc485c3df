"""Runs: the latest ones, and one with what it could not fetch."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from domain.errors import UnknownRun
from infrastructure.web.access import MayRead
from infrastructure.web.answers import answer
from infrastructure.web.models import RunLine, RunList, RunOut
from infrastructure.web.parameters import Limit, Nothing, Parameters, RunIdParameter
from infrastructure.web.problems import responses
from infrastructure.web.services import UsesServices

router = APIRouter(prefix="/runs", tags=["runs"], dependencies=[MayRead])


class RunsParameters(Parameters):
    """How many."""

    limit: Limit = 20


@router.get(
    "",
    summary="The latest runs",
    response_model=RunList,
)
def runs(
    request: Request, parameters: Annotated[RunsParameters, Query()], services: UsesServices
) -> Response:
    """The newest first, also those that are at work."""
    found = [RunLine.of(record) for record in services.repository.runs(parameters.limit)]
    return answer(request, RunList(items=found))


@router.get(
    "/{run_id}",
    summary="One run",
    response_model=RunOut,
    responses=responses(404),
)
def run(
    request: Request, run_id: RunIdParameter, services: UsesServices, _none: Nothing
) -> Response:
    """How it went, and what it could not fetch, once it has finished."""
    record = services.repository.run(run_id)
    if record is None:
        raise UnknownRun(run_id)
    return answer(request, RunOut.of_run(record, services.repository.failures_of(run_id)))
