"""The parameters of requests, each with its limits; one that a route does not know is refused."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from domain.chart import ChartName
from domain.errors import InvalidFilter

_LARGEST_PAGE = 200
_LONGEST_TEXT = 300
_LARGEST_NUMBER = 2**31 - 1

TitleIdParameter = Annotated[
    str,
    Path(
        pattern=r"^tt[0-9]{7,15}$",
        description="The title's id.",
        examples=["tt0111161"],
    ),
]
PersonIdParameter = Annotated[
    str,
    Path(pattern=r"^nm[0-9]{7,15}$", description="The person's id.", examples=["nm0000151"]),
]
ChartParameter = Annotated[ChartName, Path(description="The chart.", examples=["top"])]
RunIdParameter = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9-]{1,100}$",
        description="The run's id.",
        examples=["20261122T081500Z-1a2b3c4d"],
    ),
]

Count = Annotated[int | None, Field(ge=0, le=_LARGEST_NUMBER)]
Rating = Annotated[float | None, Field(ge=0, le=10, allow_inf_nan=False)]
Metascore = Annotated[int | None, Field(ge=0, le=100)]
Minutes = Annotated[int | None, Field(ge=1, le=_LARGEST_NUMBER)]
Year = Annotated[int | None, Field(ge=1874, le=9999)]
Words = Annotated[
    str | None,
    Field(min_length=1, max_length=_LONGEST_TEXT, description="Words; the last may be a part."),
]
Limit = Annotated[int, Field(ge=1, le=_LARGEST_PAGE, description="At most so many.")]
Cursor = Annotated[
    str | None,
    Field(max_length=4000, description="`next` of the page before; the rest must be the same."),
]
RunName = Annotated[str | None, Field(pattern=r"^[A-Za-z0-9-]{1,100}$", description="A run's id.")]


class Parameters(BaseModel):
    """The parameters of a route; those that it does not name are refused."""

    model_config = ConfigDict(extra="forbid")


class NoParameters(Parameters):
    """There are none."""


Nothing = Annotated[NoParameters, Query()]
"""For routes without parameters: they refuse all."""


def last_moment(text: str) -> datetime:
    """The end of a day in UTC, or the moment that a text names (in UTC unless it says otherwise).

    Raises `InvalidFilter` for anything else.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        if len(text) <= len("2026-01-31") and moment.time() == time():
            moment += timedelta(days=1, microseconds=-1)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidFilter(
            ["must be a date such as 2026-01-31, or a moment (ISO 8601)"]
        ) from error


Day = Annotated[
    str | None,
    Field(
        min_length=8,
        max_length=40,
        description="A date (its end, in UTC), or a moment (ISO 8601).",
        examples=["2026-01-31"],
    ),
]
