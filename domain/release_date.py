"""When a title came out, as far as it is known."""

from dataclasses import dataclass
from typing import ClassVar

from domain.partial_date import LAST_YEAR, PartialDate

__all__ = ["FIRST_YEAR", "LAST_YEAR", "ReleaseDate"]

FIRST_YEAR = 1874
"""Year of the oldest title that IMDb lists ("Passage de Vénus", 1874)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDate(PartialDate):
    """A release date as far as it is known: a year from 1874 on, a month of it, or a day.

    Raises `InvalidTitle` as `PartialDate` does, and for an earlier year.
    """

    field: ClassVar[str] = "release_date"
    first_year: ClassVar[int] = FIRST_YEAR
