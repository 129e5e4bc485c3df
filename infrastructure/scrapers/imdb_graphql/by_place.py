"""Answers that have one place for each id that was asked for."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

import msgspec
from msgspec import Raw, Struct

from domain.errors import PageChanged, SourceError, SourceUnavailable, TitleError
from domain.identifiers import ImdbId, NameId, TitleId
from infrastructure.scrapers.imdb_graphql.replies import INPUT_CODE, Reply, ReplyError, failure
from infrastructure.scrapers.imdb_pages.next_data import decode
from infrastructure.scrapers.imdb_pages.page import Page

logger = logging.getLogger(__name__)

_MISSING_CODES = frozenset({INPUT_CODE, "NOT_FOUND"})


class Meta(Struct, frozen=True, rename="camel"):
    """``canonical_id`` is another one than its own when it was merged into that."""

    canonical_id: str | None = None


class Identified(Protocol):
    """What was found for an id: it has one itself, another one when that was merged."""

    @property
    def imdb_id(self) -> ImdbId:
        """The id under which it is kept."""


_Id = TypeVar("_Id", TitleId, NameId)
_Found = TypeVar("_Found", bound=Identified)

_DATA = msgspec.json.Decoder(dict[str, Raw] | None)
_PLACES = msgspec.json.Decoder(list[Raw] | None)


def read_places(
    field: str,
    ids: Sequence[_Id],
    reply: Reply,
    read: Callable[[Raw, Page, str], _Found | None],
    not_found: Callable[[str, str], TitleError],
) -> list[_Found | TitleError | SourceError]:
    """Give one outcome for each id: what is wrong with one harms no other.

    ``read`` reads what is in a place of the list ``field``: it gives ``None`` when that is null,
    which ``not_found`` makes an error of, and may raise a `TitleError`. Raises the `failure` of an
    error that is not about a part of one place, and `PageChanged` when the answer does not have as
    many places as were asked for.
    """
    wrong = _errors_by_place(field, reply)
    given = places_in(field, ids, reply)

    def outcome(place: int, asked: _Id, raw: Raw) -> _Found | TitleError | SourceError:
        if place in wrong:
            return _of_error(asked, reply.page, wrong[place], not_found)
        try:
            return read(raw, reply.page, asked) or not_found(asked, reply.page.url)
        except PageChanged as error:
            return PageChanged(error.url, f"{asked}: {error.field}", error.detail)
        except TitleError as error:
            return error

    outcomes = [outcome(n, i, raw) for n, (i, raw) in enumerate(zip(ids, given, strict=True))]
    return list(_in_their_places(ids, outcomes, reply.page))


def places_in(field: str, ids: Sequence[ImdbId], reply: Reply) -> list[Raw]:
    """What is in each place of the list ``field``, not read yet.

    Raises `PageChanged` when there are not as many places as ids.
    """
    data = decode(_DATA, reply.data, reply.page, where=field) or {}
    raw = memoryview(data.get(field, Raw(b"null")))
    given: list[Raw] | None = decode(_PLACES, raw, reply.page, where=field)
    if given is None or len(given) != len(ids):
        found = "none" if given is None else str(len(given))
        raise PageChanged(reply.page.url, field, f"{found}, and {len(ids)} were asked for")
    return given


def _errors_by_place(field: str, reply: Reply) -> dict[int, ReplyError]:
    """The first error of each place that has one; raises what is about all."""
    found: dict[int, ReplyError] = {}
    for error in reply.errors:
        match error.path:
            case [first, int(place), *_] if first == field:
                found.setdefault(place, error)
            case _:
                raise failure(reply, error)
    return found


def _of_error(
    asked: ImdbId, page: Page, error: ReplyError, not_found: Callable[[str, str], TitleError]
) -> TitleError | SourceError:
    """What is said of a place instead of all of its facts: the others would be half the truth."""
    if error.code in _MISSING_CODES and len(error.path or ()) == 2:
        return not_found(asked, f"{page.url} ({error.text})")
    part = ".".join(str(step) for step in (error.path or ())[2:]) or "all of it"
    return SourceUnavailable(page.url, f"{asked}: {part}: {error.text}")


def _in_their_places(
    ids: Sequence[_Id], outcomes: Sequence[_Found | TitleError | SourceError], page: Page
) -> Iterator[_Found | TitleError | SourceError]:
    """The outcomes, none of them under the id of another one that was asked for.

    One of another id than the one asked for is what that was merged into; unless the other one was
    asked for too, and something else is in its place: then the order is wrong.
    """
    in_place = {
        outcome.imdb_id
        for asked, outcome in zip(ids, outcomes, strict=True)
        if not isinstance(outcome, TitleError | SourceError) and outcome.imdb_id == asked
    }
    for asked, outcome in zip(ids, outcomes, strict=True):
        if not isinstance(outcome, TitleError | SourceError) and outcome.imdb_id != asked:
            if outcome.imdb_id in ids and outcome.imdb_id not in in_place:
                yield PageChanged(page.url, "id", f"is {outcome.imdb_id}, not {asked}")
                continue
            logger.info("%s has been merged into %s", asked, outcome.imdb_id)
        yield outcome
