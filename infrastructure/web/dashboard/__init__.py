"""The dashboard: pages for people, made on the server, that also work without scripts."""

from typing import Any

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from infrastructure.web.dashboard import charts, overview, people, runs, titles
from infrastructure.web.dashboard.compression import PackedPages
from infrastructure.web.dashboard.errors import PagesForProblems
from infrastructure.web.dashboard.kept_figures import KeptFigures
from infrastructure.web.dashboard.rendering import STATIC_FOLDER
from infrastructure.web.services import Services

__all__ = ["PackedPages", "PagesForProblems", "add_dashboard"]


def add_dashboard(app: FastAPI) -> None:
    """Have an application serve the pages, from its services, and what they are shown with."""
    services: Services = app.state.services
    app.state.kept_figures = KeptFigures(services.figures)
    for part in (overview, titles, people, charts, runs):
        app.include_router(part.router)
    app.mount("/static", _Static(directory=STATIC_FOLDER), name="static")


class _Static(StaticFiles):
    """Files that a browser may keep, when it asks each time whether they are still the same."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Answer with a file, or that it has not changed."""
        answer = super().file_response(*args, **kwargs)
        answer.headers["Cache-Control"] = "no-cache"
        return answer
