"""The movement of ranks as a picture: a line a title, which rises and falls with its rank.

The lines are stretched to whatever width there is; the names stand beside them as text of the page,
so that they can be read on a phone, and are links.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from markupsafe import Markup

from application.chart_movement import RankPath
from domain.history import Snapshot

TELLING_PLACES = 3
"""A title that is fewer places away from where it was is not shown in colour."""

_WIDTH, _ROW, _EDGE = 1000, 40, 14


@dataclass(frozen=True, slots=True)
class RankPlot:
    """The picture, and what stands beside it and in its place.

    ``named`` has the titles at the right end of the lines, in the order of their ranks; ``paths``
    are all that are drawn, with a rank for each of the ``moments``.
    """

    picture: Markup
    named: tuple[RankPath, ...]
    paths: tuple[RankPath, ...]
    moments: tuple[datetime, ...]
    depth: int


def rank_plot(
    snapshots: Sequence[Snapshot], paths: Sequence[RankPath], depth: int
) -> RankPlot | None:
    """The first ``depth`` ranks over these snapshots (the oldest first); ``None`` without two."""
    if len(snapshots) < 2:
        return None
    depth = min(depth, max(len(each.chart.entries) for each in snapshots))
    moments = tuple(each.chart.captured_at for each in snapshots)
    places = _places(moments)
    parts = [
        Markup('<line class="grid" x1="0" x2="{}" y1="{y}" y2="{y}"/>').format(
            _WIDTH, y=rank * _ROW - _ROW // 2
        )
        for rank in range(1, depth + 1)
    ]
    # Those that are still there are drawn last, over the others.
    parts += [_drawn(path, places, depth) for path in reversed(paths)]
    named = tuple(path for path in paths if path.last is not None and path.last <= depth)
    picture = Markup(
        '<svg class="bump" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-labelledby="bump-title bump-text"><title id="bump-title">{}</title>'
        '<desc id="bump-text">{}</desc>{}</svg>'
    ).format(
        _WIDTH,
        depth * _ROW,
        f"The first {depth} ranks from {moments[0]:%-d %B %Y} to {moments[-1]:%-d %B %Y}",
        "A line for each title, the first rank at the top. The table below has the same ranks.",
        Markup("").join(parts),
    )
    return RankPlot(picture, named, tuple(paths), moments, depth)


def movement(path: RankPath) -> str:
    """What became of a title between the ends: ``up``, ``down``, ``same``, ``new`` or ``left``.

    To rise and to fall is to do so by `TELLING_PLACES`: in colour, each small step would be noise.
    """
    if path.last is None:
        return "left"
    if path.first is None:
        return "new"
    if abs(path.first - path.last) < TELLING_PLACES:
        return "same"
    return "up" if path.last < path.first else "down"


def _places(moments: Sequence[datetime]) -> list[float]:
    """How far to the right each moment is, as time goes."""
    first, last = moments[0].timestamp(), moments[-1].timestamp()
    span = last - first or 1
    return [
        _EDGE + (moment.timestamp() - first) / span * (_WIDTH - 2 * _EDGE) for moment in moments
    ]


def _drawn(path: RankPath, places: Sequence[float], depth: int) -> Markup:
    """A line where the rank is among the first; it comes from below, and goes there."""
    points = [
        (x, (min(rank or depth + 1, depth + 1) - 0.5) * _ROW)
        for x, rank in zip(places, path.ranks, strict=True)
    ]
    bottom = depth * _ROW
    line = ""
    for (x, y), (next_x, next_y) in pairwise(points):
        if min(y, next_y) > bottom:
            continue
        middle = (x + next_x) / 2
        line += f"M{x:.0f} {y:.0f}C{middle:.0f} {y:.0f} {middle:.0f} {next_y:.0f} {next_x:.0f} "
        line += f"{next_y:.0f}"
    dots = "".join(f"M{x:.0f} {y:.0f}h0" for x, y in points if y < bottom)
    is_named = path.last is not None and path.last <= depth
    kind = f"{movement(path)} at-{path.last}" if is_named else "gone"
    return Markup('<g class="{}"><path class="way" d="{}"/><path class="dots" d="{}"/></g>').format(
        kind, line, dots
    )
