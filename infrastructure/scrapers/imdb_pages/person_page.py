"""The page of a person, ``/name/nmN/``: what we read of its ``__NEXT_DATA__``, in both layouts.

V1 (until 2025) names a category by a word, V2 (since 2025-10) by a concept id and a text. Either
shows the first 15 credits of each category, released and unreleased apart, and a few titles that
the person is known for, whose credits need not be among them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import msgspec
from msgspec import UNSET, Struct, UnsetType

from domain.errors import InvalidTitle, PageChanged
from domain.identifiers import NameId, TitleId, name_id, title_id
from domain.partial_date import PartialDate
from domain.person_profile import FilmographyCredit, PersonProfile
from domain.provenance import Provenance
from infrastructure.scrapers.imdb_pages import billing, facts
from infrastructure.scrapers.imdb_pages.next_data import NextData
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.person_facts import PersonalDetails, facts_of

_CONCEPT = "amzn1.imdb.concept.name_credit_category."

CATEGORIES: Mapping[str, str] = MappingProxyType(
    {
        f"{_CONCEPT}ace5cb4c-8708-4238-9542-04641e7c8171": "director",
        f"{_CONCEPT}c84ecaff-add5-4f2e-81db-102a41881fe3": "writer",
        f"{_CONCEPT}0af123ce-1605-4a51-93cf-7ad477b11832": "producer",
    }
)
"""The words of V1 for those concept ids of V2 that we know; of others the text is as good."""


class Category(Struct, frozen=True):
    """A category of credits; in V1 ``id`` is a word."""

    id: str | None = None
    text: str | None = None


class Text(Struct, frozen=True):
    """A text, where there is one."""

    text: str | None = None


class Total(Struct, frozen=True):
    """How many there are in all; 0 episodes are those of what is no series."""

    total: int | None = None


class CreditedTitle(Struct, frozen=True, rename="camel"):
    """The title of a credit, as the page shows it."""

    id: str
    title_text: facts.TitleText
    title_type: facts.TitleType | None = None
    release_year: facts.YearRange | None = None
    ratings_summary: facts.RatingsSummary | None = None


class CreditV1(Struct, frozen=True, rename="camel"):
    """A credit of the V1 layout."""

    category: Category | None = None
    title: CreditedTitle | None = None
    jobs: list[Text] | None = None
    attributes: list[Text] | None = None
    characters: list[billing.Character] | None = None
    episode_credits: Total | None = None


class EdgeV1(Struct, frozen=True):
    """One place in a list of credits."""

    node: CreditV1


class CreditsV1(Struct, frozen=True):
    """The first credits of a category."""

    edges: list[EdgeV1] | None = None


class GroupV1(Struct, frozen=True):
    """A category with its credits."""

    category: Category
    credits: CreditsV1 | None = None


class KnownForV1(Struct, frozen=True):
    """A title that the person is known for, and their main credit in it."""

    title: CreditedTitle
    credit: CreditV1 | None = None


class KnownForEdgeV1(Struct, frozen=True):
    """One place in the list of what the person is known for."""

    node: KnownForV1


class KnownForFeatureV1(Struct, frozen=True):
    """What the person is known for."""

    edges: list[KnownForEdgeV1] | None = None


class Role(Struct, frozen=True):
    """What somebody did for a title, for example voice and acting."""

    category: Category | None = None
    text: str | None = None
    attributes: list[Text] | None = None
    characters: billing.Characters | None = None


class RoleEdge(Struct, frozen=True):
    """One place in a list of roles."""

    node: Role


class Roles(Struct, frozen=True):
    """All roles of a credit."""

    edges: list[RoleEdge] | None = None


class CreditV2(Struct, frozen=True, rename="camel"):
    """A credit of the V2 layout."""

    title: CreditedTitle
    credited_roles: Roles | None = None
    episode_credits: Total | None = None


class EdgeV2(Struct, frozen=True):
    """One place in a list of credits."""

    node: CreditV2


class CreditsV2(Struct, frozen=True):
    """The first credits of a category."""

    edges: list[EdgeV2] | None = None


class Grouping(Struct, frozen=True, rename="camel"):
    """A category of the V2 layout."""

    grouping_id: str | None = None
    text: str | None = None


class GroupV2(Struct, frozen=True):
    """A category with its credits."""

    grouping: Grouping
    credits: CreditsV2 | None = None


class GroupEdgeV2(Struct, frozen=True):
    """One place in the list of categories."""

    node: GroupV2


class GroupsV2(Struct, frozen=True):
    """All categories."""

    edges: list[GroupEdgeV2] | None = None


class KnownForFeatureV2(Struct, frozen=True):
    """What the person is known for: the main credits."""

    credits: list[CreditV2] | None = None


class DateParts(facts.DateParts, frozen=True, rename={"is_bce": "isBCE"}):
    """A date of which any part may be unknown, before our era or in it."""

    is_bce: bool | None = None


class Moment(Struct, frozen=True, rename="camel"):
    """A birth or a death."""

    date_components: DateParts | None = None


class Bio(Struct, frozen=True):
    """The short biography."""

    text: facts.PlainText | None = None


class Profession(Struct, frozen=True):
    """A profession of the newer list."""

    profession: Text | None = None


class PrimaryProfession(Struct, frozen=True):
    """A profession of the older list, where it is a category."""

    category: Category | None = None


class AboveTheFold(Struct, frozen=True, rename="camel"):
    """The top of the page."""

    id: str
    name_text: billing.NameText
    bio: Bio | None = None
    professions: list[Profession] | None = None
    primary_professions: list[PrimaryProfession] | None = None
    birth_date: Moment | None = None
    death_date: Moment | None = None


class CreditSummary(Struct, frozen=True, rename="camel"):
    """How many credits there are."""

    total_credits: Total | None = None


class MainColumn(PersonalDetails, frozen=True, rename="camel"):
    """The main column: credits, where the person was born and has died, and what else is said."""

    birth_location: Text | None = None
    death_location: Text | None = None
    credit_summary: CreditSummary | None = None
    released_primary_credits: list[GroupV1] | UnsetType | None = UNSET
    unreleased_primary_credits: list[GroupV1] | None = None
    known_for_feature: KnownForFeatureV1 | None = None
    released: GroupsV2 | UnsetType | None = UNSET
    unreleased: GroupsV2 | None = None
    known_for_feature_v2: KnownForFeatureV2 | None = msgspec.field(
        default=None, name="knownForFeatureV2"
    )


class PageProps(Struct, frozen=True, rename="camel"):
    """``aboveTheFold`` is absent on every page that is not about one person."""

    above_the_fold: AboveTheFold | None = None
    main_column_data: MainColumn | None = None
    request_context: facts.RequestContext | None = None
    status_code: int | None = None


DECODER = msgspec.json.Decoder(NextData[PageProps])
"""Decodes the page of a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """One credit as the page lists it, in either layout."""

    category: str
    title: CreditedTitle
    characters: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    episodes: int | None = None


def to_profile(page: Page, props: PageProps, above: AboveTheFold) -> PersonProfile:
    """Make the profile of a decoded page.

    Raises `PageChanged` when no list of credits is where we know it, `InvalidTitle` when a fact
    breaks a rule of the domain.
    """
    main = props.main_column_data or MainColumn()
    if main.released_primary_credits is UNSET and main.released is UNSET:
        raise PageChanged(
            page.url,
            "mainColumnData.released",
            "missing, and no other list of credits that we know is on the page",
        )
    return build_profile(
        page,
        above,
        main,
        main,
        found_by="next_data",
        fetched_at=facts.capture_time(page, props.request_context),
    )


def build_profile(
    page: Page,
    above: AboveTheFold,
    main: MainColumn,
    details: PersonalDetails,
    *,
    found_by: str,
    fetched_at: datetime,
) -> PersonProfile:
    """Make the profile of what a page, or an answer, says above, in its main column and in details.

    Raises `InvalidTitle` when a fact breaks a rule of the domain.
    """
    imdb_id = name_id(above.id)
    provenance = Provenance(source=page.source, found_by=found_by, fetched_at=fetched_at)
    try:
        return _profile(above, main, details, imdb_id, provenance)
    except InvalidTitle as error:
        if error.imdb_id is not None:
            raise
        raise InvalidTitle(error.field, error.value, error.rule, imdb_id=imdb_id) from error


def _profile(
    above: AboveTheFold,
    main: MainColumn,
    details: PersonalDetails,
    imdb_id: NameId,
    provenance: Provenance,
) -> PersonProfile:
    summary = main.credit_summary.total_credits if main.credit_summary else None
    born, died = main.birth_location, main.death_location
    bio = above.bio.text.plain_text if above.bio and above.bio.text else None
    return PersonProfile(
        imdb_id=imdb_id,
        name=above.name_text.text,
        birth_date=_date(above.birth_date),
        birth_place=(born and born.text) or None,
        death_date=_date(above.death_date),
        death_place=(died and died.text) or None,
        professions=_professions(above),
        biography=(bio and bio.strip()) or None,
        known_for=_known_for(main),
        total_credits=summary.total if summary else None,
        filmography=_filmography(main),
        facts=facts_of(details),
        provenance=provenance,
    )


def _date(moment: Moment | None) -> PartialDate | None:
    """A date as far as it is known; what cannot be placed (a day without a month) is dropped."""
    parts = moment.date_components if moment else None
    if parts is None or not parts.year:
        return None
    day = parts.day if parts.month is not None else None
    year = -abs(parts.year) if parts.is_bce else parts.year
    return PartialDate(year=year, month=parts.month, day=day)


def _professions(above: AboveTheFold) -> tuple[str, ...]:
    newer = [entry.profession for entry in above.professions or ()]
    older = [entry.category for entry in above.primary_professions or ()]
    texts = [named.text for named in (newer or older) if named is not None]
    return tuple(dict.fromkeys(text for text in texts if text))


def _known_for(main: MainColumn) -> tuple[TitleId, ...]:
    older = main.known_for_feature.edges if main.known_for_feature else None
    newer = main.known_for_feature_v2.credits if main.known_for_feature_v2 else None
    ids = [edge.node.title.id for edge in older or ()] + [credit.title.id for credit in newer or ()]
    return tuple(dict.fromkeys(map(title_id, ids)))


def _filmography(main: MainColumn) -> tuple[FilmographyCredit, ...]:
    """Every credit on the page; what is there twice is one, with what is said of both."""
    found: dict[tuple[str, str], _Listed] = {}
    for credit in (*_listed_v2(main), *_listed_v1(main)):
        key = credit.category, credit.title.id
        found[key] = _united(found[key], credit) if key in found else credit
    return tuple(map(_to_credit, found.values()))


def _united(one: _Listed, other: _Listed) -> _Listed:
    return _Listed(
        category=one.category,
        title=one.title,
        characters=tuple(dict.fromkeys((*one.characters, *other.characters))),
        jobs=tuple(dict.fromkeys((*one.jobs, *other.jobs))),
        attributes=tuple(dict.fromkeys((*one.attributes, *other.attributes))),
        episodes=one.episodes or other.episodes,
    )


def _to_credit(listed: _Listed) -> FilmographyCredit:
    title = listed.title
    years = title.release_year or facts.YearRange()
    ratings = title.ratings_summary or facts.RatingsSummary()
    return FilmographyCredit(
        category=listed.category,
        title_id=title_id(title.id),
        title=title.title_text.text,
        kind=title.title_type.id if title.title_type else None,
        year=years.year,
        end_year=years.end_year,
        rating=None if ratings.aggregate_rating is UNSET else ratings.aggregate_rating,
        votes=None if ratings.vote_count is UNSET else ratings.vote_count,
        characters=listed.characters,
        jobs=listed.jobs,
        attributes=listed.attributes,
        episodes=listed.episodes,
    )


def _listed_v1(main: MainColumn) -> Iterator[_Listed]:
    released = main.released_primary_credits
    groups = [*(released or () if released is not UNSET else ())]
    for group in (*groups, *(main.unreleased_primary_credits or ())):
        for edge in (group.credits.edges if group.credits else None) or ():
            if edge.node.title is not None:
                yield _from_v1(edge.node, edge.node.title, group.category)
    for known in (main.known_for_feature.edges if main.known_for_feature else None) or ():
        credit = known.node.credit
        if credit is not None and credit.category is not None:
            yield _from_v1(credit, known.node.title, credit.category)


def _from_v1(credit: CreditV1, title: CreditedTitle, category: Category) -> _Listed:
    return _Listed(
        category=_category(category.id, category.text),
        title=title,
        characters=tuple(c.name for c in credit.characters or () if c.name),
        jobs=_texts(credit.jobs),
        attributes=_texts(credit.attributes),
        episodes=_episodes(credit.episode_credits),
    )


def _listed_v2(main: MainColumn) -> Iterator[_Listed]:
    released = None if main.released is UNSET else main.released
    for groups in (released, main.unreleased):
        for group in (groups.edges if groups else None) or ():
            category = _category(group.node.grouping.grouping_id, group.node.grouping.text)
            for edge in (group.node.credits.edges if group.node.credits else None) or ():
                yield _from_v2(edge.node, category)
    for credit in (main.known_for_feature_v2 and main.known_for_feature_v2.credits) or ():
        named = next((role.category for role in _roles(credit) if role.category), None)
        if named is not None:
            yield _from_v2(credit, _category(named.id, named.text))


def _from_v2(credit: CreditV2, category: str) -> _Listed:
    roles = list(_roles(credit))
    characters = [
        edge.node.name for role in roles if role.characters
        for edge in role.characters.edges or () if edge.node is not None
    ]  # fmt: skip
    # Of cast the text is the characters; of crew without a job, the category once more.
    jobs = [
        role.text for role in roles
        if not role.characters and role.text != (role.category and role.category.text)
    ]  # fmt: skip
    return _Listed(
        category=category,
        title=credit.title,
        characters=tuple(dict.fromkeys(name for name in characters if name)),
        jobs=tuple(dict.fromkeys(job for job in jobs if job)),
        attributes=_texts([text for role in roles for text in role.attributes or ()]),
        episodes=_episodes(credit.episode_credits),
    )


def _roles(credit: CreditV2) -> Iterator[Role]:
    edges = credit.credited_roles.edges if credit.credited_roles else None
    return (edge.node for edge in edges or ())


def _category(concept: str | None, text: str | None) -> str:
    """The word for a category: IMDb's own, or its text written like one."""
    if concept and not concept.startswith("amzn1."):
        return concept
    return CATEGORIES.get(concept or "") or re.sub(r"\W+", "_", (text or "").lower()).strip("_")


def _texts(entries: Iterable[Text] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.text for entry in entries or () if entry.text))


def _episodes(credits_: Total | None) -> int | None:
    return (credits_ and credits_.total) or None
