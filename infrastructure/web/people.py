"""People: lists, and one person with a filmography."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from application.catalogue import PersonQuery, PersonSort
from domain.errors import PersonNotFound
from domain.identifiers import name_id
from infrastructure.web.access import MayRead
from infrastructure.web.answers import answer
from infrastructure.web.models import PersonOut, PersonPage, person_values
from infrastructure.web.parameters import Cursor, Limit, Parameters, PersonIdParameter, Words
from infrastructure.web.problems import responses
from infrastructure.web.services import UsesServices
from infrastructure.web.titles import HERE

router = APIRouter(prefix="/people", tags=["people"], dependencies=[MayRead])


class PeopleParameters(Parameters):
    """Which people, in which order."""

    q: Words = None
    sort: PersonSort = PersonSort.NAME
    order: Annotated[
        Literal["asc", "desc"] | None,
        Field(description="By default names from A to Z, and the most credits first."),
    ] = None
    limit: Limit = 50
    after: Cursor = None

    def query(self) -> PersonQuery:
        """The question to the catalogue. Raises `InvalidFilter` or `InvalidCursor`."""
        ascending = self.sort is PersonSort.NAME if self.order is None else self.order == "asc"
        return PersonQuery(
            text=self.q,
            sort=self.sort,
            descending=not ascending,
            limit=self.limit,
            after=self.after,
        )


class PersonParameters(Parameters):
    """How much of the filmography."""

    limit: Limit = 50
    after: Cursor = None


@router.get(
    "",
    summary="Search and list people",
    response_model=PersonPage,
)
def people(
    request: Request, parameters: Annotated[PeopleParameters, Query()], services: UsesServices
) -> Response:
    """A page of the people who are credited in titles that are held."""
    return answer(request, services.catalogue.people(parameters.query()))


@router.get(
    "/{imdb_id}",
    summary="One person",
    response_model=PersonOut,
    responses=responses(404),
)
def person(
    request: Request,
    imdb_id: PersonIdParameter,
    parameters: Annotated[PersonParameters, Query()],
    services: UsesServices,
) -> Response:
    """Who they are, a page of their credits, and those they have worked with most."""
    asked = name_id(imdb_id)
    entry = services.catalogue.person(asked)
    films = services.catalogue.filmography(asked, limit=parameters.limit, after=parameters.after)
    if entry is None or films is None:
        raise PersonNotFound(imdb_id, HERE)
    others = services.catalogue.collaborators(asked)
    return answer(request, person_values(entry, films, others))
