"""The page's own markup: the last fall-back, through BeautifulSoup and only the part needed.

The ``data-testid`` attributes are the stable names in IMDb's markup (class hashes change with each
build). Facts of the title block, checked on pages of 2022 to 2025: a type is named for everything
but movies; years and certificate are links, type and runtime are text; directors, writers and stars
stand in it twice (narrow and wide layout); a cast row shows the first character only, and "…" when
there are more; votes are rounded, so they are not read.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bs4 import BeautifulSoup, Tag
from bs4.exceptions import ParserRejectedMarkup
from bs4.filter import SoupStrainer

from domain.errors import PageChanged
from domain.title import CreditCategory, TitleKind
from infrastructure.scrapers.imdb_pages.billing import Billing
from infrastructure.scrapers.imdb_pages.ids import KINDS_IN_WORDS
from infrastructure.scrapers.imdb_pages.page import Body, Page
from infrastructure.scrapers.imdb_pages.texts import unescaped

_MAIN = re.compile(rb"<main\b[^<>]{0,1000}>")
_LARGEST_MARKUP = 4 * 1024 * 1024
_MOST_TAGS = 40_000
"""Twice as many as the largest real page has, a chart of 2022 with all of its rows."""
_DEEPEST = 50
"""Elements in each other, in what is kept. It bounds the time: a text is read once for each of the
elements around it."""
_TITLE_BLOCK = {
    "hero-title-block__title",
    "hero__pageTitle",
    "hero-rating-bar__aggregate-rating__score",
    "title-pc-principal-credit",
    "title-cast-item",
    "plot-xl",
}
_METASCORE_CLASSES = {"score-meta", "metacritic-score-box"}
# Nothing here is tried twice ("++"): three ways to take a space would be cubic in their number.
_ORIGINAL_TITLE = re.compile(rb">\s*+Original title:\s*+(?:<!-- -->\s*+)?+([^<>]++)<")
_YEARS = re.compile(r"(?P<first>\d{4})(?:[\u2013-](?P<last>\d{4})?)?")
_AIRED = re.compile(r"Episode aired\b.*\b(?P<year>\d{4})")
_RUNTIME = re.compile(r"(?:(?P<h>\d{1,4}) ?h)? ?(?:(?P<m>\d{1,4}) ?m)? ?(?:(?P<s>\d{1,2}) ?s)?")
_SCORE = re.compile(r"(\d{1,2}(?:[.,]\d)?)/10", re.ASCII)
_NAME_PATH = re.compile(r"/name/(?P<id>nm[0-9]{7,15})(?:[/?#]|$)")

_CATEGORIES = {
    "Director": CreditCategory.DIRECTOR,
    "Directors": CreditCategory.DIRECTOR,
    "Writer": CreditCategory.WRITER,
    "Writers": CreditCategory.WRITER,
    "Creator": CreditCategory.CREATOR,
    "Creators": CreditCategory.CREATOR,
    "Star": CreditCategory.CAST,
    "Stars": CreditCategory.CAST,
}


@dataclass(slots=True, kw_only=True)
class _Metadata:
    """The line below the title."""

    kind: TitleKind | None = None
    year: int | None = None
    end_year: int | None = None
    certificate: str | None = None
    runtime_minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTitle:
    """What the markup of a title page shows; ``None`` or empty is not shown.

    ``principals`` has the credits beside the title by category (its cast is "Stars").
    """

    title: str | None = None
    original_title: str | None = None
    kind: TitleKind | None = None
    year: int | None = None
    end_year: int | None = None
    certificate: str | None = None
    runtime_minutes: int | None = None
    rating: float | None = None
    metascore: int | None = None
    plot: str | None = None
    principals: Mapping[CreditCategory, Sequence[Billing]] = field(default_factory=dict)
    cast: Sequence[Billing] = ()


def shown_title(page: Page) -> ShownTitle | None:
    """Read the title block and the cast rows; ``None`` when the page has no title block.

    Raises `PageChanged` naming what the block shows and we do not understand.
    """
    main = _main_part(page)
    if main is None:
        return None
    soup = parse_only(page, main, Only(_is_needed))
    heading = soup.find("h1", {"data-testid": True})
    if heading is None or not _text(heading):
        return None
    line = _metadata(page, heading.find_next("ul"))
    original = _ORIGINAL_TITLE.search(main)
    return ShownTitle(
        title=_text(heading),
        original_title=_unescaped(original[1]) if original else None,
        kind=line.kind,
        year=line.year,
        end_year=line.end_year,
        certificate=line.certificate,
        runtime_minutes=line.runtime_minutes,
        rating=_rating(page, soup),
        metascore=_metascore(page, soup),
        plot=_plot(soup),
        principals=_principals(page, soup),
        cast=[_cast_row(page, row) for row in _by_test_id(soup, "title-cast-item")],
    )


class Only(SoupStrainer):
    """Keeps the elements that ``wanted`` takes by name and attributes, with all they contain."""

    def __init__(self, wanted: Callable[[str, Mapping[str, str]], bool]) -> None:
        super().__init__(name=True)
        self._wanted = wanted

    def allow_tag_creation(
        self, nsprefix: str | None, name: str, attrs: Mapping[str, str] | None
    ) -> bool:
        """Called by BeautifulSoup for each tag outside the kept elements."""
        return self._wanted(name, attrs or {})

    def allow_string_creation(self, string: str) -> bool:
        """Called by BeautifulSoup for text outside the kept elements: none is kept."""
        return False


def parse_only(page: Page, markup: Body, wanted: Only) -> BeautifulSoup:
    """Parse markup and keep only the elements wanted.

    Raises `PageChanged` when it cannot be read as HTML, or when it is larger, has more elements or
    is nested deeper than any page of IMDb: an element costs a kilobyte.
    """
    if len(markup) > _LARGEST_MARKUP:
        raise PageChanged(page.url, "main", "is larger than any page of IMDb")
    if markup.count(b"<") > _MOST_TAGS:
        raise PageChanged(page.url, "main", "has more elements than any page of IMDb")
    try:
        # With a tag before it, BeautifulSoup never takes it for a file's name or for XML, of which
        # it would warn the user.
        soup = BeautifulSoup(b"<html>" + markup, "lxml", parse_only=wanted, from_encoding="utf-8")
    except (ParserRejectedMarkup, RecursionError) as error:
        raise PageChanged(page.url, "main", f"cannot be read as HTML: {error}") from error
    _refuse_deep(page, soup)
    return soup


def _refuse_deep(page: Page, soup: BeautifulSoup) -> None:
    level: list[Tag] = [soup]
    for _ in range(_DEEPEST):
        level = [child for tag in level for child in tag.contents if isinstance(child, Tag)]
        if not level:
            return
    raise PageChanged(page.url, "main", "is nested deeper than any page of IMDb")


def _main_part(page: Page) -> Body | None:
    start = _MAIN.search(page.body)
    if start is None:
        return None
    end = page.body.find(b"</main>", start.end())
    if end < 0:
        raise PageChanged(page.url, "main", "the page is cut short inside it")
    return page.body[start.end() : end]


def _is_needed(name: str, attributes: Mapping[str, str]) -> bool:
    if attributes.get("data-testid") in _TITLE_BLOCK:
        return True
    classes = set((attributes.get("class") or "").split())
    return (name == "ul" and "ipc-inline-list" in classes) or bool(classes & _METASCORE_CLASSES)


def _by_test_id(soup: BeautifulSoup, name: str) -> list[Tag]:
    return list(soup.find_all(True, {"data-testid": name}))


def _text(tag: Tag) -> str:
    return tag.get_text().strip()


def _unescaped(raw: bytes) -> str:
    return unescaped(raw.decode("utf-8", "replace")).strip()


def _metadata(page: Page, line: Tag | None) -> _Metadata:
    """Read the line below the title. Raises `PageChanged` for an entry that we do not know."""
    found = _Metadata()
    for entry in line.find_all("li") if line is not None else []:
        link = entry.find("a", href=True)
        text = _text(link or entry)
        target = str(link["href"]) if link else ""
        if "/releaseinfo" in target or (not target and _YEARS.fullmatch(text)):
            _read_years(page, text, found)
        elif "/parentalguide" in target:
            found.certificate = text or None
        elif text in KINDS_IN_WORDS:
            found.kind = KINDS_IN_WORDS[text]
        elif match := _RUNTIME.fullmatch(text):
            hours, minutes, seconds = (int(part or 0) for part in match.groups())
            found.runtime_minutes = hours * 60 + minutes or (1 if seconds else None)
        else:
            raise PageChanged(page.url, "title block", f"has the unknown entry {text[:80]!r}")
    return found


def _read_years(page: Page, text: str, found: _Metadata) -> None:
    if match := _YEARS.fullmatch(text):
        found.year = int(match["first"])
        found.end_year = int(match["last"]) if match["last"] else None
    elif match := _AIRED.fullmatch(text):
        found.kind = found.kind or TitleKind.TV_EPISODE
        found.year = int(match["year"])
    else:
        raise PageChanged(page.url, "title block", f"has no years in {text[:80]!r}")


def _rating(page: Page, soup: BeautifulSoup) -> float | None:
    scores = _by_test_id(soup, "hero-rating-bar__aggregate-rating__score")
    if not scores:
        return None
    match = _SCORE.fullmatch(_text(scores[0]))
    if match is None:
        raise PageChanged(page.url, "title block", f"has the rating {_text(scores[0])[:80]!r}")
    return float(match[1].replace(",", "."))


def _metascore(page: Page, soup: BeautifulSoup) -> int | None:
    box = soup.find(class_=sorted(_METASCORE_CLASSES))
    if box is None:
        return None
    text = _text(box)
    if not re.fullmatch(r"\d{1,3}", text, re.ASCII):
        raise PageChanged(page.url, "title block", f"has the metascore {text[:80]!r}")
    return int(text)


def _plot(soup: BeautifulSoup) -> str | None:
    """The plot, unless a link to the rest of it says that it is cut."""
    shown = _by_test_id(soup, "plot-xl")
    if not shown or shown[0].find("a"):
        return None
    return _text(shown[0]) or None


def _principals(page: Page, soup: BeautifulSoup) -> dict[CreditCategory, list[Billing]]:
    found: dict[CreditCategory, list[Billing]] = {}
    for block in _by_test_id(soup, "title-pc-principal-credit"):
        label = block.find(["span", "a", "button"])
        text = _text(label) if label else ""
        if text not in _CATEGORIES:
            raise PageChanged(
                page.url, "title-pc-principal-credit", f"is of the unknown category {text[:80]!r}"
            )
        listed = block.find("ul")
        # The second, wide copy of the block says the same again.
        found.setdefault(_CATEGORIES[text], list(_linked_people(listed)) if listed else [])
    return found


def _linked_people(listed: Tag) -> Iterator[Billing]:
    for link in listed.find_all("a", href=_NAME_PATH):
        match = _NAME_PATH.search(str(link["href"]))
        if match and _text(link):
            yield Billing(match["id"], _text(link))


def _cast_row(page: Page, row: Tag) -> Billing:
    name = row.find(True, {"data-testid": "title-cast-item__actor"})
    if name is None or not _text(name):
        raise PageChanged(page.url, "title-cast-item__actor", "a cast member has no name")
    match = _NAME_PATH.search(str(name.get("href") or ""))
    links = row.find_all(True, {"data-testid": "cast-item-characters-link"})
    characters = tuple(text for link in links if (text := _text(link)))
    return Billing(match["id"] if match else None, _text(name), characters)
