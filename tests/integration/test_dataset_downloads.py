"""Dataset files come over HTTP in parts, whatever becomes of the connection and of the file."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.datasets import DatasetFile
from domain.errors import SourceUnavailable
from infrastructure.http.client import HttpClient
from infrastructure.scrapers.imdb_datasets import DatasetDownloads, downloads
from tests.clients import http_client
from tests.dataset_files import BASICS
from tests.servers import Handler, ScriptedServer, serving

FILE = "/title.basics.tsv.gz"
PART = 1000


@dataclass
class Published:
    """A file as a server gives it, with what it does wrong."""

    data: bytes
    etag: str = '"one"'
    knows_ranges: bool = True
    knows_conditions: bool = True
    cut_at: set[int] = field(default_factory=set)
    """Parts, by their first byte, that break off in the middle, once each."""
    changes_at: dict[int, bytes] = field(default_factory=dict)
    """What the file becomes when the part from this byte on is asked for."""
    asked: list[tuple[int, str]] = field(default_factory=list)

    def __call__(self, request: Handler) -> None:
        given = request.headers.get("Range", "")
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", given).groups())  # type: ignore[union-attr]
        self.asked.append((first, request.headers.get("If-Match", "")))
        if first in self.changes_at:
            self.data = self.changes_at.pop(first)
            self.etag = f'"{len(self.asked)}"'
        headers = {"ETag": self.etag, "Last_Modified": "Sun, 01 Mar 2026 12:00:00 GMT"}
        if self.knows_conditions:
            if request.headers.get("If-None-Match") == self.etag:
                request.reply(304, b"", **headers)
                return
            if request.headers.get("If-Match", self.etag) != self.etag:
                request.reply(412, b"", **headers)
                return
        if not self.knows_ranges:
            request.reply(200, self.data, **headers)
            return
        part = self.data[first : last + 1]
        headers["Content_Range"] = f"bytes {first}-{first + len(part) - 1}/{len(self.data)}"
        if first in self.cut_at:
            self.cut_at.remove(first)
            request.send_response(206)
            request.send_header("Content-Length", str(len(part)))
            request.end_headers()
            request.wfile.write(part[: len(part) // 2])
            request.close_connection = True
        else:
            request.reply(206, part, **headers)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Published:
    monkeypatch.setattr(downloads, "PART_BYTES", PART)
    return Published(os.urandom(5 * PART + 7))


@pytest.fixture
def server(published: Published) -> Iterator[ScriptedServer]:
    with serving({FILE: published}) as server:
        yield server


@pytest.fixture
def http() -> Iterator[HttpClient]:
    with http_client() as client:
        yield client


def obtain(http: HttpClient, server: ScriptedServer, folder: Path) -> DatasetFile:
    return DatasetDownloads(http, server.url, folder).obtain(BASICS, lambda *_: None)


def test_a_file_comes_whole_and_with_its_time(
    http: HttpClient, server: ScriptedServer, published: Published, tmp_path: Path
) -> None:
    steps: list[tuple[str, int, int]] = []

    def told(name: object, step: str, done: int, total: int) -> None:
        steps.append((step, done, total))

    file = DatasetDownloads(http, server.url, tmp_path / "new").obtain(BASICS, told)

    assert file.path.read_bytes() == published.data
    assert (file.etag, file.modified_at) == ('"one"', datetime(2026, 3, 1, 12, tzinfo=UTC))
    size = len(published.data)
    assert steps == [("download", min(done, size), size) for done in range(PART, size + PART, PART)]
    assert [path.name for path in file.path.parent.glob("*.part*")] == []


def test_a_file_that_has_not_changed_is_not_fetched_again(
    http: HttpClient, server: ScriptedServer, published: Published, tmp_path: Path
) -> None:
    first = obtain(http, server, tmp_path)
    published.asked.clear()

    assert obtain(http, server, tmp_path) == first
    assert published.asked == [(0, "")]


def test_a_newer_file_replaces_it(
    http: HttpClient, server: ScriptedServer, published: Published, tmp_path: Path
) -> None:
    obtain(http, server, tmp_path)
    published.data, published.etag = os.urandom(2 * PART), '"two"'

    file = obtain(http, server, tmp_path)

    assert (file.path.read_bytes(), file.etag) == (published.data, '"two"')


def test_a_broken_connection_costs_one_part(
    http: HttpClient, server: ScriptedServer, published: Published, tmp_path: Path
) -> None:
    published.cut_at = {0, 3 * PART}

    file = obtain(http, server, tmp_path)

    assert file.path.read_bytes() == published.data
    asked = [first for first, _ in published.asked]
    assert sorted(asked) == sorted([0, *range(0, 6 * PART, PART), 3 * PART])


def test_a_download_that_was_given_up_is_continued(
    server: ScriptedServer, published: Published, tmp_path: Path
) -> None:
    broken = serving_error_from(3 * PART, published)
    server.answers[FILE] = broken
    with http_client(max_attempts=1) as client, pytest.raises(SourceUnavailable):
        obtain(client, server, tmp_path)
    server.answers[FILE] = published
    published.asked.clear()

    with http_client() as client:
        file = obtain(client, server, tmp_path)

    assert file.path.read_bytes() == published.data
    assert published.asked == [(0, "")] + [(n * PART, '"one"') for n in (3, 4, 5)]


def serving_error_from(first_bad: int, published: Published):  # type: ignore[no-untyped-def]
    def answer(request: Handler) -> None:
        if int(request.headers["Range"].removeprefix("bytes=").partition("-")[0]) >= first_bad:
            request.reply(503)
        else:
            published(request)

    return answer


@pytest.mark.parametrize("knows_conditions", [True, False])
def test_a_file_that_changes_meanwhile_is_fetched_anew(
    http: HttpClient,
    server: ScriptedServer,
    published: Published,
    tmp_path: Path,
    knows_conditions: bool,
) -> None:
    published.knows_conditions = knows_conditions
    published.changes_at = {2 * PART: (newer := os.urandom(4 * PART))}

    file = obtain(http, server, tmp_path)

    assert file.path.read_bytes() == newer
    assert file.etag == published.etag != '"one"'


def test_a_file_that_always_changes_is_given_up(
    http: HttpClient, server: ScriptedServer, published: Published, tmp_path: Path
) -> None:
    def always(request: Handler) -> None:
        published.etag = f'"{len(published.asked)}"'
        published(request)

    server.answers[FILE] = always

    with pytest.raises(SourceUnavailable, match="changes again and again"):
        obtain(http, server, tmp_path)


def test_a_server_that_knows_no_ranges_is_read_as_a_whole(
    http: HttpClient, server: ScriptedServer, published: Published, tmp_path: Path
) -> None:
    published.knows_ranges = False

    assert obtain(http, server, tmp_path).path.read_bytes() == published.data


def test_what_was_begun_of_an_older_file_is_not_continued(
    http: HttpClient, server: ScriptedServer, published: Published, tmp_path: Path
) -> None:
    server.answers[FILE] = serving_error_from(3 * PART, published)
    with http_client(max_attempts=1) as client, pytest.raises(SourceUnavailable):
        obtain(client, server, tmp_path)
    server.answers[FILE] = published
    published.data, published.etag = os.urandom(5 * PART), '"two"'

    assert obtain(http, server, tmp_path).path.read_bytes() == published.data


@pytest.mark.parametrize("status", [403, 404, 412, 416])
def test_a_file_that_is_not_given_is_told(
    http: HttpClient, server: ScriptedServer, tmp_path: Path, status: int
) -> None:
    server.answers[FILE] = lambda request: request.reply(status)

    with pytest.raises(SourceUnavailable, match=f"{FILE}: HTTP {status}"):
        obtain(http, server, tmp_path)


def test_a_file_without_end_is_not_begun(
    http: HttpClient, server: ScriptedServer, tmp_path: Path
) -> None:
    server.answers[FILE] = lambda request: request.reply(
        206, b"x", Content_Range="bytes 0-0/9000000000"
    )

    with pytest.raises(SourceUnavailable, match="more than 8,000,000,000"):
        obtain(http, server, tmp_path)
