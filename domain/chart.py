"""IMDb's charts: ordered lists of titles."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import InvalidTitle
from domain.identifiers import TitleId, title_id


class ChartName(StrEnum):
    """The charts by the last part of their address, ``/chart/<name>/`` or ``/india/<name>/``."""

    TOP = "top"
    TOP_TV = "toptv"
    MOVIEMETER = "moviemeter"
    TVMETER = "tvmeter"
    BOTTOM = "bottom"
    BOX_OFFICE = "boxoffice"
    TOP_ENGLISH = "top-english-movies"
    TOP_INDIAN = "top-rated-indian-movies"
    TOP_MALAYALAM = "top-rated-malayalam-movies"
    TOP_TAMIL = "top-rated-tamil-movies"
    TOP_TELUGU = "top-rated-telugu-movies"

    @property
    def description(self) -> str:
        """What it is, in a few words."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    ChartName.TOP: "the 250 best films",
    ChartName.TOP_TV: "the 250 best series",
    ChartName.MOVIEMETER: "the 100 most popular films now",
    ChartName.TVMETER: "the 100 most popular series now",
    ChartName.BOTTOM: "the 100 worst films",
    ChartName.BOX_OFFICE: "the highest takings of the last weekend in the United States and Canada",
    ChartName.TOP_ENGLISH: "the 250 best films in English",
    ChartName.TOP_INDIAN: "the 250 best Indian films",
    ChartName.TOP_MALAYALAM: "the best films in Malayalam",
    ChartName.TOP_TAMIL: "the best films in Tamil",
    ChartName.TOP_TELUGU: "the best films in Telugu",
}

INDIAN_CHARTS = frozenset(
    {
        ChartName.TOP_INDIAN,
        ChartName.TOP_MALAYALAM,
        ChartName.TOP_TAMIL,
        ChartName.TOP_TELUGU,
    }
)
"""The charts of the site's section on India."""


@dataclass(frozen=True, slots=True)
class ChartEntry:
    """A title's rank in a chart, from 1 on."""

    rank: int
    title_id: TitleId

    def __post_init__(self) -> None:
        if not isinstance(self.rank, int) or isinstance(self.rank, bool) or self.rank < 1:
            raise InvalidTitle("rank", self.rank, "must be a whole number from 1 on")
        title_id(self.title_id)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as it stood at ``captured_at`` (with a time zone), its entries in chart order.

    Raises `InvalidTitle` when a rank or a title stands in it twice.
    """

    name: ChartName
    entries: tuple[ChartEntry, ...]
    captured_at: datetime

    def __post_init__(self) -> None:
        if self.captured_at.utcoffset() is None:
            raise InvalidTitle("captured_at", self.captured_at, "must have a time zone")
        for field in ("rank", "title_id"):
            values = [getattr(entry, field) for entry in self.entries]
            if len(set(values)) != len(values):
                raise InvalidTitle("chart", self.name.value, f"has the same {field} twice")

    def first(self, limit: int) -> "Chart":
        """The same chart, cut after its first ``limit`` entries."""
        return Chart(self.name, self.entries[:limit], self.captured_at)
