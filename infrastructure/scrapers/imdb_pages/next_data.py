"""Finds and decodes the JSON that Next.js leaves in a page for its own scripts.

This is the hot path: the JSON is found by searching bytes and decoded into types that name only
what we read, so that a page of 1.5 MB costs no tree and no copy.
"""

import re
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from domain.errors import PageChanged
from infrastructure.scrapers.imdb_pages.page import Body, Page
from infrastructure.scrapers.imdb_pages.texts import quoted

_ID = b"__NEXT_DATA__"
_SCRIPT = re.compile(
    rb"""<script\b[^>]*\sid\s*=\s*["']?__NEXT_DATA__["']?(?:\s[^>]*)?>""", re.IGNORECASE
)
_SCRIPT_END = b"</script"
_LAST_TAGS = 256
"""How many elements from the end the script is looked for: up to 148 follow it on real pages."""
_MOST_MENTIONS = 1000
"""How many times the name is looked at, from the end: real pages have it once."""
_LONGEST_TAG = 1024
"""Bytes on either side of the name: keeps the search linear on hostile pages."""
_JSON_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?=\{)")
_HTML_END = re.compile(rb"</html\s*>", re.IGNORECASE)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`")
_PLACE = re.compile(r" - at `(?P<path>[^`]*)`$")
_PAGE_PROPS = "$.props.pageProps."

PropsT = TypeVar("PropsT")
DecodedT = TypeVar("DecodedT")


class Query(Struct, frozen=True):
    """The parameters of the page's route."""

    tconst: str | None = None
    nmconst: str | None = None


class Props(Struct, Generic[PropsT], frozen=True, rename="camel"):
    """What Next.js gives to the page."""

    page_props: PropsT


class NextData(Struct, Generic[PropsT], frozen=True):
    """The JSON of ``__NEXT_DATA__``; ``page`` is the route, for example ``/title/[tconst]``."""

    props: Props[PropsT]
    page: str | None = None
    query: Query | None = None


def plain_route(route: str | None) -> str | None:
    """A route without a slash at its end."""
    return route.rstrip("/") if route else route


def is_json(body: Body) -> bool:
    """Tell whether a body is the JSON itself (a saved ``.json``) and not HTML."""
    return _JSON_START.match(body) is not None


def mentions_next_data(body: Body) -> bool:
    """Tell, at the price of one search, whether a body can have ``__NEXT_DATA__``."""
    return _ID in body


def find_next_data(page: Page) -> memoryview | None:
    """Give the bytes of the JSON, without copying them; ``None`` when the page has none.

    Raises `PageChanged` when the page ends before the JSON does.
    """
    body = page.body
    if opening_brace := _JSON_START.match(body):
        return memoryview(body)[opening_brace.end() :]
    found = _script_near_the_end(body) or _script_anywhere(body)
    if found is None:
        return None
    start, end = found
    if end < 0:
        raise PageChanged(page.url, "__NEXT_DATA__", "the page is cut short inside it")
    return memoryview(body)[start:end]


def _script_near_the_end(body: Body) -> tuple[int, int] | None:
    """Where the JSON begins and ends, when its script is among the last elements of the page.

    That is where Next.js writes it. Going from "<" to "<", from the end, costs a quarter of looking
    for the name: the JSON has no "<" (see `_end_of_script`), and little follows it.
    """
    end = len(body)
    for _ in range(_LAST_TAGS):
        opening = body.rfind(b"<", 0, end)
        if opening < 0:
            return None
        tag = _SCRIPT.match(body, opening, opening + 2 * _LONGEST_TAG)
        if tag and tag.end() <= end and body.startswith(_SCRIPT_END, end):
            return tag.end(), end
        end = opening
    return None


def _script_anywhere(body: Body) -> tuple[int, int] | None:
    """Where the JSON begins and ends (-1: the page ends before it). Of several the last counts."""
    at = len(body)
    for _ in range(_MOST_MENTIONS):
        at = body.rfind(_ID, 0, at)
        if at < 0:
            return None
        # The name also stands in scripts that look the element up, so only a tag counts.
        opening = body.rfind(b"<", max(0, at - _LONGEST_TAG), at)
        start = body.find(b">", at, at + _LONGEST_TAG) + 1
        if opening >= 0 and start and _SCRIPT.fullmatch(body[opening:start]):
            return start, _end_of_script(body, start)
    return None


def _end_of_script(body: Body, start: int) -> int:
    """Where the script that begins at ``start`` ends, or -1.

    Next.js writes every "<" of its JSON as an escape, so the first one is the end nearly always,
    and looking for one byte is twenty times as fast as looking for eight.
    """
    first = body.find(b"<", start)
    if first < 0 or body.startswith(_SCRIPT_END, first):
        return first
    return body.find(_SCRIPT_END, first)


def refuse_cut_page(page: Page) -> None:
    """Raise `PageChanged` for HTML without ``</html>``: what is missing may lie behind the cut."""
    if is_json(page.body):
        return
    if not page.body.strip():
        raise PageChanged(page.url, "__NEXT_DATA__", "missing: the page is empty")
    if not _HTML_END.search(page.body):
        raise PageChanged(
            page.url,
            "__NEXT_DATA__",
            "missing, and no </html>: the page is cut short, or is no page",
        )


def decode(
    decoder: msgspec.json.Decoder[DecodedT],
    data: memoryview,
    page: Page,
    *,
    where: str = "__NEXT_DATA__",
) -> DecodedT:
    """Decode JSON into the decoder's type. Safe in any number of threads.

    Raises `PageChanged` naming the field that is missing or of another type (as a dotted path
    below ``pageProps``), or naming ``where`` when it is not JSON at all.
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        field, detail = _explain(str(error), where)
        raise PageChanged(page.url, field, detail) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PageChanged(page.url, where, f"is damaged JSON: {error}") from error


def _explain(message: str, where: str) -> tuple[str, str]:
    """Split a validation message of msgspec into the field and what is wrong with it."""
    place = _PLACE.search(message)
    path = place["path"] if place else "$"
    detail = message[: place.start()] if place else message
    if missing := _MISSING.match(detail):
        detail = "missing" if place else "missing: this JSON is not that of a page of IMDb"
        path = f"{path}.{missing['name']}"
    path = path.removeprefix(_PAGE_PROPS).removeprefix("$").removeprefix(".")
    return path or where, quoted(detail)
