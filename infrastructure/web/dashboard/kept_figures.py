"""Figures of all that is held, kept for a while: to reckon them takes seconds when it is much."""

import threading
from time import monotonic
from typing import Annotated, NamedTuple, cast

from fastapi import Depends, Request

from application.ports import FiguresReader
from application.store_figures import StoreFigures

KEPT_SECONDS = 60.0
"""So old figures are shown before anybody looks whether they are to be reckoned again."""


class Kept(NamedTuple):
    """Figures, and the version of the store that they are of."""

    figures: StoreFigures
    version: str


class KeptFigures:
    """Asks a reader at most once in `KEPT_SECONDS`, and to reckon only after a change.

    Any number of threads may call it. One thread asks at a time; others are given the old figures
    meanwhile, or wait when there are none yet.
    """

    def __init__(self, reader: FiguresReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._kept: tuple[float, Kept] | None = None

    def figures(self) -> StoreFigures:
        """Give them, at most a little older than `KEPT_SECONDS`. Raises `RepositoryUnavailable`."""
        return self.kept().figures

    def kept(self) -> Kept:
        """Give them with their version, as `figures`: it need not be the newest."""
        kept = self._kept
        if kept and monotonic() - kept[0] < KEPT_SECONDS:
            return kept[1]
        if not self._lock.acquire(blocking=kept is None):
            assert kept is not None  # noqa: S101 - otherwise it has waited for the lock
            return kept[1]
        try:
            if self._kept is kept:
                found = self._reckoned(kept[1] if kept else None)
                # What is held now may be nothing, and soon something: that is not kept.
                self._kept = (monotonic(), found) if found.figures.counts.titles else None
                return found
            return self._kept[1] if self._kept else self._reckoned(None)
        finally:
            self._lock.release()

    def _reckoned(self, before: Kept | None) -> Kept:
        """Those of before, unless something has changed since."""
        version = self._reader.version()
        if before is not None and before.version == version:
            return before
        return Kept(self._reader.figures(), version)


def kept_figures_of(request: Request) -> KeptFigures:
    """The figures of the application that a request came to."""
    return cast("KeptFigures", request.app.state.kept_figures)


UsesFigures = Annotated[KeptFigures, Depends(kept_figures_of)]
"""A parameter of this type is given the figures."""
