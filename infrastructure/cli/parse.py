"""Reading saved pages into JSON."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from domain.chart import Chart, ChartName
from domain.details import Detail, DetailName, fields_of, item_of
from domain.errors import PageChanged, ScraperError
from domain.person_fact import PersonFact
from domain.person_profile import FilmographyCredit, PersonProfile
from domain.release_date import ReleaseDate
from domain.title import Credit, CreditCategory, Title
from infrastructure.cli.exit_status import INCOMPLETE, SAVED
from infrastructure.scrapers.imdb_pages import (
    Page,
    PageKind,
    identify,
    parse_chart,
    parse_person,
    parse_title,
)
from infrastructure.scrapers.saved_pages import read_page, read_stream

_STDIN = Path("-")


def parse_files(paths: Sequence[Path], max_bytes: int, details: Sequence[DetailName] = ()) -> int:
    """Print one JSON object a title, person or place in a list; give the exit status.

    The path ``-`` is standard input. A title comes with those of the ``details`` that its page
    says. A file that is none of a page of these is named on standard error and skipped.
    """
    status = SAVED
    for path in paths:
        try:
            objects = _objects(path, max_bytes, details)
        except ScraperError as error:
            sys.stderr.write(f"skipped: {error}\n")
            status = INCOMPLETE
        else:
            for shown in objects:
                # JSON is UTF-8 (RFC 8259, 8.1), whatever the terminal's encoding.
                sys.stdout.buffer.write(msgspec.json.encode(shown) + b"\n")
    return status


def _objects(path: Path, max_bytes: int, details: Sequence[DetailName]) -> list[dict[str, Any]]:
    page = (
        read_stream(sys.stdin.buffer, max_bytes) if path == _STDIN else read_page(path, max_bytes)
    )
    identity = identify(page)
    if identity.title_id is not None:
        title = parse_title(page)
        return [title_as_json(title) | _details_of(page, title, details)]
    if identity.person_id is not None:
        return [person_as_json(parse_person(page))]
    if identity.chart is not None:
        return _entries_as_json(parse_chart(page, ChartName(identity.chart)))
    if identity.kind in {PageKind.SEARCH, PageKind.LIST}:
        from infrastructure.cli.title_list import listed_as_json
        from infrastructure.scrapers.imdb_pages.list_page import read_list
        from infrastructure.scrapers.imdb_pages.search_page import read_search

        read = read_search if identity.kind is PageKind.SEARCH else read_list
        return [listed_as_json(title) for title in read(page).titles]
    what = "is not a page of an IMDb title, person, chart, search or list"
    raise PageChanged(page.url, "page", what)


def _details_of(page: Page, title: Title, names: Sequence[DetailName]) -> dict[str, Any]:
    """What the page says of the details, under one key; nothing when none was asked for."""
    if not names:
        return {}
    # To make the many types of their JSON takes time.
    from infrastructure.scrapers.imdb_pages.detail_pages import PAGE_OF, DetailPage
    from infrastructure.scrapers.imdb_pages.details.pages import read_title_details

    here = (DetailPage.TITLE, DetailPage.REFERENCE)
    wanted = [name for name in names if PAGE_OF.get(name) in here]
    found = read_title_details(page, wanted, title.imdb_id)
    given = {name: detail for name, detail in found.items() if isinstance(detail, Detail)}
    return {"details": {name.value: _detail_as_json(detail) for name, detail in given.items()}}


def _detail_as_json(detail: Detail) -> dict[str, Any]:
    fields = fields_of(item_of(detail.name))
    items = [{f.name: _value(getattr(item, f.name)) for f in fields} for item in detail.items]
    return {"is_whole": detail.is_whole, "items": items}


def _value(value: object) -> object:
    return value.isoformat() if isinstance(value, ReleaseDate) else value


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


def person_as_json(person: PersonProfile) -> dict[str, Any]:
    """A person as JSON types; what is unknown is null or an empty list."""
    return {
        "imdb_id": person.imdb_id,
        "name": person.name,
        "birth_date": person.birth_date.isoformat() if person.birth_date else None,
        "birth_place": person.birth_place,
        "death_date": person.death_date.isoformat() if person.death_date else None,
        "death_place": person.death_place,
        "professions": list(person.professions),
        "biography": person.biography,
        "known_for": list(person.known_for),
        "total_credits": person.total_credits,
        "filmography": {
            category: [_credit(credit) for credit in credits_]
            for category, credits_ in person.by_category.items()
        },
        "facts": [_fact(fact) for fact in person.facts],
    }


def _fact(fact: PersonFact) -> dict[str, Any]:
    return {
        "category": fact.category.value,
        "text": fact.text,
        "year": fact.year,
        "url": fact.url,
        "related_id": fact.related_id,
    }


def _credit(credit: FilmographyCredit) -> dict[str, Any]:
    return {
        "imdb_id": credit.title_id,
        "title": credit.title,
        "kind": credit.kind.value if credit.kind else None,
        "year": credit.year,
        "end_year": credit.end_year,
        "rating": credit.rating,
        "votes": credit.votes,
        "characters": list(credit.characters),
        "jobs": list(credit.jobs),
        "attributes": list(credit.attributes),
        "episodes": credit.episodes,
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
