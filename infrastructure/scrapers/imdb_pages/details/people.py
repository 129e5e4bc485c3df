"""Who did what for a title, and what for they were honoured."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from msgspec import UNSET, Struct, UnsetType

from domain.details import Item
from domain.details.items import AwardCounts, AwardNomination, FullCredit
from domain.identifiers import name_id
from infrastructure.scrapers.imdb_pages.billing import Name
from infrastructure.scrapers.imdb_pages.details.shapes import (
    NOTHING,
    Coded,
    Counted,
    MaybeListed,
    Part,
    Reader,
    Words,
    as_word,
    part_of,
    texts_of,
)

_CATEGORY = "amzn1.imdb.concept.name_credit_category."

_CATEGORIES = {
    f"{_CATEGORY}ace5cb4c-8708-4238-9542-04641e7c8171": "director",
    f"{_CATEGORY}c84ecaff-add5-4f2e-81db-102a41881fe3": "writer",
    "amzn1.imdb.concept.name_credit_group.85198717-6c2d-481e-93a5-47858774bcce": "creator",
    "amzn1.imdb.concept.name_credit_group.7caf7d16-5db9-4f4f-8864-d4c6e711c686": "cast",
    f"{_CATEGORY}0af123ce-1605-4a51-93cf-7ad477b11832": "producer",
    f"{_CATEGORY}00f5faa0-5f76-4eb5-87a1-ec8d484d1779": "composer",
    f"{_CATEGORY}e2bf7217-c947-461b-aa58-47e27da1c78e": "cinematographer",
    f"{_CATEGORY}63b1f9c6-9d3b-4be6-88fc-6321c9fa5ae2": "editor",
    f"{_CATEGORY}67b6990c-f7de-4882-916b-dad87ec4406a": "casting_director",
    f"{_CATEGORY}ce558628-5755-438c-92d7-757518864a00": "production_designer",
    f"{_CATEGORY}60a44752-af76-44f7-9de0-ec51aea2180d": "art_director",
    f"{_CATEGORY}359a8a76-1c15-4fd1-bd31-26c7e2a046f8": "set_decorator",
    f"{_CATEGORY}a2d21716-45de-40e2-9f7d-9de01fc34a71": "costume_designer",
    f"{_CATEGORY}c3f25a53-cdb2-4260-ab78-1ef0a6052ee1": "make_up_department",
    f"{_CATEGORY}b3eac1a6-a62b-4f46-8b93-5331b94f6af3": "production_manager",
    f"{_CATEGORY}306aa45f-30d6-4786-a7f9-b3103ebca806": "assistant_director",
    f"{_CATEGORY}d782ea94-18fe-4513-a71c-7cdd652ef2d8": "art_department",
    f"{_CATEGORY}ce258419-131b-41f0-b2c5-227f5d9b719f": "sound_department",
    f"{_CATEGORY}856eb49a-7610-47d5-9a07-c7df3f715075": "special_effects",
    f"{_CATEGORY}fcb0b804-e618-4044-8a74-79e94d17e3cd": "visual_effects",
    f"{_CATEGORY}79cc5241-902a-4d4b-971d-27a3590fa1f4": "stunts",
    f"{_CATEGORY}daf5bc70-1a41-413b-af5a-af1e285bf049": "camera_department",
    f"{_CATEGORY}44d5f7aa-fe79-46e8-a72a-0f861c37bfff": "animation_department",
    f"{_CATEGORY}5c60f6fa-29f1-40a4-8fe5-b4c26a6a7db4": "casting_department",
    f"{_CATEGORY}19e9f38d-89a0-4963-91c1-e3958f1d4534": "costume_department",
    f"{_CATEGORY}2677b7dc-373c-41d1-8b13-7bdc171ca372": "editorial_department",
    f"{_CATEGORY}95338d09-b2a1-4188-ac9f-55f5255bb437": "location_management",
    f"{_CATEGORY}aad1533c-6974-45a4-ba98-5f2f43286cfc": "music_department",
    f"{_CATEGORY}bf32c344-897c-4e0a-b401-36bfa2c3669e": "script_department",
    f"{_CATEGORY}8c952a79-f27c-4e5a-be85-b114b0ecd04e": "transportation_department",
    f"{_CATEGORY}a7c2d410-e513-4bd7-85d5-73060ec46a84": "miscellaneous",
}
"""The concepts of categories, by the words that IMDb had for them until 2025."""


class CharacterNode(Struct, frozen=True):
    """A character."""

    name: str | None = None


class CreditNode(Struct, frozen=True, rename="camel"):
    """A person's part in a category, as ``credits`` of the API has it."""

    category: Coded
    name: Name
    characters: list[CharacterNode | None] | None = None
    jobs: list[Words | None] | None = None
    attributes: list[Words | None] | None = None
    cast_episodes: Counted | None = None
    crew_episodes: Counted | None = None


class CreditRow(Struct, frozen=True, rename="camel"):
    """A person's part as a reference page shows it; ``attributes`` are one text there."""

    row_title: str
    id: str | None = None
    characters: list[str | None] | None = None
    attributes: str | None = None


class CreditRows(Struct, frozen=True):
    """Some of the ``total`` rows of a category."""

    items: list[CreditRow] | None = None
    total: int | None = None


class CreditCategoryRows(Struct, frozen=True):
    """A category; ``id`` is a word or a concept."""

    id: str
    name: str | None = None
    section: CreditRows | None = None


class FullCreditsShape(Struct, frozen=True):
    """``credits`` of the API (title pages have their number there), ``categories`` of pages."""

    credits: MaybeListed[CreditNode] = UNSET
    categories: list[CreditCategoryRows] | UnsetType | None = UNSET


def _full_credit(node: CreditNode) -> FullCredit:
    episodes = node.cast_episodes or node.crew_episodes
    named = (character.name for character in node.characters or () if character is not None)
    return FullCredit(
        category=_CATEGORIES.get(node.category.id, node.category.id),
        billing=1,
        name=node.name.name_text.text,
        person_id=name_id(node.name.id) if node.name.id else None,
        characters=tuple(name for name in named if name),
        job=", ".join(texts_of(node.jobs)) or None,
        attributes=texts_of(node.attributes),
        # A film has none, and says 0.
        episodes=(episodes.total if episodes else None) or None,
    )


def _shown_credits(categories: Iterable[CreditCategoryRows]) -> Iterator[FullCredit]:
    for category in categories:
        known = _CATEGORIES.get(category.id)
        is_concept = known is None and category.id.startswith("amzn1.")
        word = known or (as_word(category.name or "") if is_concept else category.id)
        for row in (category.section.items if category.section else None) or ():
            yield FullCredit(
                category=word,
                billing=1,
                name=row.row_title,
                person_id=name_id(row.id) if row.id else None,
                characters=tuple(name for name in row.characters or () if name),
                attributes=(row.attributes,) if row.attributes else (),
            )


def billed(items: Iterable[Item]) -> tuple[Item, ...]:
    """Full credits with their places in their categories, from 1 on; other items as they are."""
    places: Counter[str] = Counter()
    found: list[Item] = []
    for item in items:
        if isinstance(item, FullCredit):
            places[item.category] += 1
            if (place := places[item.category]) != item.billing:
                found.append(replace(item, billing=place))
                continue
        found.append(item)
    return tuple(found)


def _full_credits(title: FullCreditsShape) -> Part | None:
    if title.categories is None:
        return NOTHING
    if title.categories is UNSET:
        return part_of(title.credits, _full_credit)
    sections = [category.section for category in title.categories if category.section]
    totals = [section.total for section in sections]
    items = billed(_shown_credits(title.categories))
    is_whole = None not in totals and sum(total or 0 for total in totals) <= len(items)
    return Part(items, is_whole=is_whole)


FULL_CREDITS = Reader(FullCreditsShape, _full_credits)


class AwardsShape(Struct, frozen=True, rename="camel"):
    """How many; pages of 2022 call the nominations that won nothing ``nominations``."""

    wins: Counted | UnsetType | None = UNSET
    nominations_exclude_wins: Counted | UnsetType | None = UNSET
    nominations: Counted | UnsetType | None = UNSET


def _awards(title: AwardsShape) -> Part | None:
    lost = title.nominations_exclude_wins
    if lost is UNSET:
        lost = title.nominations
    if title.wins is UNSET or lost is UNSET:
        return None
    if title.wins is None or lost is None:
        return NOTHING
    return Part((AwardCounts(wins=title.wins.total, nominations=lost.total),))


AWARDS = Reader(AwardsShape, _awards)


class AwardedName(Struct, frozen=True):
    """Somebody who was nominated."""

    name: Name


class AwardedEntities(Struct, frozen=True, rename="camel"):
    """Who was nominated: people, or the title with people."""

    award_names: list[AwardedName] | None = None
    secondary_award_names: list[AwardedName] | None = None


class AwardsEvent(Struct, frozen=True):
    """Whose award it is."""

    text: str


class Edition(Struct, frozen=True):
    """The event of a year."""

    event: AwardsEvent
    year: int | None = None


class Award(Struct, frozen=True, rename="camel"):
    """An award, and where it was given."""

    event_edition: Edition
    text: str | None = None


class OptionalWords(Struct, frozen=True):
    """A text that may be missing."""

    text: str | None = None


class NominationNode(Struct, frozen=True, rename="camel"):
    """A nomination."""

    award: Award
    is_winner: bool | None = None
    category: OptionalWords | None = None
    awarded_entities: AwardedEntities | None = None


class NominationsShape(Struct, frozen=True, rename="camel"):
    """``awardNominations`` of the API."""

    award_nominations: MaybeListed[NominationNode] = UNSET


def _nomination(node: NominationNode) -> AwardNomination:
    entities = node.awarded_entities or AwardedEntities()
    people = entities.award_names or entities.secondary_award_names or ()
    return AwardNomination(
        event=node.award.event_edition.event.text,
        year=node.award.event_edition.year,
        award=node.award.text or None,
        category=(node.category and node.category.text) or None,
        is_winner=node.is_winner,
        people=tuple(awarded.name.name_text.text for awarded in people),
    )


NOMINATIONS = Reader(NominationsShape, lambda title: part_of(title.award_nominations, _nomination))
