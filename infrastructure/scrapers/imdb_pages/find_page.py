"""``/find``: titles, people, companies and keywords by words, some of each, more of one sort alone.

A title or person of 2022 is a few texts; since 2023 it is a `ListItem`, or the like for a person.
Captured pages have no companies and no keywords. What those look like rests on notes of 2025 on the
fields that the page's own script makes of them; another shape is `PageChanged`.
"""

import re
from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct

from domain.errors import PageChanged
from domain.identifiers import company_id, keyword_id, name_id, title_id
from domain.search import SearchHit, Thing
from domain.title import TitleKind
from infrastructure.scrapers.imdb_pages.ids import KINDS_IN_WORDS
from infrastructure.scrapers.imdb_pages.list_item import ListItem, listed_title
from infrastructure.scrapers.imdb_pages.next_data import NextData
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.props import page_props

_ROUTES = re.compile(r"/find/?")
_YEARS = re.compile(r"(?P<first>[0-9]{4})(?:\s*[\u2013-]\s*(?P<last>[0-9]{4})?)?")


class Poster(Struct, frozen=True):
    """The picture of a result."""

    url: str | None = None


class TitleResult(Struct, frozen=True, rename="camel"):
    """A title: either ``listItem``, or the texts of 2022."""

    list_item: ListItem | None = None
    id: str | None = None
    title_name_text: str | None = None
    title_release_text: str | None = None
    title_type_text: str | None = None
    image_type: str | None = None
    title_poster_image_model: Poster | None = None
    top_credits: list[str] | None = None


class KnownFor(Struct, frozen=True, rename="camel"):
    """The title that a person is known for."""

    title_text: str | None = None


class PersonItem(Struct, frozen=True, rename="camel"):
    """A person, since 2023."""

    name_id: str
    name_text: str
    professions: list[str] | None = None
    known_for: KnownFor | None = None
    primary_image: Poster | None = None


class PersonResult(Struct, frozen=True, rename="camel"):
    """A person: either ``listItem``, or the texts of 2022, where 0 stands for none."""

    list_item: PersonItem | None = None
    id: str | None = None
    display_name_text: str | None = None
    known_for_job_category: str | int | None = None
    known_for_title_text: str | int | None = None
    known_for_title_year: str | int | None = None
    avatar_image_model: Poster | None = None


class CompanyResult(Struct, frozen=True, rename="camel"):
    """A company, where 0 stands for no type."""

    id: str
    company_name: str
    country_text: str | None = None
    type_text: str | Literal[0] | None = None


class KeywordResult(Struct, frozen=True, rename="camel"):
    """A keyword, where 0 stands for any number of titles that is not known."""

    id: str
    keyword_text: str
    num_titles: int


class TitleResults(Struct, frozen=True):
    """The titles found."""

    results: list[TitleResult]


class PersonResults(Struct, frozen=True):
    """The people found."""

    results: list[PersonResult]


class CompanyResults(Struct, frozen=True):
    """The companies found."""

    results: list[CompanyResult]


class KeywordResults(Struct, frozen=True):
    """The keywords found."""

    results: list[KeywordResult]


class FindMeta(Struct, frozen=True, rename="camel"):
    """How was searched."""

    include_adult: bool | None = None


class FindProps(Struct, frozen=True, rename="camel"):
    """The data of the page; a sort that was not asked for is empty."""

    title_results: TitleResults
    name_results: PersonResults
    company_results: CompanyResults | None = None
    keyword_results: KeywordResults | None = None
    find_page_meta: FindMeta | None = None


_DECODER = msgspec.json.Decoder(NextData[FindProps])


def read_find(
    page: Page, *, thing: Thing = Thing.TITLE, with_adult: bool = False
) -> tuple[SearchHit, ...]:
    """Read the titles, then people, companies and keywords; raises as this package says.

    A page without a place for the ``thing`` that was asked for, or without adult titles when it was
    asked for ``with_adult``, is not the right one.
    """
    props = page_props(page, _DECODER, _ROUTES)
    if with_adult and not (props.find_page_meta and props.find_page_meta.include_adult):
        field = "findPageMeta.includeAdult"
        raise PageChanged(page.url, field, "is not true: the page leaves adult titles out")
    companies, keywords = props.company_results, props.keyword_results
    if thing is Thing.COMPANY and companies is None:
        raise PageChanged(page.url, "companyResults")
    if thing is Thing.KEYWORD and keywords is None:
        raise PageChanged(page.url, "keywordResults")
    titles, people = props.title_results.results, props.name_results.results
    return (
        *(_title(page, number, result) for number, result in enumerate(titles)),
        *(_person(page, number, result) for number, result in enumerate(people)),
        *(_company(result) for result in (companies.results if companies else ())),
        *(_keyword(result) for result in (keywords.results if keywords else ())),
    )


def _title(page: Page, number: int, result: TitleResult) -> SearchHit:
    if result.list_item is not None:
        return _listed(result.list_item)
    if result.id is None or result.title_name_text is None:
        raise PageChanged(page.url, f"titleResults.results[{number}].listItem")
    years = _YEARS.fullmatch((result.title_release_text or "").strip())
    return SearchHit(
        imdb_id=title_id(result.id),
        thing=Thing.TITLE,
        name=result.title_name_text,
        kind=_kind(result),
        year=int(years["first"]) if years else None,
        end_year=int(years["last"]) if years and years["last"] else None,
        image_url=_url(result.title_poster_image_model),
        stars=tuple(result.top_credits or ()),
    )


def _listed(item: ListItem) -> SearchHit:
    title = listed_title(item)
    return SearchHit(
        imdb_id=title.imdb_id,
        thing=Thing.TITLE,
        name=title.title,
        original_title=title.original_title,
        kind=title.kind,
        year=title.year,
        end_year=title.end_year,
        rating=title.rating,
        votes=title.votes,
        image_url=title.image_url,
    )


def _kind(result: TitleResult) -> TitleKind | None:
    """The type in words; the layout of 2022 has no word for a movie."""
    if not result.title_type_text:
        return TitleKind.MOVIE if result.image_type == "movie" else None
    return KINDS_IN_WORDS.get(result.title_type_text)


def _person(page: Page, number: int, result: PersonResult) -> SearchHit:
    if (item := result.list_item) is not None:
        known = (*(item.professions or ())[:1], item.known_for and item.known_for.title_text)
        return SearchHit(
            imdb_id=name_id(item.name_id),
            thing=Thing.PERSON,
            name=item.name_text,
            known_for=_joined(known),
            image_url=_url(item.primary_image),
        )
    if result.id is None or result.display_name_text is None:
        raise PageChanged(page.url, f"nameResults.results[{number}].listItem")
    title = result.known_for_title_text
    year = str(result.known_for_title_year or "").strip()
    return SearchHit(
        imdb_id=name_id(result.id),
        thing=Thing.PERSON,
        name=result.display_name_text,
        known_for=_joined(
            (result.known_for_job_category, f"{title} ({year})" if title and year else title)
        ),
        image_url=_url(result.avatar_image_model),
    )


def _company(result: CompanyResult) -> SearchHit:
    return SearchHit(
        imdb_id=company_id(result.id),
        thing=Thing.COMPANY,
        name=result.company_name,
        company_type=result.type_text or None,
        country=result.country_text or None,
    )


def _keyword(result: KeywordResult) -> SearchHit:
    return SearchHit(
        imdb_id=keyword_id(result.id),
        thing=Thing.KEYWORD,
        name=result.keyword_text,
        title_count=result.num_titles or None,
    )


def _joined(parts: Iterable[str | int | None]) -> str | None:
    return ", ".join(str(part) for part in parts if part) or None


def _url(poster: Poster | None) -> str | None:
    return (poster and poster.url) or None
