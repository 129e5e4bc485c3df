"""Answers with what companies did for a title (``companyCredits``)."""

from dataclasses import dataclass

import msgspec
from msgspec import Struct

from domain.details.items import CompanyCredit
from domain.errors import PageChanged
from infrastructure.scrapers.imdb_graphql.connection import Connection
from infrastructure.scrapers.imdb_pages.akas import Coded
from infrastructure.scrapers.imdb_pages.facts import PlainText, YearRange
from infrastructure.scrapers.imdb_pages.next_data import decode
from infrastructure.scrapers.imdb_pages.page import Page


class Property(Struct, frozen=True):
    """The company's name as it is shown."""

    value: PlainText


class Remark(Struct, frozen=True):
    """What exactly a company did."""

    text: str


class CompanyNode(Struct, frozen=True, rename="camel"):
    """A company's part; ``category`` is absent where one category was asked for."""

    company: Coded
    displayable_property: Property
    category: Coded | None = None
    countries: list[Coded] | None = None
    attributes: list[Remark] | None = None
    years_involved: YearRange | None = None


class TitleNode(Struct, frozen=True, rename="camel"):
    """A title; the answer does not repeat its id."""

    company_credits: Connection[CompanyNode]


class CompaniesData(Struct, frozen=True):
    """``title`` is null when there is no such title."""

    title: TitleNode | None = None


_DATA = msgspec.json.Decoder(CompaniesData | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompaniesPart:
    """Some of ``total`` credits; ``next_cursor`` is ``None`` for the last of them."""

    total: int
    companies: tuple[CompanyCredit, ...]
    next_cursor: str | None


def read_companies(page: Page, data: memoryview, category: str) -> CompaniesPart:
    """Read ``data`` of an answer that came from ``page``; ``category`` is the one asked for.

    Raises `PageChanged` naming what is missing or of another shape (``title``: there is no such
    title), `InvalidTitle` when a fact breaks a rule of the domain.
    """
    found = decode(_DATA, data, page, where="companyCredits")
    if found is None or found.title is None:
        raise PageChanged(page.url, "title")
    listed = found.title.company_credits
    return CompaniesPart(
        total=listed.total,
        companies=tuple(_company(edge.node, category) for edge in listed.edges),
        next_cursor=listed.page_info.next_cursor,
    )


def _company(node: CompanyNode, category: str) -> CompanyCredit:
    years = node.years_involved or YearRange()
    return CompanyCredit(
        category=node.category.id if node.category else category,
        name=node.displayable_property.value.plain_text or "",
        company_id=node.company.id,
        countries=tuple(country.id for country in node.countries or ()),
        year=years.year,
        end_year=years.end_year,
        attributes=tuple(remark.text for remark in node.attributes or ()),
    )
