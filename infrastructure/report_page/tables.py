"""The tables of the report, as texts: what is unknown is a dash."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

UNKNOWN = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text; ``imdb_id`` is of the title or person that it names."""

    text: str
    imdb_id: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its heading, what it shows of a row, and whether that is a number."""

    heading: str
    cell: Callable[[Any], Cell | str]
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; the first cell of a row is its heading."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def table(caption: str, columns: Sequence[Column], rows: Iterable[Any]) -> Table:
    """Make a table of rows."""
    shown = tuple(tuple(_cell(column.cell(row)) for column in columns) for row in rows)
    return Table(caption, tuple(columns), shown)


def number(value: int | None) -> str:
    """A count, with commas between thousands."""
    return UNKNOWN if value is None else f"{value:,}"


def rounded(value: float | None, digits: int = 1) -> str:
    """A number with some digits after the point."""
    return UNKNOWN if value is None else f"{value:,.{digits}f}"


def year(value: int | None) -> str:
    """A year."""
    return UNKNOWN if value is None else str(value)


def years(first: int | None, last: int | None) -> str:
    """From one year to another."""
    return year(first) if first == last else f"{year(first)}\N{EN DASH}{year(last)}"


def decade(value: int) -> str:
    """A decade by its first year."""
    return f"{value}s"


KINDS = {
    "movie": "films",
    "tvSeries": "series",
    "tvMiniSeries": "mini series",
    "tvEpisode": "episodes",
    "tvMovie": "TV films",
    "tvSpecial": "TV specials",
    "tvShort": "TV shorts",
    "short": "shorts",
    "video": "videos",
    "videoGame": "video games",
    "musicVideo": "music videos",
    "podcastSeries": "podcasts",
    "podcastEpisode": "podcast episodes",
}
"""What titles of a kind are called, by the kind; a test has them all."""


def _cell(shown: Cell | str) -> Cell:
    return shown if isinstance(shown, Cell) else Cell(shown)
