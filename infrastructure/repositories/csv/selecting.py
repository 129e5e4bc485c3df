"""The titles of which a condition is true, in an order, with few of them in memory."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice

from application.conditions import Condition
from application.title_fields import comparable
from application.title_order import SortKey
from domain.identifiers import TitleId
from domain.title import Title

_READ_AT_ONCE = 100


def chosen(titles: Iterable[Title], condition: Condition | None) -> Iterator[Title]:
    """Give the titles of which a condition is true, or all."""
    return (title for title in titles if condition is None or condition.holds(title))


def sorted_titles(
    titles: Iterable[Title],
    order: Sequence[SortKey],
    named: Callable[[Collection[TitleId]], Iterable[Title]],
) -> Iterator[Title]:
    """Give titles in an order; of those with the same values the lower id comes first.

    What they are sorted by goes into a temporary file, which has no name, and ``named`` reads the
    titles again.
    """
    columns = ", ".join(f"key_{number}" for number in range(len(order)))
    by = ", ".join(
        f"key_{number} {'DESC' if key.descending else 'ASC'} NULLS LAST"
        for number, key in enumerate(order)
    )
    places = ", ".join("?" * len(order))
    with closing(sqlite3.connect("")) as keys:
        keys.execute(f"CREATE TABLE keys (imdb_id TEXT, {columns})")
        keys.executemany(
            f"INSERT INTO keys VALUES (?, {places})",  # noqa: S608 - our own names
            ((t.imdb_id, *(comparable(key.field.value(t)) for key in order)) for t in titles),
        )
        rows = keys.execute(f"SELECT imdb_id FROM keys ORDER BY {by}, imdb_id")  # noqa: S608
        while some := [TitleId(imdb_id) for (imdb_id,) in islice(rows, _READ_AT_ONCE)]:
            yield from named(some)
