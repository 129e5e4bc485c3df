"""Reading saved pages into JSON."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from domain.chart import Chart, ChartName
from domain.errors import PageChanged, ScraperError
from domain.title import Credit, CreditCategory, Title
from infrastructure.cli.exit_status import INCOMPLETE, SAVED
from infrastructure.scrapers.imdb_pages import identify, parse_chart, parse_title
from infrastructure.scrapers.saved_pages import read_page


def parse_files(paths: Sequence[Path], max_bytes: int) -> int:
    """Print one JSON object a title (or chart entry) on standard output; give the exit status.

    A file that is no title or chart page is named on standard error and skipped.
    """
    status = SAVED
    for path in paths:
        try:
            objects = _objects(path, max_bytes)
        except ScraperError as error:
            sys.stderr.write(f"skipped: {error}\n")
            status = INCOMPLETE
        else:
            for shown in objects:
                # JSON is UTF-8 (RFC 8259, 8.1), whatever the terminal's encoding.
                sys.stdout.buffer.write(msgspec.json.encode(shown) + b"\n")
    return status


def _objects(path: Path, max_bytes: int) -> list[dict[str, Any]]:
    page = read_page(path, max_bytes)
    identity = identify(page)
    if identity.title_id is not None:
        return [title_as_json(parse_title(page))]
    if identity.chart is not None:
        return _entries_as_json(parse_chart(page, ChartName(identity.chart)))
    raise PageChanged(str(path), "page", "is not an IMDb title or chart page")


def title_as_json(title: Title) -> dict[str, Any]:
    """A title as JSON types; what is unknown is null or an empty list."""
    return {
        "imdb_id": title.imdb_id,
        "kind": title.kind.value,
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
        "release_date": title.release_date.isoformat() if title.release_date else None,
        "plot": title.plot,
        "directors": _people(title.credits_of(CreditCategory.DIRECTOR)),
        "writers": _people(title.credits_of(CreditCategory.WRITER)),
        "cast": _people(title.credits_of(CreditCategory.CAST)),
    }


def _people(credits_: Sequence[Credit]) -> list[dict[str, Any]]:
    return [
        {"imdb_id": c.person_id, "name": c.name, "characters": list(c.characters)} for c in credits_
    ]


def _entries_as_json(chart: Chart) -> list[dict[str, Any]]:
    return [
        {"chart": chart.name.value, "rank": entry.rank, "imdb_id": entry.title_id}
        for entry in chart.entries
    ]
