"""Dates of which the day, or the month and the day, may be unknown."""

import re
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Self

from domain.errors import InvalidTitle
from domain.rules import check_integer

LAST_YEAR = 9999
"""The last year that an ISO 8601 calendar date can name."""

_A_LEAP_YEAR = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialDate:
    """A date as far as it is known: a year, a month of it, or a day.

    A negative year is one before our era, as historians count: -496 is 496 BCE, and there is no
    year 0. Raises `InvalidTitle` for a day without a month and for a date that no calendar has.
    """

    field: ClassVar[str] = "date"
    """What an error calls it."""
    first_year: ClassVar[int] = -LAST_YEAR

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        shown = (self.year, self.month, self.day)
        if self.year is None or (self.day is not None and self.month is None):
            raise InvalidTitle(self.field, shown, "a day needs a month, a month needs a year")
        check_integer(self.field, self.year, self.first_year, LAST_YEAR)
        # What calendar an old date is of is not said: before our era any year may be a leap year.
        year = self.year if self.year > 0 else _A_LEAP_YEAR
        try:
            date(year, self.month or 1, self.day or 1)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidTitle(self.field, shown, "is not a date") from error
        if 0 in shown:
            raise InvalidTitle(self.field, shown, "is not a date")

    def isoformat(self) -> str:
        """ISO 8601 with as much precision as is known: ``1994``, ``1994-10`` or ``1994-10-14``.

        A year before our era is written with its sign: ``-0496``.
        """
        parts = [f"{'-' if self.year < 0 else ''}{abs(self.year):04d}"]
        parts += [f"{part:02d}" for part in (self.month, self.day) if part is not None]
        return "-".join(parts)

    @classmethod
    def fromisoformat(cls, text: str) -> Self:
        """Read what `isoformat` writes. Raises `InvalidTitle` for anything else."""
        match = re.fullmatch(r"(-?\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", text, re.ASCII)
        if match is None:
            raise InvalidTitle(cls.field, text, "must be YYYY, YYYY-MM or YYYY-MM-DD")
        month, day = (None if part is None else int(part) for part in match.group(2, 3))
        return cls(year=int(match[1]), month=month, day=day)
