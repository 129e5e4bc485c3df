"""Ranked lists in the layout of 2026 (``/india/top-rated-indian-movies/``): in the markup only."""

import re
from collections.abc import Mapping

from bs4 import Tag

from domain.errors import PageChanged
from domain.identifiers import title_id
from domain.lists import RankedTitle
from infrastructure.scrapers.imdb_pages.blocking import refuse_challenge
from infrastructure.scrapers.imdb_pages.dom import Only, parse_only
from infrastructure.scrapers.imdb_pages.ids import number_or_none
from infrastructure.scrapers.imdb_pages.next_data import refuse_cut_page
from infrastructure.scrapers.imdb_pages.page import Page

_WIDGET = "symphony-IMDbChartWidget"
_ROWS = f"{_WIDGET} rows"
_TITLE_PATH = re.compile(r"/title/(tt[0-9]{7,15})(?:[/?#]|$)")
_SCORE = re.compile(r"[0-9]{1,2}(?:\.[0-9])?")


def read_ranked_list(page: Page) -> tuple[RankedTitle, ...]:
    """Read a whole list, in rank order; raises as this package says."""
    refuse_challenge(page)
    refuse_cut_page(page)
    widgets = parse_only(page, page.body, Only(_is_widget)).find_all("section", recursive=False)
    if not widgets:
        raise PageChanged(page.url, _WIDGET)
    names = widgets[0].find_all(True, {"data-testid": "rank-list-item-title"})
    titles = tuple(_title(page, name) for name in names)
    ranks = [title.rank for title in titles]
    if not ranks or ranks != list(range(1, len(ranks) + 1)):
        raise PageChanged(page.url, _ROWS, "do not have all ranks from 1 on, each once")
    return titles


def _is_widget(name: str, attributes: Mapping[str, str]) -> bool:
    return name == "section" and attributes.get("data-testid") == _WIDGET


def _title(page: Page, name: Tag) -> RankedTitle:
    """A row: the rank has an element of its own before the title's text."""
    row, rank = name.find_parent("li"), name.find(True)
    link = row.find("a", href=_TITLE_PATH) if row else None
    path = _TITLE_PATH.search(str(link["href"])) if link else None
    if row is None or path is None:
        raise PageChanged(page.url, _ROWS, "a row has no link to a title")
    number = number_or_none(rank.get_text().strip() if rank else None)
    if number is None:
        raise PageChanged(page.url, _ROWS, "a row has no rank")
    return RankedTitle(
        rank=number,
        imdb_id=title_id(path[1]),
        title="".join(name.find_all(string=True, recursive=False)).strip(),
        rating=_rating(row),
    )


def _rating(row: Tag) -> float | None:
    shown = row.find(True, {"data-testid": "ratingGroup--imdb-rating"})
    score = _SCORE.match(shown.get_text().strip()) if shown else None
    return float(score[0]) if score else None
