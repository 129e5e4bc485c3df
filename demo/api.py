"""The demo site's GraphQL API: the facts, as IMDb's own API gives them to the same queries.

Queries are validated and executed by graphql-core on type definitions of IMDb's schema, so that a
field that does not exist there fails here too. The library is loaded with the first question: who
never asks the API need not have it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from demo import structured_data
from demo.advanced_search import PRIVATE_LIST, PUBLIC_LIST_NAME, AdvancedSearch, wanted_by_api
from demo.body import Body, body_of, piece
from demo.details import api_details
from demo.fact_search import FactSearch
from demo.facts import MERGED_IDS, ChartFacts, PersonFacts, TitleFacts, people_of
from demo.person_details import api_details as api_person_details
from demo.structured_data import JsonObject

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLError, GraphQLSchema

PATH = "/graphql"
"""Where the API is on the demo site. IMDb's has a host of its own."""

LARGEST_QUESTION = 1_000_000
"""Bytes; larger ones are refused."""

_TYPES = Path(__file__).with_name("data") / "imdb-types.graphql"
_CHART_TYPE = "TOP_RATED_MOVIES"
_SITE = f"{structured_data.IMDB_URL}/"
_DISCLAIMER = (
    "This is the API of the demo site. IMDb's own says here that its data is for limited "
    "non-commercial use, and where to read more."
)
_FORBIDDEN = b"<html><head><title>403 Forbidden</title></head><body>403 Forbidden</body></html>"
_KEPT_ANSWERS = 10_000

_Place = TypeVar("_Place")


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """Status, ``Content-Type`` and body."""

    status: HTTPStatus
    content_type: str
    body: Body


@dataclass(frozen=True, slots=True)
class _Result:
    """What came of a question: the data, of which parts may be null, and what went wrong."""

    data: JsonObject | None = None
    errors: list[JsonObject] = field(default_factory=list)
    status: HTTPStatus = HTTPStatus.OK


class GraphqlApi:
    """Answers questions about titles of a chart and their people; any number of threads may ask.

    As IMDb's API does, it takes JSON only (415), and refuses clients that neither name themselves
    in ``x-imdb-client-name`` nor come from IMDb's site (403). With ``most_titles`` it calls a
    question for more titles, or people, too complex. Answers are kept, because executing a query
    for fifty titles takes some hundred milliseconds of CPU.
    """

    def __init__(self, chart: ChartFacts, most_titles: int | None = None) -> None:
        self._chart = chart
        self._most_titles = most_titles
        self._by_id = {facts.imdb_id: facts for facts in chart.titles}
        self._search = FactSearch(chart)
        self._lists = AdvancedSearch(chart)
        self._root: Mapping[str, Callable[..., Any]] = {
            "title": self._one_title,
            "titles": self._titles,
            "names": self._names,
            "chartTitles": self._chart_titles,
            "mainSearch": self._main_search,
            "advancedTitleSearch": self._advanced_title_search,
            "list": self._list,
        }
        # Not a decorator, which would keep the facts of every site that there ever was.
        self._title = cache(self._make_title)
        self._people = cache(partial(people_of, chart))
        self._answered = lru_cache(_KEPT_ANSWERS)(self._answer)

    def answer(self, question: bytes, headers: Mapping[str, str]) -> ApiAnswer:
        """Answer what was sent by POST; the names of the headers are in lower case."""
        from_site = headers.get("referer", "").startswith(_SITE)
        if not (headers.get("x-imdb-client-name", "").strip() or from_site):
            return ApiAnswer(HTTPStatus.FORBIDDEN, "text/html", body_of([piece(_FORBIDDEN)]))
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            refused = _failed("Invalid content type", "BAD_REQUEST")
            return _written(_Result(None, [refused], HTTPStatus.UNSUPPORTED_MEDIA_TYPE))
        return self._answered(question)

    def _answer(self, question: bytes) -> ApiAnswer:
        return _written(self._result(question))

    def _result(self, question: bytes) -> _Result:
        from graphql import execute_sync

        try:
            asked = json.loads(question)
            text, variables = str(asked["query"]), asked.get("variables") or {}
        except (ValueError, TypeError, KeyError, AttributeError):
            wrong = _failed("the body is no JSON object with a query", "BAD_REQUEST")
            return _Result(None, [wrong], HTTPStatus.BAD_REQUEST)
        document, errors = _prepared(text)
        if document is None:
            return _Result(None, list(errors), HTTPStatus.BAD_REQUEST)
        result = execute_sync(
            _schema(),
            document,
            root_value=self._root,
            variable_values=variables,
            field_resolver=_resolved,
        )
        return _Result(result.data, [_formatted(error) for error in result.errors or ()])

    def _titles(self, ids: list[str | None]) -> list[JsonObject | None]:
        if self._most_titles is not None and len(ids) > self._most_titles:
            raise _too_complex(len(ids))
        found = [MERGED_IDS.get(i or "", i) for i in ids]
        return [self._title(i) if i in self._by_id else None for i in found]

    def _names(self, ids: list[str | None]) -> list[JsonObject | None]:
        if self._most_titles is not None and len(ids) > self._most_titles:
            raise _too_complex(len(ids))
        known = self._people()
        found = [MERGED_IDS.get(i or "", i) for i in ids]
        return [_person(known[i]) if i in known else None for i in found]

    def _one_title(self, id: str) -> JsonObject | None:  # noqa: A002 - the argument's name
        return self._title(id) if id in self._by_id else None

    def _chart_titles(
        self, chart: JsonObject, first: int, after: str | None = None
    ) -> JsonObject | None:
        """The places from the one after ``after`` on; only one chart is known here."""
        if chart["chartType"] != _CHART_TYPE:
            return None
        return _part(
            self._chart.titles,
            first,
            after,
            lambda facts: {"currentRank": facts.rank, "node": self._title(facts.imdb_id)},
        )

    def _advanced_title_search(
        self,
        first: int,
        after: str | None = None,
        constraints: JsonObject | None = None,
        sort: JsonObject | None = None,
    ) -> JsonObject:
        found = self._lists.titles(wanted_by_api(constraints or {}, sort))
        return _part(found, first, after, lambda facts: {"node": {"title": self._listed(facts)}})

    def _list(self, id: str) -> JsonObject | None:  # noqa: A002 - the argument's name
        """A list with its name; one that is private is an error, one that is unknown is null."""
        if id == PRIVATE_LIST:
            raise _private(id)
        listed = self._lists.list_of(id)
        if listed is None:
            return None

        def places(first: int, after: str | None = None, sort: object = None) -> JsonObject:
            return _part(listed, first, after, lambda facts: {"title": self._listed(facts)})

        return {"name": {"originalText": PUBLIC_LIST_NAME}, "titleListItemSearch": places}

    def _listed(self, facts: TitleFacts) -> JsonObject:
        # Pages of lists have no picture of it, and neither way is to say more than the other.
        return {"isAdult": False} | self._title(facts.imdb_id) | {"primaryImage": None}

    def _main_search(self, options: JsonObject, first: int) -> JsonObject:
        """Titles, people, companies, keywords that a text finds: all titles here are movies."""
        text, types = options["searchTerm"], options.get("type") or ["TITLE", "NAME"]
        filters = options.get("titleSearchOptions") or {}
        entities: list[JsonObject] = []
        if "TITLE" in types and "MOVIE" in (filters.get("type") or ["MOVIE"]):
            released = filters.get("releaseDateRange") or {}
            span = (released.get("start") or "", released.get("end") or "9999")
            entities += [
                {"__typename": "Title", "isAdult": False} | self._title(facts.imdb_id)
                for facts in self._search.titles(text, first)
                if span[0] <= structured_data.iso_day(facts.release_date) <= span[1]
            ]
        if "NAME" in types:
            people = self._search.people(text, first)
            entities += [structured_data.person_entity(person) for person in people]
        if "COMPANY" in types:
            companies = self._search.companies(text, first)
            entities += [structured_data.company_entity(company) for company in companies]
        if "KEYWORD" in types:
            keywords = self._search.keywords(text, first)
            entities += [structured_data.keyword_entity(keyword) for keyword in keywords]
        return {"edges": [{"node": {"entity": entity}} for entity in entities]}

    def _make_title(self, imdb_id: str) -> JsonObject:
        facts = self._by_id[imdb_id]
        return {
            **structured_data.title_facts(facts),
            **api_details(facts),
            "meta": {"canonicalId": imdb_id},
            "principalCreditsV2": partial(_principal_credits, facts),
        }


def _person(facts: PersonFacts) -> JsonObject:
    given = structured_data.person_answer(facts)
    credits_ = given["credits"]

    def part(first: int, after: str | None = None) -> JsonObject:
        return _part(credits_, first, after, lambda credit: {"node": credit})

    return {
        **given,
        **api_person_details(facts),
        "meta": {"canonicalId": facts.imdb_id},
        "knownForV2": lambda limit: {"credits": given["knownFor"][:limit]},
        "creditsV2": part,
    }


def _part(
    places: Sequence[_Place],
    first: int,
    after: str | None,
    edge: Callable[[_Place], JsonObject],
) -> JsonObject:
    """The ``first`` places of a list after the place ``after``, as the API gives lists."""
    total = len(places)
    start = int(after) if after else 0
    end = min(start + first, total)
    return {
        "total": total,
        "edges": [edge(place) for place in places[start:end]],
        "pageInfo": {"hasNextPage": end < total, "endCursor": str(end)},
    }


def _principal_credits(facts: TitleFacts, filter: JsonObject | None = None) -> list[JsonObject]:  # noqa: A002 - the argument's name
    """The groups of credits of a mode: the top cast, or the crew and the stars."""
    if filter and filter.get("mode") == "TOP_CAST":
        return structured_data.top_cast(facts)
    return structured_data.principal_credits(facts)


def _resolved(source: Mapping[str, Any], info: Any, **arguments: Any) -> Any:
    """The value of a field: the one of this name, cut to as many as ``first`` or ``limit`` say.

    The schema wants an id of everybody: those of whom we know none have an empty one.
    """
    value = source.get(info.field_name)
    if value is None and info.field_name == "id":
        return ""
    if callable(value):
        return value(**arguments)
    if value and (limit := arguments.get("limit")) is not None:
        return value[:limit]
    first = arguments.get("first")
    if value and first is not None and "edges" in value:
        return {**value, "edges": value["edges"][:first]}
    return value


def prepare() -> None:
    """Load the library and the type definitions, which the first question does otherwise."""
    _schema()


@cache
def _schema() -> "GraphQLSchema":
    from graphql import build_schema

    return build_schema(_TYPES.read_text(encoding="utf-8"))


@lru_cache(100)
def _prepared(query: str) -> "tuple[DocumentNode | None, tuple[JsonObject, ...]]":
    """Parse and validate a query; ``None`` and the errors when it is wrong."""
    from graphql import GraphQLSyntaxError, parse, validate

    try:
        document = parse(query)
    except GraphQLSyntaxError as error:
        return None, (_failed(error.message, "GRAPHQL_PARSE_FAILED"),)
    errors = validate(_schema(), document)
    if errors:
        return None, tuple(_failed(e.message, "GRAPHQL_VALIDATION_FAILED") for e in errors)
    return document, ()


def _too_complex(count: int) -> "GraphQLError":
    from graphql import GraphQLError

    extensions = {"code": "QUERY_TOO_COMPLEX"}
    return GraphQLError(f"the query is too complex: {count} at once", extensions=extensions)


def _private(list_id: str) -> "GraphQLError":
    from graphql import GraphQLError

    return GraphQLError(f"{list_id} is private", extensions={"code": "FORBIDDEN"})


def _formatted(error: "GraphQLError") -> JsonObject:
    """An error that came up while a query was executed; without a code it is a wrong variable."""
    formatted: JsonObject = dict(error.formatted)
    formatted.setdefault("extensions", {"code": "BAD_USER_INPUT"})
    return formatted


def _failed(message: str, code: str) -> JsonObject:
    return {"message": message, "extensions": {"code": code}}


def _written(result: _Result) -> ApiAnswer:
    document: JsonObject = {"data": result.data, "extensions": {"disclaimer": _DISCLAIMER}}
    if result.errors:
        document["errors"] = result.errors
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return ApiAnswer(result.status, "application/json", body_of([piece(text.encode())]))
