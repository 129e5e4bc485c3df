"""Where a title is from and where it came out: countries, languages, dates, titles, companies."""

from msgspec import UNSET, Struct, UnsetType

from domain.details.items import (
    CompanyCredit,
    Country,
    CountryCertificate,
    CountryReleaseDate,
    FilmingLocation,
    Language,
)
from infrastructure.scrapers.imdb_pages import facts
from infrastructure.scrapers.imdb_pages.akas import AkaNode, alternative_title
from infrastructure.scrapers.imdb_pages.details.shapes import (
    NOTHING,
    Coded,
    Counted,
    Listed,
    MaybeCoded,
    MaybeListed,
    Named,
    Part,
    Reader,
    RichText,
    Words,
    part_of,
    texts_of,
)


class AkasShape(Struct, frozen=True):
    """``akas`` of the API; a title page has one of them, without its country."""

    akas: MaybeListed[AkaNode] = UNSET


AKAS = Reader(AkasShape, lambda title: part_of(title.akas, alternative_title))


class CertificateNode(Struct, frozen=True):
    """A certificate of a country."""

    rating: str
    country: Coded
    attributes: list[Words] | None = None


class CertificatesShape(Struct, frozen=True):
    """``certificates`` of the API and of reference pages."""

    certificates: MaybeListed[CertificateNode] = UNSET


def _certificate(node: CertificateNode) -> CountryCertificate:
    return CountryCertificate(
        country=node.country.id, rating=node.rating, attributes=texts_of(node.attributes)
    )


CERTIFICATES = Reader(CertificatesShape, lambda title: part_of(title.certificates, _certificate))


class ReleaseNode(Struct, frozen=True):
    """A release; one without a country or a year is left out, as it says nothing."""

    country: Coded | None = None
    year: int | None = None
    month: int | None = None
    day: int | None = None
    attributes: list[Words] | None = None


class ReleaseDatesShape(Struct, frozen=True, rename="camel"):
    """``releaseDates`` of the API."""

    release_dates: MaybeListed[ReleaseNode] = UNSET


def _release(node: ReleaseNode) -> CountryReleaseDate | None:
    date = facts.release_date(facts.DateParts(node.year, node.month, node.day))
    if date is None or node.country is None:
        return None
    return CountryReleaseDate(
        country=node.country.id, date=date, attributes=texts_of(node.attributes)
    )


RELEASE_DATES = Reader(ReleaseDatesShape, lambda title: part_of(title.release_dates, _release))


class Countries(Struct, frozen=True):
    """Countries of origin."""

    countries: list[Named] | None = None


class CountriesShape(Struct, frozen=True, rename="camel"):
    """The older pages have the countries under the other key, with their names."""

    countries_details: Countries | UnsetType | None = UNSET
    countries_of_origin: Countries | UnsetType | None = UNSET


def _countries(title: CountriesShape) -> Part | None:
    for listed in (title.countries_details, title.countries_of_origin):
        if listed is None:
            return NOTHING
        if listed is not UNSET:
            found = listed.countries or ()
            return Part(tuple(Country(country=c.id, name=c.text or None) for c in found))
    return None


COUNTRIES = Reader(CountriesShape, _countries)


class Languages(Struct, frozen=True, rename="camel"):
    """Languages spoken."""

    spoken_languages: list[Named] | None = None


class LanguagesShape(Struct, frozen=True, rename="camel"):
    """``spokenLanguages``, everywhere the same."""

    spoken_languages: Languages | UnsetType | None = UNSET


def _languages(title: LanguagesShape) -> Part | None:
    listed = title.spoken_languages
    if listed is UNSET:
        return None
    found = (listed.spoken_languages if listed else None) or ()
    return Part(tuple(Language(language=one.id, name=one.text or None) for one in found))


LANGUAGES = Reader(LanguagesShape, _languages)


class CompanyName(Struct, frozen=True, rename="camel"):
    """A company; title pages have its name here."""

    id: str
    company_text: Words | None = None


class CompanyProperty(Struct, frozen=True):
    """The company's name as it is shown."""

    value: RichText


class CompanyNode(Struct, frozen=True, rename="camel"):
    """A company's part; ``category`` is absent where one category was asked for."""

    company: CompanyName
    displayable_property: CompanyProperty | None = None
    category: Coded | None = None
    countries: list[MaybeCoded] | None = None
    attributes: list[Words] | None = None
    years_involved: facts.YearRange | None = None


class CompanyCategory(Struct, frozen=True, rename="camel"):
    """What companies did in a category: the first few of them."""

    category: Coded
    company_credits: Listed[CompanyNode]


class CompaniesShape(Struct, frozen=True, rename="camel"):
    """``companyCredits`` of the API, the categories of a reference page, or ``production`` of a
    title page, where ``companies`` tells how many there are of all categories."""

    company_credits: MaybeListed[CompanyNode] = UNSET
    company_credit_categories: list[CompanyCategory] | UnsetType | None = UNSET
    production: MaybeListed[CompanyNode] = UNSET
    companies: Counted | None = None


def company_credit(node: CompanyNode, category: str) -> CompanyCredit:
    """Build the item; ``category`` is for a node that does not say its own."""
    years = node.years_involved or facts.YearRange()
    shown = node.displayable_property.value.text if node.displayable_property else None
    plain = node.company.company_text.text if node.company.company_text else None
    return CompanyCredit(
        category=node.category.id if node.category else category,
        name=shown or plain or "",
        company_id=node.company.id,
        countries=tuple(country.id for country in node.countries or () if country.id),
        year=years.year,
        end_year=years.end_year,
        attributes=texts_of(node.attributes),
    )


def _companies(title: CompaniesShape) -> Part | None:
    if title.company_credits is not UNSET:
        return part_of(title.company_credits, lambda node: company_credit(node, "miscellaneous"))
    if title.company_credit_categories is not UNSET:
        groups = title.company_credit_categories or ()
        items = tuple(
            company_credit(node, group.category.id)
            for group in groups
            for node in group.company_credits.nodes
        )
        totals = [group.company_credits.total for group in groups]
        is_whole = None not in totals and sum(total or 0 for total in totals) <= len(items)
        return Part(items, is_whole=is_whole)
    found = part_of(title.production, lambda node: company_credit(node, "production"))
    if found is None:
        return None
    total = title.companies.total if title.companies else None
    return Part(found.items, is_whole=total is not None and len(found.items) >= total)


COMPANIES = Reader(CompaniesShape, _companies)


class LocationNode(Struct, frozen=True):
    """Where it was filmed."""

    text: str
    attributes: list[Words] | None = None


class LocationsShape(Struct, frozen=True, rename="camel"):
    """``filmingLocations``: of a title page the first."""

    filming_locations: MaybeListed[LocationNode] = UNSET


def _location(node: LocationNode) -> FilmingLocation:
    return FilmingLocation(location=node.text, attributes=texts_of(node.attributes))


FILMING_LOCATIONS = Reader(
    LocationsShape, lambda title: part_of(title.filming_locations, _location)
)
