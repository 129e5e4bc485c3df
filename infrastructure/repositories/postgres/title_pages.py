"""How a page of titles is had from PostgreSQL: statements that read little of the tables.

A page can be had in three ways. To *walk* is to read the index of the order that is wanted, which
has beside its key all that titles are filtered by (version 0014 of the schema): some 300 ns a row.
To *pick* is to read the index of a filter in the same way, and to sort what is wanted. To *gather*
is to find titles through the indexes of words and genres, which costs ten times as much a row, as
the rows themselves are read. Words and genres are in the other indexes as marks only, so that a
walk or a pick asks the row of each title that has the marks, in the order of the page, until the
page is full.

`shares` says how many titles each way has to read. It errs when filters depend on each other, so
that tries are bounded: when one has not filled the page, the next way is taken. Nothing is ever
counted off from the beginning of an order to where a page begins.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from math import prod
from typing import NamedTuple

from application.catalogue import KeyValue, TitleQuery, TitleSort
from infrastructure.repositories.postgres.catalogue_sql import (
    HAS_WORDS,
    TITLE_COLUMNS,
    Sql,
    ordered,
    unindexed,
    where,
    words_of,
)
from infrastructure.repositories.postgres.rows import Row
from infrastructure.repositories.postgres.shares import Shares

Ask = Callable[[Sql], list[Row]]
"""Asks PostgreSQL, and gives all rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What decides how a page is had; costs are in microseconds, as measured."""

    walk: float = 0.35
    """To read an entry of an index of an order."""
    row: float = 6.0
    """To find the row of a title by its id and to read it."""
    gathered_row: float = 3.5
    """To read the row of a title where an index has found it."""
    entry: float = 0.06
    """To read an entry of a word or a genre in its index."""
    other_index: float = 4.0
    """So many times as much, to combine it with what another index has found."""
    begun: float = 5.0
    """So many times as much, of a word that is only begun: its words are put together first."""
    margin: float = 3.0
    """So many times as far as the end of the page should be away is walked."""
    least_walk: int = 1_000
    gathered: int = 3_000
    """So many rows are gathered before it is seen whether there are more, or ``margin`` times as
    many as there should be."""
    genre_mark: float = 0.02
    """So many titles have the mark of a genre by accident."""
    word_marks: tuple[float, ...] = (1.0, 0.2, 0.15, 0.04, 0.015, 0.007)
    """So many titles have the marks of a word by accident, by how many letters it has; as counted
    in `benchmarks.synthetic_store`, whose words are made of few syllables."""

    def by_accident(self, word: str) -> float:
        """The share of titles that have the marks of a word by accident."""
        return self.word_marks[min(len(word), len(self.word_marks) - 1)]


EFFORT = Effort()

_KEYS = {
    TitleSort.TITLE: "title_key",
    TitleSort.YEAR: "year",
    TitleSort.RATING: "rating",
    TitleSort.VOTES: "votes",
    TitleSort.METASCORE: "metascore",
    TitleSort.RUNTIME: "runtime_minutes",
    TitleSort.UPDATED: "fetched_at",
}

_ALWAYS_KNOWN = frozenset({TitleSort.TITLE, TitleSort.UPDATED})

_ID = 'imdb_id COLLATE "C"'

_RATED = ("rating", "votes", "metascore")
"""What is known of the same titles: who has fewer of them has them among those of the others."""

_IN_INDEXES = (
    "kind", "year", "rating", "votes", "metascore", "runtime_minutes", "genre_marks", "word_marks"
)  # fmt: skip

_HAS_MARKS = """
    word_marks & word_marks_of(to_tsvector('simple', %s)) = word_marks_of(to_tsvector('simple', %s))
"""

# A decimal number would be made into one of Python, and that into a float.
_COLUMNS = ", ".join(TITLE_COLUMNS).replace("rating", "rating::float8 AS as_float")

_NO_TITLE = 1e-6


class Filter(NamedTuple):
    """A condition that some titles fulfil: on a ``column`` that is in the indexes of all orders."""

    column: str
    condition: Sql
    share: float


class Sought(NamedTuple):
    """What the indexes of words and genres find: a condition, and the marks that follow from it.

    ``share`` of the titles fulfil the condition, ``marked`` have the marks.
    """

    condition: Sql
    marks: Sql | None
    share: float
    marked: float
    is_word: bool = True
    entry: float = 1.0
    """How many times as much as another's an entry costs, to find it in the index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Titles in an order, from a place of it on, of which some are wanted.

    ``bounds`` are conditions on what they are sorted by. ``all_bounds`` let those follow of which
    that is unknown, if any are to: they can be picked and gathered together. ``held`` titles should
    be within the bounds, of which ``share`` should be wanted. ``exact`` is what the row itself is
    asked. The rows of the statements have the columns of summaries, and at last the key.
    """

    key: str
    descending: bool
    bounds: tuple[Sql, ...]
    all_bounds: tuple[Sql, ...]
    filters: tuple[Filter, ...]
    sought: tuple[Sought, ...]
    exact: tuple[Sql, ...]
    person: tuple[Sql, ...]
    held: float
    share: float
    rows: float
    limit: int

    def all(self) -> Sql:
        """The first titles, when all are wanted."""
        text, values = where(*self.bounds)
        statement = f"""
            SELECT {_COLUMNS}, {self.key} AS key FROM titles {text}
            ORDER BY {ordered(self.key, _ID, self.descending)} LIMIT %s
        """  # noqa: S608 - built from constants
        return statement, (*values, self.limit)

    def walk(self, most: int | None) -> Sql:
        """The first titles that are wanted, of so many in the order."""
        bounds, bound_values = where(*self.bounds)
        wanted, values = where(*self._in_indexes())
        walked = f"""
            SELECT imdb_id AS found_id, key, place FROM (
                SELECT imdb_id, {self.key} AS key, {_ID} AS place, {", ".join(_IN_INDEXES)}
                FROM titles {bounds} ORDER BY {ordered(self.key, _ID, self.descending)} LIMIT %s
            ) AS walked {wanted} ORDER BY {ordered("key", "place", self.descending)}
        """  # noqa: S608 - built from constants
        return self._page(walked, (*bound_values, most, *values))

    def pick(self, by: Filter) -> Sql:
        """The first titles that are wanted, of all that an index has for a filter."""
        others = (condition for condition in self._in_indexes() if condition is not by.condition)
        if self.key not in _IN_INDEXES:
            return self._pick_without_key(by.condition, *map(unindexed, others))
        text, values = where(by.condition, *self.all_bounds, *map(unindexed, others))
        picked = f"""
            WITH picked AS MATERIALIZED (
                SELECT imdb_id AS found_id, {self.key} AS key, {_ID} AS place FROM titles {text}
            ) SELECT * FROM picked ORDER BY {_unknown_last("key", "place", self.descending)}
        """  # noqa: S608 - built from constants
        return self._page(picked, values, _unknown_last)

    def _pick_without_key(self, *conditions: Sql) -> Sql:
        """As `pick`, in an order whose key is in no other index: all with the marks are read."""
        text, values = where(*conditions)
        exact, exact_values = where(*self.all_bounds, *map(unindexed, self.exact))
        statement = f"""
            WITH picked AS MATERIALIZED (SELECT imdb_id AS found_id FROM titles {text})
            SELECT {_COLUMNS}, {self.key} AS key
            FROM picked JOIN titles ON imdb_id = found_id {exact}
            ORDER BY {ordered(self.key, _ID, self.descending)} LIMIT %s
        """  # noqa: S608 - built from constants
        return statement, (*values, *exact_values, self.limit)

    def gather(self, by: Sequence[Sql], most: int | None) -> Sql:
        """The first titles that are wanted, each with how many were found of ``most``, or one more.

        When these are more than ``most``, the titles are any.
        """
        conditions = (*(each.condition for each in self.filters), *self.exact)
        text, values = where(*by, *self.all_bounds, *map(unindexed, conditions))
        order = _unknown_last("key", "place", self.descending)
        statement = f"""
            WITH gathered AS MATERIALIZED (
                SELECT imdb_id AS found_id, {self.key} AS key, {_ID} AS place
                FROM titles {text} LIMIT %s
            ), page AS MATERIALIZED (
                SELECT * FROM gathered ORDER BY {order} LIMIT %s
            )
            SELECT (SELECT count(*) FROM gathered), {_COLUMNS}, key
            FROM page JOIN titles ON imdb_id = found_id
            ORDER BY {order}
        """  # noqa: S608 - built from constants
        return statement, (*values, None if most is None else most + 1, self.limit)

    def _page(
        self,
        found: str,
        values: tuple[object, ...],
        order: Callable[[str, str, bool], str] = ordered,
    ) -> Sql:
        """The first titles of those that were found in order, and are wanted by all of the row."""
        exact, exact_values = where(*map(unindexed, self.exact))
        short = "" if self.exact else "LIMIT %s"
        statement = f"""
            SELECT {_COLUMNS}, key FROM ({found} {short}) AS found
            JOIN titles ON imdb_id = found_id {exact}
            ORDER BY {order("key", "place", self.descending)} LIMIT %s
        """  # noqa: S608 - built from constants
        return statement, (
            *values,
            *(() if self.exact else (self.limit,)),
            *exact_values,
            self.limit,
        )

    @property
    def share_in_indexes(self) -> float:
        """The share of all titles that pass the filters, and have the marks."""
        return prod(each.share for each in self.filters) * prod(each.marked for each in self.sought)

    def _in_indexes(self) -> Iterator[Sql]:
        yield from (each.condition for each in self.filters)
        yield from (each.marks for each in self.sought if each.marks is not None)


def page_of_titles(ask: Ask, query: TitleQuery, shares: Shares) -> list[Row]:
    """The rows of a page, and one more if there are more, in what should be the shortest way."""
    rows: list[Row] = []
    for listing in title_listings(query, shares):
        found, is_all = _first_titles(ask, replace(listing, limit=listing.limit - len(rows)))
        rows += found
        if is_all or len(rows) > query.limit:
            break
    return rows


def _first_titles(ask: Ask, listing: Listing) -> tuple[list[Row], bool]:
    """The first titles of a listing, and whether those of unknown value follow."""
    if listing.person:
        return [row[1:] for row in ask(listing.gather(listing.person, None))], True
    if not (listing.filters or listing.exact):
        return ask(listing.all()), False
    walked, has_gathered = 0, False
    while True:
        way = min(_ways(listing, walked, has_gathered), key=lambda each: each.cost)
        rows = ask(way.statement())
        if way.most is None:
            return rows, not way.is_walk
        if way.is_walk:
            if len(rows) == listing.limit:
                return rows, False
            walked = way.most
            listing = replace(listing, share=min(listing.share, (len(rows) + 0.5) / walked))
        elif not rows or rows[0][0] <= way.most:
            return [row[1:] for row in rows], True
        else:
            has_gathered = True


class _Way(NamedTuple):
    """A way to have a page, and what it should cost.

    With ``most`` it may not get there: that many titles are walked, or gathered and counted.
    """

    cost: float
    statement: Callable[[], Sql]
    most: int | None = None
    is_walk: bool = False


def _ways(listing: Listing, walked: int, has_gathered: bool) -> Iterator[_Way]:
    """The ways that are left after so many titles were walked in vain."""
    effort = EFFORT
    away = listing.limit / max(listing.share, _NO_TITLE)
    asked = listing.limit * _read_for_one(listing)
    read = effort.row * asked
    most = max(int(effort.margin * away) + effort.least_walk, 2 * walked)
    if most < listing.held:
        yield _Way(effort.walk * away + read, partial(listing.walk, most), most, is_walk=True)
    yield _Way(effort.walk * listing.held + read, partial(listing.walk, None), is_walk=True)
    for each in listing.filters:
        found = listing.rows * each.share
        marked = listing.share_in_indexes * listing.rows
        if listing.key in _IN_INDEXES:
            marked = min(marked, asked)
        cost = effort.walk * found + effort.row * marked
        yield _Way(cost, partial(listing.pick, each))
    if listing.sought and not has_gathered:
        yield _gathering(listing)


def _gathering(listing: Listing) -> _Way:
    """To gather by the rarest words and genres: by the next as long as it spares more rows."""
    effort = EFFORT
    cost, found = 0.0, listing.rows
    by: list[Sql] = []
    is_word = False
    for each in sorted(listing.sought, key=lambda sought: sought.share):
        entries = effort.entry * each.entry * listing.rows * each.share
        if by and each.is_word != is_word:
            entries *= effort.other_index
        is_word = each.is_word
        if by and entries > effort.gathered_row * found * (1 - each.share):
            break
        by.append(each.condition)
        cost += entries
        found *= each.share
    most = max(effort.gathered, int(effort.margin * found))
    return _Way(cost + effort.gathered_row * found, partial(listing.gather, by, most), most)


def _read_for_one(listing: Listing) -> float:
    """How many rows have to be read to find one that is wanted; none but its own without marks."""
    return prod(max(1.0, each.marked / max(each.share, _NO_TITLE)) for each in listing.sought)


def title_listings(query: TitleQuery, shares: Shares) -> Iterator[Listing]:
    """Give the titles of which the value in the sort is known, then those of which it is not.

    Of each, one more than are wanted.
    """
    key, place = _KEYS[query.sort], query.place
    own = query.sort.field.name
    column = shares.column(key)
    listing = _listing(query, shares)
    filters = listing.filters
    is_known = query.sort in _ALWAYS_KNOWN
    span = (*_within(query, own),)
    if place is None or place.key is not None:
        held = column.between(*_ends(query, own)) if span else (1.0 if is_known else column.known)
        bounds = (*(() if is_known else ((f"{key} IS NOT NULL", ()),)), *span)
        beyond: tuple[Sql, ...] = ()
        if place is not None:
            sign = "<" if query.descending else ">"
            beyond = ((f"({key}, {_ID}) {sign} (%s, %s)", (place.key, place.imdb_id)),)
            held = min(held, _beyond(shares, key, place.key, query))
        yield replace(
            listing,
            bounds=(*bounds, *beyond),
            all_bounds=tuple(map(unindexed, (*bounds, *beyond)))
            if is_known or span
            else tuple((f"({text} OR {key} IS NULL)", values) for text, values in beyond),
            held=held * shares.rows,
            share=listing.share * _share_of_known(filters, shares, key),
        )
    if not is_known and not span:
        bounds = ((f"{key} IS NULL", ()),)
        if place is not None and place.key is None:
            bounds += ((f"{_ID} > %s", (place.imdb_id,)),)
        yield replace(
            listing,
            descending=False,
            bounds=bounds,
            all_bounds=tuple(map(unindexed, bounds)),
            held=column.unknown * shares.rows,
            share=listing.share * _share_of_unknown(filters, shares, key),
        )


def _listing(query: TitleQuery, shares: Shares) -> Listing:
    """What is the same of titles whose value in the sort is known, and of the others."""
    sought = (*_sought(query, shares),)
    return Listing(
        key=_KEYS[query.sort],
        descending=query.descending,
        bounds=(),
        all_bounds=(),
        filters=(*_filters(query, shares),),
        sought=sought,
        exact=(*_exact(query),),
        person=(*_person(query),),
        held=0.0,
        share=prod(each.share for each in sought),
        rows=shares.rows,
        limit=query.limit + 1,
    )


def _unknown_last(key: str, imdb_id: str, descending: bool) -> str:
    """By a key and an id, both the same way; then of unknown key, by the id, the lower first."""
    if not descending:
        return f"{key} ASC NULLS LAST, {imdb_id} ASC"
    unknown = f"CASE WHEN {key} IS NULL THEN {imdb_id} END ASC"
    return f"{key} DESC NULLS LAST, {unknown}, {imdb_id} DESC"


def _beyond(shares: Shares, key: str, value: KeyValue, query: TitleQuery) -> float:
    """The share of titles whose key is on the other side of a place."""
    if key == "fetched_at" or isinstance(value, datetime):
        return 0.5
    ends = (None, value) if query.descending else (value, None)
    return shares.column(key).between(*ends)


def _share_of_known(filters: Sequence[Filter], shares: Shares, key: str) -> float:
    """The share that passes the filters, of titles that have a value in the sort."""
    share, least = 1.0, shares.column(key).known if key in _RATED else 1.0
    of_sort = least
    for each in filters:
        if each.column in _RATED:
            known = shares.column(each.column).known
            share *= min(1.0, each.share / known)
            least = min(least, known)
        else:
            share *= each.share
    return share * least / of_sort


def _share_of_unknown(filters: Sequence[Filter], shares: Shares, key: str) -> float:
    """The share that passes the filters, of titles that have no value in the sort."""
    if key in _RATED:
        known = shares.column(key).known
        if any(each.column in _RATED and shares.column(each.column).known <= known * 1.1
               for each in filters):  # fmt: skip
            return _NO_TITLE
    return _share_of_known(filters, shares, "title_key")


def _filters(query: TitleQuery, shares: Shares) -> Iterator[Filter]:
    if query.kinds:
        kinds = [kind.value for kind in query.kinds]
        share = shares.column("kind").of_values(kinds)
        yield Filter("kind", ("kind = ANY (%s)", (kinds,)), share)
    for name in query.spans:
        if name != query.sort.field.name:
            texts, values = zip(*_within(query, name), strict=True)
            condition = " AND ".join(texts), tuple(value for some in values for value in some)
            yield Filter(name, condition, shares.column(name).between(*_ends(query, name)))


def _sought(query: TitleQuery, shares: Shares) -> Iterator[Sought]:
    for genre in query.genres:
        share = shares.genres.share(genre)
        mark: Sql = "genre_marks & genre_marks_of(%s) <> 0", ([genre],)
        yield Sought(
            ("genres @> %s", ([genre],)), mark, share, share + EFFORT.genre_mark, is_word=False
        )
    words = words_of(query.text)
    if query.text is not None and not words:
        yield Sought((HAS_WORDS, (query.text,)), None, shares.words.share(query.text), 1.0)
    for number, word in enumerate(words):
        is_begun = number == 0  # the last one, which comes first
        if is_begun:
            share = shares.words.beginning(word.text.lower())
        else:
            share = shares.words.share(word.text.lower())
        has_mark = word.text.isascii() and (len(word.text) >= 2 or not is_begun)
        mark = _HAS_MARKS, (word.text, word.text)
        marked = min(1.0, share + EFFORT.by_accident(word.text)) if has_mark else 1.0
        entry = EFFORT.begun if is_begun else 1.0
        yield Sought(word.condition, mark if has_mark else None, share, marked, entry=entry)


def _exact(query: TitleQuery) -> Iterator[Sql]:
    if query.text is not None:
        yield HAS_WORDS, (query.text,)
    if query.genres:
        yield "genres @> %s", (list(query.genres),)


def _person(query: TitleQuery) -> Iterator[Sql]:
    if query.person is not None:
        yield "imdb_id IN (SELECT title_id FROM credits WHERE person_id = %s)", (query.person,)


def _ends(query: TitleQuery, name: str) -> tuple[float | None, float | None]:
    span = query.spans.get(name)
    return (None, None) if span is None else (span.low, span.high)


def _within(query: TitleQuery, name: str) -> Iterator[Sql]:
    low, high = _ends(query, name)
    if low is not None:
        yield f"{name} >= %s", (low,)
    if high is not None:
        yield f"{name} <= %s", (high,)
