"""The beginning of a distributed run: its titles are noted, cut into batches and sent."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from application.ports import BatchLedger, BatchQueue, TitleRepository
from domain.chart import Chart
from domain.details import DetailName
from domain.errors import QueueUnavailable
from domain.identifiers import TitleId
from domain.run import Run

logger = logging.getLogger(__name__)


class DistributeRun:
    """Hands a run to workers. Used by one thread.

    ``repository`` is the one that batches are saved in; ``queue`` may be ``None``: workers look
    into the ledger now and then, so they find what nobody has sent.
    """

    def __init__(
        self,
        repository: TitleRepository,
        ledger: BatchLedger,
        queue: BatchQueue | None,
        *,
        batch_titles: int,
    ) -> None:
        self._repository = repository
        self._ledger = ledger
        self._queue = queue
        self._batch_titles = batch_titles

    def execute(self, ids: Sequence[TitleId], run: Run, chart: Chart | None = None) -> None:
        """Note what a run is asked for (each id once), and have it begin.

        Raises `RepositoryUnavailable`: then it has not begun. When the broker cannot be reached the
        log says so, and the run begins a little later.
        """
        asked = list(dict.fromkeys(ids))
        self._repository.begin_run(run, chart, asked)
        self._ledger.open_run(run.run_id, self._cut(asked))
        logger.info("run %s: %d titles are handed to workers", run.run_id, len(asked))
        self._send()

    def resume(
        self,
        asked: Sequence[TitleId],
        run: Run,
        *,
        gives: Collection[DetailName],
        resumed_at: datetime,
    ) -> None:
        """Have a run that was stopped go on, or end when nothing is left of it.

        What the repository has is not fetched again, unless details are lacking that a source
        ``gives``. Raises `RepositoryUnavailable` as `execute`.
        """
        wanted = replace(run, details=tuple(name for name in run.details if name in gives))
        held = self._repository.held_since(asked, wanted)
        left = [imdb_id for imdb_id in asked if imdb_id not in held]
        self._repository.begin_run(run, None, asked)
        self._ledger.reopen_run(run.run_id, self._cut(left), resumed_at)
        logger.info(
            "run %s goes on: %d of %d titles are handed to workers",
            run.run_id, len(left), len(asked),
        )  # fmt: skip
        self._send()

    def _cut(self, ids: Sequence[TitleId]) -> Sequence[Sequence[TitleId]]:
        size = self._batch_titles
        return [ids[start : start + size] for start in range(0, len(ids), size)]

    def _send(self) -> None:
        if self._queue is None:
            return
        try:
            self._queue.send(self._ledger.to_send(again=False))
        except QueueUnavailable as error:
            logger.warning("%s; workers find the batches when it is back", error)
