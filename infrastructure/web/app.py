"""Puts the application together: routes, errors, access."""

from fastapi import APIRouter, FastAPI

from infrastructure.web import charts, exports, health, people, run_control, runs, titles
from infrastructure.web.access import access_from
from infrastructure.web.dashboard import PagesForProblems, add_dashboard
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
    app.state.access = access_from(settings)
    app.state.exports = exports.new_limiter()
    app.include_router(health.router)
    app.include_router(_api())
    app.include_router(run_control.router)
    add_dashboard(app)
    answer_with_problems(app)
    _describe_problems(app)
    _guard(app, settings)
    return app


def _guard(app: FastAPI, settings: Settings) -> None:
    """Put the guards before the routes; the one added last sees a request first.

    What measures requests belongs behind all of them here, at the end: it then sees each of them,
    and each answer as it is sent.
    """
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
        prefix="/api/v1", responses=responses(400, 401, 408, 413, 414, 421, 422, 429, 500, 503)
    )
    for part in (titles, people, charts, runs, exports):
        api.include_router(part.router)
    return api


def _describe_problems(app: FastAPI) -> None:
    """Have the description say what problems look like; no route returns one itself."""
    described = app.openapi

    def openapi() -> dict[str, object]:
        document = described()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas["Problem"] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]
