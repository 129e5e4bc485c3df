"""People from the GraphQL API."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from application.ports import PersonOutcome
from domain.errors import (
    PageChanged,
    PersonNotFound,
    RunStopped,
    SourceError,
    TitleError,
)
from domain.identifiers import NameId
from domain.person_profile import PersonProfile
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_graphql.batch_size import BatchSize
from infrastructure.scrapers.imdb_graphql.batches import ask_in_batches
from infrastructure.scrapers.imdb_graphql.disclaimer import Disclaimer
from infrastructure.scrapers.imdb_graphql.endpoint import Endpoint, Http, Query
from infrastructure.scrapers.imdb_graphql.people import PersonPart, join_parts, read_people
from infrastructure.scrapers.imdb_graphql.replies import (
    SOURCE_NAME,
    Reply,
    TooComplex,
    WrongInput,
)

logger = logging.getLogger(__name__)

FIRST_CREDITS = 50
"""Credits that come with each of many people: most people have no more."""

MORE_CREDITS = 250
"""Credits that are asked for at once when somebody has more."""

MOST_CREDITS = 5_000
"""Credits that are asked for of one person, or a few more: with 250 a request some 20 requests."""

_Read = TypeVar("_Read")


class ImdbGraphqlPeople:
    """Asks the API for many people at once, and for the rest of the credits one by one.

    ``batch_size`` is how many people it asks for in one request; when the API says that this is too
    complex, half as many, from then on. ``tell`` is told, once, what the answers may be used for.

    Any number of threads may call it: the size of batches, and whether the disclaimer has been
    told, have a lock each.
    """

    name = SOURCE_NAME

    def __init__(
        self, http: Http, endpoint: Endpoint, batch_size: int, tell: Callable[[str], None]
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._batch_size = BatchSize(batch_size)
        self._disclaimer = Disclaimer(tell)
        self._query = Query.named("people")

    @property
    def batch_size(self) -> int:
        """How many people one request takes, at least 1; may become smaller."""
        return self._batch_size.now

    def people(self, ids: Sequence[NameId]) -> Sequence[PersonOutcome]:
        """Ask for people; raises as `PersonSource.people` says.

        When it takes several requests and one of them fails, the people of those before it are
        given, and for the others the failure.
        """
        url = self._endpoint.url
        return ask_in_batches(ids, self._batch_size, self._asked, url=url, not_found=PersonNotFound)

    def _asked(self, ids: Sequence[NameId]) -> Sequence[PersonOutcome]:
        try:
            parts = self._parts(ids, FIRST_CREDITS, after=None)
        except PageChanged as error:
            return [error] * len(ids)
        outcomes: list[PersonOutcome] = []
        failure: SourceError | None = None
        for part in parts:
            if not isinstance(part, PersonPart):
                outcomes.append(part)
            elif failure is not None and part.next_cursor is not None:
                outcomes.append(failure)
            else:
                try:
                    outcomes.append(self._whole(part))
                except RunStopped:
                    raise
                except SourceError as error:
                    failure = error
                    outcomes.append(error)
        return outcomes

    def _whole(self, first: PersonPart) -> PersonProfile | TitleError:
        """The person with all credits, or why one of their parts cannot be read.

        Raises `SourceError` when a part cannot be had: some of the credits would be half the truth.
        """
        parts = [first]
        try:
            while (after := parts[-1].next_cursor) is not None:
                if sum(len(part.credits) for part in parts) >= MOST_CREDITS:
                    logger.info("%s has more than %d credits", first.imdb_id, MOST_CREDITS)
                    break
                parts.append(self._next(first.imdb_id, after))
            return join_parts(parts)
        except TitleError as error:
            return error

    def _next(self, imdb_id: NameId, after: str) -> PersonPart:
        try:
            [part] = self._parts([imdb_id], MORE_CREDITS, after)
        except (TooComplex, WrongInput) as error:
            raise PageChanged(self._endpoint.url, f"{imdb_id}: query", str(error)) from error
        if isinstance(part, PersonPart):
            return part
        raise part

    def _parts(
        self, ids: Sequence[NameId], first: int, after: str | None
    ) -> Sequence[PersonPart | TitleError | SourceError]:
        variables = {"ids": ids, "first": first, "after": after, "isFirst": after is None}
        read = partial(self._replied, partial(read_people, ids))
        return self._query.ask(self._http, self._endpoint, variables, read)

    def _replied(self, read: Callable[[Reply], _Read], answer: PackedAnswer) -> _Read:
        return read(self._disclaimer.reply_of(answer))
