"""Requests made up from the API's own description: none may fail, or answer what is not in it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks

from shared.config import Settings
from tests.api import api_client
from tests.integration.test_api import fill

load_all_checks()

LEFT_OUT = (
    # What a schema cannot say: a range whose ends are the wrong way round, words without a letter.
    "positive_data_acceptance",
)


@pytest.fixture(scope="module")
def schema(postgres_server: str) -> Iterator[Any]:
    from tests.databases import drop_database, new_database

    url = new_database(postgres_server)
    fill(url)
    with api_client(url, Settings(api_requests_per_minute=0)) as client:
        yield schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    drop_database(postgres_server, url)


described = schemathesis.pytest.from_fixture("schema")


@described.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_does_harm(case: Any) -> None:
    left_out = [CHECKS.get_one(name) for name in LEFT_OUT]
    case.call_and_validate(excluded_checks=left_out)


def test_the_description_says_what_a_problem_is(schema: Any) -> None:
    document = httpx.get(schema.location).json()
    problem = document["components"]["schemas"]["Problem"]
    assert {"title", "status", "detail", "reason"} <= set(problem["required"])
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
