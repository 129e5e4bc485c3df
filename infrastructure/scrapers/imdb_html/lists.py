"""Lists that people have made, from their pages ``/list/<id>/``."""

from collections.abc import Iterator
from functools import partial

from domain.errors import ListNotFound
from domain.identifiers import ListId
from domain.lists import TitleList
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_html.answers import (
    GONE,
    SOURCE_NAME,
    Http,
    page_of,
    refuse_unless_answered,
)
from infrastructure.scrapers.imdb_pages.list_page import read_list


class ListPages:
    """Reads ``/list/<id>/``; fulfils `TitleLists`.

    It gives what the page has when it is loaded. Any number of threads may call it: it keeps
    nothing.
    """

    name = SOURCE_NAME

    def __init__(self, http: Http, base_url: str) -> None:
        self._http = http
        self._base_url = base_url

    def pages(self, wanted: ListId) -> Iterator[TitleList]:
        """Give the one page; raises as `TitleLists.pages` says."""
        yield self._http.fetch(f"{self._base_url}/list/{wanted}/", partial(_read, wanted))


def _read(wanted: ListId, answer: PackedAnswer) -> TitleList:
    unpacked = answer.unpacked()
    refuse_unless_answered(unpacked)
    if unpacked.status in GONE:
        raise ListNotFound(wanted, unpacked.url)
    return read_list(page_of(unpacked))
