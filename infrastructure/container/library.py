"""The facade for use from Python."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from application.source_chain import PersonChain, SourceChain
from domain.run import DetailFailure
from infrastructure.container.finding import open_search
from infrastructure.container.sources import (
    PERSON_SOURCES,
    new_circuit,
    open_person_source,
    open_source,
)
from shared.config import Settings, load_settings

if TYPE_CHECKING:
    from application.imdb import Imdb

logger = logging.getLogger(__name__)


@contextmanager
def open_imdb(
    settings: Settings | None = None, tell: Callable[[str], None] = logger.warning
) -> "Iterator[Imdb]":
    """Wire the facade for use from Python; nothing is saved, and no repository is touched.

    ``settings`` are those of the environment and of ``.env`` unless given. ``tell`` takes a line
    whenever a source is given up, answers again, or has something to say. Leaving it waits for
    what is in flight. Raises `InvalidSettings`.
    """
    from application.imdb import Imdb

    chosen = load_settings() if settings is None else settings
    stop = threading.Event()
    with ExitStack() as stack:
        searches = stack.enter_context(open_search(chosen, tell))

        def note(failure: DetailFailure) -> None:
            tell(f"{failure.imdb_id} comes without {failure.detail}: {failure.message}")

        sources = [
            stack.enter_context(open_source(name, chosen, stop, tell, note))
            for name in chosen.sources
        ]
        people = [
            stack.enter_context(open_person_source(name, chosen, stop, tell, read_ahead=False))
            for name in chosen.sources
            if name in PERSON_SOURCES
        ]
        stack.callback(stop.set)
        yield Imdb(
            SourceChain(sources, tell, new_circuit),
            PersonChain(people, tell, new_circuit) if people else None,
            searches,
            max_threads=chosen.max_threads,
        )
