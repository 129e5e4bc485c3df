"""Errors as problem details (RFC 9457), and the one map from the domain's errors to statuses."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain import errors
from domain.errors import ScraperError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_LONGEST_TEXT = 500
"""Characters of a message that are sent; some quote what was asked for."""

_MOST_PROBLEMS = 20

STATUS_OF: Mapping[type[ScraperError], int] = {
    errors.InvalidSearch: 422,
    errors.InvalidSelection: 422,
    errors.InvalidTitle: 422,
    errors.InvalidConfiguration: 409,
    errors.TitleError: 404,
    errors.UnknownRun: 404,
    errors.NoHistory: 404,
    errors.NoTitles: 404,
    errors.RunAtWork: 409,
    errors.AnotherRunAtWork: 409,
    errors.NotRunningHere: 409,
    errors.NotDistributed: 409,
    errors.RunIsOver: 409,
    errors.ShuttingDown: 503,
    errors.TooManyWatchers: 429,
    errors.NothingToDo: 409,
    errors.SourceError: 502,
    errors.RepositoryUnavailable: 503,
    errors.CacheUnavailable: 503,
    errors.SpillUnavailable: 503,
    errors.ScraperError: 500,
}
"""The status of each of the domain's errors; one that is not named has that of its base."""

_INTERNAL = frozenset({500, 502, 503})
"""Statuses whose messages may name hosts and folders of ours, and are not sent."""

_RETRY_SECONDS = "5"


class InvalidParameter(Exception):
    """A parameter of a request is wrong; ``where`` is its name, ``message`` what is allowed."""

    def __init__(self, where: str, message: str) -> None:
        self.where = where
        self.message = message
        super().__init__(f"{where}: {message}")


class FieldProblem(BaseModel):
    """What is wrong with one parameter."""

    where: str = Field(description="The parameter.", examples=["limit"])
    message: str = Field(examples=["Input should be less than or equal to 100"])


class Problem(BaseModel):
    """An error, as RFC 9457 has it; ``reason`` is a short name for programs."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Not Found",
                "status": 404,
                "detail": "tt9999999: not found at postgres",
                "reason": "not_found",
            }
        }
    )

    type: str = "about:blank"
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What is wrong and what to do, for people.")
    reason: str = Field(description="A short name that does not change, for programs.")
    errors: list[FieldProblem] | None = None


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers of these statuses for a route's OpenAPI, all of them problems."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def problem(
    status: int,
    detail: str,
    *,
    reason: str,
    headers: Mapping[str, str] | None = None,
    problems: Sequence[FieldProblem] | None = None,
) -> JSONResponse:
    """An answer that says what is wrong. It is never cached."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail[:_LONGEST_TEXT],
        reason=reason,
        errors=list(problems) if problems else None,
    )
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def status_of(error: ScraperError) -> int:
    """The status of an error, by the nearest of its classes that `STATUS_OF` names."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


def answer_with_problems(app: FastAPI) -> None:
    """Have every error that a route raises answered as a problem."""
    app.add_exception_handler(ScraperError, _of_domain)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(InvalidParameter, _of_parameter)
    app.add_exception_handler(HTTPException, _of_http)


async def _of_domain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ScraperError)  # noqa: S101 - it is registered for these
    status = status_of(error)
    headers = {"Retry-After": _RETRY_SECONDS} if status in (429, 503) else {}
    if status not in _INTERNAL or isinstance(error, errors.ShuttingDown):
        return problem(status, str(error), reason=error.reason, headers=headers)
    logger.error("%s %s: %s", request.method, request.url.path, error)
    return problem(status, _INTERNAL_TEXTS[status], reason=error.reason, headers=headers)


_INTERNAL_TEXTS = {
    500: "The server could not answer; its log says why.",
    502: "The source of the titles gave no answer that can be used; the server's log says why.",
    503: "The database gives no answer at the moment: try again later. The server's log says why.",
}


async def _of_validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    found = [
        FieldProblem(
            where=".".join(str(part) for part in each["loc"][1:])[:_LONGEST_TEXT] or "body",
            message=str(each["msg"])[:_LONGEST_TEXT],
        )
        for each in error.errors()[:_MOST_PROBLEMS]
    ]
    return _invalid(found)


async def _of_parameter(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, InvalidParameter)  # noqa: S101 - as above
    return _invalid([FieldProblem(where=error.where, message=error.message[:_LONGEST_TEXT])])


def _invalid(found: Sequence[FieldProblem]) -> JSONResponse:
    detail = "; ".join(f"{each.where}: {each.message}" for each in found)
    return problem(422, detail, reason="invalid_parameter", problems=found)


_DETAILS = {
    404: "There is nothing at this address; /openapi.json lists the addresses.",
    405: "This address does not take this method; the header Allow lists those that it takes.",
}


async def _of_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    status = error.status_code
    standard = HTTPStatus(status).phrase
    detail = error.detail if error.detail != standard else _DETAILS.get(status, standard)
    reason = standard.lower().replace(" ", "_").replace("-", "_")
    return problem(status, detail, reason=reason, headers=error.headers)


class Unforeseen:
    """Answers 500 for an exception that nobody foresaw, with nothing of it; the log has it whole.

    When the answer has begun already it is cut off, so that nobody takes it for a whole one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            if has_begun or scope["type"] != "http":
                raise
            logger.exception("%s %s failed", scope["method"], scope["path"])
            answer = problem(500, _INTERNAL_TEXTS[500], reason="internal_error")
            await answer(scope, receive, send)
