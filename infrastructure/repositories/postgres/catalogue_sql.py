"""Pages of titles and people as SQL. Pure: no database in sight.

A page can be had in two ways. To *walk* is to read an index in the order that is wanted, and to
leave out what is not: good when much of it is wanted. To *gather* is to find all that is wanted
through the indexes of the filters, and to sort it: good when that is little. PostgreSQL estimates
which is better from the frequency of each value alone, and errs when filters depend on each other.
So we walk a few rows, and gather when that was not enough; only when there is too much to gather
is a page left to PostgreSQL. Nothing is ever counted off from the beginning (OFFSET).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from application.catalogue import PersonQuery, PersonSort, Place, TitleQuery, TitleSort

MOST_WALKED = 300
"""So many rows are read in order before those that are wanted are gathered."""

MOST_GATHERED = 10_000
"""So many rows are sorted at most."""

Sql = tuple[str, tuple[object, ...]]
"""A part of a statement, and the values for its places."""

TITLE_COLUMNS = (
    "imdb_id", "kind", "title", "original_title", "year", "end_year", "runtime_minutes", "rating",
    "votes", "metascore", "certificate", "genres", "fetched_at",
)  # fmt: skip
"""The columns of titles that their summaries have."""

PERSON_COLUMNS = ("imdb_id", "name", "credits")
"""The columns of people that their summaries have."""

# Each is the expression of an index, which ends with the id.
_TITLE_KEYS = {
    TitleSort.TITLE: 'left(lower(title), 200) COLLATE "C"',
    TitleSort.YEAR: "year",
    TitleSort.RATING: "rating",
    TitleSort.VOTES: "votes",
    TitleSort.METASCORE: "metascore",
    TitleSort.RUNTIME: "runtime_minutes",
    TitleSort.UPDATED: "fetched_at",
}

_ALWAYS_KNOWN = frozenset({TitleSort.TITLE, TitleSort.UPDATED})

_PERSON_KEYS = {
    PersonSort.NAME: ('left(lower(name), 200) COLLATE "C"', 'imdb_id COLLATE "C"'),
    PersonSort.CREDITS: ("credits", 'person_id COLLATE "C"'),
}

# The last word may be the beginning of one. Without any word (a mark of a script that PostgreSQL
# knows no words of) it is NULL, and nothing is found.
_HAS_WORDS = r"""
    words @@ (nullif(plainto_tsquery('simple',
        regexp_replace(%s, '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g'))::text, '')
        || ':*')::tsquery
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Rows in an order from a place on, of which some are wanted.

    ``bounds`` are conditions on what the rows are sorted by, ``filters`` all the others. The rows
    of the statements have the ``columns``, and at last what they are sorted by.
    """

    source: str
    columns: tuple[str, ...]
    key: str
    imdb_id: str
    descending: bool
    bounds: tuple[Sql, ...]
    filters: tuple[Sql, ...]
    limit: int
    is_scattered: bool = False
    """Whether walking is no use, as those that are wanted are few wherever they are."""

    def walk(self) -> Sql:
        """Give the first rows that are wanted, whichever way PostgreSQL likes."""
        where, values = _where(*self.bounds, *self.filters)
        statement = f"""
            SELECT {", ".join(self.columns)}, {self.key} AS key
            FROM {self.source} {where} ORDER BY {self._order(self.key, self.imdb_id)} LIMIT %s
        """  # noqa: S608 - built from constants
        return statement, (*values, self.limit)

    def short_walk(self) -> Sql:
        """Give the first rows that are wanted, of `MOST_WALKED` in order."""
        bounds, bound_values = _where(*self.bounds)
        filters, values = _where(*self.filters)
        statement = f"""
            SELECT {", ".join(self.columns)}, key FROM (
                SELECT {", ".join(self.columns)}, words, {self.key} AS key, {self.imdb_id} AS place
                FROM {self.source} {bounds}
                ORDER BY {self._order(self.key, self.imdb_id)} LIMIT %s
            ) AS walked {filters} ORDER BY {self._order("key", "place")} LIMIT %s
        """  # noqa: S608 - built from constants
        return statement, (*bound_values, MOST_WALKED, *values, self.limit)

    def gather(self) -> Sql:
        """Give the first rows that are wanted, each with how many there are of all.

        When these are more than `MOST_GATHERED`, the rows are others.
        """
        where, values = _where(*self.bounds, *self.filters)
        statement = f"""
            WITH gathered AS MATERIALIZED (
                SELECT imdb_id AS found_id, {self.key} AS key, {self.imdb_id} AS place
                FROM {self.source} {where} LIMIT %s
            ), page AS MATERIALIZED (
                SELECT * FROM gathered ORDER BY {self._order("key", "place")} LIMIT %s
            )
            SELECT (SELECT count(*) FROM gathered), {", ".join(self.columns)}, key
            FROM page JOIN {self.source} ON imdb_id = found_id
            ORDER BY {self._order("key", "place")}
        """  # noqa: S608 - built from constants
        return statement, (*values, MOST_GATHERED + 1, self.limit)

    def _order(self, key: str, imdb_id: str) -> str:
        way = "DESC" if self.descending else "ASC"
        return f"{key} {way}, {imdb_id} {way}"


def is_too_much(found: int) -> bool:
    """Whether there was more to gather than was gathered, so that rows may be missing."""
    return found > MOST_GATHERED


def title_listings(query: TitleQuery) -> Iterator[Listing]:
    """Give the titles of which the value in the sort is known, then those of which it is not.

    Of each, one more than are wanted.
    """
    key, imdb_id, place = _TITLE_KEYS[query.sort], 'imdb_id COLLATE "C"', query.place
    own_span = query.sort.field.name
    parts: dict[str, Any] = {
        "source": "titles",
        "columns": TITLE_COLUMNS,
        "key": key,
        "imdb_id": imdb_id,
        "filters": (*_title_filters(query),),
        "limit": query.limit + 1,
        "is_scattered": query.person is not None,
    }
    of_span = (*_within(query, own_span),)
    if place is None or place.key is not None:
        after = _after(key, imdb_id, place, query.descending)
        known = () if query.sort in _ALWAYS_KNOWN else ((f"{key} IS NOT NULL", ()),)
        bounds = (*known, *of_span, *after)
        yield Listing(**parts, bounds=bounds, descending=query.descending)
    if query.sort not in _ALWAYS_KNOWN and not of_span:
        unknown: list[Sql] = [(f"{key} IS NULL", ())]
        if place is not None and place.key is None:
            unknown.append((f"{imdb_id} > %s", (place.imdb_id,)))
        yield Listing(**parts, bounds=(*unknown,), descending=False)


def person_listing(query: PersonQuery) -> Listing:
    """Give the people who are wanted, one more than are wanted."""
    key, imdb_id = _PERSON_KEYS[query.sort]
    return Listing(
        source="people JOIN person_credits ON person_id = imdb_id",
        columns=PERSON_COLUMNS,
        key=key,
        imdb_id=imdb_id,
        descending=query.descending,
        bounds=(*_after(key, imdb_id, query.place, query.descending),),
        filters=() if query.text is None else ((_HAS_WORDS, (query.text,)),),
        limit=query.limit + 1,
    )


def _title_filters(query: TitleQuery) -> Iterator[Sql]:
    if query.text is not None:
        yield _HAS_WORDS, (query.text,)
    if query.kinds:
        yield "kind = ANY (%s)", ([kind.value for kind in query.kinds],)
    if query.genres:
        yield "genres @> %s", (list(query.genres),)
    for name in query.spans:
        if name != query.sort.field.name:
            yield from _within(query, name)
    if query.person is not None:
        yield "imdb_id IN (SELECT title_id FROM credits WHERE person_id = %s)", (query.person,)


def _within(query: TitleQuery, name: str) -> Iterator[Sql]:
    span = query.spans.get(name)
    if span is not None and span.low is not None:
        yield f"{name} >= %s", (span.low,)
    if span is not None and span.high is not None:
        yield f"{name} <= %s", (span.high,)


def _after(key: str, imdb_id: str, place: Place | None, descending: bool) -> Iterator[Sql]:
    if place is not None:
        sign = "<" if descending else ">"
        yield f"({key}, {imdb_id}) {sign} (%s, %s)", (place.key, place.imdb_id)


def _where(*conditions: Sql) -> Sql:
    if not conditions:
        return "", ()
    texts, values = zip(*conditions, strict=True)
    return f"WHERE {' AND '.join(texts)}", tuple(value for some in values for value in some)
