"""Plots as SVG, made on the server: they need no script, and take their colours from the page.

A plot says what it shows in words, and names its axes; the page has the same figures as a table.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from math import ceil, floor

from markupsafe import Markup

from application.title_statistics import CriticsAndUsers, RatingsOfYear
from domain.history import RankObservation, RatingObservation

_WIDTH, _HEIGHT = 520, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 34, 28

_Scale = Callable[[float], float]


def films_by_decade(values: Sequence[tuple[str, int]]) -> Markup | None:
    """A column for each decade, as high as its number of films; ``None`` without any."""
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
    text = f"{sum(number for _, number in values):,} films from the {values[0][0]} on"
    return _plot("decades", "Films by decade", text, "Films", parts)


def ratings_by_year(rows: Sequence[RatingsOfYear]) -> Markup | None:
    """The median rating of each year, and the span of the middle half; ``None`` without two."""
    if len(rows) < 2:
        return None
    across = _horizontal(rows[0].year, rows[-1].year)
    low, high = min(r.lower_quartile for r in rows), max(r.upper_quartile for r in rows)
    low, high = floor(low * 2) / 2, ceil(high * 2) / 2
    up = _vertical(low, high if high > low else low + 1)
    parts = [_level(mark, f"{mark:.1f}", up) for mark in _marks(low, high)]
    # A page may have 150 years and more: one path is smaller than as many lines.
    spans = "".join(
        f"M{across(row.year):.1f},{up(row.lower_quartile):.1f}V{up(row.upper_quartile):.1f}"
        for row in rows
    )
    parts.append(Markup('<path class="span" d="{}"/>').format(spans))
    parts.append(
        _dots(
            (
                across(row.year),
                up(row.median),
                f"{row.year}: {row.median:.1f}, {row.titles:,} titles",
            )
            for row in rows
        )
    )
    parts += [_below(across(year), str(year)) for year in _years(rows[0].year, rows[-1].year)]
    text = f"Median ratings of the titles of {rows[0].year} to {rows[-1].year}"
    return _plot("ratings", "Ratings by year", text, "Rating (0 to 10)", parts)


def critics_and_users(rows: Sequence[CriticsAndUsers]) -> Markup | None:
    """A dot a title: the users' rating to the right, the metascore upwards; ``None`` without."""
    if not rows:
        return None
    low, high = floor(min(r.rating for r in rows)), ceil(max(r.rating for r in rows))
    across = _horizontal(low, max(high, low + 1))
    bottom = floor(min(r.metascore for r in rows) / 10) * 10
    up = _vertical(min(bottom, 90), 100)
    parts = [_level(mark, f"{mark:.0f}", up) for mark in _marks(min(bottom, 90), 100)]
    dots = _dots(
        (
            across(row.rating),
            up(row.metascore),
            f"{row.title}: users {row.rating:.1f}, critics {row.metascore}",
        )
        for row in rows
    )
    parts.append(Markup('<g class="see-through">{}</g>').format(dots))
    marks = [low + (max(high, low + 1) - low) * part / 4 for part in range(5)]
    parts += [_below(across(mark), f"{mark:.2f}".removesuffix("0")) for mark in marks[:3]]
    # The name of the axis has the place of the last two.
    parts.append(_below_right("Rating by users"))
    text = f"{len(rows)} titles, each by its rating by users and its metascore"
    return _plot("critics", "Critics against users", text, "Metascore (0 to 100)", parts)


def rating_history(seen: Sequence[RatingObservation]) -> Markup | None:
    """A title's rating over time, in steps; ``None`` without two known ratings."""
    known = [(each.observed_at, each.rating) for each in seen if each.rating is not None]
    if len(known) < 2:
        return None
    low = floor(min(rating for _, rating in known) * 10 - 1) / 10
    high = ceil(max(rating for _, rating in known) * 10 + 1) / 10
    up = _vertical(low, high)
    parts = [_level(mark, _short(mark, high - low), up) for mark in _marks(low, high)]
    parts += _steps(known, up, "{:.1f}")
    text = f"From {known[0][1]:.1f} to {known[-1][1]:.1f}"
    return _plot("rating", "Rating over time", text, "Rating (0 to 10)", parts)


def rank_history(name: str, seen: Sequence[RankObservation]) -> Markup | None:
    """A title's rank in one chart over time, the first at the top; ``None`` without two.

    ``name`` is what the chart is called, and the ids in the picture have the chart's own.
    """
    if len(seen) < 2:
        return None
    best, worst = min(each.rank for each in seen), max(each.rank for each in seen)
    low, high = max(best - 1, 1), max(worst + 1, 4)
    down = _vertical(high, low)
    parts = [
        _level(mark, f"{mark:.0f}", down) for mark in _marks(low, high) if mark == int(mark) >= 1
    ]
    parts += _steps([(each.captured_at, each.rank) for each in seen], down, "{:.0f}")
    text = f"From rank {seen[0].rank} to rank {seen[-1].rank}; the best was {best}"
    return _plot(f"rank-{seen[0].chart}", f"Rank in {name} over time", text, "Rank", parts)


def _steps(points: Sequence[tuple[datetime, float]], up: _Scale, words: str) -> list[Markup]:
    """A line that stays until the next point, a dot for each point, and the first and last day."""
    first, last = points[0][0].timestamp(), points[-1][0].timestamp()
    across = _horizontal(first, last if last > first else first + 1)
    steps = f"M{across(first):.1f},{up(points[0][1]):.1f}" + "".join(
        f"H{across(moment.timestamp()):.1f}V{up(value):.1f}" for moment, value in points[1:]
    )
    dots = _dots(
        (across(at.timestamp()), up(value), f"{at:%-d %b %Y}: {words.format(value)}")
        for at, value in points
    )
    return [
        Markup('<path class="line" d="{}"/>').format(steps),
        dots,
        Markup('<text x="{}" y="{}">{}</text>').format(
            _LEFT, _HEIGHT - 8, f"{points[0][0]:%-d %b %Y}"
        ),
        _below_right(f"{points[-1][0]:%-d %b %Y}"),
    ]


def _dots(points: Iterable[tuple[float, float, str]]) -> Markup:
    """A dot for each point: its place, and what is said where it is pointed at."""
    circle = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}</title></circle>')
    return Markup("").join(circle.format(*point) for point in points)


def _plot(name: str, title: str, text: str, unit: str, parts: Sequence[Markup]) -> Markup:
    """The whole picture; ``unit`` is what is measured upwards, ``text`` what is seen, in words."""
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" focusable="false" '
        'aria-labelledby="{n}-title {n}-text"><title id="{n}-title">{}</title>'
        '<desc id="{n}-text">{}</desc><text class="unit" x="0" y="14">{}</text>{}</svg>'
    ).format(_WIDTH, _HEIGHT, title, text, unit, Markup("").join(parts), n=name)


def _level(mark: float, label: str, up: _Scale) -> Markup:
    return Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>'
        '<text class="left" x="{}" y="{:.1f}">{}</text>'
    ).format(_LEFT, _WIDTH - _RIGHT, _LEFT - 8, up(mark) + 4, label, y=up(mark))


def _below(place: float, label: str) -> Markup:
    return Markup('<text class="below" x="{:.1f}" y="{}">{}</text>').format(
        place, _HEIGHT - 8, label
    )


def _below_right(label: str) -> Markup:
    """A label at the right end, below the plot."""
    return Markup('<text class="end" x="{}" y="{}">{}</text>').format(
        _WIDTH - _RIGHT, _HEIGHT - 8, label
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


def _short(mark: float, span: float) -> str:
    """A number with as many digits as its neighbours need to differ."""
    return f"{mark:.2f}" if span < 0.4 else f"{mark:.1f}"


def _years(first: int, last: int) -> list[int]:
    step = next(size for size in (1, 2, 5, 10, 20, 50) if (last - first) / size <= 8)
    return [*range(ceil(first / step) * step, last + 1, step)]
