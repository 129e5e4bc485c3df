"""Renders the demo's pages from facts: our own templates, IMDb's structure."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from demo import structured_data
from demo.body import Body, Piece, body_of, piece
from demo.fact_search import Found
from demo.facts import ChartFacts, PersonFacts, ReleaseDateFacts, TitleFacts
from demo.filler import Filler, Place
from demo.locale import Locale
from demo.structured_data import JsonObject

_AMERICAN = Locale()
_TEMPLATES = Path(__file__).with_name("templates")

ROWS_IN_DOM = 25
"""IMDb serves a chart with this many rows in the DOM; a browser adds the others from the JSON."""

_ANCHORS = {
    "<!-- filler -->": Place.MARKUP,
    '"mainColumnData":{': Place.FIELDS,
    '"pageData":{': Place.FIELDS,
    '"resources":{': Place.TEXTS,
}
"""Filler goes right after these. No fact can look like one: quotes in JSON strings and angle
brackets in markup are always escaped."""

_ANCHOR = re.compile("|".join(re.escape(anchor) for anchor in _ANCHORS))


class PageRenderer:
    """Renders pages of a chart. Any number of threads may use one renderer.

    The chart is that of the ``locale``. ``page_bytes`` pads title and chart pages to that size or
    just above it (less than a block of filler too much); ``None`` leaves them as small as they are.
    """

    def __init__(
        self, chart: ChartFacts, page_bytes: int | None = None, locale: Locale = _AMERICAN
    ) -> None:
        self._chart = chart
        captured = f"{chart.captured.isoformat()}T00:00:00.000Z"
        self._request = structured_data.Request(captured, locale)
        self._filler = None if page_bytes is None else Filler(page_bytes)
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "runtime": structured_data.runtime_text,
            "release_date": _release_date_text,
            "short_count": _short_count,
        }

    def title(self, facts: TitleFacts) -> Body:
        """The page of one title, ``/title/ttN/``."""
        next_data = structured_data.title_next_data(facts, self._request)
        return self._page(
            "title.html.jinja",
            facts=facts,
            stars=facts.cast[: structured_data.TOTAL_STARS],
            next_data=structured_data.script_json(next_data),
            json_ld=structured_data.json_ld(structured_data.title_json_ld(facts)),
        )

    def reference(self, facts: TitleFacts) -> Body:
        """The page ``/title/ttN/reference/``, which has full credits and more."""
        next_data = structured_data.reference_next_data(facts, self._request)
        return self._data_page(f"{facts.title}: reference", next_data)

    def release_info(self, facts: TitleFacts) -> Body:
        """The page ``/title/ttN/releaseinfo/``."""
        next_data = structured_data.release_info_next_data(facts, self._request)
        return self._data_page(f"{facts.title}: release info", next_data)

    def _data_page(self, heading: str, next_data: JsonObject) -> Body:
        """A page with its data, and little to look at."""
        return self._page(
            "data.html.jinja",
            heading=heading,
            next_data=structured_data.script_json(next_data),
        )

    def chart(self) -> Body:
        """The page of the chart, ``/chart/top/``."""
        next_data = structured_data.chart_next_data(self._chart, self._request)
        return self._page(
            "chart.html.jinja",
            total=len(self._chart.titles),
            rows=self._chart.titles[:ROWS_IN_DOM],
            next_data=structured_data.script_json(next_data),
            json_ld=structured_data.json_ld(structured_data.chart_json_ld(self._chart)),
        )

    def find(self, text: str, found: Found) -> Body:
        """The page with what was found for a text, ``/find/?q=text``."""
        next_data = structured_data.find_next_data(text, found, self._request)
        return self._page(
            "find.html.jinja",
            text=text,
            found=found,
            next_data=structured_data.script_json(next_data),
        )

    def search(self, titles: Sequence[TitleFacts], total: int) -> Body:
        """The page of the advanced search, ``/search/title/``, with some of ``total`` titles."""
        next_data = structured_data.search_next_data(titles, total, self._request)
        return self._list("Advanced search", titles, next_data)

    def list(self, list_id: str, name: str, titles: Sequence[TitleFacts]) -> Body:
        """The page of somebody's list, ``/list/lsN/``."""
        next_data = structured_data.list_next_data(list_id, name, titles, self._request)
        return self._list(name, titles, next_data)

    def _list(self, heading: str, titles: Sequence[TitleFacts], next_data: JsonObject) -> Body:
        return self._page(
            "list.html.jinja",
            heading=heading,
            titles=titles,
            next_data=structured_data.script_json(next_data),
        )

    def person(self, facts: PersonFacts) -> Body:
        """The page of one person, ``/name/nmN/``."""
        next_data = structured_data.person_next_data(facts, self._request)
        return self._page(
            "person.html.jinja",
            facts=facts,
            professions=structured_data.professions(facts),
            next_data=structured_data.script_json(next_data),
            json_ld=structured_data.json_ld(structured_data.person_json_ld(facts)),
        )

    def not_found(self) -> Body:
        """The page that says that there is no such page."""
        return self._page("not_found.html.jinja")

    def _page(self, template: str, **context: Any) -> Body:
        text = self._templates.get_template(template).render(
            captured=self._chart.captured, **context
        )
        if self._filler is None or "next_data" not in context:
            return body_of([piece(text.encode())])
        return body_of(_padded(text, self._filler))


def _padded(text: str, filler: Filler) -> list[Piece]:
    """Cut a page after each anchor and put the filler for that place there."""
    blocks = filler.blocks_for(len(text.encode()))
    pieces: list[Piece] = []
    start = 0
    for anchor in _ANCHOR.finditer(text):
        pieces.append(piece(text[start : anchor.end()].encode()))
        pieces += [block.piece for block in blocks if block.place is _ANCHORS[anchor.group()]]
        start = anchor.end()
    return [*pieces, piece(text[start:].encode())]


def _release_date_text(released: ReleaseDateFacts) -> str:
    """``October 14, 1994``, or ``October 1994`` where the day is unknown."""
    month = date(released.year, released.month, 1).strftime("%B")
    day = "" if released.day is None else f" {released.day},"
    return f"{month}{day} {released.year}"


def _short_count(count: int) -> str:
    """A number of votes as IMDb shows it: ``3.1M``, ``845K`` or ``900``."""
    if count >= 1_000_000:
        return f"{count / 1_000_000:.1f}M"
    return f"{count // 1000}K" if count >= 1000 else str(count)
