"""Dates as far as they are known."""

import re
from dataclasses import dataclass
from datetime import date

from domain.errors import InvalidTitle
from domain.rules import check_integer

FIRST_YEAR = 1874
"""Year of the oldest title that IMDb lists ("Passage de Vénus", 1874)."""

LAST_YEAR = 9999
"""The last year that an ISO 8601 calendar date can name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDate:
    """A release date as far as it is known: a year, a month of it, or a day.

    Raises `InvalidTitle` for a day without a month and for a date that no calendar has.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        shown = (self.year, self.month, self.day)
        if self.year is None or (self.day is not None and self.month is None):
            raise InvalidTitle("release_date", shown, "a day needs a month, a month needs a year")
        check_integer("release_date", self.year, FIRST_YEAR, LAST_YEAR)
        try:
            date(self.year, self.month or 1, self.day or 1)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidTitle("release_date", shown, "is not a date") from error
        if self.month == 0 or self.day == 0:
            raise InvalidTitle("release_date", shown, "is not a date")

    def isoformat(self) -> str:
        """ISO 8601 with as much precision as is known: ``1994``, ``1994-10`` or ``1994-10-14``."""
        parts = [f"{self.year:04d}"]
        parts += [f"{part:02d}" for part in (self.month, self.day) if part is not None]
        return "-".join(parts)

    @classmethod
    def fromisoformat(cls, text: str) -> "ReleaseDate":
        """Read what `isoformat` writes. Raises `InvalidTitle` for anything else."""
        if not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", text, re.ASCII):
            raise InvalidTitle("release_date", text, "must be YYYY, YYYY-MM or YYYY-MM-DD")
        return cls(**dict(zip(("year", "month", "day"), map(int, text.split("-")), strict=False)))
