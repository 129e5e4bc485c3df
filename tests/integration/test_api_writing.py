"""Who may write: asked of a route of this test's own, through the whole application."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from infrastructure.web import Services, create_app
from infrastructure.web.access import Access, MayWrite
from shared.config import Settings
from shared.setting_values import ApiKey
from tests.api import serving_app

KEY = "a-key-of-many-characters"
OTHER = "another-key-of-many-characters"


@contextmanager
def client_with(*keys: str) -> Iterator[httpx.Client]:
    """A server with one route, which writes."""
    app = create_app(
        Settings(api_keys=tuple(map(ApiKey, keys))),
        cast("Services", SimpleNamespace(figures=None, keeps_answers=None)),  # nothing is asked
    )

    @app.post("/write", dependencies=[MayWrite])
    async def write() -> dict[str, str]:
        return {"wrote": "it"}

    @app.post("/fail")
    async def fail() -> None:
        raise RuntimeError(f"a secret: {KEY}")

    with serving_app(app) as address, httpx.Client(base_url=address) as client:
        yield client


def test_it_is_off_without_keys() -> None:
    with client_with() as client:
        answer = client.post("/write", headers={"X-API-Key": ""})
        assert answer.status_code == 403
        assert "API_KEYS" in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [{"X-API-Key": KEY}, {"X-API-Key": OTHER}, {"Authorization": f"Bearer {OTHER}"}],
)
def test_each_key_is_good(headers: dict[str, str]) -> None:
    with client_with(KEY, OTHER) as client:
        assert client.post("/write", headers=headers).json() == {"wrote": "it"}


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 401),
        ({"headers": {"X-API-Key": KEY + "x"}}, 401),
        ({"headers": {"Authorization": f"Bearer {KEY[:-1]}"}}, 401),
        # A browser would send it with a form of any other site.
        ({"auth": ("me", KEY)}, 401),
        ({"params": {"api_key": KEY}}, 401),
    ],
)
def test_nothing_else_is(
    given: dict[str, Any], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), client_with(KEY) as client:
        answer = client.post("/write", **given)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert KEY not in answer.text
    assert KEY not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("infrastructure")
    )


def test_a_defect_shows_nothing_of_itself() -> None:
    with client_with(KEY) as client:
        answer = client.post("/fail")
    assert answer.status_code == 500
    assert KEY not in answer.text
    assert answer.json()["reason"] == "internal_error"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_key_is_known_by_the_whole_of_it() -> None:
    access = Access([ApiKey(KEY)], reading_is_open=False)
    assert access.knows(KEY)
    assert not any(access.knows(wrong) for wrong in ("", KEY[:-1], KEY + " ", KEY.upper(), "ä"))
    assert KEY not in repr(vars(access))
