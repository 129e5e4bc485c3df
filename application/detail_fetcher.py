"""The detail fetcher: many threads ask for titles or people, one takes what they bring."""

import logging
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar

from domain.errors import RunStopped, ScraperError, SourceError, TitleError
from domain.identifiers import NameId, TitleId
from domain.person_profile import PersonProfile
from domain.title import Title
from shared.log_context import asking_for, in_log_context, log_fields

logger = logging.getLogger(__name__)

Id = TypeVar("Id", TitleId, NameId)
Item = TypeVar("Item", Title, PersonProfile)


Fetch = Callable[[Sequence[Id], int], Sequence[Item | TitleError | SourceError]]
"""Asks for a few titles, or people: gives one outcome for each id, in their order.

It is told for how many at a time they were cut. Raises `RunStopped`, and `PutBack`.
"""


class PutBack(Exception):
    """Ids were not asked for: the source that is asked now takes more of them in one request."""


class UnexpectedFailure(ScraperError):
    """A title, or person, failed in a way that nobody foresaw: a bug of ours. It harms no other."""

    reason = "unexpected"


@dataclass(frozen=True, slots=True)
class Fetched(Generic[Id, Item]):
    """What became of one title, or person, and how long it took in seconds."""

    imdb_id: Id
    outcome: Item | TitleError | SourceError | UnexpectedFailure
    seconds: float


@dataclass(frozen=True, slots=True)
class _Done(Generic[Id, Item]):
    """What a worker brings: outcomes, or the ids that it puts back. ``size`` is as they were cut.

    Ids that were not answered when the run was stopped are in neither.
    """

    size: int
    fetched: Sequence[Fetched[Id, Item]] = ()
    put_back: Sequence[Id] = ()


class FetchLoad:
    """How much fetching has to do: ``busy`` of ``threads`` threads, and ``waiting`` ids.

    ``waiting`` counts the titles, or people, that no thread has been given yet. Whoever fetches is
    in a ``with`` block of it; a lock guards ``busy``. Any thread may read all three.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.busy = 0
        self.waiting = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.busy += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self.busy -= 1


class DetailFetcher(Generic[Id, Item]):
    """Fetches titles, or people, with a pool of ``max_threads`` threads.

    ``fetch`` asks for as many at a time as ``batch_size`` says, and is called by all threads. At
    most twice as many requests as threads are handed out and not yet taken back, so memory does
    not grow with the number of titles. `fetch` belongs to one thread; ``go_on`` is asked by all of
    them, and once it says no, what is in flight is finished and nothing more handed out.

    When ``batch_size`` grows, because a source was given up and the next one takes more in a
    request, ids that were cut for the smaller size and not asked for are put back, and cut anew.
    ``load`` says at any time how much there is to do.
    """

    def __init__(
        self,
        fetch: Fetch[Id, Item],
        *,
        batch_size: Callable[[], int],
        max_threads: int,
        go_on: Callable[[], bool],
        load: FetchLoad | None = None,
    ) -> None:
        self._load = load or FetchLoad(max_threads)
        self._fetch: Fetch[Id, Item] = fetch
        self._batch_size = batch_size
        self._max_threads = max_threads
        self._go_on = go_on

    def fetch(self, ids: Sequence[Id]) -> Iterator[Fetched[Id, Item]]:
        """Give every one asked for as it arrives, in no particular order.

        Ends early, without a word on the ids that were never asked for, when ``go_on`` says no.
        """
        finished: queue.SimpleQueue[Future[_Done[Id, Item]]] = queue.SimpleQueue()
        pool = ThreadPoolExecutor(self._max_threads, thread_name_prefix="fetch")
        waiting = deque(ids)
        in_flight: Counter[int] = Counter()  # batches by the size for which they were cut
        try:
            while True:
                while in_flight.total() < 2 * self._max_threads and self._go_on():
                    size = self._batch_size()
                    if not waiting or _others_may_join(len(waiting), size, in_flight):
                        break
                    batch = [waiting.popleft() for _ in range(min(size, len(waiting)))]
                    future = pool.submit(in_log_context(self._fetch_batch), batch, size)
                    future.add_done_callback(finished.put)
                    in_flight[size] += 1
                self._load.waiting = len(waiting)
                if not in_flight.total():
                    return
                done = finished.get().result()
                in_flight[done.size] -= 1
                waiting.extend(done.put_back)
                yield from done.fetched
        finally:
            pool.shutdown(cancel_futures=True)

    def _fetch_batch(self, ids: Sequence[Id], size: int) -> _Done[Id, Item]:
        """Fetch in a worker thread; whatever happens comes back as an outcome of these ids.

        Ids that the source had not answered when the run was stopped do not come back.
        """
        if not self._go_on():
            return _Done(size)
        with asking_for(**_about(ids)):
            return self._fetched(ids, size)

    def _fetched(self, ids: Sequence[Id], size: int) -> _Done[Id, Item]:
        began = time.monotonic()
        outcomes: Sequence[Item | TitleError | SourceError | UnexpectedFailure]
        try:
            with self._load:
                outcomes = self._fetch(ids, size)
        except RunStopped:
            return _Done(size)
        except PutBack:
            return _Done(size, put_back=ids)
        except Exception as error:
            logger.exception("unexpected failure of %s", ", ".join(ids))
            outcomes = [UnexpectedFailure(f"{type(error).__name__}: {error}")] * len(ids)
        seconds = time.monotonic() - began
        fetched = [Fetched(i, outcome, seconds) for i, outcome in zip(ids, outcomes, strict=True)]
        if logger.isEnabledFor(logging.DEBUG):
            _log(fetched)
        return _Done(size, fetched)


def _about(ids: Sequence[Id]) -> dict[str, object]:
    """What the log says of a request: whom it is about, or about how many."""
    return _id_field(ids[0]) if len(ids) == 1 else {"asked_together": len(ids)}


def _id_field(imdb_id: Id) -> dict[str, object]:
    return {"person_id" if imdb_id.startswith("nm") else "title_id": imdb_id}


def _log(fetched: "Sequence[Fetched[Id, Item]]") -> None:
    """Log a line for each. Of several requests for one title the log has the last one's route."""
    for one in fetched:
        outcome, extra = one.outcome, {**_id_field(one.imdb_id), "seconds": round(one.seconds, 3)}
        if isinstance(outcome, ScraperError):
            extra["reason"] = outcome.reason
            logger.debug("failed %s: %s", one.imdb_id, outcome, extra=extra)
        else:
            source = extra["source"] = outcome.provenance.source
            route = log_fields().get("route")
            way = f"{source}, {route}" if route else source
            logger.debug("fetched %s in %.3f s (%s)", one.imdb_id, one.seconds, way, extra=extra)


def _others_may_join(waiting: int, size: int, in_flight: Mapping[int, int]) -> bool:
    """Whether too few wait to fill a batch while some that were cut smaller may be put back."""
    return waiting < size and any(count and cut < size for cut, count in in_flight.items())
