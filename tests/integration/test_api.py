"""The HTTP API on a real database: health, errors, access."""

from collections.abc import Iterator

import httpx
import pytest

from tests.api import api_client

PROBLEM = "application/problem+json"


@pytest.fixture
def client(postgres_url: str) -> Iterator[httpx.Client]:
    with api_client(postgres_url) as client:
        yield client


def test_it_lives_and_is_ready(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [("GET", "/nowhere", 404, "not_found"), ("POST", "/healthz", 405, "method_not_allowed")],
)
def test_an_error_is_a_problem(
    client: httpx.Client, method: str, path: str, status: int, reason: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert (problem["status"], problem["reason"]) == (status, reason)
    assert problem["title"]
    assert problem["detail"]
