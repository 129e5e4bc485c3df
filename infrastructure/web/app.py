"""Puts the application together: routes, errors, access."""

from typing import Any

from fastapi import APIRouter, FastAPI

from infrastructure.web import charts, exports, health, people, run_control, runs, titles
from infrastructure.web.access import Access, access_from
from infrastructure.web.answer_cache import CachedAnswers
from infrastructure.web.dashboard import PackedPages, PagesForProblems, add_dashboard
from infrastructure.web.guards import BodyLimit, LocalHosts, RateLimit, Readable, SafeHeaders
from infrastructure.web.problems import Problem, Unforeseen, answer_with_problems, responses
from infrastructure.web.rate import ClientRates
from infrastructure.web.services import Services
from shared.config import Settings
from shared.version import VERSION

_DESCRIPTION = """
The titles, people, charts and runs that the collector keeps.

Errors are problem details (RFC 9457) of the type `application/problem+json`.
"""


def create_app(settings: Settings, services: Services) -> FastAPI:
    """The application: an ASGI app that answers from ``services``, which must stay open with it.

    It opens nothing itself, and may be made any number of times.
    """
    # No page for the description: its scripts would come from another host.
    app = FastAPI(
        title="IMDb title collector",
        version=VERSION,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.services = services
    access = access_from(settings)
    app.state.access = access
    app.state.exports = exports.new_limiter()
    app.include_router(health.router)
    app.include_router(_api())
    add_dashboard(app)
    answer_with_problems(app)
    _describe(app, access)
    _guard(app, settings, access, services)
    return app


def _guard(app: FastAPI, settings: Settings, access: Access, services: Services) -> None:
    """Put the guards before the routes; the one added last sees a request first.

    What measures requests belongs behind all of them here, at the end: it then sees each of them,
    and each answer as it is sent.
    """
    if services.keeps_answers is not None:
        app.add_middleware(CachedAnswers, keeping=services.keeps_answers, access=access)
    app.add_middleware(PackedPages)
    app.add_middleware(BodyLimit)
    if settings.api_requests_per_minute:
        rates = ClientRates(settings.api_requests_per_minute)
        app.add_middleware(RateLimit, wait_seconds=rates.wait_seconds)
    app.add_middleware(Readable)
    if settings.api_host.is_loopback:
        app.add_middleware(LocalHosts)
    app.add_middleware(Unforeseen)
    app.add_middleware(PagesForProblems)
    app.add_middleware(SafeHeaders)


def _api() -> APIRouter:
    api = APIRouter(
        prefix="/api/v1", responses=responses(400, 401, 408, 413, 414, 421, 422, 429, 431, 500, 503)
    )
    for part in (titles, people, charts, runs, run_control, exports):
        api.include_router(part.router)
    return api


def _describe(app: FastAPI, access: Access) -> None:
    """Have the description say what routes do not: how problems look, and where no key is needed.

    It is made when it is first asked for.
    """
    described = app.openapi

    def openapi() -> dict[str, Any]:
        is_made = app.openapi_schema is not None
        document = described()
        if not is_made:
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            document["components"]["schemas"] |= schema.pop("$defs", {}) | {"Problem": schema}
            if access.reading_is_open:
                _make_keys_optional(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _make_keys_optional(document: dict[str, Any]) -> None:
    for methods in document["paths"].values():
        if security := methods.get("get", {}).get("security"):
            security.insert(0, {})
