"""The beginning of a distributed run: its titles are noted, cut into batches and sent."""

import logging
from collections.abc import Sequence

from application.ports import BatchLedger, BatchQueue, TitleRepository
from domain.chart import Chart
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
        size = self._batch_titles
        batches = [asked[start : start + size] for start in range(0, len(asked), size)]
        self._repository.begin_run(run, chart, asked)
        self._ledger.open_run(run.run_id, batches)
        logger.info("run %s: %d titles in %d batches", run.run_id, len(asked), len(batches))
        if self._queue is None:
            return
        try:
            self._queue.send(self._ledger.to_send(again=False))
        except QueueUnavailable as error:
            logger.warning("%s; workers find the batches when it is back", error)
