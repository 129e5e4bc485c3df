"""Titles: lists, one title, its credits and its history."""

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, cast
from urllib.parse import parse_qsl

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
from infrastructure.web.quick import QuickRoute, Work, quick
from infrastructure.web.services import Services, UsesServices

router = APIRouter(
    prefix="/titles", tags=["titles"], dependencies=[MayRead], route_class=QuickRoute
)

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


def _whole(least: int, most: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        if not (text.isascii() and text.isdecimal() and len(text) <= 9):
            return None
        return value if least <= (value := int(text)) <= most else None

    return read


def _rating(text: str) -> float | None:
    if _DECIMAL.fullmatch(text) is None:
        return None
    return value if (value := float(text)) <= 10 else None


def _text(most: int) -> Callable[[str], str | None]:
    return lambda text: text if 1 <= len(text) <= most else None


_DECIMAL = re.compile(r"[0-9]{1,2}(\.[0-9]{1,6})?", re.ASCII)
_PERSON = re.compile(r"nm[0-9]{7,15}", re.ASCII)
_TITLE = re.compile(r"tt[0-9]{7,15}", re.ASCII)
_ANY_NUMBER = 999_999_999

_QUICKLY: dict[str, Callable[[str], Any]] = {
    "q": _text(300),
    "kind": {kind.value: kind for kind in TitleKind}.get,
    "genre": _text(100),
    "year_min": _whole(1874, 9999),
    "year_max": _whole(1874, 9999),
    "rating_min": _rating,
    "rating_max": _rating,
    "votes_min": _whole(0, _ANY_NUMBER),
    "votes_max": _whole(0, _ANY_NUMBER),
    "metascore_min": _whole(0, 100),
    "metascore_max": _whole(0, 100),
    "runtime_min": _whole(1, _ANY_NUMBER),
    "runtime_max": _whole(1, _ANY_NUMBER),
    "person": lambda text: text if _PERSON.fullmatch(text) else None,
    "sort": {sort.value: sort for sort in TitleSort}.get,
    "order": {"asc": "asc", "desc": "desc"}.get,
    "limit": _whole(1, 200),
    "after": lambda text: text if len(text) <= 4000 else None,
}
"""What a value means that is plainly right; ``None`` for all others."""


def parameters_quickly(query: bytes) -> TitleParameters | None:
    """The parameters of a query that is plainly right, as the model has them; else ``None``."""
    found: dict[str, Any] = {"kind": [], "genre": []}
    for name, text in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        read = _QUICKLY.get(name)
        value = None if read is None else read(text)
        if value is None:
            return None
        if name in ("kind", "genre"):
            found[name].append(value)
        elif name in found:
            return None
        else:
            found[name] = value
    if len(found["kind"]) > 20 or len(found["genre"]) > 10:
        return None
    return TitleParameters.model_construct(**found)


def _titles_quickly(request: Request) -> Work | None:
    parameters = parameters_quickly(request.scope["query_string"])
    return None if parameters is None else partial(titles, request, parameters, _services(request))


def _title_quickly(request: Request) -> Work | None:
    imdb_id: str = request.path_params["imdb_id"]
    if request.scope["query_string"] or not _TITLE.fullmatch(imdb_id):
        return None
    return partial(title, request, imdb_id, _services(request), None)


def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


@router.get(
    "",
    summary="Search and list titles",
    response_model=TitlePage,
)
@quick(_titles_quickly)
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
@quick(_title_quickly)
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
