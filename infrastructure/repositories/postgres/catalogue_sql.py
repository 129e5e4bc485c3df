"""Pages of titles and people as SQL. Pure: no database in sight.

A page can be had in three ways. To *walk* is to read an index in the order that is wanted, and to
leave out what is not: good when much of it is wanted. To *gather* is to find all that is wanted
through the indexes of the filters, and to sort it: good when that is little. In between, *ranges*
of the order are gathered, one after the other: the indexes of the order and of the filters are
combined before a row is read, so that a range costs about a third of a walk through it.

PostgreSQL estimates how much is wanted from the frequency of each value alone, and errs when
filters depend on each other. So its estimate only says what is tried first, and each try is
bounded. Nothing is ever counted off from the beginning of an order to where a page begins.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from application.catalogue import PersonQuery, PersonSort, TitleQuery, TitleSort


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What decides how a page is had. Costs are PostgreSQL's: 1 is about 3 microseconds."""

    walk_cost: float = 0.6
    """Of a row."""
    range_cost: float = 0.2
    """Of a row that lies in a range but is not wanted: of its entry in the index."""
    row_cost: float = 1.2
    """Of a row that is read because it is wanted."""
    word_cost: float = 0.2
    """Of an entry of a word in its index, which PostgreSQL does not reckon with."""
    walk_margin: float = 3
    """So many times as far as the end of the page should be away it is walked."""
    gathered: int = 3_000
    """So many rows are gathered before it is seen whether there are more."""
    rare_word: float = 0.021
    """Words that so much of all may have are looked up, unless at least ``gathered`` have them. A
    word that is only begun has 0.02 or more for PostgreSQL, but in truth there may be a single one.
    """
    few: int = 50_000
    """Of so many rows that have a place in an order at all, the index of the order finds them."""
    least_range: int = 2_000
    range_margin: float = 1.5
    """A range should have so many times the rows that are wanted."""
    range_growth: int = 4
    """A range is so many times as long as the one before it, which had too few."""
    walked_people: int = 10_000


EFFORT = Effort()

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

# Of ASCII: the database keeps words without them (migration 0011).
_MARKS = r"[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+"

# The last word may be the beginning of one. Without any word (a mark of a script that PostgreSQL
# knows no words of) it is NULL, and nothing is found.
_HAS_WORDS = rf"""
    words @@ (nullif(plainto_tsquery('simple', regexp_replace(%s, '{_MARKS}', ' ', 'g'))::text, '')
        || ':*')::tsquery
"""

_HAS_WORD = "words @@ plainto_tsquery('simple', %s)"
_HAS_BEGINNING = "words @@ (plainto_tsquery('simple', %s)::text || ':*')::tsquery"
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Rows in an order, between two places of it, of which some are wanted.

    ``bounds`` and ``span`` are conditions on what the rows are sorted by, the first of which most
    rows fulfil; ``filters`` are all others. ``words`` follow from the filters: a condition for each
    word that is searched for, the last one first; ``last_word`` is for that one as a whole. A place
    is a value of what the rows are ``placed`` by: ``after`` is the last one that does not belong to
    the listing any more, ``until`` the last one that does. The rows of the statements have the
    ``columns``, and at last the ``key`` that they are sorted by.
    """

    source: str
    columns: tuple[str, ...]
    key: str
    imdb_id: str
    placed: tuple[str, ...]
    descending: bool
    bounds: tuple[Sql, ...]
    span: tuple[Sql, ...]
    filters: tuple[Sql, ...]
    words: tuple[Sql, ...]
    limit: int
    last_word: Sql | None = None
    after: tuple[object, ...] | None = None
    until: tuple[object, ...] | None = None
    is_scattered: bool = False
    """Whether walking is no use, as those that are wanted are few wherever they are."""
    is_short: bool = False
    """Whether few rows are within the bounds."""
    is_dear_to_walk: bool = False
    """Whether rows must be read to walk, which of other orders an index is enough for."""

    def walk(self) -> Sql:
        """Give the first rows, when all are wanted."""
        where, values = _where(*self._all_bounds())
        statement = f"""
            SELECT {", ".join(self.columns)}, {self.key} AS key
            FROM {self.source} {where} ORDER BY {self._order(self.key, self.imdb_id)} LIMIT %s
        """  # noqa: S608 - built from constants
        return statement, (*values, self.limit)

    def short_walk(self, most: int) -> Sql:
        """Give the first rows that are wanted, of so many in order."""
        bounds, bound_values = _where(*self._all_bounds())
        filters, values = _where(*self.filters)
        statement = f"""
            SELECT {", ".join(self.columns)}, key FROM (
                SELECT {", ".join(self.columns)}, words, {self.key} AS key, {self.imdb_id} AS place
                FROM {self.source} {bounds}
                ORDER BY {self._order(self.key, self.imdb_id)} LIMIT %s
            ) AS walked {filters} ORDER BY {self._order("key", "place")} LIMIT %s
        """  # noqa: S608 - built from constants
        return statement, (*bound_values, most, *values, self.limit)

    def gather(self, most: int | None) -> Sql:
        """Give the first rows that are wanted, each with how many there are of all.

        When these are more than ``most``, the rows are any.
        """
        where, values = _where(*self._bounds_to_gather(), *self._filters_to_gather())
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
        return statement, (*values, None if most is None else most + 1, self.limit)

    def place(self, rows: int) -> Sql:
        """Give a place after so many rows (about), whether they are wanted or not, if any."""
        if self.is_dear_to_walk:
            return self._place_of_statistics(rows)
        where, values = _where(*self._all_bounds())
        statement = f"""
            SELECT {", ".join(self.placed)} FROM {self.source} {where}
            ORDER BY {self._order(self.key, self.imdb_id)} OFFSET %s LIMIT 1
        """  # noqa: S608 - built from constants
        return statement, (*values, rows)

    def _place_of_statistics(self, rows: int) -> Sql:
        """A place among the hundred at equal distances that PostgreSQL keeps of an index.

        Any value is a place, also when no row has it any more.
        """
        sign, way = ("<", "DESC") if self.descending else (">", "ASC")
        beyond, values = _where(
            *([] if self.after is None else [(f"bound {sign} %s", self.after[:1])])
        )
        statement = f"""
            SELECT bound, '' FROM (
                SELECT unnest(histogram_bounds::text::text[]) COLLATE "C" AS bound FROM pg_stats
                WHERE schemaname = current_schema() AND tablename = 'titles_by_title'
            ) AS bounds {beyond} ORDER BY bound {way} OFFSET (
                SELECT ceil(%s * 100 / greatest(reltuples, 1))::bigint FROM pg_class
                WHERE oid = 'titles'::regclass
            ) LIMIT 1
        """  # noqa: S608 - built from constants
        return statement, (*values, rows)

    def estimate(self) -> Sql:
        """Give a plan of parts: all, what is wanted, gathering it, and what has each word.

        If there are any words, the last part is what has the last one whole.
        """
        bounds = (*self._all_bounds(),)
        wheres = (
            bounds,
            (*bounds, *self.filters),
            (*self._bounds_to_gather(), *self._filters_to_gather()),
            *((word,) for word in self.words),
            *([(self.last_word,)] if self.last_word else ()),
        )
        parts = [_where(*where) for where in wheres]
        text = " UNION ALL ".join(f"SELECT 1 FROM {self.source} {part}" for part, _ in parts)  # noqa: S608
        return f"EXPLAIN (FORMAT JSON) {text}", tuple(v for _, values in parts for v in values)

    def _bounds_to_gather(self) -> Iterator[Sql]:
        """The bounds; when most rows are within them, an index of them is of no use."""
        if self.until is not None or self.is_short:
            yield from self._all_bounds()
            return
        yield from self.span
        yield from map(_unindexed, replace(self, span=())._all_bounds())

    def _filters_to_gather(self) -> Iterator[Sql]:
        """The filters; PostgreSQL is to look for rare words, and not for those beside them."""
        if not self.words:
            yield from self.filters
            return
        yield from self.words
        for text, values in self.filters:
            yield _unindexed((text, values)) if text == _HAS_WORDS else (text, values)

    def _all_bounds(self) -> Iterator[Sql]:
        yield from self.bounds
        yield from self.span
        beyond, back = ("<", ">=") if self.descending else (">", "<=")
        for sign, place in ((beyond, self.after), (back, self.until)):
            if place is not None:
                places = ", ".join(["%s"] * len(place))
                yield f"({', '.join(self.placed)}) {sign} ({places})", place

    def _order(self, key: str, imdb_id: str) -> str:
        way = "DESC" if self.descending else "ASC"
        return f"{key} {way}, {imdb_id} {way}"


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
        **_words(query.text),
        "is_dear_to_walk": query.sort is TitleSort.TITLE,
    }
    of_span = (*_within(query, own_span),)
    if place is None or place.key is not None:
        known = () if query.sort in _ALWAYS_KNOWN else ((f"{key} IS NOT NULL", ()),)
        yield Listing(
            **parts,
            placed=(key, imdb_id),
            bounds=known,
            span=of_span,
            after=None if place is None else (place.key, place.imdb_id),
            descending=query.descending,
        )
    if query.sort not in _ALWAYS_KNOWN and not of_span:
        yield Listing(
            **parts,
            placed=(imdb_id,),
            bounds=((f"{key} IS NULL", ()),),
            span=(),
            after=None if place is None or place.key is not None else (place.imdb_id,),
            descending=False,
        )


def person_listing(query: PersonQuery) -> Listing:
    """Give the people who are wanted, one more than are wanted."""
    key, imdb_id = _PERSON_KEYS[query.sort]
    return Listing(
        source="people JOIN person_credits ON person_id = imdb_id",
        columns=PERSON_COLUMNS,
        key=key,
        imdb_id=imdb_id,
        placed=(key, imdb_id),
        descending=query.descending,
        bounds=(),
        span=(),
        after=None if query.place is None else (query.place.key, query.place.imdb_id),
        filters=() if query.text is None else ((_HAS_WORDS, (query.text,)),),
        **_words(query.text),
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


def _words(text: str | None) -> dict[str, Any]:
    """A condition for each word of a text, as far as it is sure what PostgreSQL takes for words."""
    words = [] if text is None else re.sub(_MARKS, " ", text).split()
    if not words or not all(
        word.isalpha() or (word.isascii() and word.isalnum()) for word in words
    ):
        return {"words": (), "last_word": None}
    *whole, last = words
    others = ((_HAS_WORD, (word,)) for word in whole[:_MOST_WORDS])
    return {"words": ((_HAS_BEGINNING, (last,)), *others), "last_word": (_HAS_WORD, (last,))}


def _unindexed(condition: Sql) -> Sql:
    """The same condition for which no index is looked for."""
    text, values = condition
    return f"coalesce({text}, false)", values


def _within(query: TitleQuery, name: str) -> Iterator[Sql]:
    span = query.spans.get(name)
    if span is not None and span.low is not None:
        yield f"{name} >= %s", (span.low,)
    if span is not None and span.high is not None:
        yield f"{name} <= %s", (span.high,)


def _where(*conditions: Sql) -> Sql:
    if not conditions:
        return "", ()
    texts, values = zip(*conditions, strict=True)
    return f"WHERE {' AND '.join(texts)}", tuple(value for some in values for value in some)
