"""The detail fetcher: many threads ask for titles or people, one takes what they bring."""

import logging
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.errors import RunStopped, ScraperError, SourceError, TitleError
from domain.identifiers import NameId, TitleId
from domain.person_profile import PersonProfile
from domain.title import Title

logger = logging.getLogger(__name__)

Id = TypeVar("Id", TitleId, NameId)
Item = TypeVar("Item", Title, PersonProfile)


Fetch = Callable[[Sequence[Id]], Sequence[Item | TitleError | SourceError]]
"""Asks for a few titles, or people: gives one outcome for each id, in their order.

Raises `RunStopped`.
"""


class UnexpectedFailure(ScraperError):
    """A title, or person, failed in a way that nobody foresaw: a bug of ours. It harms no other."""

    reason = "unexpected"


@dataclass(frozen=True, slots=True)
class Fetched(Generic[Id, Item]):
    """What became of one title, or person, and how long it took in seconds."""

    imdb_id: Id
    outcome: Item | TitleError | SourceError | UnexpectedFailure
    seconds: float


class DetailFetcher(Generic[Id, Item]):
    """Fetches titles, or people, with a pool of ``max_threads`` threads.

    ``fetch`` asks for as many at a time as ``batch_size`` says, and is called by all threads. At
    most twice as many requests as threads are handed out and not yet taken back, so memory does
    not grow with the number of titles. `fetch` belongs to one thread; ``go_on`` is asked by all of
    them, and once it says no, what is in flight is finished and nothing more handed out.
    """

    def __init__(
        self,
        fetch: Fetch[Id, Item],
        *,
        batch_size: Callable[[], int],
        max_threads: int,
        go_on: Callable[[], bool],
    ) -> None:
        self._fetch: Fetch[Id, Item] = fetch
        self._batch_size = batch_size
        self._max_threads = max_threads
        self._go_on = go_on

    def fetch(self, ids: Sequence[Id]) -> Iterator[Fetched[Id, Item]]:
        """Give every one asked for as it arrives, in no particular order.

        Ends early, without a word on the ids that were never asked for, when ``go_on`` says no.
        """
        finished: queue.SimpleQueue[Future[list[Fetched[Id, Item]]]] = queue.SimpleQueue()
        pool = ThreadPoolExecutor(self._max_threads, thread_name_prefix="fetch")
        position, in_flight = 0, 0
        try:
            while True:
                while in_flight < 2 * self._max_threads and position < len(ids) and self._go_on():
                    batch = ids[position : position + self._batch_size()]
                    pool.submit(self._fetch_batch, batch).add_done_callback(finished.put)
                    position, in_flight = position + len(batch), in_flight + 1
                if not in_flight:
                    return
                done = finished.get()
                in_flight -= 1
                yield from done.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _fetch_batch(self, ids: Sequence[Id]) -> list[Fetched[Id, Item]]:
        """Fetch in a worker thread; whatever happens comes back as an outcome of these ids.

        Ids that the source had not answered when the run was stopped do not come back.
        """
        if not self._go_on():
            return []
        began = time.monotonic()
        outcomes: Sequence[Item | TitleError | SourceError | UnexpectedFailure]
        try:
            outcomes = self._fetch(ids)
        except RunStopped:
            return []
        except Exception as error:
            logger.exception("unexpected failure of %s", ", ".join(ids))
            outcomes = [UnexpectedFailure(f"{type(error).__name__}: {error}")] * len(ids)
        seconds = time.monotonic() - began
        return [Fetched(i, outcome, seconds) for i, outcome in zip(ids, outcomes, strict=True)]
