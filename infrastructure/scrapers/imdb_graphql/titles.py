"""Titles in an answer of the API: the facts that a title page has, in the same shapes."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from application.ports import TitleOutcome
from domain.details import DetailName
from domain.errors import PageChanged, SourceUnavailable, TitleError, TitleNotFound
from domain.identifiers import TitleId
from domain.title import Credit, CreditCategory, Title
from infrastructure.scrapers.imdb_graphql.replies import INPUT_CODE, Reply, ReplyError, failure
from infrastructure.scrapers.imdb_pages import billing, facts
from infrastructure.scrapers.imdb_pages.next_data import decode
from infrastructure.scrapers.imdb_pages.page import Page

if TYPE_CHECKING:
    from infrastructure.scrapers.imdb_graphql.title_details import Found

logger = logging.getLogger(__name__)

FOUND_BY = "api"
_FIELD = "titles"
_MISSING_CODES = frozenset({INPUT_CODE, "NOT_FOUND"})


class Meta(Struct, frozen=True, rename="camel"):
    """``canonical_id`` is another one than the title's own when it was merged into that."""

    canonical_id: str | None = None


class ApiTitle(facts.AboveTheFold, frozen=True, rename="camel"):
    """A title as ``titles.graphql`` asks for it.

    ``principals`` are all directors, writers and creators, and the stars without characters;
    ``top_cast`` is the cast of a title page, with characters.
    """

    meta: Meta | None = None
    principals: list[billing.GroupV2] | UnsetType | None = UNSET
    top_cast: list[billing.GroupV2] | UnsetType | None = UNSET


class Titles(Struct, frozen=True):
    """The titles that were asked for, in their order; not decoded, as one may be of a new shape."""

    titles: list[Raw] | None = None


_DATA = msgspec.json.Decoder(Titles | None)
_TITLE = msgspec.json.Decoder(ApiTitle | None)
_UNRATED = facts.RatingsSummary(aggregate_rating=None, vote_count=None)


def read_titles(ids: Sequence[TitleId], reply: Reply) -> list[TitleOutcome]:
    """Give one outcome for each id: what is wrong with one title harms no other.

    Raises the `failure` of an error that is not about a part of one title, and `PageChanged` when
    the answer does not have as many titles as were asked for.
    """
    return _outcomes(ids, reply, _errors_by_place(reply), _titles_in(ids, reply))


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
    wrong = _errors_by_place(msgspec.structs.replace(reply, errors=others))
    given = _titles_in(ids, reply)
    outcomes = _outcomes(ids, reply, wrong, given)
    return [
        (outcome, read_parts(reply.page, memoryview(raw), details, of_details[place]))
        if isinstance(outcome, Title)
        else (outcome, {})
        for place, (outcome, raw) in enumerate(zip(outcomes, given, strict=True))
    ]


def _titles_in(ids: Sequence[TitleId], reply: Reply) -> list[Raw]:
    data = decode(_DATA, reply.data, reply.page, where=_FIELD)
    given: list[Raw] | None = data.titles if data else None
    if given is None or len(given) != len(ids):
        found = "none" if given is None else str(len(given))
        raise PageChanged(reply.page.url, _FIELD, f"{found}, and {len(ids)} were asked for")
    return given


def _outcomes(
    ids: Sequence[TitleId], reply: Reply, wrong: Mapping[int, ReplyError], given: Sequence[Raw]
) -> list[TitleOutcome]:
    outcomes = [
        _of_error(asked, reply.page, wrong[place])
        if place in wrong
        else _outcome(asked, raw, reply.page)
        for place, (asked, raw) in enumerate(zip(ids, given, strict=True))
    ]
    return list(_in_their_places(ids, outcomes, reply.page))


def _errors_by_place(reply: Reply) -> dict[int, ReplyError]:
    """The first error of each title that has one, by its place; raises what is about all."""
    found: dict[int, ReplyError] = {}
    for error in reply.errors:
        match error.path:
            case [field, int(place), *_] if field == _FIELD:
                found.setdefault(place, error)
            case _:
                raise failure(reply, error)
    return found


def _of_error(asked: TitleId, page: Page, error: ReplyError) -> TitleOutcome:
    """What is said of a title instead of all of its facts: the others would be half the truth."""
    if error.code in _MISSING_CODES and len(error.path or ()) == 2:
        return TitleNotFound(asked, f"{page.url} ({error.text})")
    part = ".".join(str(step) for step in (error.path or ())[2:]) or "the title"
    return SourceUnavailable(page.url, f"{asked}: {part}: {error.text}")


def _outcome(asked: TitleId, raw: Raw, page: Page) -> TitleOutcome:
    try:
        title = decode(_TITLE, memoryview(raw), page, where=asked)
        if title is None:
            return TitleNotFound(asked, page.url)
        return _title(title, page)
    except PageChanged as error:
        return PageChanged(error.url, f"{asked}: {error.field}", error.detail)
    except TitleError as error:
        return error


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


def _in_their_places(
    ids: Sequence[TitleId], outcomes: Sequence[TitleOutcome], page: Page
) -> Iterator[TitleOutcome]:
    """The outcomes, none of them under the id of another one that was asked for.

    A title of another id than the one asked for is what that was merged into; unless the other
    one was asked for too, and something else is in its place: then the order is wrong.
    """
    in_place = {
        outcome.imdb_id
        for asked, outcome in zip(ids, outcomes, strict=True)
        if isinstance(outcome, Title) and outcome.imdb_id == asked
    }
    for asked, outcome in zip(ids, outcomes, strict=True):
        if isinstance(outcome, Title) and outcome.imdb_id != asked:
            if outcome.imdb_id in ids and outcome.imdb_id not in in_place:
                yield PageChanged(page.url, "id", f"is {outcome.imdb_id}, not {asked}")
                continue
            logger.info("%s has been merged into %s", asked, outcome.imdb_id)
        yield outcome
