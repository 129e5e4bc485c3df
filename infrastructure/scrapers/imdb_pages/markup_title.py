"""A title from the page's markup, for pages without title data in ``__NEXT_DATA__``.

The JSON-LD gives what it has, the DOM what it shows: display title, type, years, characters and the
longer cast come from the DOM, exact votes, genres and release date from the JSON-LD.
"""

from collections.abc import Iterator, Sequence

from domain.errors import InvalidTitle, PageChanged
from domain.identifiers import TitleId, title_id
from domain.provenance import Provenance
from domain.release_date import ReleaseDate
from domain.title import Credit, CreditCategory, Title, TitleKind
from infrastructure.scrapers.imdb_pages.billing import Billing, first_known
from infrastructure.scrapers.imdb_pages.blocking import refuse_challenge
from infrastructure.scrapers.imdb_pages.dom import ShownTitle, shown_title
from infrastructure.scrapers.imdb_pages.identity import address_of, states_address
from infrastructure.scrapers.imdb_pages.json_ld import LinkedTitle, linked_title
from infrastructure.scrapers.imdb_pages.next_data import refuse_cut_page
from infrastructure.scrapers.imdb_pages.page import Page

_SERIES = frozenset({TitleKind.TV_SERIES, TitleKind.TV_MINI_SERIES, TitleKind.PODCAST_SERIES})


def title_from_markup(page: Page) -> Title:
    """Make a title of the JSON-LD and the DOM.

    Raises `SourceBlocked` for a challenge page, `PageChanged` when the page is cut short, is no
    title page, or shows something that we do not understand; `InvalidTitle` when a fact breaks a
    rule of the domain.
    """
    refuse_challenge(page)
    refuse_cut_page(page)
    linked, shown = linked_title(page), shown_title(page)
    if linked is None and shown is None:
        raise PageChanged(
            page.url,
            "__NEXT_DATA__",
            "no title data, and neither JSON-LD nor a title block: not a title page of IMDb",
        )
    found_by = "dom" if linked is None else "json_ld"
    provenance = Provenance(source=page.source, found_by=found_by, fetched_at=page.fetched_at)
    return _combine(page, linked or LinkedTitle(), shown or ShownTitle(), provenance)


def _combine(page: Page, linked: LinkedTitle, shown: ShownTitle, provenance: Provenance) -> Title:
    display = shown.title or linked.display_title or linked.original_title
    if display is None:
        raise PageChanged(page.url, "JSON-LD name")
    imdb_id = _title_id(page, linked)
    kind = _kind(linked, shown)
    return Title(
        imdb_id=imdb_id,
        kind=kind,
        title=display,
        original_title=shown.original_title or linked.original_title,
        year=shown.year,
        end_year=shown.end_year,
        runtime_minutes=linked.runtime_minutes or shown.runtime_minutes,
        rating=shown.rating if linked.rating is None else linked.rating,
        votes=linked.votes,
        metascore=shown.metascore,
        certificate=linked.certificate or shown.certificate,
        genres=linked.genres,
        release_date=_release_date(imdb_id, linked),
        plot=shown.plot,
        credits=tuple(_credits(imdb_id, linked, shown, kind)),
        provenance=provenance,
    )


def _title_id(page: Page, linked: LinkedTitle) -> TitleId:
    """The id that the JSON-LD states, else the one of the canonical address.

    A page of another address is refused: other sites describe films in JSON-LD too.
    """
    address = address_of(page)
    if states_address(page) and address.title_id is None:
        raise PageChanged(page.url, "canonical address", "is not that of a title page of IMDb")
    stated = linked.imdb_id or address.title_id
    if stated is None:
        raise PageChanged(page.url, "canonical address", "no title id on the page")
    return title_id(stated)


def _kind(linked: LinkedTitle, shown: ShownTitle) -> TitleKind:
    """The type that the title block names; it names none for movies, and nor for some episodes.

    The JSON-LD comes second, because it says ``Movie`` for TV movies too.
    """
    return shown.kind or linked.kind or TitleKind.MOVIE


def _release_date(imdb_id: TitleId, linked: LinkedTitle) -> ReleaseDate | None:
    if linked.date_published is None:
        return None
    try:
        return ReleaseDate.fromisoformat(linked.date_published)
    except InvalidTitle as error:
        raise InvalidTitle(error.field, error.value, error.rule, imdb_id=imdb_id) from error


def _credits(
    imdb_id: TitleId, linked: LinkedTitle, shown: ShownTitle, kind: TitleKind
) -> Iterator[Credit]:
    # The JSON-LD's "creator" of a series created it, any other title's wrote it.
    created = CreditCategory.CREATOR if kind in _SERIES else CreditCategory.WRITER
    stated: dict[CreditCategory, tuple[Billing, ...]] = {
        CreditCategory.DIRECTOR: linked.directors,
        CreditCategory.CAST: linked.actors,
        created: linked.creators,
    }
    for category in CreditCategory:
        candidates: list[Sequence[Billing]] = [
            shown.cast if category is CreditCategory.CAST else (),
            shown.principals.get(category, ()),
            stated.get(category, ()),
        ]
        yield from first_known(imdb_id, category, candidates)
