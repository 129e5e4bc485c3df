"""The reference: what the job costs when nothing is done that is not needed for it.

libcurl's multi interface from one thread ("CurlMulti", PycURL's documentation, and its example
``retriever-multi.py``) keeps 50 connections busy. A body is received packed and unpacked in one
call by libdeflate, ``__NEXT_DATA__`` is found by searching bytes, and msgspec decodes only the
fields that are saved ("Define a Schema Containing Only Necessary Fields", msgspec's Performance
Tips). No limits, no retries, no checks: what a product adds is to be compared with this.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import Generic, TypeVar

import deflate
import msgspec
import pycurl

from benchmarks.systems.job import Job, job_from_environment
from benchmarks.systems.saving import CreditRow, TitlePage, TitleRow, save

_CREW = {
    "amzn1.imdb.concept.name_credit_category.ace5cb4c-8708-4238-9542-04641e7c8171": "director",
    "amzn1.imdb.concept.name_credit_category.c84ecaff-add5-4f2e-81db-102a41881fe3": "writer",
}

PropsT = TypeVar("PropsT")


class _Camel(msgspec.Struct, rename="camel"):
    pass


class _Text(_Camel):
    text: str


class _Id(_Camel):
    id: str


class _Year(_Camel):
    year: int | None = None
    end_year: int | None = None


class _Ratings(_Camel):
    aggregate_rating: float | None = None
    vote_count: int | None = None


class _Runtime(_Camel):
    seconds: int


class _Metascore(_Camel):
    score: int


class _Metacritic(_Camel):
    metascore: _Metascore


class _Certificate(_Camel):
    rating: str


class _Genres(_Camel):
    genres: list[_Text]


class _Date(_Camel):
    year: int | None = None
    month: int | None = None
    day: int | None = None


class _PlainText(_Camel):
    plain_text: str


class _Plot(_Camel):
    plot_text: _PlainText


class _AboveTheFold(_Camel):
    id: str
    title_type: _Id
    title_text: _Text
    original_title_text: _Text
    genres: _Genres
    release_year: _Year | None = None
    runtime: _Runtime | None = None
    ratings_summary: _Ratings | None = None
    metacritic: _Metacritic | None = None
    certificate: _Certificate | None = None
    release_date: _Date | None = None
    plot: _Plot | None = None


class _Name(_Camel):
    name_text: _Text
    id: str | None = None


class _CharacterName(_Camel):
    name: str


class _CharacterEdge(_Camel):
    node: _CharacterName


class _Characters(_Camel):
    edges: list[_CharacterEdge]


class _Role(_Camel):
    characters: _Characters | None = None


class _RoleEdge(_Camel):
    node: _Role


class _Roles(_Camel):
    edges: list[_RoleEdge]


class _Credit(_Camel):
    name: _Name
    credited_roles: _Roles | None = None


class _Grouping(_Camel):
    grouping_id: str


class _Group(_Camel):
    grouping: _Grouping
    credits: list[_Credit]


class _MainColumn(_Camel):
    crew_v2: list[_Group] | None = None
    cast_v2: list[_Group] | None = None


class _TitleProps(_Camel):
    above_the_fold_data: _AboveTheFold
    main_column_data: _MainColumn


class _ChartEdge(_Camel):
    node: _Id


class _ChartTitles(_Camel):
    edges: list[_ChartEdge]


class _PageData(_Camel):
    chart_titles: _ChartTitles


class _ChartProps(_Camel):
    page_data: _PageData


class _Props(_Camel, Generic[PropsT]):
    page_props: PropsT


class _NextData(_Camel, Generic[PropsT]):
    props: _Props[PropsT]


_TITLE = msgspec.json.Decoder(_NextData[_TitleProps])
_CHART = msgspec.json.Decoder(_NextData[_ChartProps])


def run(job: Job) -> None:
    """Do the job."""
    ids: list[str] = []
    fetch([job.chart_url], job.threads, lambda body: ids.extend(_chart_ids(body)))
    pages: list[TitlePage] = []
    urls = [job.title_url(imdb_id) for imdb_id in ids[: job.limit]]
    fetch(urls, job.threads, lambda body: pages.append(_title_page(body)))
    save(job, pages)


def fetch(urls: Sequence[str], connections: int, take: Callable[[bytearray], None]) -> None:
    """Give every page, unpacked, to ``take`` as it comes. Raises `pycurl.error`."""
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, connections)
    waiting = iter(urls)
    under_way: dict[pycurl.Curl, BytesIO] = {}

    def start(handle: pycurl.Curl) -> None:
        url = next(waiting, None)
        if url is not None:
            under_way[handle] = BytesIO()
            handle.setopt(pycurl.URL, url)
            handle.setopt(pycurl.WRITEDATA, under_way[handle])
            multi.add_handle(handle)

    for _ in range(min(connections, len(urls))):
        start(_handle())
    while under_way:
        multi.perform()
        for handle in _finished(multi):
            multi.remove_handle(handle)
            packed = under_way.pop(handle)
            start(handle)  # first, so that the site works while this page is read
            take(deflate.gzip_decompress(packed.getbuffer()))
        if under_way:
            multi.select(1.0)


def _handle() -> pycurl.Curl:
    handle = pycurl.Curl()
    handle.setopt(pycurl.HTTPHEADER, ["Accept-Encoding: gzip"])
    handle.setopt(pycurl.BUFFERSIZE, 512 * 1024)
    handle.setopt(pycurl.FAILONERROR, True)
    if authorities := os.environ.get("SSL_CERT_FILE"):
        handle.setopt(pycurl.CAINFO, authorities)
    return handle


def _finished(multi: pycurl.CurlMulti) -> Iterator[pycurl.Curl]:
    more = True
    while more:
        more, done, failed = multi.info_read()
        for _, number, message in failed:
            raise pycurl.error(number, message)
        yield from done


def _next_data(body: bytearray) -> memoryview:
    start = body.index(b">", body.index(b'id="__NEXT_DATA__"')) + 1
    return memoryview(body)[start : body.index(b"</script", start)]


def _chart_ids(body: bytearray) -> list[str]:
    props = _CHART.decode(_next_data(body)).props.page_props
    return [edge.node.id for edge in props.page_data.chart_titles.edges]


def _title_page(body: bytearray) -> TitlePage:
    props = _TITLE.decode(_next_data(body)).props.page_props
    above, main = props.above_the_fold_data, props.main_column_data
    year, ratings = above.release_year or _Year(), above.ratings_summary or _Ratings()
    row = TitleRow(
        imdb_id=above.id,
        kind=above.title_type.id,
        title=above.title_text.text,
        original_title=above.original_title_text.text,
        year=year.year,
        end_year=year.end_year,
        runtime_minutes=above.runtime.seconds // 60 if above.runtime else None,
        rating=ratings.aggregate_rating,
        votes=ratings.vote_count,
        metascore=above.metacritic.metascore.score if above.metacritic else None,
        certificate=above.certificate.rating if above.certificate else None,
        genres=[genre.text for genre in above.genres.genres],
        release_date=_iso_date(above.release_date),
        plot=above.plot.plot_text.plain_text if above.plot else None,
    )
    return TitlePage(row, list(_credits(above.id, main)))


def _iso_date(date: _Date | None) -> str | None:
    if date is None or date.year is None:
        return None
    parts = [f"{date.year:04d}"]
    parts += [f"{part:02d}" for part in (date.month, date.day) if part is not None]
    return "-".join(parts)


def _credits(imdb_id: str, main: _MainColumn) -> Iterator[CreditRow]:
    for group in main.crew_v2 or ():
        if category := _CREW.get(group.grouping.grouping_id):
            for position, credit in enumerate(group.credits, 1):
                name = credit.name
                yield CreditRow(imdb_id, category, position, name.id, name.name_text.text, [])
    for group in main.cast_v2 or ():
        for position, credit in enumerate(group.credits, 1):
            name = credit.name
            characters = _characters(credit)
            yield CreditRow(imdb_id, "cast", position, name.id, name.name_text.text, characters)


def _characters(credit: _Credit) -> list[str]:
    roles = credit.credited_roles.edges if credit.credited_roles else ()
    return [
        edge.node.name
        for role in roles
        if role.node.characters
        for edge in role.node.characters.edges
    ]


if __name__ == "__main__":
    run(job_from_environment())
