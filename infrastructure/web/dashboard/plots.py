"""Plots as SVG, made on the server: they need no script, and take their colours from the page.

A plot is a picture for those who see it; the page has the same figures as a table.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from math import ceil, floor

from markupsafe import Markup

from application.title_statistics import CriticsAndUsers, RatingsOfYear
from domain.history import RatingObservation

_WIDTH, _HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 14, 30

_Scale = Callable[[float], float]


def columns(values: Sequence[tuple[str, int]]) -> Markup | None:
    """A column for each label, as high as its number; ``None`` without any."""
    if not values:
        return None
    most = max(number for _, number in values)
    up = _vertical(0, most)
    step = (_WIDTH - _LEFT - _RIGHT) / len(values)
    parts = [_level(mark, f"{mark:,}", up) for mark in _marks(0, most) if mark == int(mark)]
    every = ceil(len(values) / 7)
    for place, (label, number) in enumerate(values):
        left, top = _LEFT + place * step, up(number)
        parts.append(
            Markup(
                '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="3">'
                "<title>{}: {}</title></rect>"
            ).format(left + step * 0.14, top, step * 0.72, up(0) - top, label, f"{number:,}")
        )
        if place % every == 0:
            parts.append(_below(left + step / 2, label))
    return _plot(parts)


def ratings_by_year(rows: Sequence[RatingsOfYear]) -> Markup | None:
    """The median rating of each year, and the span of the middle half; ``None`` without two."""
    if len(rows) < 2:
        return None
    across = _horizontal(rows[0].year, rows[-1].year)
    low, high = min(r.lower_quartile for r in rows), max(r.upper_quartile for r in rows)
    low, high = floor(low * 2) / 2, ceil(high * 2) / 2
    up = _vertical(low, high if high > low else low + 1)
    parts = [_level(mark, f"{mark:.1f}", up) for mark in _marks(low, high)]
    parts += [
        Markup(
            '<line class="span" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"/>'
            '<circle class="dot" cx="{0:.1f}" cy="{3:.1f}" r="3"><title>{4}</title></circle>'
        ).format(
            across(row.year),
            up(row.lower_quartile),
            up(row.upper_quartile),
            up(row.median),
            f"{row.year}: {row.median:.1f}, {row.titles:,} titles",
        )
        for row in rows
    ]
    parts += [_below(across(year), str(year)) for year in _years(rows[0].year, rows[-1].year)]
    return _plot(parts)


def critics_and_users(rows: Sequence[CriticsAndUsers]) -> Markup | None:
    """A dot a title: the users' rating to the right, the metascore upwards; ``None`` without."""
    if not rows:
        return None
    low, high = floor(min(r.rating for r in rows)), ceil(max(r.rating for r in rows))
    across = _horizontal(low, max(high, low + 1))
    bottom = floor(min(r.metascore for r in rows) / 10) * 10
    up = _vertical(min(bottom, 90), 100)
    parts = [_level(mark, f"{mark:.0f}", up) for mark in _marks(min(bottom, 90), 100)]
    parts += [
        Markup(
            '<circle class="dot see-through" cx="{:.1f}" cy="{:.1f}" r="4">'
            "<title>{}</title></circle>"
        ).format(
            across(row.rating),
            up(row.metascore),
            f"{row.title}: users {row.rating:.1f}, critics {row.metascore}",
        )
        for row in rows
    ]
    marks = [low + (max(high, low + 1) - low) * part / 4 for part in range(5)]
    parts += [_below(across(mark), f"{mark:g}") for mark in marks]
    return _plot(parts)


def rating_history(seen: Sequence[RatingObservation]) -> Markup | None:
    """A title's rating over time, in steps; ``None`` without two known ratings."""
    known = [(each.observed_at, each.rating) for each in seen if each.rating is not None]
    if len(known) < 2:
        return None
    return _line([(moment, rating) for moment, rating in known])


def _line(points: Sequence[tuple[datetime, float]]) -> Markup:
    first, last = points[0][0].timestamp(), points[-1][0].timestamp()
    across = _horizontal(first, last if last > first else first + 1)
    low = floor(min(value for _, value in points) * 10 - 1) / 10
    high = ceil(max(value for _, value in points) * 10 + 1) / 10
    up = _vertical(low, high)
    parts = [_level(mark, f"{mark:.2f}".rstrip("0"), up) for mark in _marks(low, high)]
    steps = f"M{across(first):.1f},{up(points[0][1]):.1f}" + "".join(
        f"H{across(moment.timestamp()):.1f}V{up(value):.1f}" for moment, value in points[1:]
    )
    parts.append(Markup('<path class="line" d="{}"/>').format(steps))
    parts += [
        Markup(
            '<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}</title></circle>'
        ).format(across(moment.timestamp()), up(value), f"{moment:%-d %b %Y}: {value:.1f}")
        for moment, value in points
    ]
    parts.append(_below(_LEFT + 34, f"{points[0][0]:%-d %b %Y}"))
    parts.append(_below(_WIDTH - _RIGHT - 36, f"{points[-1][0]:%-d %b %Y}"))
    return _plot(parts)


def _plot(parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" aria-hidden="true" focusable="false">{}</svg>'
    ).format(_WIDTH, _HEIGHT, Markup("").join(parts))


def _level(mark: float, label: str, up: _Scale) -> Markup:
    return Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>'
        '<text class="left" x="{}" y="{:.1f}">{}</text>'
    ).format(_LEFT, _WIDTH - _RIGHT, _LEFT - 8, up(mark) + 4, label, y=up(mark))


def _below(place: float, label: str) -> Markup:
    return Markup('<text class="below" x="{:.1f}" y="{}">{}</text>').format(
        place, _HEIGHT - 8, label
    )


def _horizontal(low: float, high: float) -> _Scale:
    return lambda value: _LEFT + 6 + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT - 12)


def _vertical(low: float, high: float) -> _Scale:
    return lambda value: (
        _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)
    )


def _marks(low: float, high: float) -> list[float]:
    """Round numbers between two, five or so."""
    rough = (high - low) / 4 or 1
    size = next(
        step * 10**power
        for power in range(-3, 12)
        for step in (1, 2, 5)
        if step * 10**power >= rough
    )
    first = ceil(low / size)
    return [round(n * size, 6) for n in range(first, floor(high / size + 1e-9) + 1)]


def _years(first: int, last: int) -> list[int]:
    step = next(size for size in (1, 2, 5, 10, 20, 50) if (last - first) / size <= 8)
    return [*range(ceil(first / step) * step, last + 1, step)]
