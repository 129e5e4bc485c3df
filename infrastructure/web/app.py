"""Puts the application together: routes, errors, access."""

from fastapi import FastAPI

from infrastructure.web import health
from infrastructure.web.access import access_from
from infrastructure.web.dashboard import PagesForProblems, add_dashboard
from infrastructure.web.problems import Problem, Unforeseen, answer_with_problems
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
    app.include_router(health.router)
    add_dashboard(app)
    answer_with_problems(app)
    _describe_problems(app)
    # The one that is added last is the first to see a request, and the last to see the answer.
    app.add_middleware(Unforeseen)
    app.add_middleware(PagesForProblems)
    return app


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
