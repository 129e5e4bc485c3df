"""How the API is asked: addresses, headers, and the queries that are kept beside this module."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from infrastructure.scrapers.answers import PackedAnswer

FOLDER = Path(__file__).parent
"""Where the queries are."""

_Read = TypeVar("_Read")


class Http(Protocol):
    """The HTTP client."""

    def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        read: Callable[[PackedAnswer], _Read],
    ) -> _Read:
        """Give what ``read`` makes of the answer; raise `SourceUnavailable` and `RunStopped`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the API is, how we call ourselves there, and what its answers are made for.

    ``language`` (``en-US``) and ``country`` (``US``) decide display titles, certificates and
    release dates.
    """

    url: str
    client_name: str
    language: str
    country: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers that belong to every question."""
        return {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "x-imdb-client-name": self.client_name,
            "x-imdb-user-country": self.country,
            "x-imdb-user-language": self.language,
        }


class Query:
    """A query, such as that in the file ``<name>.graphql``. Any thread may use it."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def named(cls, name: str) -> "Query":
        """The query in the file ``<name>.graphql`` beside this module.

        With the fragments that it shares with others: ``...Listed`` is in the file
        ``fragments/listed.graphql``.
        """
        text = (FOLDER / f"{name}.graphql").read_text(encoding="utf-8")
        shared = (FOLDER / "fragments").glob("*.graphql")
        used = sorted(path for path in shared if f"...{path.stem.capitalize()}\n" in text)
        return cls("\n".join([text, *(path.read_text(encoding="utf-8") for path in used)]))

    def ask(
        self,
        http: Http,
        endpoint: Endpoint,
        variables: Mapping[str, Any],
        read: Callable[[PackedAnswer], _Read],
    ) -> _Read:
        """Send it with its variables; gives what ``read`` makes of the answer."""
        body = msgspec.json.encode({"query": self.text, "variables": variables})
        return http.post(endpoint.url, body, endpoint.headers, read)
