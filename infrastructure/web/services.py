"""What the answers are made from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Literal, cast

from fastapi import Depends, Request

from application.ports import (
    Catalogue,
    FiguresReader,
    HistoryReader,
    TitleRepository,
    TitleSelector,
    TitleWriter,
)
from application.run_control import RunControl
from application.title_fields import TitleField
from infrastructure.web.answer_cache import KeepsAnswers

TextWriter = Callable[[Literal["csv", "jsonl"], Sequence[TitleField] | None, BinaryIO], TitleWriter]
"""Makes what writes titles to a stream: in a format, with these columns or those it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The ports that requests are answered by; opened and closed by whoever gives them.

    Requests use them from several threads at once.
    """

    catalogue: Catalogue
    repository: TitleRepository
    history: HistoryReader
    figures: FiguresReader
    selector: TitleSelector
    text_writer: TextWriter
    runs: RunControl
    check_ready: Callable[[], Any]
    """Asks the database a small question; raises `RepositoryUnavailable`."""
    render_metrics: Callable[[str], tuple[bytes, str]]
    """Gives the metrics and their media type, of those that an ``Accept`` header names."""
    keeps_answers: KeepsAnswers | None = None
    """Without it each answer is made anew."""


async def services_of(request: Request) -> Services:
    """The services of the application that a request came to.

    Not a plain function, which would take a thread to be called in.
    """
    return cast("Services", request.app.state.services)


UsesServices = Annotated[Services, Depends(services_of)]
"""A parameter of this type is given the services."""
