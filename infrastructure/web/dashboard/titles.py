"""The titles: a list that is searched and filtered, and a page for each."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from application.catalogue import TitleSort
from domain.errors import InvalidCursor, InvalidFilter, TitleNotFound
from domain.identifiers import title_id
from domain.title import Credit, CreditCategory, Title
from infrastructure.web.access import MayRead
from infrastructure.web.dashboard import plots
from infrastructure.web.dashboard.forms import (
    InvalidForm,
    address_of_next,
    problems_of,
    read_form,
)
from infrastructure.web.dashboard.kept_figures import UsesFigures
from infrastructure.web.dashboard.rendering import KIND_NAMES, page
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


@router.get("/titles")
def titles(request: Request, services: UsesServices, kept: UsesFigures) -> HTMLResponse:
    """A page of the titles that the form asks for."""
    given = request.query_params
    found = None
    problems: tuple[str, ...] = ()
    try:
        wanted = read_form(TitleParameters, given, lists=("kind", "genre"))
        found = services.catalogue.titles(wanted.query())
    except (InvalidForm, InvalidFilter, InvalidCursor) as error:
        problems = problems_of(error)
    figures = kept.kept()
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
    )


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
