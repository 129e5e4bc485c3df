"""The advanced search and the lists of the demo site, answered from its facts.

The page ``/search/title/`` and the API's ``advancedTitleSearch`` ask for the same in other words.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from demo.companies import companies_of, keywords_in
from demo.fact_search import FactSearch
from demo.facts import ChartFacts, TitleFacts
from demo.structured_data import JsonObject, iso_day

SEARCH_PATH = "/search/title/"
PUBLIC_LIST = "ls000000001"
"""A list that everybody may see: the films of Christopher Nolan, by year."""
PRIVATE_LIST = "ls000000002"
"""A list that is there, and for nobody but its owner."""
PUBLIC_LIST_NAME = "Christopher Nolan"

_NOLAN = "nm0634240"
_MOVIE = "movie"
_TITLES_ON_A_PAGE = 50
_MOST_ON_A_PAGE = 250
_ANYTHING = (None, None)

_Limits = tuple[str | float | None, str | float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for, as either way says it; ``knows_all`` is false for what we know nothing of.

    ``released`` has days as ISO 8601, ``sort`` an order of the page's.
    """

    kinds: Sequence[str] = ()
    genres: Sequence[str] = ()
    people: Sequence[str] = ()
    companies: Sequence[str] = ()
    keywords: Sequence[str] = ()
    words: str = ""
    released: _Limits = _ANYTHING
    ratings: _Limits = _ANYTHING
    votes: _Limits = _ANYTHING
    runtime: _Limits = _ANYTHING
    knows_all: bool = True
    sort: str = "moviemeter"
    ascending: bool = True


_SORT_KEYS: Mapping[str, Callable[[TitleFacts], str | float]] = {
    # IMDb's popularity is not among our facts; what many have voted on is popular.
    "moviemeter": lambda facts: -facts.votes,
    "alpha": lambda facts: facts.title,
    "user_rating": lambda facts: facts.rating,
    "num_votes": lambda facts: facts.votes,
    "year": lambda facts: facts.year,
    "release_date": lambda facts: iso_day(facts.release_date),
    "runtime": lambda facts: facts.runtime_minutes,
}
_SORTS_OF_THE_API = {
    "POPULARITY": "moviemeter",
    "TITLE_REGIONAL": "alpha",
    "USER_RATING": "user_rating",
    "USER_RATING_COUNT": "num_votes",
    "YEAR": "year",
    "RELEASE_DATE": "release_date",
    "RUNTIME": "runtime",
}


class AdvancedSearch:
    """Finds titles by what they are; any number of threads may use it."""

    def __init__(self, chart: ChartFacts) -> None:
        self._chart = chart
        self._by_words = FactSearch(chart)
        self._made_by = {
            company.imdb_id: {facts.imdb_id for facts in company.titles}
            for company in companies_of(chart)
        }

    def titles(self, wanted: Wanted) -> list[TitleFacts]:
        """All titles that are wanted, in their order; unknown orders are that of the chart."""
        if not wanted.knows_all:
            return []
        pool = self._chart.titles
        if wanted.words:
            pool = tuple(self._by_words.titles(wanted.words, len(pool)))
        found = [facts for facts in pool if self._fits(facts, wanted)]
        key = _SORT_KEYS.get(wanted.sort)
        return found if key is None else sorted(found, key=key, reverse=not wanted.ascending)

    def _fits(self, facts: TitleFacts, wanted: Wanted) -> bool:
        return (
            _fits(facts, wanted)
            and all(facts.imdb_id in self._made_by.get(one, ()) for one in wanted.companies)
            and {*wanted.keywords} <= {text.replace(" ", "-") for text in keywords_in(facts)}
        )

    def list_of(self, list_id: str) -> list[TitleFacts] | None:
        """The titles of a list, or ``None`` when there is none for everybody."""
        if list_id != PUBLIC_LIST:
            return None
        return self.titles(Wanted(people=(_NOLAN,), sort="year"))


def wanted_by_page(query: str) -> tuple[Wanted, int]:
    """What an address of the page asks for, and how many titles it is to show."""
    given = {name: values[0] for name, values in parse_qs(query).items()}
    sort, _, direction = given.get("sort", "moviemeter,asc").partition(",")
    wanted = Wanted(
        kinds=_listed(given.get("title_type")),
        genres=_listed(given.get("genres")),
        people=_listed(given.get("role")),
        companies=_listed(given.get("companies")),
        keywords=_listed(given.get("keywords")),
        words=given.get("title", ""),
        released=_pair(given.get("release_date"), str),
        ratings=_pair(given.get("user_rating"), float),
        votes=_pair(given.get("num_votes"), float),
        runtime=_pair(given.get("runtime"), float),
        knows_all=not {"countries", "languages"} & given.keys(),
        sort=sort,
        ascending=direction != "desc",
    )
    return wanted, min(int(given.get("count", _TITLES_ON_A_PAGE)), _MOST_ON_A_PAGE)


def wanted_by_api(constraints: JsonObject, sort: JsonObject | None) -> Wanted:
    """What the constraints and the order of a question ask for."""

    def part(name: str, field: str) -> JsonObject:
        return (constraints.get(f"{name}Constraint") or {}).get(field) or {}

    order = sort or {"sortBy": "POPULARITY", "sortOrder": "ASC"}
    unknown = (
        ("originCountry", "allCountries"),
        ("language", "allLanguages"),
        ("singleUserRating", "userId"),
    )
    return Wanted(
        kinds=[*part("titleType", "anyTitleTypeIds")],
        genres=[*part("genre", "allGenreIds")],
        people=[*part("creditedName", "allNameIds")],
        companies=[*part("creditedCompany", "allCompanyIds")],
        keywords=[*part("keyword", "allKeywords")],
        words=str(part("titleText", "searchTerm") or ""),
        released=_ends(part("releaseDate", "releaseDateRange"), "start", "end"),
        ratings=_ends(part("userRatings", "aggregateRatingRange"), "min", "max"),
        votes=_ends(part("userRatings", "ratingsCountRange"), "min", "max"),
        runtime=_ends(part("runtime", "runtimeRangeMinutes"), "min", "max"),
        knows_all=not any(part(*name) for name in unknown),
        sort=_SORTS_OF_THE_API.get(order["sortBy"], ""),
        ascending=order["sortOrder"] == "ASC",
    )


def _fits(facts: TitleFacts, wanted: Wanted) -> bool:
    people = {person.imdb_id for person in (*facts.directors, *facts.writers, *facts.cast)}
    return (
        _MOVIE in (wanted.kinds or (_MOVIE,))
        and {*wanted.genres} <= {*facts.genres}
        and {*wanted.people} <= people
        and _within(iso_day(facts.release_date), wanted.released)
        and _within(facts.rating, wanted.ratings)
        and _within(facts.votes, wanted.votes)
        and _within(facts.runtime_minutes, wanted.runtime)
    )


def _within(value: str | float, limits: _Limits) -> bool:
    low, high = limits
    is_above: bool = low is None or value >= low  # type: ignore[operator] # both are of one type
    is_below: bool = high is None or value <= high  # type: ignore[operator]
    return is_above and is_below


def _listed(text: str | None) -> list[str]:
    return [part for part in (text or "").split(",") if part]


def _pair(text: str | None, kind: Callable[[str], str | float]) -> _Limits:
    low, _, high = (text or "").partition(",")
    return (kind(low) if low else None, kind(high) if high else None)


def _ends(limits: JsonObject, low: str, high: str) -> _Limits:
    return (limits.get(low), limits.get(high))
