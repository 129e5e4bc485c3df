"""What a lane has to do, in the order in which it was handed over."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from application.ports import BatchResult, TitleRepository
from domain.identifiers import ImdbId
from domain.person_profile import PersonProfile
from domain.run import Run
from domain.title import Title

QUEUE_TITLES = 1000
"""Titles that a lane holds, and has not sent, before the fetcher waits: memory is bounded.

A lane that is behind saves what has waited in one go, at most this many titles: a database spends
less on one large transaction than on forty small ones. Others may hand over the next ones when
those have been sent, not when they are taken from the queue: all lanes then have the interpreter
for themselves while the slowest waits for its server, instead of keeping it from its work. (Both
repositories at once are a quarter faster for it.)
"""


@dataclass(frozen=True, slots=True)
class Job:
    """Something else to do with a repository than saving titles.

    ``over`` is set, when somebody waits for it, once the job is done or given up.
    """

    work: Callable[[TitleRepository], None]
    over: threading.Event | None = None

    def end(self) -> None:
        """Let go on who waits for the job."""
        if self.over is not None:
            self.over.set()


@dataclass(frozen=True, slots=True)
class Batch:
    """Titles, or people, to save, which are missing in a repository when that fails.

    No batch has both. ``is_copy`` when they come from
    another repository and not from a source.
    """

    items: tuple[Title, ...] | tuple[PersonProfile, ...]
    run: Run
    is_copy: bool = False

    @property
    def ids(self) -> tuple[ImdbId, ...]:
        """The ids of the titles or people, in order."""
        return tuple(item.imdb_id for item in self.items)

    def goes_with(self, other: "Batch") -> bool:
        """Whether both may be saved in one go."""
        return (
            self.run is other.run
            and self.is_copy == other.is_copy
            and [*map(type, self.items[:1])] == [*map(type, other.items[:1])]
        )

    def save_to(
        self, repository: TitleRepository, when_sent: Callable[[], None] | None
    ) -> BatchResult:
        """Have a repository save it; as `TitleRepository.save` and ``save_profiles`` do."""
        profiles = [item for item in self.items if isinstance(item, PersonProfile)]
        if profiles:
            return repository.save_profiles(profiles, self.run)
        titles = [item for item in self.items if isinstance(item, Title)]
        return repository.save(titles, self.run, when_sent)

    def joined_with(self, others: Iterable["Batch"]) -> "Batch":
        """This batch and others of the same run as one."""
        parts: list[Any] = [*self.items]
        for other in others:
            parts += other.items
        return replace(self, items=tuple(parts))


class LaneQueue:
    """What a lane has to do, in order, given by any thread and taken by the lane's."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Job | Batch] = deque()
        self._titles = 0
        self._titles_taken = 0
        self._closed = False

    @property
    def titles(self) -> int:
        """Titles that have been handed over and not been sent yet."""
        return self._titles

    @property
    def closed(self) -> bool:
        """True when nothing more is handed over."""
        return self._closed

    def put(self, work: Job | Batch) -> None:
        """Add something to do; waits while `QUEUE_TITLES` titles are not sent."""
        with self._changed:
            self._changed.wait_for(lambda: self._titles < QUEUE_TITLES)
            self._waiting.append(work)
            self._titles += _titles_in(work)
            self._changed.notify_all()

    def take(self, timeout_seconds: float | None = None) -> list[Job | Batch]:
        """Give what is to be done next: a job, or the batches to save in one go.

        Waits for it; gives nothing when the queue is closed and empty, or the time is over. What
        is taken keeps its room until `note_sent`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout_seconds)
            taken: list[Job | Batch] = []
            titles = 0
            while self._waiting and (
                not taken or _fits(self._waiting[0], behind=taken[0], titles=titles)
            ):
                taken.append(self._waiting.popleft())
                titles += _titles_in(taken[-1])
            self._titles_taken = titles
            return taken

    def note_sent(self) -> None:
        """Make room for as many titles as were taken last, if that is not done yet."""
        with self._changed:
            self._titles -= self._titles_taken
            self._titles_taken = 0
            self._changed.notify_all()

    def close(self) -> None:
        """Let `take` give nothing once all is taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _titles_in(work: Job | Batch) -> int:
    return len(work.items) if isinstance(work, Batch) else 0


def _fits(work: Job | Batch, *, behind: Job | Batch, titles: int) -> bool:
    """Tell whether it can be saved together with the ``titles`` titles taken before it."""
    return (
        isinstance(work, Batch)
        and isinstance(behind, Batch)
        and work.goes_with(behind)
        and titles + len(work.items) <= QUEUE_TITLES
    )
