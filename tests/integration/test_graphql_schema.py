"""Our queries are such as IMDb's API takes: valid for its schema as of November 2025.

The whole schema is in the folder ``../shared`` beside the project, or where ``IMDB_SHARED`` points.
What our queries touch of it is part of the project; the demo site executes them on it.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest
from graphql import GraphQLError, build_schema, parse, validate

from domain.chart import ChartName
from infrastructure.scrapers.imdb_graphql.source import CHART_TYPES
from tests.graphql_types import QUERIES, SCHEMA, TYPES, whole_schema, written

needs_schema = pytest.mark.skipif(
    not SCHEMA.is_file(), reason="no schema of the API: set IMDB_SHARED to the folder that has it"
)


def errors_of(query: str, schema: str) -> Sequence[GraphQLError]:
    return validate(build_schema(schema), parse(query))


def own_types() -> str:
    return TYPES.read_text(encoding="utf-8")


def query_named(name: str) -> str:
    return next(path for path in QUERIES if path.stem == name).read_text(encoding="utf-8")


def test_there_are_queries() -> None:
    assert {path.stem for path in QUERIES} >= {"chart", "discover", "list", "search", "titles"}


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.name)
def test_a_query_is_valid_for_the_types_that_come_with_the_project(path: Path) -> None:
    assert errors_of(path.read_text(encoding="utf-8"), own_types()) == []


@needs_schema
@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.name)
def test_a_query_is_valid_for_the_whole_schema(path: Path) -> None:
    assert errors_of(path.read_text(encoding="utf-8"), whole_schema()) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("voteCount", "voteCounts"),
        ("principalCreditsV2", "principalCreditsV3"),
        ("limit: 18", "first: 18"),
        ('mode: "TOP_CAST"', 'kind: "TOP_CAST"'),
        ("[ID!]!", "[Int!]!"),
    ],
)
def test_a_query_with_a_mistake_in_it_is_not(right: str, wrong: str) -> None:
    assert errors_of(query_named("titles").replace(right, wrong), own_types())


@needs_schema
def test_the_types_are_what_our_queries_touch_of_the_whole_schema() -> None:
    """Else: python -m tests.graphql_types."""
    assert TYPES.read_text(encoding="utf-8") == written()


def test_every_chart_that_the_api_has_is_one_of_ours() -> None:
    types = build_schema(TYPES.read_text(encoding="utf-8")).type_map["ChartTitleType"]
    assert set(CHART_TYPES) == set(ChartName) - {ChartName.BOX_OFFICE}
    assert set(CHART_TYPES.values()) == set(types.values)
    assert len(set(CHART_TYPES.values())) == len(CHART_TYPES)
