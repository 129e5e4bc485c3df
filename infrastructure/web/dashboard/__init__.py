"""The dashboard: pages for people, made on the server, that also work without scripts."""

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from infrastructure.web.dashboard import charts, overview, runs
from infrastructure.web.dashboard.errors import PagesForProblems
from infrastructure.web.dashboard.kept_figures import KeptFigures
from infrastructure.web.dashboard.rendering import STATIC_FOLDER
from infrastructure.web.services import Services

__all__ = ["PagesForProblems", "add_dashboard"]


def add_dashboard(app: FastAPI) -> None:
    """Have an application serve the pages, from its services, and what they are shown with."""
    services: Services = app.state.services
    app.state.kept_figures = KeptFigures(services.figures)
    for part in (overview, charts, runs):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER), name="static")
