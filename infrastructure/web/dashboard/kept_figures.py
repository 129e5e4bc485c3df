"""Figures of all that is held, kept for a while: to reckon them takes seconds when it is much."""

import threading
from time import monotonic
from typing import Annotated, cast

from fastapi import Depends, Request

from application.ports import FiguresReader
from application.store_figures import StoreFigures

KEPT_SECONDS = 60.0
"""So old figures are shown before they are reckoned again."""


class KeptFigures:
    """Asks a reader at most once in `KEPT_SECONDS`. Any number of threads may call it.

    One thread asks at a time; others are given the old figures meanwhile, or wait when there are
    none yet.
    """

    def __init__(self, reader: FiguresReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._kept: tuple[float, StoreFigures] | None = None

    def figures(self) -> StoreFigures:
        """Give them, at most a little older than `KEPT_SECONDS`. Raises `RepositoryUnavailable`."""
        kept = self._kept
        if kept and monotonic() - kept[0] < KEPT_SECONDS:
            return kept[1]
        if not self._lock.acquire(blocking=kept is None):
            assert kept is not None  # noqa: S101 - otherwise it has waited for the lock
            return kept[1]
        try:
            if self._kept is kept:
                found = self._reader.figures()
                # What is held now may be nothing, and soon something: that is not kept.
                self._kept = (monotonic(), found) if found.counts.titles else None
                return found
            return self._kept[1] if self._kept else self._reader.figures()
        finally:
            self._lock.release()


def kept_figures_of(request: Request) -> KeptFigures:
    """The figures of the application that a request came to."""
    return cast("KeptFigures", request.app.state.kept_figures)


UsesFigures = Annotated[KeptFigures, Depends(kept_figures_of)]
"""A parameter of this type is given the figures."""
