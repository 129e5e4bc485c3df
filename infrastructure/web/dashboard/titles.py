"""The titles: a list that is searched and filtered, and a page for each."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup
from starlette.responses import Response

from application.catalogue import TitleSort
from domain.chart import ChartName
from domain.errors import InvalidCursor, InvalidFilter, TitleNotFound
from domain.history import TitleHistory
from domain.identifiers import NameId, title_id
from domain.title import Credit, CreditCategory, Title
from infrastructure.web.access import MayRead
from infrastructure.web.dashboard import plots
from infrastructure.web.dashboard.forms import (
    InvalidForm,
    address_of_next,
    address_with,
    filled,
    problems_of,
    read_form,
)
from infrastructure.web.dashboard.kept_figures import UsesFigures
from infrastructure.web.dashboard.rendering import CHART_NAMES, KIND_NAMES, page
from infrastructure.web.dashboard.table_heads import table_heads
from infrastructure.web.parameters import TitleIdParameter
from infrastructure.web.services import UsesServices
from infrastructure.web.titles import HERE, TitleParameters

router = APIRouter(include_in_schema=False, dependencies=[MayRead])

_SORTS = {
    TitleSort.VOTES: "Most votes",
    TitleSort.RATING: "Best rated",
    TitleSort.YEAR: "Newest",
    TitleSort.METASCORE: "Best metascore",
    TitleSort.RUNTIME: "Longest",
    TitleSort.TITLE: "A to Z",
    TitleSort.UPDATED: "Fetched last",
}


_FIELDS = ("year_min", "year_max", "rating_min", "votes_min", "metascore_min", "runtime_max")
"""The fields of the form that are folded away until one is used."""


class ListParameters(TitleParameters):
    """Which titles, in which order, and as what."""

    view: Literal["cards", "table"] = "cards"


@router.get("/titles")
def titles(request: Request, services: UsesServices, kept: UsesFigures) -> HTMLResponse:
    """A page of the titles that the form asks for, as cards or as a table."""
    given = request.query_params
    wanted = ListParameters()
    found = None
    person = None
    problems: tuple[str, ...] = ()
    try:
        wanted = read_form(ListParameters, given, lists=("kind", "genre"))
        found = services.catalogue.titles(wanted.query())
        person = services.catalogue.person(NameId(wanted.person)) if wanted.person else None
    except (InvalidForm, InvalidFilter, InvalidCursor) as error:
        problems = problems_of(error)
    figures = kept.kept()
    fields = dict(filled(given))
    answer = page(
        "titles.html",
        status=422 if problems else 200,
        here="/titles",
        given=given,
        problems=problems,
        items=found.items if found else (),
        next=address_of_next("/titles", given, found.next) if found and found.next else None,
        kinds=KIND_NAMES,
        genres=sorted(row.genre for row in figures.figures.titles_by_genre),
        sorts=_SORTS,
        view=wanted.view,
        heads=table_heads(given, wanted.sort, descending=wanted.query().descending)
        if not problems
        else (),
        views={
            "cards": address_with("/titles", given, view=None, order=None),
            "table": address_with("/titles", given, view="table"),
        },
        used=sum(name in fields for name in _FIELDS),
        is_filtered=bool(fields.keys() - {"view", "sort", "order", "after", "limit"}),
        person=person.summary if person else None,
    )
    if request.scope.get("store_version", figures.version) != figures.version:
        # The genres may be older than all the rest: another time they will not be.
        answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/titles/{imdb_id}")
def title(imdb_id: TitleIdParameter, services: UsesServices) -> Response:
    """All that is known of a title; an id that was merged leads to the new one."""
    found = services.catalogue.title(title_id(imdb_id))
    if found is None:
        raise TitleNotFound(imdb_id, HERE)
    if found.imdb_id != imdb_id:
        return RedirectResponse(f"/titles/{found.imdb_id}", status_code=308)
    history = services.history.of_title(found.imdb_id)
    return page(
        "title.html",
        here="/titles",
        title=found,
        credits=_credits(found),
        history=history,
        ratings=plots.rating_history(history.ratings),
        ranks=_ranks(history),
    )


def _ranks(history: TitleHistory) -> list[tuple[ChartName, Markup]]:
    """A plot of the ranks in each chart that the title was in more than once."""
    plotted = [
        (
            chart,
            plots.rank_history(CHART_NAMES[chart], [r for r in history.ranks if r.chart == chart]),
        )
        for chart in ChartName
    ]
    return [(chart, plot) for chart, plot in plotted if plot is not None]


def _credits(title: Title) -> list[tuple[str, tuple[Credit, ...]]]:
    """The credits of each category that has any, as they are called."""
    names = {
        CreditCategory.DIRECTOR: "Directed by",
        CreditCategory.CREATOR: "Created by",
        CreditCategory.WRITER: "Written by",
        CreditCategory.CAST: "Cast",
    }
    found = [(name, title.credits_of(category)) for category, name in names.items()]
    return [(name, credits_) for name, credits_ in found if credits_]
