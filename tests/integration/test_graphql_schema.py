"""Our queries are such as IMDb's API takes: valid for its schema as of November 2025.

The whole schema is in the folder ``../shared`` beside the project, or where ``IMDB_SHARED`` points.
What our queries touch of it is part of the project; the demo site executes them on it.
"""

from collections.abc import Sequence

import pytest
from graphql import GraphQLError, build_schema, parse, validate

from domain.chart import ChartName
from domain.details import DetailName
from infrastructure.scrapers.imdb_graphql.detail_queries import titles_query
from infrastructure.scrapers.imdb_graphql.source import CHART_TYPES
from tests.graphql_types import QUERIES, SCHEMA, TYPES, whole_schema, written

needs_schema = pytest.mark.skipif(
    not SCHEMA.is_file(), reason="no schema of the API: set IMDB_SHARED to the folder that has it"
)


def errors_of(query: str, schema: str) -> Sequence[GraphQLError]:
    return validate(build_schema(schema), parse(query))


def own_types() -> str:
    return TYPES.read_text(encoding="utf-8")


def test_there_are_queries() -> None:
    in_files = {name for name in QUERIES if " " not in name}
    assert in_files >= {"chart", "discover", "list", "people", "search", "titles"}
    assert len(QUERIES) == len(in_files) + 2 * len(DetailName) + 1


def test_without_details_the_query_is_that_of_the_file() -> None:
    assert titles_query(QUERIES["titles"], ()) == QUERIES["titles"]


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_valid_for_the_types_that_come_with_the_project(name: str) -> None:
    assert errors_of(QUERIES[name], own_types()) == []


@needs_schema
def test_every_query_is_valid_for_the_whole_schema() -> None:
    schema = build_schema(whole_schema())
    assert {name: validate(schema, parse(query)) for name, query in QUERIES.items()} == {
        name: [] for name in QUERIES
    }


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
    assert errors_of(QUERIES["titles"].replace(right, wrong), own_types())


@needs_schema
def test_the_types_are_what_our_queries_touch_of_the_whole_schema() -> None:
    """Else: python -m tests.graphql_types."""
    assert TYPES.read_text(encoding="utf-8") == written()


def test_every_chart_that_the_api_has_is_one_of_ours() -> None:
    types = build_schema(TYPES.read_text(encoding="utf-8")).type_map["ChartTitleType"]
    assert set(CHART_TYPES) == set(ChartName) - {ChartName.BOX_OFFICE}
    assert set(CHART_TYPES.values()) == set(types.values)
    assert len(set(CHART_TYPES.values())) == len(CHART_TYPES)
