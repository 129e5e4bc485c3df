"""The first page: what is held, what was done last, what moved, and plots."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from domain.title import TitleKind
from infrastructure.web.access import MayRead
from infrastructure.web.dashboard import plots
from infrastructure.web.dashboard.charts import movements
from infrastructure.web.dashboard.kept_figures import UsesFigures
from infrastructure.web.dashboard.rendering import page
from infrastructure.web.services import UsesServices

router = APIRouter(include_in_schema=False, dependencies=[MayRead])

_LATEST_RUNS = 5
_MOST_GENRES = 10


@router.get("/")
def overview(services: UsesServices, kept: UsesFigures) -> HTMLResponse:
    """Figures a minute old at most, and the latest runs."""
    found = kept.figures()
    films = [row for row in found.titles_by_decade if row.kind is TitleKind.MOVIE]
    return page(
        "overview.html",
        here="/",
        counts=found.counts,
        runs=services.repository.runs(_LATEST_RUNS),
        movements=movements(services.history),
        genres=found.titles_by_genre[:_MOST_GENRES],
        ratings=plots.ratings_by_year(found.ratings_by_year),
        decades=plots.films_by_decade([(f"{row.decade}s", row.titles) for row in films]),
        films=films,
        critics=plots.critics_and_users(found.critics_and_users),
        rated=found.ratings_by_year,
        compared=found.critics_and_users,
    )
