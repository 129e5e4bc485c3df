"""Titles: lists, one title, its credits and its history."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from application.catalogue import TitleQuery, TitleSort
from domain.discovery import Span
from domain.errors import NoHistory, TitleNotFound
from domain.identifiers import NameId, TitleId, title_id
from domain.title import TitleKind
from infrastructure.web.access import MayRead
from infrastructure.web.answers import answer
from infrastructure.web.models import CreditList, History, TitleOut, TitlePage, title_values
from infrastructure.web.parameters import (
    Count,
    Cursor,
    Limit,
    Metascore,
    Minutes,
    Nothing,
    Parameters,
    Rating,
    TitleIdParameter,
    Words,
    Year,
)
from infrastructure.web.problems import responses
from infrastructure.web.services import UsesServices

router = APIRouter(prefix="/titles", tags=["titles"], dependencies=[MayRead])

HERE = "this server"
"""Where a title was looked for, in messages."""


class TitleParameters(Parameters):
    """Which titles, in which order; of a range both ends count, and what is unknown does not."""

    q: Words = None
    kind: Annotated[list[TitleKind], Field(max_length=20, description="One of them.")] = Field(
        default_factory=list
    )
    genre: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]],
        Field(max_length=10, description="All of them.", examples=[["Drama"]]),
    ] = Field(default_factory=list)
    year_min: Year = None
    year_max: Year = None
    rating_min: Rating = None
    rating_max: Rating = None
    votes_min: Count = None
    votes_max: Count = None
    metascore_min: Metascore = None
    metascore_max: Metascore = None
    runtime_min: Minutes = None
    runtime_max: Minutes = None
    person: Annotated[
        str | None,
        Field(pattern=r"^nm[0-9]{7,15}$", description="Has a part in it.", examples=["nm0000151"]),
    ] = None
    sort: TitleSort = TitleSort.VOTES
    order: Annotated[
        Literal["asc", "desc"] | None,
        Field(description="By default the highest first, and titles from A to Z."),
    ] = None
    limit: Limit = 50
    after: Cursor = None

    def query(self) -> TitleQuery:
        """The question to the catalogue. Raises `InvalidFilter` or `InvalidCursor`."""
        ascending = self.sort is TitleSort.TITLE if self.order is None else self.order == "asc"
        return TitleQuery(
            text=self.q,
            kinds=tuple(dict.fromkeys(self.kind)),
            genres=tuple(dict.fromkeys(self.genre)),
            years=Span(self.year_min, self.year_max),
            ratings=Span(self.rating_min, self.rating_max),
            votes=Span(self.votes_min, self.votes_max),
            metascores=Span(self.metascore_min, self.metascore_max),
            runtimes=Span(self.runtime_min, self.runtime_max),
            person=None if self.person is None else NameId(self.person),
            sort=self.sort,
            descending=not ascending,
            limit=self.limit,
            after=self.after,
        )


@router.get(
    "",
    summary="Search and list titles",
    response_model=TitlePage,
)
def titles(
    request: Request, parameters: Annotated[TitleParameters, Query()], services: UsesServices
) -> Response:
    """A page of the titles that are held; go on with `next` of the answer as `after`."""
    return answer(request, services.catalogue.titles(parameters.query()))


@router.get(
    "/{imdb_id}",
    summary="One title",
    response_model=TitleOut,
    responses=responses(404),
)
def title(
    request: Request, imdb_id: TitleIdParameter, services: UsesServices, _none: Nothing
) -> Response:
    """All that is known; an id that was merged into another one gives that one's title."""
    found = services.catalogue.title(title_id(imdb_id))
    if found is None:
        raise TitleNotFound(imdb_id, HERE)
    return answer(request, title_values(found))


@router.get(
    "/{imdb_id}/credits",
    summary="Who has a part in a title",
    response_model=CreditList,
    responses=responses(404),
)
def credits_(
    request: Request, imdb_id: TitleIdParameter, services: UsesServices, _none: Nothing
) -> Response:
    """The credits in the order of billing."""
    known = _newest_id(services, title_id(imdb_id))
    found = services.catalogue.credits(known)
    if found is None:
        raise TitleNotFound(imdb_id, HERE)
    return answer(request, {"imdb_id": known, "credits": found})


@router.get(
    "/{imdb_id}/history",
    summary="Rating, votes and ranks over time",
    response_model=History,
    responses=responses(404),
)
def history(
    request: Request, imdb_id: TitleIdParameter, services: UsesServices, _none: Nothing
) -> Response:
    """What was seen at each fetch that found something new, and in each chart that was kept."""
    found = services.history.of_title(_newest_id(services, title_id(imdb_id)))
    if found.is_empty:
        raise NoHistory(f"{imdb_id} has never been seen")
    return answer(request, History.of(found))


def _newest_id(services: UsesServices, imdb_id: TitleId) -> TitleId:
    return TitleId(services.catalogue.merged_into(imdb_id) or imdb_id)
