"""The people: a list that is searched, and a page for each."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from application.catalogue import PersonSort
from domain.errors import InvalidCursor, InvalidFilter, PersonNotFound
from domain.identifiers import name_id
from domain.person_profile import FilmographyCredit, PersonProfile
from domain.title import CreditCategory
from infrastructure.web.access import MayRead
from infrastructure.web.dashboard.forms import (
    InvalidForm,
    address_of_next,
    problems_of,
    read_form,
)
from infrastructure.web.dashboard.rendering import page
from infrastructure.web.parameters import PersonIdParameter
from infrastructure.web.people import PeopleParameters, PersonParameters
from infrastructure.web.services import UsesServices
from infrastructure.web.titles import HERE

router = APIRouter(include_in_schema=False, dependencies=[MayRead])

_SORTS = {PersonSort.CREDITS: "Most credits", PersonSort.NAME: "A to Z"}
_MOST_OF_A_CATEGORY = 200

CATEGORY_NAMES = {
    CreditCategory.CAST: "Cast",
    CreditCategory.DIRECTOR: "Director",
    CreditCategory.WRITER: "Writer",
    CreditCategory.CREATOR: "Creator",
}
"""What somebody is called who has a credit of a category; a test has them all."""


class FilmographyParameters(PersonParameters):
    """Which part of the filmography."""

    category: CreditCategory | None = None


@router.get("/people")
def people(request: Request, services: UsesServices) -> HTMLResponse:
    """A page of the people that the form asks for, by default those with the most credits."""
    given = request.query_params
    found = None
    problems: tuple[str, ...] = ()
    try:
        wanted = read_form(PeopleParameters, given)
        if not given.get("sort"):
            wanted = wanted.model_copy(update={"sort": PersonSort.CREDITS})
        found = services.catalogue.people(wanted.query())
    except (InvalidForm, InvalidFilter, InvalidCursor) as error:
        problems = problems_of(error)
    return page(
        "people.html",
        status=422 if problems else 200,
        here="/people",
        given=given,
        problems=problems,
        items=found.items if found else (),
        next=address_of_next("/people", given, found.next) if found and found.next else None,
        sorts=_SORTS,
    )


@router.get("/people/{imdb_id}")
def person(imdb_id: PersonIdParameter, request: Request, services: UsesServices) -> Response:
    """Who somebody is, what they have done, and with whom."""
    asked = name_id(imdb_id)
    entry = services.catalogue.person(asked)
    if entry is None:
        raise PersonNotFound(imdb_id, HERE)
    known = entry.summary.imdb_id
    if known != imdb_id:
        return RedirectResponse(f"/people/{known}", status_code=308)
    given = request.query_params
    try:
        wanted = read_form(FilmographyParameters, given)
    except InvalidForm as error:
        raise InvalidFilter(error.problems) from error
    films = services.catalogue.filmography(
        asked, category=wanted.category, limit=wanted.limit, after=wanted.after
    )
    if films is None:
        raise PersonNotFound(imdb_id, HERE)
    return page(
        "person.html",
        here="/people",
        person=entry.summary,
        profile=entry.profile,
        films=films.items,
        next=address_of_next(f"/people/{known}", given, films.next) if films.next else None,
        counts=services.catalogue.credit_counts(asked),
        category=wanted.category,
        others=services.catalogue.collaborators(asked),
        works=_works(entry.profile),
        most=_MOST_OF_A_CATEGORY,
        names=CATEGORY_NAMES,
    )


def _works(profile: PersonProfile | None) -> dict[str, tuple[FilmographyCredit, ...]]:
    """What the person's own page lists, by category, the largest first."""
    found = profile.by_category if profile else {}
    return dict(sorted(found.items(), key=lambda pair: -len(pair[1])))
