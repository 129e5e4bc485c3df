"""What a page of the site says of the details asked for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

import msgspec
from msgspec import Raw, Struct

from domain.details import Detail, DetailName, Item
from domain.errors import PageChanged, TitleError
from domain.identifiers import TitleId
from domain.provenance import Provenance
from infrastructure.scrapers.imdb_pages import facts
from infrastructure.scrapers.imdb_pages.detail_pages import DetailPage
from infrastructure.scrapers.imdb_pages.details import READERS
from infrastructure.scrapers.imdb_pages.details.shapes import Part
from infrastructure.scrapers.imdb_pages.episodes_page import SeasonPage, read_season
from infrastructure.scrapers.imdb_pages.identity import PageKind, identify
from infrastructure.scrapers.imdb_pages.next_data import NextData, decode, find_next_data
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.releaseinfo_page import read_release_info

FOUND_BY = "next_data"


_ABOUT: Mapping[DetailPage, Callable[[Page], TitleId]] = MappingProxyType(
    {
        DetailPage.RELEASE_INFO: lambda page: read_release_info(page).title_id,
        DetailPage.EPISODES: lambda page: read_season(page).series_id,
    }
)
"""What tells which title a page is about; raises for a page of another kind."""

Found = Detail | str
"""A detail, or why it is not there."""


class _Subject(Struct, frozen=True):
    id: str | None = None


class _Props(Struct, frozen=True, rename="camel"):
    above_the_fold_data: Raw = Raw(b"{}")
    main_column_data: Raw = Raw(b"{}")
    request_context: facts.RequestContext | None = None


_DECODER = msgspec.json.Decoder(NextData[_Props])
_SUBJECT = msgspec.json.Decoder(_Subject | None)


@dataclass(frozen=True, slots=True)
class Season:
    """What a page of a season says: its episodes, and the names of all seasons."""

    page: SeasonPage
    provenance: Provenance


def read_title_details(
    page: Page, names: Iterable[DetailName], imdb_id: TitleId
) -> dict[DetailName, Found]:
    """What a title page or a reference page says of the details; a text says why it does not.

    Never raises: what is wrong with details harms no title.
    """
    wanted = tuple(names)
    try:
        decoded = _decoded(page)
        objects = [
            memoryview(raw) for raw in (decoded.main_column_data, decoded.above_the_fold_data)
        ]
        for data in objects:
            subject = decode(_SUBJECT, data, page)
            _refuse_another(page, subject and subject.id, imdb_id)
        provenance = _provenance(page, decoded)
    except (PageChanged, TitleError) as error:
        return dict.fromkeys(wanted, str(error))
    return {name: _found(page, name, objects, provenance) for name in wanted}


def _found(
    page: Page, name: DetailName, objects: Sequence[memoryview], provenance: Provenance
) -> Found:
    """Read a detail from the first object that says anything of it."""
    try:
        read = (READERS[name].read(page, data, name) for data in objects)
        said = (part for part in read if part is not None)
        # The poster may stand in the object that lacks the other images.
        parts = list(said) if name is DetailName.IMAGES else list(islice(said, 1))
    except (PageChanged, TitleError) as error:
        return str(error)
    if not parts:
        return f"{page.url} does not say it"
    items = parts[0].items
    if len(parts) > 1:
        items = tuple(dict.fromkeys((*parts[1].items, *items)))
    return _detail(name, items, provenance, is_whole=parts[0].is_whole)


def read_release_details(
    page: Page, names: Iterable[DetailName], imdb_id: TitleId
) -> dict[DetailName, Found]:
    """What the page ``releaseinfo`` says; as `read_title_details`."""
    try:
        info = read_release_info(page)
        _refuse_another(page, info.title_id, imdb_id)
        provenance = _provenance(page, _decoded(page))
    except (PageChanged, TitleError) as error:
        return dict.fromkeys(names, str(error))
    parts = {
        DetailName.AKAS: Part(info.akas, info.has_all_akas),
        DetailName.RELEASE_DATES: Part(info.release_dates, info.has_all_release_dates),
    }
    return {
        name: _detail(name, parts[name].items, provenance, is_whole=parts[name].is_whole)
        for name in names
    }


def read_season_page(page: Page, imdb_id: TitleId) -> Season:
    """Read the page of a season; raises as `read_season` does, also for another series."""
    season = read_season(page)
    _refuse_another(page, season.series_id, imdb_id)
    return Season(season, _provenance(page, _decoded(page)))


def join_seasons(seasons: Sequence[Season], *, are_all: bool) -> Detail:
    """The episodes of at least one page, each once, in the order of the pages."""
    episodes = {e.episode_id: e for season in seasons for e in season.page.episodes}
    return _detail(
        DetailName.EPISODES,
        tuple(episodes.values()),
        min((season.provenance for season in seasons), key=lambda known: known.fetched_at),
        is_whole=are_all and all(season.page.is_whole for season in seasons),
    )


def no_episodes(provenance: Provenance) -> Detail:
    """What is no series has none."""
    return _detail(DetailName.EPISODES, (), provenance, is_whole=True)


def detail_page_of(page: Page) -> tuple[DetailPage, TitleId] | None:
    """Tell whether a page is one with details, and of which title; ``None`` for all others.

    Raises `SourceBlocked` for a challenge page.
    """
    identity = identify(page)
    if identity.title_id is not None:
        is_reference = identity.kind is PageKind.REFERENCE
        return DetailPage.REFERENCE if is_reference else DetailPage.TITLE, identity.title_id
    for kind, about in _ABOUT.items():
        try:
            return kind, about(page)
        except (PageChanged, TitleError):
            continue
    return None


def _decoded(page: Page) -> _Props:
    data = find_next_data(page)
    if data is None:
        raise PageChanged(page.url, "__NEXT_DATA__", "missing, and only that has details")
    return decode(_DECODER, data, page).props.page_props


def _refuse_another(page: Page, found: str | None, imdb_id: TitleId) -> None:
    if found not in {None, imdb_id}:
        raise PageChanged(page.url, "id", f"is {found}, not {imdb_id}")


def _provenance(page: Page, props: _Props) -> Provenance:
    moment = facts.capture_time(page, props.request_context)
    return Provenance(source=page.source, found_by=FOUND_BY, fetched_at=moment)


def _detail(
    name: DetailName, items: tuple[Item, ...], provenance: Provenance, *, is_whole: bool
) -> Detail:
    return Detail(name=name, items=items, provenance=provenance, is_whole=is_whole)
