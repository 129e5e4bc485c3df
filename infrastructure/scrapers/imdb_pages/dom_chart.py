"""The rows of a chart page's markup, through BeautifulSoup: the last fall-back for charts.

Two layouts are known: a list of ``ipc-metadata-list-summary-item`` since 2023, and the table of
2022 with ``titleColumn`` cells.
"""

import re
from collections.abc import Mapping

from bs4 import Tag

from domain.errors import PageChanged
from infrastructure.scrapers.imdb_pages.dom import Only, parse_only
from infrastructure.scrapers.imdb_pages.page import Page

_ROWS = "chart rows"
_ROW_CLASSES = {"li": "ipc-metadata-list-summary-item", "td": "titleColumn"}
_RANK_APART = re.compile(r"#(\d{1,9})", re.ASCII)
_RANK_BEFORE_TITLE = re.compile(r"(\d{1,9})\.\s.+", re.ASCII | re.DOTALL)
_TITLE_PATH = re.compile(r"/title/(tt[0-9]{7,15})(?:[/?#]|$)")


def _is_row(name: str, attributes: Mapping[str, str]) -> bool:
    return _ROW_CLASSES.get(name) in (attributes.get("class") or "").split()


def shown_rows(page: Page) -> list[tuple[int, str]]:
    """The rows with the ranks that they show, or with their order when they show none."""
    soup = parse_only(page, page.body, Only(_is_row))
    rows = soup.find_all(list(_ROW_CLASSES), recursive=False)
    ids = [_row_title(page, row) for row in rows]
    ranks = [_row_rank(row) for row in rows]
    if all(rank is None for rank in ranks):
        return list(enumerate(ids, 1))
    known = [(rank, imdb_id) for rank, imdb_id in zip(ranks, ids, strict=True) if rank is not None]
    if len(known) != len(ids):
        raise PageChanged(page.url, _ROWS, f"only {len(known)} of {len(ids)} rows have a rank")
    return known


def _row_title(page: Page, row: Tag) -> str:
    link = row.find("a", href=_TITLE_PATH)
    match = _TITLE_PATH.search(str(link["href"])) if link else None
    if match is None:
        raise PageChanged(page.url, _ROWS, "a row has no link to a title")
    return match[1]


def _row_rank(row: Tag) -> int | None:
    """The rank stands before the title ("1. Title") or, since the end of 2025, apart ("#1")."""
    apart = row.find(True, {"data-testid": "title-list-item-ranking"})
    if apart is not None:
        match = _RANK_APART.fullmatch(apart.get_text().strip())
    else:
        heading = row if row.name == "td" else row.find("h3")
        match = _RANK_BEFORE_TITLE.fullmatch(heading.get_text().strip()) if heading else None
    return int(match[1]) if match else None
