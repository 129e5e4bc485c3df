"""People in answers of the API: the facts that a person's page has, in the same shapes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import UNSET, Raw, UnsetType

from domain.errors import PageChanged, PersonNotFound, SourceError, TitleError
from domain.identifiers import NameId, name_id
from domain.person_profile import PersonProfile
from infrastructure.scrapers.imdb_graphql.by_place import Meta, read_places
from infrastructure.scrapers.imdb_graphql.connection import Connection
from infrastructure.scrapers.imdb_graphql.replies import Reply
from infrastructure.scrapers.imdb_graphql.titles import FOUND_BY
from infrastructure.scrapers.imdb_pages import person_page
from infrastructure.scrapers.imdb_pages.next_data import decode
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.person_facts import PersonalDetails

_FIELD = "names"
_CREDITS = "creditsV2"


class ApiPerson(person_page.AboveTheFold, frozen=True, rename="camel"):
    """A person as ``people.graphql`` asks for them, with a part of their credits."""

    meta: Meta | None = None
    birth_location: person_page.Text | None = None
    death_location: person_page.Text | None = None
    credit_summary: person_page.CreditSummary | None = None
    known_for: person_page.KnownForFeatureV2 | None = msgspec.field(default=None, name="knownForV2")
    credits: Connection[person_page.CreditV2] | UnsetType | None = msgspec.field(
        default=UNSET, name=_CREDITS
    )


_PERSON = msgspec.json.Decoder(ApiPerson | None)
_DETAILS = msgspec.json.Decoder(PersonalDetails)


@dataclass(frozen=True, slots=True)
class PersonPart:
    """What an answer says of a person; the part of their credits that was asked for.

    Only the first part says ``details``.
    """

    imdb_id: NameId
    person: ApiPerson
    details: PersonalDetails
    page: Page

    @property
    def credits(self) -> Sequence[person_page.CreditV2]:
        """The credits of this part, in the order of the API."""
        listed = self.person.credits
        return [edge.node for edge in listed.edges] if isinstance(listed, Connection) else []

    @property
    def next_cursor(self) -> str | None:
        """What to name to get the next part; ``None`` after the last one."""
        listed = self.person.credits
        return listed.page_info.next_cursor if isinstance(listed, Connection) else None


def read_people(ids: Sequence[NameId], reply: Reply) -> list[PersonPart | TitleError | SourceError]:
    """Give one outcome for each id, as `read_places` does; raises what that does."""
    return read_places(_FIELD, ids, reply, _read, PersonNotFound)


def _read(raw: Raw, page: Page, asked: str) -> PersonPart | None:
    """Read a part, under the new id of a person who has been merged.

    Raises `PageChanged` when no list of credits is there, or it promises more and does not lead on.
    """
    person = decode(_PERSON, memoryview(raw), page, where=asked)
    if person is None:
        return None
    if person.credits is UNSET:
        raise PageChanged(page.url, _CREDITS)
    part = PersonPart(
        name_id((person.meta and person.meta.canonical_id) or person.id),
        person,
        # Of the same object: a struct has one parent, and this one has another.
        decode(_DETAILS, memoryview(raw), page, where=asked),
        page,
    )
    info = person.credits.page_info if person.credits else None
    if info and info.has_next_page and not (info.end_cursor and part.credits):
        raise PageChanged(page.url, f"{_CREDITS}.pageInfo", "promises more and does not lead on")
    return part


def join_parts(parts: Sequence[PersonPart]) -> PersonProfile:
    """The person as the first part says, with the credits of all parts.

    Raises `InvalidTitle` when a fact breaks a rule of the domain.
    """
    first = parts[0]
    person = first.person
    main = person_page.MainColumn(
        birth_location=person.birth_location,
        death_location=person.death_location,
        credit_summary=person.credit_summary,
        released=person_page.GroupsV2(list(_groups(parts))),
        known_for_feature_v2=person.known_for,
    )
    above = msgspec.structs.replace(person, id=first.imdb_id)
    fetched_at = first.page.fetched_at
    return person_page.build_profile(
        first.page, above, main, first.details, found_by=FOUND_BY, fetched_at=fetched_at
    )


def _groups(parts: Sequence[PersonPart]) -> Iterator[person_page.GroupEdgeV2]:
    """The credits by the categories of their roles, as a page groups them.

    Categories are in the order in which the API first names them. A credit with roles in two of
    them is in both, each with its own roles.
    """
    found: dict[tuple[str | None, str | None], list[person_page.EdgeV2]] = {}
    for credit in (credit for part in parts for credit in part.credits):
        roles = (credit.credited_roles and credit.credited_roles.edges) or []
        by_category: dict[tuple[str | None, str | None], list[person_page.RoleEdge]] = {}
        for edge in roles:
            named = edge.node.category
            if named is not None:
                by_category.setdefault((named.id, named.text), []).append(edge)
        for category, edges in by_category.items():
            of_category = msgspec.structs.replace(credit, credited_roles=person_page.Roles(edges))
            found.setdefault(category, []).append(person_page.EdgeV2(of_category))
    for (concept, text), credits_ in found.items():
        grouping = person_page.Grouping(grouping_id=concept, text=text)
        yield person_page.GroupEdgeV2(
            person_page.GroupV2(grouping, person_page.CreditsV2(credits_))
        )
