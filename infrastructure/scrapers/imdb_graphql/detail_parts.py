"""Asks the API for the rest of details that are longer than what comes with their titles."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from domain.details import Detail, DetailName
from domain.errors import PageChanged, RunStopped, SourceError, TitleError
from domain.run import DetailFailure
from domain.title import Title
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_graphql.detail_queries import has_parts, part_query
from infrastructure.scrapers.imdb_graphql.endpoint import Endpoint, Http, Query
from infrastructure.scrapers.imdb_graphql.replies import TooComplex, WrongInput, read_reply
from infrastructure.scrapers.imdb_graphql.title_details import Found, Gathered, read_part
from infrastructure.scrapers.imdb_pages.details import Part

logger = logging.getLogger(__name__)

PART_ITEMS = 250
"""Items that are asked for at once; half as many when that is too complex, down to one."""

MOST_ITEMS = 10_000
"""No more are asked for of one detail of a title when there are as many already."""

FIRST_ONLY = frozenset({DetailName.IMAGES, DetailName.REVIEWS})
"""Of these there are thousands that hardly anybody wants: what comes with the title is all."""


class DetailParts:
    """Completes the details of titles, part by part; any number of threads may call it.

    ``note`` is told of each detail that cannot be had. A title never fails for one.
    """

    def __init__(
        self, http: Http, endpoint: Endpoint, note: Callable[[DetailFailure], None]
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._note = note

    def completed(self, title: Title, found: Mapping[DetailName, Found | None]) -> Title:
        """Give the title with its details; of those that are ``None`` nothing has been asked yet.

        Once the API fails to answer, nothing more is asked of this title. Raises `RunStopped`.
        """
        details = []
        broken: SourceError | None = None
        for name, first in found.items():
            try:
                if isinstance(first, str):
                    raise PageChanged(self._endpoint.url, name, first)
                details.append(self._whole(title, name, first, broken))
            except RunStopped:
                raise
            except (SourceError, TitleError) as error:
                message = first if isinstance(first, str) else str(error)
                self._note(DetailFailure(imdb_id=title.imdb_id, detail=name, message=message))
                if isinstance(error, SourceError) and not isinstance(error, PageChanged):
                    broken = error
        return replace(title, details=tuple(details))

    def _whole(
        self, title: Title, name: DetailName, first: Part | None, broken: SourceError | None
    ) -> Detail:
        """All of a detail, from its first part on; raises ``broken`` rather than to ask."""
        if first is None:
            first = self._asked(title, name, None, broken)
        gathered = Gathered.of(name, first)
        while gathered.next_cursor is not None and name not in FIRST_ONLY:
            if len(gathered.items) >= MOST_ITEMS:
                break
            part = self._asked(title, name, gathered.next_cursor, broken)
            gathered.add(self._endpoint.url, part)
        return gathered.detail(title)

    def _asked(
        self, title: Title, name: DetailName, after: str | None, broken: SourceError | None
    ) -> Part:
        if broken is not None:
            raise broken
        query = Query(part_query(name))
        count = PART_ITEMS
        while True:
            variables: dict[str, object] = {"id": title.imdb_id}
            if has_parts([name]):
                variables |= {"first": count, "after": after}
            try:
                return query.ask(self._http, self._endpoint, variables, partial(_replied, name))
            except TooComplex as error:
                if count == 1 or not has_parts([name]):
                    raise PageChanged(self._endpoint.url, "query", str(error)) from error
                count //= 2
                logger.info("%s of %s: going on with %d at once", name, title.imdb_id, count)
            except WrongInput as error:
                raise PageChanged(self._endpoint.url, "query", str(error)) from error


def _replied(name: DetailName, answer: PackedAnswer) -> Part:
    return read_part(name, read_reply(answer))
