"""The plots of the report, as figures of Plotly without colours: those come from the page.

Texts that a plot shows are escaped: Plotly reads some HTML in them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from application.title_statistics import (
    BestOfYear,
    Collaboration,
    CriticsAndUsers,
    RatingsOfYear,
    RuntimesOfDecade,
    TitlesOfDecade,
    TitlesOfGenre,
)
from infrastructure.report_page.tables import KINDS, decade, rounded

_KINDS_SHOWN = 3
"""Kinds that are shown at first; the others a click on the legend shows."""

_NAMED = 3
_BAR_PIXELS = 26
_FEW = 10
_LONGEST_LABEL = 34


def titles_by_decade(rows: Sequence[TitlesOfDecade]) -> go.Figure:
    """Bars of titles, one on top of the other by kind."""
    figure = _figure()
    for kind, of_kind in _by_kind(rows, lambda row: row.titles):
        figure.add_bar(
            name=KINDS[kind],
            x=[decade(row.decade) for row in of_kind],
            y=[row.titles for row in of_kind],
            customdata=[rounded(row.mean_rating, 2) for row in of_kind],
            hovertemplate="%{x}: %{y:,} " + KINDS[kind] + "<br>mean rating %{customdata}"
            "<extra></extra>",
        )
    decades = [decade(first) for first in sorted({row.decade for row in rows})]
    figure.update_layout(barmode="stack")
    figure.update_xaxes(categoryorder="array", categoryarray=decades)
    return _titled(figure, "decade", "titles")


def runtimes_by_decade(rows: Sequence[RuntimesOfDecade]) -> go.Figure:
    """A box for each decade and kind: the middle half, with the shortest and the longest."""
    figure = _figure()
    for place, (kind, of_kind) in enumerate(_by_kind(rows, lambda row: row.titles)):
        figure.add_box(
            name=KINDS[kind],
            x=[decade(row.decade) for row in of_kind],
            lowerfence=[row.shortest for row in of_kind],
            q1=[row.lower_quartile for row in of_kind],
            median=[row.median for row in of_kind],
            q3=[row.upper_quartile for row in of_kind],
            upperfence=[row.longest for row in of_kind],
            visible=True if place < _KINDS_SHOWN else "legendonly",
        )
    decades = [decade(first) for first in sorted({row.decade for row in rows})]
    figure.update_layout(boxmode="group")
    figure.update_xaxes(categoryorder="array", categoryarray=decades)
    return _titled(figure, "decade", "minutes")


def ratings_by_year(rows: Sequence[RatingsOfYear]) -> go.Figure:
    """The median with the band of the middle half, and the lowest and the highest as points."""
    years = [row.year for row in rows]
    figure = _figure()
    # One colour for all three: the page knows it by its name.
    band = {
        "x": years,
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "meta": {"colour": "--c1"},
    }
    figure.add_scatter(y=[row.lower_quartile for row in rows], showlegend=False, **band)
    figure.add_scatter(
        y=[row.upper_quartile for row in rows], name="middle half", fill="tonexty", **band
    )
    for name, colour, values in (
        ("highest", "--c3", [row.highest for row in rows]),
        ("lowest", "--c2", [row.lowest for row in rows]),
    ):
        figure.add_scatter(
            x=years,
            y=values,
            name=name,
            mode="markers",
            marker={"size": 4, "opacity": 0.8},
            hoverinfo="skip",
            meta={"colour": colour},
        )
    figure.add_scatter(
        x=years,
        y=[row.median for row in rows],
        name="median",
        mode="lines+markers",
        meta={"colour": "--c1"},
        customdata=[[row.lowest, row.highest, row.titles] for row in rows],
        hovertemplate="%{x}: median %{y:.2f}<br>from %{customdata[0]} to %{customdata[1]}"
        "<br>%{customdata[2]:,} titles<extra></extra>",
    )
    return _titled(figure, "year", "rating")


def critics_and_users(rows: Iterable[CriticsAndUsers]) -> go.Figure:
    """A point for each pair of rating and metascore, as large as there are many titles of it."""
    cells: defaultdict[tuple[float, int], list[str]] = defaultdict(list)
    counts: defaultdict[tuple[float, int], int] = defaultdict(int)
    for row in rows:
        place = row.rating, row.metascore
        counts[place] += 1
        if len(cells[place]) < _NAMED:
            cells[place].append(_titled_year(row.title, row.year))
    figure = _figure()
    figure.add_scatter(
        name="titles",
        x=[rating for rating, _ in cells],
        y=[metascore for _, metascore in cells],
        mode="markers",
        marker={"size": [min(6 + 2 * counts[place], 24) for place in cells], "opacity": 0.65},
        customdata=[_listed(names, counts[place]) for place, names in cells.items()],
        hovertemplate="%{customdata}<br>users %{x}, critics %{y}<extra></extra>",
    )
    ratings = [rating for rating, _ in cells]
    ends = [min(ratings), max(ratings)]
    figure.add_scatter(
        name="critics and users agree",
        x=ends,
        y=[10 * end for end in ends],
        mode="lines",
        line={"dash": "dot"},
        hoverinfo="skip",
    )
    return _titled(figure, "rating of the users", "metascore of the critics")


def best_by_year(rows: Sequence[BestOfYear]) -> go.Figure:
    """A point for each year and kind."""
    figure = _figure()
    for place, (kind, of_kind) in enumerate(_by_kind(rows, lambda row: 1)):
        figure.add_scatter(
            name=KINDS[kind],
            x=[row.year for row in of_kind],
            y=[row.rating for row in of_kind],
            mode="markers",
            marker={"size": 8},
            customdata=[[_shortened(row.title), row.votes] for row in of_kind],
            hovertemplate="%{x}: %{customdata[0]}<br>%{y}, %{customdata[1]:,} votes<extra></extra>",
            visible=True if place < _KINDS_SHOWN else "legendonly",
        )
    return _titled(figure, "year", "rating")


def titles_by_genre(rows: Sequence[TitlesOfGenre]) -> go.Figure:
    """A bar for each genre."""
    return _bars(
        [row.genre for row in rows],
        [row.titles for row in rows],
        [f"mean rating {rounded(row.mean_rating, 2)}" for row in rows],
    )


def collaborators(rows: Sequence[Collaboration]) -> go.Figure:
    """A bar for each two people."""
    return _bars(
        [f"{row.first_name} and {row.second_name}" for row in rows],
        [row.titles for row in rows],
        [f"mean rating {rounded(row.mean_rating, 2)}" for row in rows],
    )


def _bars(labels: Sequence[str], values: Sequence[int], remarks: Sequence[str]) -> go.Figure:
    """Bars from left to right, the first on top."""
    places = list(range(len(labels)))
    figure = _figure()
    figure.add_bar(
        orientation="h",
        y=places,
        x=values,
        customdata=list(zip(map(escape, labels), remarks, strict=True)),
        hovertemplate="%{customdata[0]}: %{x:,}<br>%{customdata[1]}<extra></extra>",
    )
    # Two bars may have one label, so the labels stand at places.
    ticks = [_shortened(label) for label in labels]
    figure.update_yaxes(
        tickmode="array", tickvals=places, ticktext=ticks, autorange="reversed", showgrid=False
    )
    # No half titles.
    figure.update_xaxes(dtick=1 if max(values) <= _FEW else None)
    figure.update_layout(height=90 + _BAR_PIXELS * len(labels), showlegend=False)
    return _titled(figure, "titles", None)


def _figure() -> go.Figure:
    return go.Figure(layout={"template": None})


def _by_kind(rows: Iterable[Any], weight: Any) -> list[tuple[str, list[Any]]]:
    """The rows of each kind, the kind first that weighs most."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.kind].append(row)
    return sorted(found.items(), key=lambda pair: -sum(weight(row) for row in pair[1]))


def _titled(figure: go.Figure, x: str | None, y: str | None) -> go.Figure:
    figure.update_xaxes(title_text=x)
    figure.update_yaxes(title_text=y)
    return figure


def _titled_year(title: str, year: int | None) -> str:
    return _shortened(title) + (f" ({year})" if year is not None else "")


def _shortened(text: str) -> str:
    cut = (
        text
        if len(text) <= _LONGEST_LABEL
        else text[: _LONGEST_LABEL - 1] + "\N{HORIZONTAL ELLIPSIS}"
    )
    return escape(cut)


def _listed(names: Sequence[str], count: int) -> str:
    more = f"<br>and {count - len(names):,} more" if count > len(names) else ""
    return "<br>".join(names) + more
