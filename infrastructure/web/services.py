"""What the answers are made from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Request

from application.ports import FiguresReader, HistoryReader, TitleRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The ports that requests are answered by; opened and closed by whoever gives them.

    Requests use them from several threads at once.
    """

    repository: TitleRepository
    history: HistoryReader
    figures: FiguresReader
    check_ready: Callable[[], Any]
    """Asks the database a small question; raises `RepositoryUnavailable`."""


def services_of(request: Request) -> Services:
    """The services of the application that a request came to."""
    return cast("Services", request.app.state.services)


UsesServices = Annotated[Services, Depends(services_of)]
"""A parameter of this type is given the services."""
