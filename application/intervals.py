"""Doing something again and again while something else goes on."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from domain.errors import ScraperError
from shared.log_context import in_log_context

logger = logging.getLogger(__name__)


@contextmanager
def at_intervals(work: Callable[[], object], pause_seconds: float, name: str) -> Iterator[None]:
    """Do something again and again, in a thread of its own, until the block is left."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(pause_seconds):
            try:
                work()
            except ScraperError as error:
                logger.warning("%s", error)
            except Exception:
                logger.exception("unexpected failure of %s", name)

    thread = threading.Thread(target=in_log_context(go_on), name=name)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
