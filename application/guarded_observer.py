"""An observer that cannot harm a run."""

import logging
from collections.abc import Callable

from application.ports import BatchResult, RunObserver
from domain.person_profile import PersonProfile
from domain.run import Failure, Run
from domain.title import Title

logger = logging.getLogger(__name__)


class GuardedObserver:
    """Hands everything on to another observer and logs what that raises.

    A display can fail at any time (its terminal is gone); titles must not be lost for it. As
    thread-safe as the other observer.
    """

    def __init__(self, observer: RunObserver) -> None:
        self._observer = observer

    def started(self, run: Run, asked: int | None) -> None:
        """Hand it on."""
        self._guarded(lambda: self._observer.started(run, asked))

    def fetched(self, item: Title | PersonProfile, seconds: float) -> None:
        """Hand it on."""
        self._guarded(lambda: self._observer.fetched(item, seconds))

    def failed(self, failure: Failure) -> None:
        """Hand it on."""
        self._guarded(lambda: self._observer.failed(failure))

    def saved(self, repository: str, result: BatchResult) -> None:
        """Hand it on."""
        self._guarded(lambda: self._observer.saved(repository, result))

    def notice(self, message: str) -> None:
        """Hand it on."""
        self._guarded(lambda: self._observer.notice(message))

    def _guarded(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except Exception:
            logger.exception("the progress of the run cannot be shown")
