"""The heads of the table of titles: links that put it in another order, or turn it round."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from application.catalogue import TitleSort
from infrastructure.web.dashboard.forms import filled

_COLUMNS: tuple[tuple[str, TitleSort | None], ...] = (
    ("Title", TitleSort.TITLE),
    ("Year", TitleSort.YEAR),
    ("Rating", TitleSort.RATING),
    ("Votes", TitleSort.VOTES),
    ("Metascore", TitleSort.METASCORE),
    ("Runtime", TitleSort.RUNTIME),
    ("Kind", None),
    ("Fetched", TitleSort.UPDATED),
)


@dataclass(frozen=True, slots=True)
class TableHead:
    """A column's name, where its link leads (``None`` without one), and how it is sorted now."""

    name: str
    address: str | None
    sorted: Literal["ascending", "descending"] | None


def table_heads(given: QueryParams, sort: TitleSort, *, descending: bool) -> list[TableHead]:
    """The heads of a table that is in this order, with links that keep all else that is asked for.

    A click sorts by the column as titles are sorted by it unless told otherwise (the highest first,
    and titles from A to Z); another click turns that round.
    """
    kept = [pair for pair in filled(given) if pair[0] not in {"sort", "order", "after", "view"}]
    heads = []
    for name, column in _COLUMNS:
        if column is None:
            heads.append(TableHead(name, None, None))
            continue
        is_it = column is sort
        falls = not descending if is_it else column is not TitleSort.TITLE
        order = [("view", "table"), ("sort", column.value), ("order", "desc" if falls else "asc")]
        now: Literal["ascending", "descending"] = "descending" if descending else "ascending"
        heads.append(
            TableHead(name, f"/titles?{urlencode([*kept, *order])}", now if is_it else None)
        )
    return heads
