"""Searching with the GraphQL API."""

from collections.abc import Callable, Sequence
from typing import Any

from domain.errors import PageChanged, ScraperError
from domain.search import SearchHit, SearchQuery, Thing
from domain.title import TitleKind
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_graphql.endpoint import Endpoint, Http, Query
from infrastructure.scrapers.imdb_graphql.replies import (
    SOURCE_NAME,
    TooComplex,
    WrongInput,
    failure,
    read_reply,
)
from infrastructure.scrapers.imdb_graphql.search_answer import read_hits

MOST_HITS = 50
"""The API is asked for so many at most."""

_TYPES = {
    Thing.TITLE: "TITLE",
    Thing.PERSON: "NAME",
    Thing.COMPANY: "COMPANY",
    Thing.KEYWORD: "KEYWORD",
}
_KINDS = {
    TitleKind.MOVIE: "MOVIE",
    TitleKind.TV_SERIES: "TV",
    TitleKind.TV_MINI_SERIES: "TV",
    TitleKind.TV_EPISODE: "TV_EPISODE",
    TitleKind.VIDEO_GAME: "VIDEO_GAME",
    TitleKind.MUSIC_VIDEO: "MUSIC_VIDEO",
    TitleKind.PODCAST_SERIES: "PODCAST_SERIES",
    TitleKind.PODCAST_EPISODE: "PODCAST_EPISODE",
}
"""What the API can be asked for; of other kinds it gives all."""


class GraphqlSearch:
    """Finds titles with ratings, or people, companies or keywords.

    ``tell`` is told what the data may be used for.

    Any number of threads may call it: it keeps nothing.
    """

    name = SOURCE_NAME

    def __init__(self, http: Http, endpoint: Endpoint, tell: Callable[[str], None]) -> None:
        self._http = http
        self._endpoint = endpoint
        self._tell = tell
        self._query = Query.named("search")

    def find(self, query: SearchQuery) -> Sequence[SearchHit]:
        """Ask once; raises as `TitleSearch.find` says."""
        try:
            return self._query.ask(self._http, self._endpoint, variables_of(query), self._read)
        except (TooComplex, WrongInput) as error:
            raise PageChanged(self._endpoint.url, "query", str(error)) from error

    def _read(self, answer: PackedAnswer) -> tuple[SearchHit, ...]:
        reply = read_reply(answer)
        if reply.disclaimer is not None:
            self._tell(f"{self.name} says: {reply.disclaimer}")
        for error in reply.errors:
            raised: ScraperError | TooComplex | WrongInput = failure(reply, error)
            raise raised
        return read_hits(reply.page, reply.data)


def variables_of(query: SearchQuery) -> dict[str, Any]:
    """The variables of the question; what is not asked for is left out."""
    variables: dict[str, Any] = {
        "text": query.text,
        "types": [_TYPES[query.thing]],
        "adult": query.with_adult,
        "first": MOST_HITS,
    }
    if query.kind in _KINDS:
        variables["kinds"] = [_KINDS[query.kind]]
    # A series may be looked for in a later year than that of its first episode.
    if query.year is not None and query.kind is TitleKind.MOVIE:
        year = f"{query.year:04d}"
        variables["released"] = {"start": f"{year}-01-01", "end": f"{year}-12-31"}
    return variables
