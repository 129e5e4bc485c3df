"""Reads the page of a person: by its ``__NEXT_DATA__``, or else by its JSON-LD."""

from domain.errors import InvalidTitle, PageChanged, PersonNotFound
from domain.identifiers import NameId, name_id, name_id_from
from domain.partial_date import PartialDate
from domain.person_profile import PersonProfile
from domain.provenance import Provenance
from infrastructure.scrapers.imdb_pages import person_page
from infrastructure.scrapers.imdb_pages.blocking import refuse_challenge
from infrastructure.scrapers.imdb_pages.identity import (
    PERSON_ROUTE,
    address_of,
    states_address,
)
from infrastructure.scrapers.imdb_pages.json_ld import linked_person
from infrastructure.scrapers.imdb_pages.next_data import (
    NextData,
    decode,
    find_next_data,
    is_json,
    refuse_cut_page,
)
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.routes import refuse_other_route
from shared.stages import BUILD, DECODE, stage


def read_person(page: Page) -> PersonProfile:
    """Read a person's page as `parse_person` promises."""
    with stage(DECODE):
        data = find_next_data(page)
        decoded = None if data is None else decode(person_page.DECODER, data, page)
    with stage(BUILD):
        if decoded is None:
            return _from_json_ld(page)
        refuse_other_route(page, decoded, (PERSON_ROUTE,), "a person's page", _not_found)
        props = decoded.props.page_props
        if props.above_the_fold is not None:
            return person_page.to_profile(page, props, props.above_the_fold)
        if is_json(page.body):
            raise PageChanged(page.url, "aboveTheFold")
        return _from_json_ld(page)


def _from_json_ld(page: Page) -> PersonProfile:
    """What the JSON-LD says: name, professions and dates; of the filmography nothing is known."""
    refuse_challenge(page)
    refuse_cut_page(page)
    linked = linked_person(page)
    if linked is None:
        raise PageChanged(
            page.url, "__NEXT_DATA__", "no person's data, and no JSON-LD: not a person's page"
        )
    imdb_id = _person_id(page, linked.imdb_id)
    if linked.name is None:
        raise PageChanged(page.url, "JSON-LD name")
    try:
        born, died = map(_date, (linked.birth_date, linked.death_date))
    except InvalidTitle as error:
        raise InvalidTitle(error.field, error.value, error.rule, imdb_id=imdb_id) from error
    return PersonProfile(
        imdb_id=imdb_id,
        name=linked.name,
        birth_date=born,
        death_date=died,
        professions=linked.professions,
        provenance=Provenance(source=page.source, found_by="json_ld", fetched_at=page.fetched_at),
    )


def _person_id(page: Page, stated: str | None) -> NameId:
    """The id that the JSON-LD states, else the one of the canonical address.

    A page of another address is refused: other sites describe people in JSON-LD too.
    """
    address = address_of(page)
    if states_address(page) and address.person_id is None:
        raise PageChanged(page.url, "canonical address", "is not that of a person's page of IMDb")
    found = stated or address.person_id
    if found is None:
        raise PageChanged(page.url, "canonical address", "no person's id on the page")
    return name_id(found)


def _date(text: str | None) -> PartialDate | None:
    return None if text is None else PartialDate.fromisoformat(text)


def _not_found(page: Page, decoded: NextData[person_page.PageProps]) -> PersonNotFound | None:
    stated = decoded.query.nmconst if decoded.query else None
    try:
        asked = name_id_from(page.url) if stated is None else name_id(stated)
    except InvalidTitle:
        return None
    return PersonNotFound(asked, page.url)
