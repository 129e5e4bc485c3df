"""Reading a saved page from disk."""

from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from domain.errors import PageChanged, SourceUnavailable
from infrastructure.scrapers.imdb_pages import Page

SOURCE_NAME = "saved"

SUFFIXES = frozenset({".html", ".htm", ".json"})


def read_page(path: Path, max_bytes: int) -> Page:
    """Read one saved page (HTML, or the JSON of ``__NEXT_DATA__``), at most ``max_bytes`` of it.

    Its time is the page's own when it tells one, else when the file was last changed. Raises
    `SourceUnavailable` when the file cannot be read, `PageChanged` when it is too large.
    """
    try:
        with path.open("rb") as file:
            body = file.read(max_bytes + 1)
            changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise SourceUnavailable(str(path), error.strerror or str(error)) from error
    return _page(str(path), body, changed_at, max_bytes)


def read_stream(stream: BinaryIO, max_bytes: int) -> Page:
    """Read a page from standard input, as `read_page`; its time is now unless it tells its own."""
    return _page("standard input", stream.read(max_bytes + 1), datetime.now(UTC), max_bytes)


def _page(name: str, body: bytes, fetched_at: datetime, max_bytes: int) -> Page:
    if len(body) > max_bytes:
        raise PageChanged(name, "size", f"is more than {max_bytes} bytes")
    return Page(url=name, body=body, source=SOURCE_NAME, fetched_at=fetched_at, page_clock=True)


def pages_in(folder: Path) -> list[Path]:
    """The pages of a folder and of the folders in it; the one that was changed last is the last."""
    pages = (p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    return sorted(pages, key=lambda page: (page.stat().st_mtime, page.name))
