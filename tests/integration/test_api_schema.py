"""Requests made up from the API's own description: none may fail, or answer what is not in it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
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
        schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
        # What is wrong with a request may be its length, too.
        schema.config.checks.negative_data_rejection.expected_statuses += ["414"]
        yield schema
    drop_database(postgres_server, url)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_does_harm(schema: Any, mode: GenerationMode) -> None:
    left_out = [CHECKS.get_one(name) for name in LEFT_OUT]
    operations = [found.ok() for found in schema.get_all_operations()]
    if mode is GenerationMode.NEGATIVE:  # where there is nothing to get wrong, there is no case
        operations = [each for each in operations if any(each.iter_parameters())]
    assert len(operations) > 9
    for operation in operations:

        @settings(
            max_examples=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            case.call_and_validate(excluded_checks=left_out)

        ask()


def test_the_description_says_what_a_problem_is(schema: Any) -> None:
    document = httpx.get(schema.location).json()
    problem = document["components"]["schemas"]["Problem"]
    assert {"title", "status", "detail", "reason"} <= set(problem["required"])
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
