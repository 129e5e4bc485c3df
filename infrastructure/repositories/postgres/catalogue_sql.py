"""What statements of the catalogue are put together from, and those that give a page of people.

A page of people can be had in two ways. To *walk* is to read an index in the order that is wanted,
and to leave out what is not: good when much of it is wanted. To *gather* is to find all that is
wanted through the index of words, and to sort it: good when that is little. For titles see
`title_pages`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from application.catalogue import PersonQuery, PersonSort

Sql = tuple[str, tuple[object, ...]]
"""A part of a statement, and the values for its places."""

TITLE_COLUMNS = (
    "imdb_id", "kind", "title", "original_title", "year", "end_year", "runtime_minutes", "rating",
    "votes", "metascore", "certificate", "genres", "fetched_at",
)  # fmt: skip
"""The columns of titles that their summaries have."""

PERSON_COLUMNS = ("imdb_id", "name", "credits")
"""The columns of people that their summaries have."""

_PERSON_KEYS = {
    PersonSort.NAME: ('left(lower(name), 200) COLLATE "C"', 'imdb_id COLLATE "C"'),
    PersonSort.CREDITS: ("credits", 'person_id COLLATE "C"'),
}
"""Each is the expression of an index, which ends with the id."""

# Of ASCII: the database keeps words without them (migration 0011).
_MARKS = r"[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+"

HAS_WORDS = rf"""
    words @@ (nullif(plainto_tsquery('simple', regexp_replace(%s, '{_MARKS}', ' ', 'g'))::text, '')
        || ':*')::tsquery
"""
"""The last word may be the beginning of one. Without any word (a mark of a script that PostgreSQL
knows no words of) it is NULL, and nothing is found."""

_HAS_WORD = "words @@ plainto_tsquery('simple', %s)"
_HAS_BEGINNING = "words @@ (plainto_tsquery('simple', %s)::text || ':*')::tsquery"
_MOST_WORDS = 8


class Word(NamedTuple):
    """A word that is searched for, and the condition that something has it."""

    text: str
    condition: Sql


def words_of(text: str | None) -> Sequence[Word]:
    """The words of a text, the last one first, of which anything with more letters will do.

    Nothing, when it is not sure what PostgreSQL takes for words.
    """
    words = [] if text is None else re.sub(_MARKS, " ", text).split()
    if not words or not all(
        word.isalpha() or (word.isascii() and word.isalnum()) for word in words
    ):
        return ()
    *whole, last = words
    others = (Word(word, (_HAS_WORD, (word,))) for word in whole[:_MOST_WORDS])
    return Word(last, (_HAS_BEGINNING, (last,))), *others


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonListing:
    """People in an order, from a place of it on, of whom some are wanted.

    ``words`` follow from the ``filters``: a condition for each word that is searched for. The rows
    of the statements have the columns of summaries, and at last the key.
    """

    key: str
    imdb_id: str
    descending: bool
    bounds: tuple[Sql, ...]
    filters: tuple[Sql, ...]
    words: tuple[Sql, ...]
    limit: int

    def walk(self) -> Sql:
        """Give the first people, when all are wanted."""
        text, values = where(*self.bounds)
        statement = f"""
            SELECT {", ".join(PERSON_COLUMNS)}, {self.key} AS key
            FROM {_PEOPLE} {text} ORDER BY {ordered(self.key, self.imdb_id, self.descending)}
            LIMIT %s
        """  # noqa: S608 - built from constants
        return statement, (*values, self.limit)

    def short_walk(self, most: int) -> Sql:
        """Give the first people who are wanted, of so many in order."""
        bounds, bound_values = where(*self.bounds)
        filters, values = where(*self.filters)
        statement = f"""
            SELECT {", ".join(PERSON_COLUMNS)}, key FROM (
                SELECT {", ".join(PERSON_COLUMNS)}, words, {self.key} AS key,
                    {self.imdb_id} AS place
                FROM {_PEOPLE} {bounds}
                ORDER BY {ordered(self.key, self.imdb_id, self.descending)} LIMIT %s
            ) AS walked {filters} ORDER BY {ordered("key", "place", self.descending)} LIMIT %s
        """  # noqa: S608 - built from constants
        return statement, (*bound_values, most, *values, self.limit)

    def gather(self, most: int | None) -> Sql:
        """Give the first people who are wanted, each with how many there are of all.

        When these are more than ``most``, the people are any.
        """
        text, values = where(*map(unindexed, self.bounds), *self._sought())
        statement = f"""
            WITH gathered AS MATERIALIZED (
                SELECT imdb_id AS found_id, {self.key} AS key, {self.imdb_id} AS place
                FROM {_PEOPLE} {text} LIMIT %s
            ), page AS MATERIALIZED (
                SELECT * FROM gathered ORDER BY {ordered("key", "place", self.descending)} LIMIT %s
            )
            SELECT (SELECT count(*) FROM gathered), {", ".join(PERSON_COLUMNS)}, key
            FROM page JOIN {_PEOPLE} ON imdb_id = found_id
            ORDER BY {ordered("key", "place", self.descending)}
        """  # noqa: S608 - built from constants
        return statement, (*values, None if most is None else most + 1, self.limit)

    def _sought(self) -> Iterator[Sql]:
        """The filters; PostgreSQL is to look for each word, where it is sure what the words are."""
        yield from self.words or self.filters
        if self.words:
            yield from map(unindexed, self.filters)


_PEOPLE = "people JOIN person_credits ON person_id = imdb_id"


def person_listing(query: PersonQuery) -> PersonListing:
    """Give the people who are wanted, one more than are wanted."""
    key, imdb_id = _PERSON_KEYS[query.sort]
    sign = "<" if query.descending else ">"
    place = query.place
    return PersonListing(
        key=key,
        imdb_id=imdb_id,
        descending=query.descending,
        bounds=()
        if place is None
        else ((f"({key}, {imdb_id}) {sign} (%s, %s)", (place.key, place.imdb_id)),),
        filters=() if query.text is None else ((HAS_WORDS, (query.text,)),),
        words=tuple(word.condition for word in words_of(query.text)),
        limit=query.limit + 1,
    )


def ordered(key: str, imdb_id: str, descending: bool) -> str:
    """By a key and an id, both the same way."""
    way = "DESC" if descending else "ASC"
    return f"{key} {way}, {imdb_id} {way}"


def unindexed(condition: Sql) -> Sql:
    """The same condition for which no index is looked for."""
    text, values = condition
    return f"coalesce({text}, false)", values


def where(*conditions: Sql) -> Sql:
    """All conditions together, or nothing."""
    if not conditions:
        return "", ()
    texts, values = zip(*conditions, strict=True)
    return f"WHERE {' AND '.join(texts)}", tuple(value for some in values for value in some)
