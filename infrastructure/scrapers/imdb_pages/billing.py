"""Credits as IMDb's JSON spells them, in both layouts, and the domain's credits made of them.

V1 (until 2025) names a category by a word, V2 (since 2025-10) by a concept id. Both list people in
billing order.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from msgspec import Struct

from domain.errors import InvalidTitle
from domain.identifiers import name_id
from domain.title import Credit, CreditCategory

_CONCEPT = "amzn1.imdb.concept."

CATEGORIES: Mapping[str, CreditCategory] = MappingProxyType(
    {
        # V1: credit category ids
        "director": CreditCategory.DIRECTOR,
        "writer": CreditCategory.WRITER,
        "creator": CreditCategory.CREATOR,
        "cast": CreditCategory.CAST,
        # V2: credit categories and groups
        f"{_CONCEPT}name_credit_category.ace5cb4c-8708-4238-9542-04641e7c8171": (
            CreditCategory.DIRECTOR
        ),
        f"{_CONCEPT}name_credit_category.c84ecaff-add5-4f2e-81db-102a41881fe3": (
            CreditCategory.WRITER
        ),
        f"{_CONCEPT}name_credit_group.85198717-6c2d-481e-93a5-47858774bcce": (
            CreditCategory.CREATOR
        ),
        # "Top Cast" of a title page, "Cast" of a reference page
        f"{_CONCEPT}name_credit_group.7caf7d16-5db9-4f4f-8864-d4c6e711c686": CreditCategory.CAST,
        # "Stars": the few cast members shown beside the directors
        f"{_CONCEPT}name_credit_group.7510356e-fde9-438e-b3ad-0099ba6bc8ce": CreditCategory.CAST,
    }
)
"""What we read, by the ids of both layouts; every other id is a category that we leave out."""


class NameText(Struct, frozen=True):
    """A person's name; every person has one."""

    text: str


class Name(Struct, frozen=True, rename="camel"):
    """A person; uncredited text has a name without an id."""

    name_text: NameText
    id: str | None = None


class Character(Struct, frozen=True):
    """A character's name."""

    name: str | None = None


class CreditV1(Struct, frozen=True):
    """One credit of the V1 layout."""

    name: Name
    characters: list[Character | None] | None = None


class CategoryV1(Struct, frozen=True):
    """``id`` is absent where the key of the list says it already."""

    id: str | None = None


class GroupV1(Struct, frozen=True):
    """The credits of one category, for example the directors."""

    category: CategoryV1 | None = None
    credits: list[CreditV1] | None = None


class CastEdge(Struct, frozen=True):
    """One place in the cast list."""

    node: CreditV1


class CastV1(Struct, frozen=True):
    """The cast list of the V1 layout."""

    edges: list[CastEdge] | None = None


class CharacterEdge(Struct, frozen=True):
    """One place in a list of characters."""

    node: Character | None = None


class Characters(Struct, frozen=True):
    """The characters of one role."""

    edges: list[CharacterEdge] | None = None


class Role(Struct, frozen=True):
    """What a cast member did, for example voice and acting."""

    characters: Characters | None = None


class RoleEdge(Struct, frozen=True):
    """One place in a list of roles."""

    node: Role | None = None


class Roles(Struct, frozen=True):
    """All roles of one cast member."""

    edges: list[RoleEdge] | None = None


class CreditV2(Struct, frozen=True, rename="camel"):
    """One credit of the V2 layout."""

    name: Name
    credited_roles: Roles | None = None


class Grouping(Struct, frozen=True, rename="camel"):
    """A category or group of the V2 layout."""

    grouping_id: str | None = None


class GroupV2(Struct, frozen=True):
    """The credits of one category of the V2 layout."""

    grouping: Grouping | None = None
    credits: list[CreditV2] | None = None


@dataclass(frozen=True, slots=True)
class Billing:
    """One credit as the page lists it. ``person_id`` is ``None`` or empty when it gives no id."""

    person_id: str | None
    name: str
    characters: tuple[str, ...] = ()


def billed_v1(entries: Iterable[CreditV1]) -> Iterator[Billing]:
    """The credits of the V1 layout, in page order."""
    for entry in entries:
        named = (character.name for character in entry.characters or () if character is not None)
        yield Billing(entry.name.id, entry.name.name_text.text, tuple(n for n in named if n))


def billed_v2(entries: Iterable[CreditV2]) -> Iterator[Billing]:
    """The credits of the V2 layout, in page order, with the characters of all roles."""
    for entry in entries:
        characters = tuple(_characters_v2(entry.credited_roles))
        yield Billing(entry.name.id, entry.name.name_text.text, characters)


def _characters_v2(roles: Roles | None) -> Iterator[str]:
    for role in (roles.edges if roles else None) or ():
        listed = role.node.characters if role.node else None
        for edge in (listed.edges if listed else None) or ():
            if edge.node is not None and edge.node.name:
                yield edge.node.name


def in_category_v1(groups: Iterable[GroupV1] | None, wanted: CreditCategory) -> Iterator[Billing]:
    """The credits of one category among V1 groups."""
    for group in groups or ():
        if group.category and CATEGORIES.get(group.category.id or "") is wanted:
            yield from billed_v1(group.credits or ())


def in_category_v2(groups: Iterable[GroupV2] | None, wanted: CreditCategory) -> Iterator[Billing]:
    """The credits of one category among V2 groups."""
    for group in groups or ():
        if group.grouping and CATEGORIES.get(group.grouping.grouping_id or "") is wanted:
            yield from billed_v2(group.credits or ())


def first_known(
    imdb_id: str, category: CreditCategory, candidates: Iterable[Iterable[Billing]]
) -> list[Credit]:
    """The credits of the first list that has any.

    A person who stands twice in the list is one credit, at the first place, with the characters of
    both. Raises `InvalidTitle` when a name or an id breaks a rule of the domain.
    """
    for billings in candidates:
        if merged := _merge(billings):
            return _credits(imdb_id, category, merged)
    return []


def _merge(billings: Iterable[Billing]) -> list[Billing]:
    first: list[Billing] = []
    again: dict[str, list[str]] = {}
    for billing in billings:
        if not billing.person_id:
            first.append(billing)
        elif billing.person_id not in again:
            again[billing.person_id] = []
            first.append(billing)
        else:
            again[billing.person_id] += billing.characters
    return [
        Billing(known.person_id, known.name, (*known.characters, *more))
        if known.person_id and (more := again[known.person_id])
        else known
        for known in first
    ]


def _credits(imdb_id: str, category: CreditCategory, billings: list[Billing]) -> list[Credit]:
    try:
        return [
            Credit(
                category=category,
                position=position,
                name=billing.name,
                person_id=name_id(billing.person_id) if billing.person_id else None,
                characters=tuple(dict.fromkeys(billing.characters)),
            )
            for position, billing in enumerate(billings, 1)
        ]
    except InvalidTitle as error:
        raise InvalidTitle(error.field, error.value, error.rule, imdb_id=imdb_id) from error
