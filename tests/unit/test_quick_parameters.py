"""What is read without the model means what the model says."""

from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from infrastructure.web.titles import TitleParameters, parameters_quickly

LISTS = ("kind", "genre")

VALUES = st.sampled_from(
    ["", "0", "1", "7.5", "07", "10", "10.0", "10.1", "11", "100", "101", "200", "201", "1873",
     "1874", "9999", "10000", "999999999", "2147483647", "2147483648", "-1", "+5", " 5", "5 ",
     "1_000", "1e3", "٣", "²", "nan", "inf", "movie", "tvEpisode", "Movie", "Drama", "nm0000151",
     "nm1", "nm0000151\n", "votes", "title", "year", "asc", "desc", "ASC", "the god", "é",
     "x" * 100, "x" * 101, "x" * 300, "x" * 301, "x" * 4001]
)  # fmt: skip
NAMES = st.sampled_from([*TitleParameters.model_fields, "page", ""])


def model_of(query: str) -> TitleParameters | None:
    """What the model makes of a query, or ``None`` when it refuses it."""
    given_values: dict[str, Any] = parse_qs(query, keep_blank_values=True)
    for name, values in given_values.items():
        if name not in LISTS:
            given_values[name] = values[-1]
    try:
        return TitleParameters.model_validate(given_values)
    except ValidationError:
        return None


@given(st.lists(st.tuples(NAMES, VALUES), max_size=4))
def test_what_is_read_quickly_is_what_the_model_reads(pairs: list[tuple[str, str]]) -> None:
    query = urlencode(pairs)

    read = parameters_quickly(query.encode())

    if read is not None:
        assert read == model_of(query)
        assert read.model_dump() == TitleParameters.model_validate(read.model_dump()).model_dump()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=the+god&sort=rating",
        "kind=movie&kind=short&genre=Drama&genre=War&limit=200",
        "year_min=1990&year_max=1999&rating_min=7.5&rating_max=10&votes_min=0&votes_max=5",
        "metascore_min=0&metascore_max=100&runtime_min=1&runtime_max=90&person=nm0000151",
        "sort=title&order=asc&after=WyJ0aXRsZSIsImEiLCJ0dDAwMDAwMDEiXQ",
    ],
)
def test_what_is_plainly_right_is_read_quickly(query: str) -> None:
    assert parameters_quickly(query.encode()) == model_of(query)


@pytest.mark.parametrize("query", ["page=2", "sort=votes&sort=title", "limit=201", "kind=film"])
def test_what_is_not_is_left_to_the_model(query: str) -> None:
    assert parameters_quickly(query.encode()) is None
