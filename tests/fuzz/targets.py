"""What is fuzzed, and what must hold for every input.

A target takes any bytes. It returns for those that are read and for those that are refused with an
error that the reader documents; it raises for everything else, which is a defect.
"""

import math
import pickle
import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import msgspec

from domain.chart import ChartName
from domain.errors import InvalidTitle, PageChanged, ScraperError, SourceBlocked, TitleNotFound
from domain.identifiers import TitleId
from domain.title import Title
from infrastructure.cli.parse import title_as_json
from infrastructure.http.response import Response
from infrastructure.http.retry_after import retry_after_seconds
from infrastructure.http.robots import Robots
from infrastructure.http.unpack import BodyDamaged, BodyTooLarge, unpack
from infrastructure.repositories.csv.detail_rows import DetailRows, detail_from
from infrastructure.repositories.csv.rows import TitleRows, credit_from, decode, title_from
from infrastructure.scrapers.imdb_pages import (
    Page,
    block_reason,
    identify,
    parse_chart,
    parse_title,
)
from infrastructure.scrapers.imdb_pages.detail_pages import PAGE_OF
from infrastructure.scrapers.imdb_pages.details.pages import read_title_details
from infrastructure.scrapers.imdb_pages.list_page import read_list
from infrastructure.scrapers.imdb_pages.search_page import read_search
from tests.fuzz.mutations import Mutator, mutate_bytes, mutate_lines, mutate_page
from tests.fuzz.seeds import header_seeds, packed_seeds, page_seeds, robots_seeds

URL = "https://www.imdb.com/title/tt7654321/"
NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
LARGEST_BODY = 1 << 20
LONGEST_MESSAGE = 1000
"""Characters: an error goes into reports and tables, so it must not quote a whole page."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to fuzz: what it is given first, how inputs are changed, and the check."""

    name: str
    check: Callable[[bytes], None]
    seeds: Sequence[bytes]
    mutate: Mutator


def read_page(body: bytes) -> None:
    """Read a page in every way that the program does."""
    page = Page(url=URL, body=body, source="saved", fetched_at=NOW, page_clock=True)
    for status, headers in ((None, {}), (202, {}), (403, {"X-Amzn-Waf-Action": "captcha"})):
        block_reason(status, headers, body)
    try:
        title = parse_title(page)
    except (SourceBlocked, TitleNotFound, PageChanged, InvalidTitle) as error:
        _check_error(error)
    else:
        _check_title(title)
        _read_details(page, title.imdb_id)
    try:
        chart = parse_chart(page, ChartName.TOP)
    except (SourceBlocked, PageChanged, InvalidTitle) as error:
        _check_error(error)
    else:
        assert [entry.rank for entry in chart.entries] == [*range(1, len(chart.entries) + 1)]
        _check_time(chart.captured_at)
    for read in (read_search, read_list):
        try:
            listed = read(page)
        except (SourceBlocked, PageChanged, InvalidTitle) as error:
            _check_error(error)
        else:
            assert all(title.imdb_id.startswith("tt") for title in listed.titles)
    try:
        identify(page)
    except SourceBlocked as error:
        _check_error(error)


def _read_details(page: Page, imdb_id: TitleId) -> None:
    """Nothing that is wrong with details is an error; what is read of them can be stored."""
    for found in read_title_details(page, PAGE_OF, imdb_id).values():
        if isinstance(found, str):
            assert len(found) <= LONGEST_MESSAGE, f"a message of {len(found)} characters"
            continue
        rows = DetailRows.of(imdb_id, found, "run", escape_formulas=True)
        again = detail_from(rows.ledger, rows.items)
        assert DetailRows.of(imdb_id, again, "run", escape_formulas=True) == rows


def _check_error(error: ScraperError) -> None:
    assert len(str(error)) <= LONGEST_MESSAGE, f"a message of {len(str(error))} characters"
    # As it comes from a process that parses.
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own


def _check_title(title: Title) -> None:
    """A title can be stored and shown: what a repository is given, it gives back."""
    rows = TitleRows.of(title, "run", escape_formulas=True)
    (cells,) = decode(rows.title)
    again = title_from(cells, [credit_from(row) for row in decode(rows.credits)])
    assert TitleRows.of(again, "run", escape_formulas=True) == rows
    msgspec.json.encode(title_as_json(title))
    packed = msgspec.msgpack.encode([title])
    assert msgspec.msgpack.decode(packed, type=tuple[Title, ...]) == (title,)
    _check_time(title.provenance.fetched_at)


def _check_time(moment: datetime) -> None:
    # PostgreSQL and CSV keep times in UTC, where not every time of another zone is one.
    moment.astimezone(UTC)


def unpack_body(raw: bytes) -> None:
    """Unpack a body; what comes out is what was packed, and no larger than allowed."""
    try:
        body = unpack(raw, "gzip", LARGEST_BODY)
    except (BodyDamaged, BodyTooLarge):
        return
    assert len(body) <= LARGEST_BODY
    by_zlib = _unpacked_by_zlib(raw)
    if by_zlib is not None:
        assert body == by_zlib
        return
    # libdeflate reads two codes that RFC 1951 (3.2.6) leaves unused as the one before them. What
    # comes out is still what was packed: the checksum and the size (RFC 1952, 2.3.1) say so.
    trailer = zlib.crc32(body).to_bytes(4, "little") + len(body).to_bytes(4, "little")
    assert raw.endswith(trailer)


def _unpacked_by_zlib(raw: bytes) -> bytes | None:
    parts = []
    while raw:
        unpacker = zlib.decompressobj(31)
        try:
            parts.append(unpacker.decompress(raw))
        except zlib.error:
            return None
        raw = unpacker.unused_data
    return b"".join(parts)


def read_retry_after(value: bytes) -> None:
    """Read a header's value, which HTTP gives as text in ISO 8859-1."""
    seconds = retry_after_seconds(value.decode("latin-1"), now=NOW)
    assert math.isfinite(seconds)
    assert seconds >= 0


def read_robots(body: bytes) -> None:
    """Read a ``robots.txt`` and ask it about a page."""
    answer = Response(f"{URL}robots.txt", 200, {}, body, NOW)
    robots = Robots(lambda _: answer, "imdb-title-collector/0.1")
    try:
        delay = robots.check(f"{URL}?ref_=x%20y")
    except ScraperError as error:
        _check_error(error)
    else:
        assert delay is None or (math.isfinite(delay) and delay >= 0)


def targets() -> dict[str, Target]:
    """All targets by name."""
    pages = page_seeds()
    listed = [
        Target("pages", read_page, pages, partial(mutate_page, others=pages)),
        Target("unpack", unpack_body, packed_seeds(), _mutate_packed),
        Target("retry-after", read_retry_after, header_seeds(), mutate_lines),
        Target("robots", read_robots, robots_seeds(), mutate_lines),
    ]
    return {target.name: target for target in listed}


def _mutate_packed(raw: bytes, rng: random.Random) -> bytes:
    """Damage a gzip stream, or give it another with what it unpacks to damaged."""
    if rng.random() < 0.5:
        return mutate_bytes(raw, rng)
    unpacker = zlib.decompressobj(31)
    try:
        plain = unpacker.decompress(raw, 10_000)
    except zlib.error:
        return mutate_bytes(raw, rng)
    packer = zlib.compressobj(rng.randrange(10), wbits=31)
    packed = packer.compress(mutate_bytes(plain, rng)) + packer.flush()
    return packed + unpacker.unused_data * rng.randrange(3)
