"""Figures of everything that is held, small enough for one page however much that is."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.title_statistics import (
    CriticsAndUsers,
    RatingsOfYear,
    TitlesOfDecade,
    TitlesOfGenre,
)
from domain.run import StoreCounts

MOST_COMPARED = 250
"""Of so many titles critics and users are compared: those with the most votes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFigures:
    """How much is held, and figures as `TitleStatistics` has them, in its orders.

    ``critics_and_users`` is of the `MOST_COMPARED` titles with the most votes only.
    """

    counts: StoreCounts
    ratings_by_year: Sequence[RatingsOfYear]
    titles_by_decade: Sequence[TitlesOfDecade]
    titles_by_genre: Sequence[TitlesOfGenre]
    critics_and_users: Sequence[CriticsAndUsers]
