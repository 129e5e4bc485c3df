"""Searching for titles, people, companies and keywords, as a table or as JSON."""

import sys
from collections.abc import Callable, Sequence, Set
from typing import Any

import msgspec
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from domain.errors import InvalidSearch
from domain.search import SearchHit, SearchQuery, Thing
from domain.title import TitleKind
from infrastructure.cli.exit_status import INCOMPLETE, NO_SOURCE, SAVED
from infrastructure.cli.shown import shown
from infrastructure.cli.summary import SummaryConsole
from infrastructure.container import open_search
from shared.config import Settings

_Cell = Callable[[SearchHit], str]


def query_from(
    text: str, *, things: Set[Thing], year: int | None, kind: str | None, adult: bool, limit: int
) -> SearchQuery:
    """The query that options stand for; ``things`` are those that were asked for instead of titles.

    Raises `InvalidSearch`.
    """
    if len(things) > 1:
        raise InvalidSearch("--people, --companies and --keywords exclude each other: give one")
    try:
        wanted = None if kind is None else TitleKind(kind)
    except ValueError as error:
        known = ", ".join(TitleKind)
        raise InvalidSearch(f"{kind!r} is no kind of title; known are {known}") from error
    return SearchQuery(
        text=text,
        thing=next(iter(things), Thing.TITLE),
        year=year,
        kind=wanted,
        with_adult=adult,
        limit=limit,
    )


def search_and_show(settings: Settings, query: SearchQuery, *, as_json: bool) -> int:
    """Search and print what was found on standard output, all else on standard error."""
    with open_search(settings, _say) as searches:
        outcome = searches.execute(query)
    if not outcome.answered:
        _say("Nobody gave an answer. A browser can: https://www.imdb.com/find/")
        return NO_SOURCE
    if not outcome.hits:
        _say(f"Nothing was found for {query.text!r}{_narrowed(query)}.")
        return INCOMPLETE
    if as_json:
        for hit in outcome.hits:
            # JSON is UTF-8 (RFC 8259, 8.1), whatever the terminal's encoding.
            sys.stdout.buffer.write(msgspec.json.encode(hit_as_json(hit)) + b"\n")
    else:
        SummaryConsole().print(_table(outcome.hits))
    return SAVED


def hit_as_json(hit: SearchHit) -> dict[str, Any]:
    """A hit as JSON types; what is unknown is null or an empty list."""
    return {
        "imdb_id": hit.imdb_id,
        "thing": hit.thing.value,
        "name": hit.name,
        "original_title": hit.original_title,
        "kind": hit.kind.value if hit.kind else None,
        "year": hit.year,
        "end_year": hit.end_year,
        "rank": hit.rank,
        "rating": hit.rating,
        "votes": hit.votes,
        "image_url": hit.image_url,
        "stars": list(hit.stars),
        "known_for": hit.known_for,
        "company_type": hit.company_type,
        "country": hit.country,
        "keyword": hit.keyword,
        "title_count": hit.title_count,
    }


def _say(line: str) -> None:
    sys.stderr.write(f"{shown(line)}\n")


def _narrowed(query: SearchQuery) -> str:
    parts = [] if query.year is None else [f"of {query.year}"]
    parts += [] if query.kind is None else [f"of the kind {query.kind}"]
    return f" {' '.join(parts)}" if parts else ""


def _table(hits: Sequence[SearchHit]) -> Table:
    """A row a hit; a column of which nothing is known is left out."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    columns = []
    for name, cell in _COLUMNS:
        cells = [Text(shown(cell(hit))) for hit in hits]
        if any(text.plain for text in cells):
            justify: JustifyMethod = "right" if name in _NUMBERS else "left"
            table.add_column(name, justify=justify, overflow="fold", no_wrap=name == "id")
            columns.append(cells)
    for row in zip(*columns, strict=True):
        table.add_row(*row)
    return table


def _if_other(hit: SearchHit) -> str:
    return hit.original_title if hit.original_title not in {None, hit.name} else ""


def _years(hit: SearchHit) -> str:
    if hit.year is None:
        return ""
    return f"{hit.year}-{hit.end_year}" if hit.end_year else str(hit.year)


_COLUMNS: tuple[tuple[str, _Cell], ...] = (
    ("id", lambda hit: hit.imdb_id),
    ("name", lambda hit: hit.keyword or hit.name),
    ("original title", _if_other),
    ("kind", lambda hit: hit.kind.value if hit.kind else ""),
    ("year", _years),
    ("rating", lambda hit: "" if hit.rating is None else f"{hit.rating:.1f}"),
    ("votes", lambda hit: f"{hit.votes:,}" if hit.votes else ""),
    ("rank", lambda hit: "" if hit.rank is None else f"{hit.rank:,}"),
    ("with", lambda hit: ", ".join(hit.stars)),
    ("type", lambda hit: hit.company_type or ""),
    ("country", lambda hit: hit.country or ""),
    ("titles", lambda hit: "" if hit.title_count is None else f"{hit.title_count:,}"),
    ("known for", lambda hit: hit.known_for or ""),
)
_NUMBERS = frozenset({"rating", "votes", "rank", "titles"})
