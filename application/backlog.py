"""What a lane could not do because its repository is away."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from application.lane_queue import QUEUE_TITLES, Batch, Job
from application.ports import Spill
from domain.errors import SpillUnavailable
from domain.identifiers import ImdbId
from domain.person_profile import PersonProfile
from domain.run import Run
from domain.title import Title


class NoSpill:
    """A `Spill` that takes nothing: titles that come while a repository is away are missing."""

    location = ""

    def put(self, batch: Sequence[Title] | Sequence[PersonProfile]) -> None:
        """Raise `SpillUnavailable`."""
        raise SpillUnavailable("no titles can wait here")

    def first(self, count: int) -> list[tuple[Title, ...] | tuple[PersonProfile, ...]]:
        """Give nothing: nothing is kept."""
        return []

    def drop(self, count: int) -> None:
        """Have nothing to drop."""

    def close(self) -> None:
        """Have nothing to remove."""


@dataclass(frozen=True, slots=True)
class _Spilled:
    """The ids of a batch whose titles are in the spill: they are known even if those are lost."""

    ids: tuple[ImdbId, ...]
    run: Run
    is_copy: bool

    def goes_with(self, other: "_Spilled") -> bool:
        """Whether both may be saved in one go."""
        return (
            self.run is other.run
            and self.is_copy == other.is_copy
            and [i[:2] for i in self.ids[:1]] == [i[:2] for i in other.ids[:1]]
        )


class Backlog:
    """Batches and jobs in the order in which they came; the titles are in a spill, not in memory.

    One batch always finds room, in memory if need be: it is what the repository is tried with.
    Belongs to the lane's thread.
    """

    def __init__(self, spill: Spill) -> None:
        self._spill = spill
        self._waiting: deque[Job | Batch | _Spilled] = deque()
        self.titles = 0
        """How many titles wait."""

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def location(self) -> str:
        """Where the titles are; empty when they are nowhere that a person can look."""
        return self._spill.location

    def add(self, work: Job | Batch) -> None:
        """Put something off. Raises `SpillUnavailable` when the titles cannot be kept."""
        if isinstance(work, Job):
            self._waiting.append(work)
            return
        kept: Batch | _Spilled = _Spilled(work.ids, work.run, work.is_copy)
        try:
            self._spill.put(work.items)
        except SpillUnavailable:
            if self.titles:
                raise
            kept = work
        self._waiting.append(kept)
        self.titles += len(work.items)

    def first(self, most: int | None = None) -> list[Job | Batch]:
        """Give what is to be done first: a job, or at most ``most`` batches to save in one go.

        Drops nothing. Raises `SpillUnavailable` when the titles cannot be read.
        """
        first = self._waiting[0]
        if not isinstance(first, _Spilled):
            return [first]
        together, titles = 1, len(first.ids)
        for waiting in islice(self._waiting, 1, most):
            if not isinstance(waiting, _Spilled) or not waiting.goes_with(first):
                break
            titles += len(waiting.ids)
            if titles > QUEUE_TITLES:
                break
            together += 1
        return [Batch(b, first.run, first.is_copy) for b in self._spill.first(together)]

    def drop(self, works: Sequence[Job | Batch]) -> None:
        """Forget what came first, as `first` has given it: it is done."""
        for _ in works:
            self._forget(self._waiting.popleft())

    def lose_titles(self) -> list[ImdbId]:
        """Forget all titles that wait, but no job; give their ids."""
        batches = [waiting for waiting in self._waiting if not isinstance(waiting, Job)]
        self._waiting = deque(waiting for waiting in self._waiting if isinstance(waiting, Job))
        for batch in batches:
            self._forget(batch)
        return [imdb_id for batch in batches for imdb_id in batch.ids]

    def lose_all(self) -> tuple[list[ImdbId], list[Job]]:
        """Forget everything; give the ids of the titles, and the jobs."""
        lost = self.lose_titles()
        jobs = [job for job in self._waiting if isinstance(job, Job)]
        self._waiting.clear()
        return lost, jobs

    def close(self) -> None:
        """Remove the spill."""
        self._spill.close()

    def _forget(self, waiting: Job | Batch | _Spilled) -> None:
        if isinstance(waiting, _Spilled):
            self._spill.drop(1)
        if not isinstance(waiting, Job):
            self.titles -= len(waiting.ids)
