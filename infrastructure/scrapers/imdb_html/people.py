"""People from the pages of the web site."""

import logging
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

from application.ports import PersonOutcome
from domain.errors import PageChanged, PersonNotFound, TitleError
from domain.identifiers import NameId
from domain.person_profile import PersonProfile
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_html.answers import (
    SOURCE_NAME,
    Http,
    Turns,
    read_person,
    refuse_unless_answered,
)

logger = logging.getLogger(__name__)


class ImdbHtmlPeople:
    """Reads ``/name/<id>/`` pages; fulfils `PersonSource`.

    Any number of threads may call it; a few at a time read their pages.
    """

    name = SOURCE_NAME
    batch_size = 1

    def __init__(self, http: Http, base_url: str) -> None:
        self._http = http
        self._base_url = base_url
        self._turns = Turns()

    def people(self, ids: Sequence[NameId]) -> Sequence[PersonOutcome]:
        """Read the page of each person; raises as `PersonSource.people` says."""
        return [self._outcome(imdb_id) for imdb_id in ids]

    def _outcome(self, imdb_id: NameId) -> PersonOutcome:
        address = f"{self._base_url}/name/{imdb_id}/"
        try:
            return self._http.fetch(address, partial(self._read, imdb_id))
        except TitleError as error:
            return error

    def _read(self, imdb_id: NameId, answer: PackedAnswer) -> PersonProfile:
        if answer.status != 200:
            refuse_unless_answered(answer.unpacked())
            raise PersonNotFound(imdb_id, answer.url)
        person = self._turns.take(read_person, answer)
        if person.imdb_id != imdb_id:
            # A redirect leads to the page of the person into whom this one has been merged.
            if f"/name/{person.imdb_id}/" not in f"{urlsplit(answer.url).path}/":
                raise PageChanged(answer.url, "id", f"is {person.imdb_id}, not {imdb_id}")
            logger.info("%s has been merged into %s", imdb_id, person.imdb_id)
        return person
