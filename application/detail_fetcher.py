"""The detail fetcher: many threads that ask for titles, and one that takes what they bring."""

import logging
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from application.ports import TitleOutcome
from application.source_chain import SourceChain
from domain.errors import RunStopped, ScraperError
from domain.identifiers import TitleId

logger = logging.getLogger(__name__)


class UnexpectedFailure(ScraperError):
    """A title failed in a way that nobody foresaw: a bug of ours. It harms no other title."""

    reason = "unexpected"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one title, and how long it took in seconds."""

    imdb_id: TitleId
    outcome: TitleOutcome | UnexpectedFailure
    seconds: float


class DetailFetcher:
    """Fetches titles with a pool of ``max_threads`` threads.

    At most twice as many requests as threads are handed out and not yet taken back, so memory
    does not grow with the number of titles. `fetch` belongs to one thread; ``go_on`` is asked by
    all of them, and once it says no, what is in flight is finished and nothing more handed out.
    """

    def __init__(self, source: SourceChain, *, max_threads: int, go_on: Callable[[], bool]) -> None:
        self._source = source
        self._max_threads = max_threads
        self._go_on = go_on

    def fetch(self, ids: Sequence[TitleId]) -> Iterator[Fetched]:
        """Give every title asked for as it arrives, in no particular order.

        Ends early, without a word on the ids that were never asked for, when ``go_on`` says no.
        """
        finished: queue.SimpleQueue[Future[list[Fetched]]] = queue.SimpleQueue()
        pool = ThreadPoolExecutor(self._max_threads, thread_name_prefix="fetch")
        position, in_flight = 0, 0
        try:
            while True:
                while in_flight < 2 * self._max_threads and position < len(ids) and self._go_on():
                    batch = ids[position : position + self._source.batch_size]
                    pool.submit(self._fetch_batch, batch).add_done_callback(finished.put)
                    position, in_flight = position + len(batch), in_flight + 1
                if not in_flight:
                    return
                done = finished.get()
                in_flight -= 1
                yield from done.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _fetch_batch(self, ids: Sequence[TitleId]) -> list[Fetched]:
        """Fetch in a worker thread; whatever happens comes back as an outcome of these ids.

        Ids that the source had not answered when the run was stopped do not come back.
        """
        if not self._go_on():
            return []
        began = time.monotonic()
        outcomes: Sequence[TitleOutcome | UnexpectedFailure]
        try:
            outcomes = self._source.titles(ids)
        except RunStopped:
            return []
        except Exception as error:
            logger.exception("unexpected failure of %s", ", ".join(ids))
            outcomes = [UnexpectedFailure(f"{type(error).__name__}: {error}")] * len(ids)
        seconds = time.monotonic() - began
        return [Fetched(i, outcome, seconds) for i, outcome in zip(ids, outcomes, strict=True)]
