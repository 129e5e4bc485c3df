"""Saving to several repositories at the same time, each through its own lane."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from application.backlog import NoSpill
from application.detail_fetcher import Item
from application.guarded_observer import GuardedObserver
from application.lane import WAIT_SECONDS, Count, Lane, RepositoryLoad
from application.lane_queue import Batch, Job
from application.ports import RepositoryOpener, RunObserver, Spill, TitleRepository
from domain.chart import Chart
from domain.identifiers import ImdbId
from domain.merged_id import MergedId
from domain.run import RepositoryReport, Run, RunReport, StoreCounts
from shared.log_context import note_run

_Given = TypeVar("_Given")


def titles_held(repository: TitleRepository) -> StoreCounts:
    """Have a repository count its titles, with their people and credits."""
    return repository.counts()


class CompositeSave:
    """Sends every batch to all repositories at once and reports what each of them did.

    Each repository has a lane: one thread that opens it, does its jobs in order and closes it. A
    repository that goes away is waited for, while its titles wait in its spill; one that fails for
    good is reported with the ids that it lacks. It never stops or rolls back another one. Use as a
    context manager, from one thread, for one run: `finish_run` is the last call, and leaving the
    context waits for every lane.

    ``spills`` gives the spill of a repository by its name; without it no titles can wait.
    ``wait_seconds`` is how long `settle` waits for a repository that has gone away; ``stop`` ends
    that and long copying, from any thread.
    """

    def __init__(
        self,
        openers: Sequence[RepositoryOpener],
        observer: RunObserver,
        *,
        spills: Callable[[str], Spill] | None = None,
        wait_seconds: float = WAIT_SECONDS,
        stop: threading.Event | None = None,
    ) -> None:
        observer = GuardedObserver(observer)
        stop = stop or threading.Event()
        self._stop = stop
        self._noted_or_hopeless = threading.Event()
        self._lanes = [
            Lane(
                opener,
                observer,
                spills(opener.name) if spills is not None else NoSpill(),
                wait_seconds=wait_seconds,
                stop=stop,
                when_in_trouble=self._note_if_hopeless,
            )
            for opener in openers
        ]

    def __enter__(self) -> Self:
        for lane in self._lanes:
            lane.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    @property
    def hopeless(self) -> bool:
        """True when no repository takes titles or lets them wait: there is nowhere to save to."""
        return all(lane.hopeless for lane in self._lanes)

    @property
    def stopped(self) -> bool:
        """True when the run is to end: nothing more that takes long is begun."""
        return self._stop.is_set()

    @property
    def names(self) -> tuple[str, ...]:
        """The repositories' names, in their order."""
        return tuple(lane.repository for lane in self._lanes)

    @property
    def loads(self) -> Mapping[str, RepositoryLoad]:
        """How much each repository has to do now; any thread may ask."""
        return {lane.repository: lane.load for lane in self._lanes}

    def begin_run(
        self, run: Run, chart: Chart | None, asked: Sequence[ImdbId] | None = None
    ) -> None:
        """Have every repository note the run, the chart that it is about and the ids asked for."""
        note_run(run.run_id)

        def note(repository: TitleRepository) -> None:
            repository.begin_run(run, chart, asked)
            if asked is not None:
                self._noted_or_hopeless.set()

        self._do_in_every_lane(note)

    def wait_until_noted(self, seconds: float) -> None:
        """Wait until a repository has noted the ids asked for: the run can be continued then.

        Not longer than so many seconds, nor when every repository has failed.
        """
        self._noted_or_hopeless.wait(seconds)

    def ask(
        self, question: Callable[[TitleRepository], _Given], *, of: str | None = None
    ) -> dict[str, _Given]:
        """Give the answers of all repositories, in their order, or of the one named.

        They answer at the same time, each after what it has been given to do before. One that has
        failed, or fails now, gives none.
        """
        answers: dict[str, _Given] = {}
        asked = [lane for lane in self._lanes if of in {None, lane.repository}]
        answered = [
            lane.ask(partial(_note_answer, answers, lane.repository, question)) for lane in asked
        ]
        for over in answered:
            over.wait()
        names = [lane.repository for lane in asked]
        return {name: answers[name] for name in names if name in answers}

    def tell(self, work: Callable[[TitleRepository], None]) -> None:
        """Have every repository do something, when it has done what it was given before."""
        self._do_in_every_lane(work)

    def copy(self, batch: Sequence[Item], run: Run, *, to: str) -> None:
        """Hand a batch to one lane, whose report counts it as copied; waits as `save` does."""
        handed = Batch(tuple(batch), run, is_copy=True)
        for lane in self._lanes:
            if lane.repository == to:
                lane.do(handed)

    def note_before(
        self, saved: Collection[ImdbId], held: Mapping[str, Collection[ImdbId]]
    ) -> None:
        """Put into the reports what was saved before: ``held`` by each repository that answered.

        Those of ``saved`` that it lacks are handed over by `copy`; a repository that gave no answer
        lacks them all.
        """
        for over in [lane.ask(lambda _: None) for lane in self._lanes]:
            over.wait()
        for lane in self._lanes:
            lane.note_before(saved, held.get(lane.repository))

    def save(self, batch: Sequence[Item], run: Run) -> None:
        """Hand a batch to every lane; waits while one of them has `QUEUE_TITLES` not sent."""
        handed = Batch(tuple(batch), run)
        for lane in self._lanes:
            lane.do(handed)

    def note_merged(self, merged: Sequence[MergedId]) -> None:
        """Have every repository keep that ids have been merged, after what it was given to save."""
        self._do_in_every_lane(lambda repository: repository.note_merged(merged))

    def settle(self, count: Count | None = titles_held) -> tuple[RepositoryReport, ...]:
        """Wait until everything handed over is saved or has failed; give each one's account.

        It says how much of what ``count`` counts the repository holds; ``None`` counts nothing. One
        that is away is waited for, at most ``wait_seconds``.
        """
        for over in [lane.settle(count) for lane in self._lanes]:
            over.wait()
        return tuple(lane.report() for lane in self._lanes)

    def finish_run(self, report: RunReport) -> tuple[RepositoryReport, ...]:
        """Have every repository that works keep the account of the run, and close it.

        Gives each one's own account anew, with what went wrong at the very end.
        """
        self._do_in_every_lane(lambda repository: repository.finish_run(report))
        self._close()
        return tuple(lane.report() for lane in self._lanes)

    def _note_if_hopeless(self) -> None:
        if self.hopeless:
            self._noted_or_hopeless.set()

    def _close(self) -> None:
        for lane in self._lanes:
            lane.close()
        for lane in self._lanes:
            lane.join()

    def _do_in_every_lane(self, work: Callable[[TitleRepository], None]) -> None:
        for lane in self._lanes:
            lane.do(Job(work))


def _note_answer(
    answers: dict[str, _Given],
    name: str,
    question: Callable[[TitleRepository], _Given],
    repository: TitleRepository,
) -> None:
    answers[name] = question(repository)
