"""The commands that list titles: by filters, or somebody's list; shown, or scraped as a run."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import msgspec
from rich.table import Table
from rich.text import Text

from application.list_titles import Listing, ListTitles
from domain.discovery import MOST_TITLES, TitleFilter
from domain.identifiers import ListId
from domain.lists import ListedTitle
from infrastructure.cli.exit_status import INCOMPLETE, NO_SOURCE, SAVED
from infrastructure.cli.runs import run_and_report
from infrastructure.cli.shown import shown
from infrastructure.cli.summary import SummaryConsole
from infrastructure.container import open_discovery, open_lists
from shared.config import Settings
from shared.wording import counted

_Open = Callable[[Settings, Callable[[str], None]], AbstractContextManager[ListTitles[Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What a command lists: ``wanted`` of what ``open_it`` opens.

    ``nothing`` is what is said when there is none, ``elsewhere`` where a browser finds it.
    """

    command: str
    open_it: _Open
    wanted: TitleFilter | ListId
    limit: int
    with_adult: bool
    nothing: str
    elsewhere: str


def discover(settings: Settings, wanted: TitleFilter, *, as_json: bool, save: bool) -> int:
    """Find titles by a filter; show them, or scrape them with ``save``. Give the exit status.

    Raises `InvalidConfiguration` when no chosen source can.
    """
    request = _Request(
        command="discover",
        open_it=open_discovery,
        wanted=wanted,
        limit=wanted.limit,
        with_adult=wanted.with_adult,
        nothing="No title is like that.",
        elsewhere="https://www.imdb.com/search/title/",
    )
    return _save(settings, request) if save else _show(settings, request, as_json)


def show_list(
    settings: Settings, list_id: ListId, *, limit: int | None, as_json: bool, save: bool
) -> int:
    """Show the titles of a list, or scrape them with ``save``; as `discover`."""
    request = _Request(
        command="list",
        open_it=open_lists,
        wanted=list_id,
        limit=limit or MOST_TITLES,
        with_adult=True,  # whoever made the list has chosen them
        nothing=f"The list {list_id} is empty.",
        elsewhere=f"https://www.imdb.com/list/{list_id}/",
    )
    return _save(settings, request) if save else _show(settings, request, as_json)


def listed_as_json(title: ListedTitle) -> dict[str, Any]:
    """A title as JSON types; what is unknown is null or an empty list."""
    released = title.release_date
    return {
        "imdb_id": title.imdb_id,
        "kind": title.kind.value if title.kind else None,
        "title": title.title,
        "original_title": title.original_title,
        "year": title.year,
        "end_year": title.end_year,
        "runtime_minutes": title.runtime_minutes,
        "rating": title.rating,
        "votes": title.votes,
        "metascore": title.metascore,
        "certificate": title.certificate,
        "genres": list(title.genres),
        "release_date": released.isoformat() if released else None,
        "plot": title.plot,
        "image_url": title.image_url,
    }


def _show(settings: Settings, request: _Request, as_json: bool) -> int:
    """Print the titles on standard output, as they come when ``as_json``; all else elsewhere."""
    titles: list[ListedTitle] = []
    with request.open_it(settings, _say) as source:
        listing = _listing(source, request)
        for title in listing:
            titles.append(title)
            if as_json:
                # JSON is UTF-8 (RFC 8259, 8.1), whatever the terminal's encoding.
                sys.stdout.buffer.write(msgspec.json.encode(listed_as_json(title)) + b"\n")
                sys.stdout.buffer.flush()
    if titles and not as_json:
        SummaryConsole().print(_table(titles))
    _say_how_many(listing, len(titles))
    return SAVED if titles and not listing.is_cut else _status_without(listing, titles, request)


def _save(settings: Settings, request: _Request) -> int:
    """Find the titles, then scrape them as a run.

    All of them are found before the first is fetched, so that the run can note what it was asked
    for, and be continued when it is killed.
    """
    with request.open_it(settings, _say) as source:
        listing = _listing(source, request)
        titles = list(listing)
    _say_how_many(listing, len(titles))
    if not titles:
        return _status_without(listing, titles, request)
    _say(f"Found {len(titles):,}; now they are scraped.")
    ids = [title.imdb_id for title in titles]
    status = run_and_report(
        settings, request.command, lambda app, run: app.scrape_titles.execute(ids, run)
    )
    return INCOMPLETE if status == SAVED and listing.is_cut else status


def _listing(source: ListTitles[Any], request: _Request) -> Listing:
    return source.execute(request.wanted, limit=request.limit, with_adult=request.with_adult)


def _status_without(listing: Listing, titles: Sequence[ListedTitle], request: _Request) -> int:
    if titles:
        return INCOMPLETE
    if listing.answered:
        _say(request.nothing)
        return INCOMPLETE
    if listing.is_missing:
        _say(f"There is no list of titles {request.wanted}, or it is private.")
        return INCOMPLETE
    _say(f"Nobody gave an answer. A browser can: {request.elsewhere}")
    return NO_SOURCE


def _say_how_many(listing: Listing, given: int) -> None:
    if listing.name is not None:
        _say(f"The list is called {listing.name}.")
    if listing.is_cut:
        _say(f"Only {given:,} of {counted(listing.total or 0, 'title')} could be had.")
    elif listing.total is not None and listing.total > given:
        _say(f"{given:,} of {listing.total:,} titles; --limit asks for more.")


def _say(line: str) -> None:
    sys.stderr.write(f"{shown(line)}\n")


def _table(titles: Sequence[ListedTitle]) -> Table:
    """A row a title; a column of which nothing is known is left out."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    columns = []
    for name, cell in _COLUMNS:
        cells = [Text(shown(cell(title))) for title in titles]
        if any(text.plain for text in cells):
            table.add_column(name, justify="right" if name in _NUMBERS else "left", overflow="fold")
            columns.append(cells)
    for row in zip(*columns, strict=True):
        table.add_row(*row)
    return table


def _if_other(title: ListedTitle) -> str:
    return title.original_title if title.original_title not in {None, title.title} else ""


def _years(title: ListedTitle) -> str:
    if title.year is None:
        return ""
    return f"{title.year}-{title.end_year}" if title.end_year else str(title.year)


_COLUMNS: tuple[tuple[str, Callable[[ListedTitle], str]], ...] = (
    ("id", lambda title: title.imdb_id),
    ("title", lambda title: title.title),
    ("original title", _if_other),
    ("kind", lambda title: title.kind.value if title.kind else ""),
    ("year", _years),
    ("min", lambda title: str(title.runtime_minutes or "")),
    ("rating", lambda title: "" if title.rating is None else f"{title.rating:.1f}"),
    ("votes", lambda title: f"{title.votes:,}" if title.votes else ""),
    ("genres", lambda title: ", ".join(title.genres)),
)
_NUMBERS = frozenset({"min", "rating", "votes"})
