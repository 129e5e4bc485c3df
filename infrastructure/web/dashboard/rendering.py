"""Makes pages from templates; whatever comes from titles is escaped."""

from calendar import month_name
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from domain.chart import ChartName
from domain.partial_date import PartialDate
from domain.release_date import ReleaseDate
from domain.title import TitleKind

_FOLDER = Path(__file__).parent
STATIC_FOLDER = _FOLDER / "static"

# No script, style or picture but our own, no inline one, and no other site may frame a page.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "Vary": "Accept, HX-Request",
}

_NOTHING = "\N{EN DASH}"

KIND_NAMES = {
    TitleKind.MOVIE: "Film",
    TitleKind.TV_SERIES: "Series",
    TitleKind.TV_MINI_SERIES: "Mini series",
    TitleKind.TV_EPISODE: "Episode",
    TitleKind.TV_MOVIE: "TV film",
    TitleKind.TV_SPECIAL: "TV special",
    TitleKind.TV_SHORT: "TV short",
    TitleKind.SHORT: "Short",
    TitleKind.VIDEO: "Video",
    TitleKind.VIDEO_GAME: "Video game",
    TitleKind.MUSIC_VIDEO: "Music video",
    TitleKind.PODCAST_SERIES: "Podcast",
    TitleKind.PODCAST_EPISODE: "Podcast episode",
}
"""What a title of a kind is called; a test has them all."""

CHART_NAMES = {
    ChartName.TOP: "Top 250 films",
    ChartName.TOP_TV: "Top 250 series",
    ChartName.MOVIEMETER: "Most popular films",
    ChartName.TVMETER: "Most popular series",
    ChartName.BOTTOM: "Lowest rated films",
    ChartName.BOX_OFFICE: "Box office",
    ChartName.TOP_ENGLISH: "Top films in English",
    ChartName.TOP_INDIAN: "Top Indian films",
    ChartName.TOP_MALAYALAM: "Top films in Malayalam",
    ChartName.TOP_TAMIL: "Top films in Tamil",
    ChartName.TOP_TELUGU: "Top films in Telugu",
}
"""What a chart is called; a test has them all."""


def page(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """An answer with a page made from a template."""
    text = _environment().get_template(template).render(**values)
    return HTMLResponse(text, status_code=status, headers=_HEADERS)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "number": shown_number,
        "moment": shown_moment,
        "day": shown_day,
        "short_day": lambda moment: f"{moment.astimezone(UTC):%-d %b}",
        "iso": lambda moment: moment.astimezone(UTC).isoformat(timespec="seconds"),
        "runtime": shown_runtime,
        "duration": shown_duration,
        "years": shown_years,
        "kind": lambda kind: KIND_NAMES[kind],
        "chart": lambda name: CHART_NAMES[name],
        "known": lambda value: _NOTHING if value is None else value,
        "listed": shown_list,
        "date": shown_date,
    }
    return environment


def shown_number(value: float | None) -> str:
    """A number with commas; a dash when it is not known."""
    return _NOTHING if value is None else f"{value:,}"


def shown_moment(moment: datetime | None) -> str:
    """A moment to the minute, in UTC."""
    return _NOTHING if moment is None else f"{moment.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def shown_day(moment: datetime) -> str:
    """The day of a moment, in UTC."""
    return f"{moment.astimezone(UTC):%-d %b %Y}"


def shown_runtime(minutes: int | None) -> str:
    """Minutes as hours and minutes: ``2 h 22 min``."""
    if minutes is None:
        return _NOTHING
    hours, rest = divmod(minutes, 60)
    return " ".join(
        [*([f"{hours:,} h"] if hours else []), *([f"{rest} min"] if rest or not hours else [])]
    )


def shown_duration(seconds: float | None) -> str:
    """Seconds as people say them: ``4.2 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds is None:
        return _NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return shown_runtime(minutes) if minutes >= 60 else f"{minutes} min {rest} s"


def shown_years(title: Any) -> str:
    """The year of a title, or its years when it ended in another one; empty when not known."""
    if title.year is None:
        return ""
    if title.end_year is None or title.end_year == title.year:
        return str(title.year)
    return f"{title.year}\N{EN DASH}{title.end_year}"


def shown_date(date: ReleaseDate | PartialDate | None) -> str:
    """A date as far as it is known: ``14 October 1994``, ``October 1994``, ``1994``."""
    if date is None:
        return _NOTHING
    parts = [date.day, date.month and month_name[date.month], date.year]
    return " ".join(str(part) for part in parts if part is not None) or _NOTHING


def shown_list(texts: Sequence[str]) -> str:
    """Texts with commas; a dash when there are none."""
    return ", ".join(texts) or _NOTHING
