"""Titles in an answer of the API: the facts that a title page has, in the same shapes."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, Raw, UnsetType

from application.ports import TitleOutcome
from domain.details import DetailName
from domain.errors import PageChanged, TitleNotFound
from domain.identifiers import TitleId
from domain.title import Credit, CreditCategory, Title
from infrastructure.scrapers.imdb_graphql.by_place import Meta, places_in, read_places
from infrastructure.scrapers.imdb_graphql.replies import Reply, ReplyError
from infrastructure.scrapers.imdb_pages import billing, facts
from infrastructure.scrapers.imdb_pages.next_data import decode
from infrastructure.scrapers.imdb_pages.page import Page

if TYPE_CHECKING:
    from infrastructure.scrapers.imdb_graphql.title_details import Found

FOUND_BY = "api"
_FIELD = "titles"


class ApiTitle(facts.AboveTheFold, frozen=True, rename="camel"):
    """A title as ``titles.graphql`` asks for it.

    ``principals`` are all directors, writers and creators, and the stars without characters;
    ``top_cast`` is the cast of a title page, with characters.
    """

    meta: Meta | None = None
    principals: list[billing.GroupV2] | UnsetType | None = UNSET
    top_cast: list[billing.GroupV2] | UnsetType | None = UNSET


_TITLE = msgspec.json.Decoder(ApiTitle | None)
_UNRATED = facts.RatingsSummary(aggregate_rating=None, vote_count=None)


def read_titles(ids: Sequence[TitleId], reply: Reply) -> list[TitleOutcome]:
    """Give one outcome for each id, as `read_places` does; raises what that does."""
    return read_places(_FIELD, ids, reply, _read, TitleNotFound)


def read_detailed_titles(
    ids: Sequence[TitleId], details: Sequence[DetailName], reply: Reply
) -> list[tuple[TitleOutcome, "dict[DetailName, Found]"]]:
    """As `read_titles`, each title with what is there of its details.

    An error that is about a detail harms only that.
    """
    # Most runs ask for no details, and to make the many types of their JSON takes time.
    from infrastructure.scrapers.imdb_graphql.title_details import detail_of, read_parts

    of_details: dict[int, dict[DetailName, ReplyError]] = defaultdict(dict)
    others = []
    for error in reply.errors:
        match error.path:
            case [field, int(place), str(key), *_] if field == _FIELD and (
                name := detail_of(key, details)
            ):
                of_details[place].setdefault(name, error)
            case _:
                others.append(error)
    outcomes = read_titles(ids, msgspec.structs.replace(reply, errors=others))
    given = places_in(_FIELD, ids, reply)
    return [
        (outcome, read_parts(reply.page, memoryview(raw), details, of_details[place]))
        if isinstance(outcome, Title)
        else (outcome, {})
        for place, (outcome, raw) in enumerate(zip(outcomes, given, strict=True))
    ]


def _read(raw: Raw, page: Page, asked: str) -> Title | None:
    title = decode(_TITLE, memoryview(raw), page, where=asked)
    return None if title is None else _title(title, page)


def _title(title: ApiTitle, page: Page) -> Title:
    """Make the title, under its new id when it has been merged.

    Raises `PageChanged` when no list of credits is there, `InvalidTitle` when a fact breaks a rule.
    """
    if title.principals is UNSET and title.top_cast is UNSET:
        raise PageChanged(page.url, "principalCreditsV2", "missing")
    listed = [credit for category in CreditCategory for credit in _credits(title, category)]
    known = msgspec.structs.replace(
        title,
        id=(title.meta and title.meta.canonical_id) or title.id,
        ratings_summary=title.ratings_summary or _UNRATED,
    )
    return facts.build_title(
        page, known, facts.MainColumn(), listed, page.fetched_at, found_by=FOUND_BY
    )


def _credits(title: ApiTitle, category: CreditCategory) -> list[Credit]:
    """The credits of a category; the stars are the first few of the cast, if there is no other."""
    candidates = (
        billing.in_category_v2(groups or None, category)
        for groups in (title.top_cast, title.principals)
    )
    return billing.first_known(title.id, category, candidates)
