"""The roles that the use cases need filled.

Adapters do not inherit from these Protocols: mypy checks them where they are wired.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from application.refresh_plan import RefreshCandidate
from domain.chart import Chart, ChartName
from domain.datasets import DatasetFile, DatasetFilter, DatasetName, FileAccount
from domain.details import DetailName
from domain.errors import SourceError, TitleError
from domain.history import Snapshot, SnapshotTime, TitleHistory
from domain.identifiers import ImdbId, ListId, NameId, TitleId
from domain.merged_id import MergedId
from domain.person_profile import PersonProfile
from domain.run import Failure, ProfileCounts, Run, RunRecord, RunReport, StoreCounts
from domain.search import SearchHit, SearchQuery
from domain.title import Credit, CreditCategory, Title

if TYPE_CHECKING:
    # Most runs have no use for them, and to make their types takes time.
    from application.catalogue import (
        ChartSummary,
        Collaborator,
        CreditLine,
        Page,
        PersonEntry,
        PersonQuery,
        PersonSummary,
        StoreOverview,
        TitleQuery,
        TitleSummary,
    )
    from application.conditions import Condition
    from application.store_figures import StoreFigures
    from application.title_order import SortKey
    from domain.batch import (
        BatchAccount,
        BatchClaim,
        ParkedBatch,
        RunBatches,
        Stage,
        Standing,
    )
    from domain.discovery import TitleFilter
    from domain.job import JobClaim, JobName, JobRecord, JobSlot
    from domain.lists import TitleList

TitleOutcome = Title | TitleError | SourceError
"""What became of one title that was asked for: the title, or the error that says why not."""


PersonOutcome = PersonProfile | TitleError | SourceError
"""What became of one person who was asked for."""


class Source(Protocol):
    """What all sources have in common."""

    @property
    def name(self) -> str:
        """Its name in settings and reports, for example ``html``."""

    @property
    def batch_size(self) -> int:
        """How many titles, or people, one request takes, at least 1."""


class PersonSource(Source, Protocol):
    """Gives the profiles of people. Any number of threads may call it at the same time."""

    def people(self, ids: Sequence[NameId]) -> Sequence[PersonOutcome]:
        """Give one outcome for each id, in the order of the ids (at most ``batch_size`` of them).

        Raises `SourceUnavailable` or `SourceBlocked` when the request as a whole failed.
        """


class TitleSource(Source, Protocol):
    """Gives charts and titles. Any number of threads may call it at the same time."""

    @property
    def gives(self) -> Collection[DetailName]:
        """The details that it can give of titles."""

    @property
    def charts(self) -> Collection[ChartName]:
        """The charts that it can give; of others it knows nothing."""

    def chart(self, name: ChartName) -> Chart:
        """Give a whole chart, in chart order.

        Raises `SourceUnavailable`, `SourceBlocked`, `ChartNotFound` or `PageChanged`.
        """

    def titles(
        self, ids: Sequence[TitleId], details: Collection[DetailName] = ()
    ) -> Sequence[TitleOutcome]:
        """Give one outcome for each id, in the order of the ids (at most ``batch_size`` of them).

        Each title comes with those of ``details`` that could be had, all of them among `gives`; a
        detail that could not harms no title, and is told to whoever made the source.

        Raises `SourceUnavailable` or `SourceBlocked` when the request as a whole failed.
        """


class TitleSearch(Protocol):
    """Finds titles, people, companies or keywords by words.

    Any number of threads may call it at the same time.
    """

    @property
    def name(self) -> str:
        """Its name in messages, for example ``suggestion``."""

    def find(self, query: SearchQuery) -> Sequence[SearchHit]:
        """Give what is found, the best first; the source may know only some of the filters.

        No hits: the source has answered that there are none. Raises `SourceUnavailable` (also when
        it cannot search for such things), `SourceBlocked`, `RobotsDisallowed` or `PageChanged`.
        """


class TitleDiscovery(Protocol):
    """Finds titles by what they are. Any number of threads may call it at the same time."""

    @property
    def name(self) -> str:
        """Its name in settings and messages, for example ``graphql``."""

    def pages(self, wanted: "TitleFilter") -> "Iterator[TitleList]":
        """Give the titles that the filter lets through, in its order, page after page.

        Each page is asked for when it is wanted. It may end before ``wanted.limit`` and the total
        that the pages state: then the source cannot give more. A page may have adult titles.
        Raises, also between two pages, `SourceUnavailable`, `SourceBlocked`, `RobotsDisallowed`,
        `RunStopped` or `PageChanged`.
        """


class TitleLists(Protocol):
    """Gives the lists that people have made. Any number of threads may call it."""

    @property
    def name(self) -> str:
        """Its name in settings and messages, for example ``graphql``."""

    def pages(self, wanted: ListId) -> "Iterator[TitleList]":
        """Give the titles of a list in its own order; as `TitleDiscovery.pages`.

        Raises `ListNotFound` when there is no such list of titles, or not for everybody.
        """


class HistoryReader(Protocol):
    """Reads how titles and charts were at earlier times. Used by one thread.

    Every method raises `RepositoryUnavailable` when nothing can be read now.
    """

    def of_title(self, imdb_id: TitleId) -> TitleHistory:
        """Give all that is known of a title over time: nothing, when it has never been seen."""

    def snapshots(self, chart: ChartName) -> Sequence[SnapshotTime]:
        """Tell which runs have kept a chart, and when it stood so, the newest first."""

    def snapshot(self, chart: ChartName, run_id: str) -> Snapshot | None:
        """Give a chart as a run found it, or ``None`` when it kept none."""

    def snapshots_of(self, chart: ChartName, run_ids: Collection[str]) -> Sequence[Snapshot]:
        """Give a chart as each of these runs found it, the oldest first; some may have none."""

    def names(self, ids: Collection[TitleId]) -> Mapping[TitleId, str]:
        """Give the display titles of those that are held."""


class RefreshCandidates(Protocol):
    """Tells what is known of the titles, and people, that could be fetched. Used by one thread."""

    def candidates(self) -> Iterator[RefreshCandidate]:
        """Give each title once, while they are read. Raises `RepositoryUnavailable`."""

    def people(self, budget: int) -> Sequence[NameId]:
        """Give at most so many people: the unknown first, then those asked for longest ago.

        Raises `RepositoryUnavailable`.
        """


class DatasetProgress(Protocol):
    """Is told how the import of dataset files goes. Any number of threads may call it."""

    def __call__(self, name: DatasetName, step: str, done: int, total: int) -> None:
        """A file is at ``step`` (download, load, index, place): ``done`` of ``total`` bytes."""


class DatasetFiles(Protocol):
    """Brings dataset files to this machine. Used by one thread."""

    def obtain(self, name: DatasetName, progress: DatasetProgress) -> DatasetFile:
        """Give a file, getting it first when need be.

        Raises `DatasetDamaged` when it is not there or not whole, `SourceUnavailable` or
        `SourceBlocked`.
        """


class DatasetStore(Protocol):
    """Keeps what dataset files say. Used by one thread at a time."""

    def import_files(
        self,
        files: Sequence[DatasetFile],
        choice: DatasetFilter,
        progress: DatasetProgress,
        *,
        checks_ids: bool = False,
    ) -> Sequence[FileAccount]:
        """Import files; give their accounts in the order of `DatasetName`.

        With ``checks_ids``, ids that no other file has are counted.

        Whoever reads sees all of the old rows or all of the new ones, also when this is killed. A
        file that cannot be read, is cut or is another one has its account, and harms no other; one
        that was imported before, with the same choice of titles, is skipped. Raises
        `DatasetsUnusable` when another import is at work, or files are missing on which the choice
        rests; `RepositoryUnavailable`.
        """


class CircuitBreaker(Protocol):
    """Remembers whether something answers, so that what does not is left alone for a while.

    Any number of threads may call it. Whoever `allows` lets ask says afterwards how it went.
    """

    @property
    def is_open(self) -> bool:
        """True from the first opening to the next success, also while a trial is on its way."""

    def allows(self) -> bool:
        """Whether to ask now; once it has opened, True for one trial at a time, after a rest."""

    def succeeded(self) -> bool:
        """Note an answer; tells whether that has closed it."""

    def failed(self) -> bool:
        """Note a failure; tells whether that has opened it."""

    def trip(self) -> bool:
        """Open it at once; tells whether it was not open."""

    @property
    def rest_seconds(self) -> float:
        """How long nobody may ask; 0 when somebody may now, also as a trial."""

    def withdraw(self) -> None:
        """Note that nothing was learnt: another trial may be made at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What a repository did with a batch; the four numbers add up to the size of the batch.

    ``updated`` counts titles of which a fact, a credit or a detail is new or has changed,
    ``unchanged`` those that it already held with the same facts, or with newer ones.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: tuple[Failure, ...] = field(default=())


class TitleVersion(NamedTuple):
    """How new the facts are that a repository holds of a title, and its details, by their names."""

    imdb_id: TitleId
    fetched_at: datetime
    details: tuple[tuple[DetailName, datetime], ...] = ()


class TitleRepository(Protocol):
    """Keeps titles with their people, credits and details, and profiles of people.

    Called by one thread at a time (its lane); another process may write to the same place.
    Every method raises `RepositoryUnavailable` when nothing can be stored or read now.
    """

    @property
    def name(self) -> str:
        """Its name in settings and reports, for example ``csv``."""

    @property
    def location(self) -> str:
        """Where a person finds the data: a folder, or a database URL without its password."""

    def begin_run(
        self, run: Run, chart: Chart | None, asked: Sequence[ImdbId] | None = None
    ) -> None:
        """Note that a run is at work, and keep the chart that it is about and the ids asked for.

        Called again when these are known, and when a run that was stopped is continued: what is
        ``None`` leaves what was noted before, and the run counts as not finished again. Others see
        it at work until `finish_run`, or the end of the process, whichever way it ends.
        """

    def save(
        self, batch: Sequence[Title], run: Run, when_sent: Callable[[], None] | None = None
    ) -> BatchResult:
        """Store each title wholly or not at all; a refused title harms no other in the batch.

        Saving the same title twice keeps one row, with the newer facts (by
        ``provenance.fetched_at``); each row carries the run that saved it last. Each detail is
        kept by its own ``provenance``, and stays as it is when a title comes without it. When this
        returns, the batch survives the death of the process.

        A repository that is a server's calls ``when_sent``, in this thread, when most of the rows
        are on their way and the server is at work on them: a good time for others to use the
        interpreter. It may call it again, when it saves in parts or has to begin anew, or not at
        all.
        """

    def finish_run(self, report: RunReport) -> None:
        """Keep the account of the run."""

    def runs(self, limit: int) -> Sequence[RunRecord]:
        """Give the latest runs, the newest first, at most ``limit`` of them."""

    def run(self, run_id: str) -> RunRecord | None:
        """Give one run, or ``None`` when it is not known here."""

    def asked_in(self, run_id: str) -> Sequence[ImdbId] | None:
        """Give the ids that a run was asked for, in its order; ``None`` when they are not known."""

    def chart_of(self, run_id: str) -> Chart | None:
        """Give the chart that was kept for a run, or ``None``."""

    def failures_of(self, run_id: str) -> Sequence[Failure]:
        """Give the titles that a finished run could not fetch, and why."""

    def held_since(self, ids: Collection[TitleId], run: Run) -> frozenset[TitleId]:
        """Give those of the ids that need no fetching for a run any more.

        They are held here, and either their facts were fetched at or after the moment when the run
        began, or it was the run that saved them (a page that was saved from a browser is older).
        The same must be true of each of the run's ``details``. Of an id that was merged into
        another one (`note_merged`), that one's title counts.
        """

    def note_merged(self, merged: Sequence[MergedId]) -> None:
        """Keep that ids have been merged into others, as `with_merged` says; titles stay as is."""

    def merged_ids(self) -> Sequence[MergedId]:
        """Give all merged ids that are known, of titles and of people, in no particular order."""

    def versions(self) -> Iterator[TitleVersion]:
        """Stream the id and the age of every title held, in no particular order."""

    def titles(self, ids: Collection[TitleId] | None = None) -> Iterator[Title]:
        """Stream titles, their credits in billing order, without holding all in memory.

        With the details that are held, in the order of `DetailName`.
        Every title held, or those of ``ids`` (as many as fit in memory) that are held.
        """

    def counts(self) -> StoreCounts:
        """Count the titles that are held, with their people and credits."""

    def save_profiles(self, batch: Sequence[PersonProfile], run: Run) -> BatchResult:
        """Store each profile wholly, with its filmography, or not at all; as `save` does.

        A person has one profile, with the newer facts. It is kept apart from the names that titles
        give in their credits: neither changes the other, nor need the other be there.
        """

    def profile_versions(self) -> Iterator[tuple[NameId, datetime]]:
        """Stream the id and the age of every profile held, in no particular order."""

    def profiles(self, ids: Collection[NameId] | None = None) -> Iterator[PersonProfile]:
        """Stream the profiles that are held, or those of ``ids`` that are."""

    def profile_counts(self) -> ProfileCounts:
        """Count the profiles that are held, with their credits."""


class TitleSelector(Protocol):
    """Chooses among the titles that a repository holds. Used by one thread."""

    def selected(
        self, condition: "Condition | None", order: "Sequence[SortKey]"
    ) -> Iterator[Title]:
        """Stream the titles of which a condition is true, or all, as `TitleRepository.titles` does.

        By the keys of ``order``, then by id; without keys in no particular order. Raises
        `RepositoryUnavailable`.
        """


class Catalogue(Protocol):
    """Looks through the titles and people that are held. Any number of threads may call it.

    An id that was merged into another one (`MergedId`) leads to that one: the answer has the new
    id. Every method raises `RepositoryUnavailable` when nothing can be read now.
    """

    def titles(self, query: "TitleQuery") -> "Page[TitleSummary]":
        """Give a page of the titles that are wanted, in their order."""

    def title(self, imdb_id: TitleId) -> Title | None:
        """Give a title with its credits and details, each with its provenance, or ``None``."""

    def credits(self, imdb_id: TitleId) -> Sequence[Credit] | None:
        """Give the credits of a title in billing order, or ``None`` when it is not held."""

    def summaries(self, ids: Collection[TitleId]) -> "Mapping[TitleId, TitleSummary]":
        """Give the main facts of those that are held, by the ids that were asked for."""

    def people(self, query: "PersonQuery") -> "Page[PersonSummary]":
        """Give a page of the people that are wanted, in their order."""

    def person(self, imdb_id: NameId) -> "PersonEntry | None":
        """Give a person who is credited in a title held, or has a profile; or ``None``."""

    def filmography(
        self,
        imdb_id: NameId,
        *,
        category: CreditCategory | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> "Page[CreditLine] | None":
        """Give a page of a person's credits in the titles held, or ``None`` without such a person.

        All of them, or those of one ``category``. The newest title first, those of no known year
        last. Raises `InvalidFilter` or `InvalidCursor`.
        """

    def credit_counts(self, imdb_id: NameId) -> "Mapping[CreditCategory, int]":
        """Count a person's credits in the titles held by category; those without any are not in."""

    def collaborators(self, imdb_id: NameId, limit: int = 20) -> "Sequence[Collaborator]":
        """Give those who have a part in most of the titles that a person has a part in."""

    def charts(self) -> "Sequence[ChartSummary]":
        """Give the charts that are kept, in the order of `ChartName`; `HistoryReader` has more."""

    def overview(self) -> "StoreOverview":
        """Count what is held, which takes seconds when it is much: keep the answer for a while."""

    def merged_into(self, imdb_id: ImdbId) -> ImdbId | None:
        """Give the id that another one was merged into, or ``None`` when it was not."""


class StoreVersion(Protocol):
    """Tells one state of what is held from another, for those who keep what they made from it.

    For one event loop, in its thread.
    """

    async def current(self) -> str:
        """Give the version of a moment after this was called.

        Whatever is changed in titles, people, charts and all that belongs to them changes it, in
        the moment in which others see the change. A version never comes again for another state,
        and cannot be guessed. Raises `RepositoryUnavailable`.
        """


class FiguresReader(Protocol):
    """Reckons figures of all that is held. Any number of threads may call it."""

    def figures(self) -> "StoreFigures":
        """Reckon them now, in seconds when much is held: keep the answer for a while.

        Raises `RepositoryUnavailable`.
        """

    def version(self) -> str:
        """Tell the version (`StoreVersion`) of what is held now: of the same one figures are equal.

        Raises `RepositoryUnavailable`.
        """


class TitleWriter(Protocol):
    """Writes titles for others to read: a file, or a stream. Used by one thread."""

    def write(self, titles: Iterable[Title]) -> Sequence[str]:
        """Write all titles, without holding all in memory; give what the user should know.

        Such as what the format could not take. Raises `ExportFailed` or `OSError`.
        """


@dataclass(frozen=True, slots=True)
class RepositoryOpener:
    """A repository that is not open yet: opened, used and closed by its lane's thread only."""

    name: str
    open: Callable[[], AbstractContextManager[TitleRepository]]


class Spill(Protocol):
    """Keeps batches, first in first out, while their repository is away. Used by one thread."""

    @property
    def location(self) -> str:
        """Where a person finds them; empty while there are none."""

    def put(self, batch: Sequence[Title] | Sequence[PersonProfile]) -> None:
        """Keep a batch behind the others; raises `SpillUnavailable` when there is no room."""

    def first(self, count: int) -> Sequence[tuple[Title, ...] | tuple[PersonProfile, ...]]:
        """Give the first ``count`` batches that are kept, at most as many as there are.

        Raises `SpillUnavailable` when they cannot be read.
        """

    def drop(self, count: int) -> None:
        """Forget the first ``count`` batches."""

    def close(self) -> None:
        """Forget everything and leave nothing behind."""


class RunObserver(Protocol):
    """Is told how a run goes, from several threads at once; must be quick and must not raise."""

    def started(self, run: Run, asked: int | None) -> None:
        """Titles are about to be fetched; ``asked`` is ``None`` when their number is not known."""

    def fetched(self, item: Title | PersonProfile, seconds: float) -> None:
        """A title, or person, was fetched and read, in this many seconds."""

    def failed(self, failure: Failure) -> None:
        """A title could not be fetched or read."""

    def saved(self, repository: str, result: BatchResult) -> None:
        """A repository has stored a batch."""

    def notice(self, message: str) -> None:
        """Something happened that the user should know of, such as a source that gave up."""


class BatchLedger(Protocol):
    """Knows the batches of distributed runs. Any number of threads and processes may call it.

    What it says is decided in one place, by one clock: however often a batch is handed to workers,
    one at a time has it. Every method raises `RepositoryUnavailable`, and may be repeated.
    """

    def open_run(self, run_id: str, batches: "Sequence[Sequence[TitleId]]") -> None:
        """Note a run that a repository knows, and its batches; once more changes nothing."""

    def reopen_run(
        self, run_id: str, batches: "Sequence[Sequence[TitleId]]", resumed_at: datetime
    ) -> None:
        """Have a run that is over, or was none of workers, go on with these batches alone.

        One that is not closed stays as it is.
        """

    def claim(self, batch_id: int, worker: str, token: str) -> "BatchClaim | None":
        """Give a batch to a worker, which has nothing else at work; ``None``: not to be done now.

        A worker has one batch at a time: others that are still its own were left by a process of it
        that has died, and count as failed attempts.
        """

    def keep(self, claim: "BatchClaim", fetched: int, failed: int) -> "Standing":
        """Prolong the lease of a batch and note how far it is; tell what the worker is to do."""

    def done(self, claim: "BatchClaim", account: "BatchAccount") -> None:
        """Note that a batch is done; changes nothing when it is not the worker's any more."""

    def failed(self, claim: "BatchClaim", error: str, *, is_cut: bool) -> None:
        """Note that an attempt has failed.

        The batch waits for another one, and is parked after the last. With ``is_cut``, one of more
        than one title is cut in two instead, so that the title that is the cause stands alone in
        the end.
        """

    def give_back(self, claim: "BatchClaim") -> None:
        """Note that a worker has let go of a batch: it waits, and no attempt has failed."""

    def away(
        self, claim: "BatchClaim", error: str, *, has_fetched: bool, rest_seconds: float
    ) -> None:
        """Note that a batch could not be done because the sources of its run are away.

        That is no attempt. Nothing of the run is begun for a while, which is longer each time and
        at least ``rest_seconds``; then one batch is, as a trial. With ``has_fetched`` the sources
        had answered before.
        """

    def answers(self, claim: "BatchClaim") -> None:
        """Note that the sources of a run answer again: whatever waits may be begun."""

    def sweep(self) -> None:
        """Count attempts as failed, and cut batches, whose lease is over: their workers are dead.

        What has waited too long for its sources is parked. Several at once do no harm.
        """

    def to_send(self, *, again: bool) -> Sequence[int]:
        """Give the batches that may be begun now and have not been sent to workers, as sent now.

        With ``again`` also those sent before: whoever asks knows that no message is left.
        """

    def to_close(self) -> Sequence[str]:
        """Give the runs of which nothing is left to do but their account."""

    def close_begins(self, run_id: str, token: str) -> bool:
        """Tell whether the account of a run is to be written now, by whoever has this token.

        Decided in one statement, for one at a time; again when its lease is over. Every further
        call with the same token prolongs the lease.
        """

    def closed(self, run_id: str, token: str) -> None:
        """Note that the account is written."""

    def accounts(self, run_id: str) -> "Sequence[BatchAccount]":
        """Give the accounts of the batches that are done, in the order of their titles."""

    def parked(self, run_id: str) -> "Sequence[ParkedBatch]":
        """Give the batches that were given up."""

    def progress(self, run_id: str) -> "RunBatches | None":
        """Give how far a run is; ``None`` when it is not known, or not a distributed one."""

    def set_stage(self, run_id: str, stage: "Stage") -> "Stage | None":
        """Pause, cancel or go on with a run; give the stage that it is in then.

        One that is closed stays so, and one that is cancelled does not go on; ``None`` as
        `progress`.
        """


class BatchQueue(Protocol):
    """Hands batches to workers, at least once each, as long as it does not lose them.

    Any number of threads may call it. Both methods raise `QueueUnavailable`.
    """

    def send(self, batch_ids: Sequence[int]) -> None:
        """Hand over batches, in this order."""

    def waiting(self) -> int:
        """Tell how many messages no worker has taken yet."""


class JobLedger(Protocol):
    """Knows the jobs of the schedule. Any number of threads and processes may call it.

    What it says is decided in one place, by one clock: however often it is told that a job is due,
    one worker at a time has the job, and no slot is done twice. A job that has begun a distributed
    run is at work until that is closed. Every method raises `RepositoryUnavailable`, and may be
    repeated.
    """

    def note(self, job: "JobName", slot: "datetime | None", *, is_time: bool) -> "JobSlot | None":
        """Note that a job is due since ``slot``, or with ``None`` since now; give what is noted.

        ``None`` for a slot that is not newer than what is noted. It is skipped when the job is at
        work, or waits; and without ``is_time``, when the job has no slot yet.
        """

    def claim(self, job: "JobName", holder: str, token: str) -> "JobClaim | None":
        """Give a job to a worker; ``None``: it is not to be done now."""

    def keep(self, claim: "JobClaim") -> bool:
        """Prolong a lease; ``False``: the job is somebody else's by now, or over."""

    def note_run(self, claim: "JobClaim", run_id: str) -> bool:
        """Note the run of a job, before it begins; ``False`` as `keep`."""

    def done(self, claim: "JobClaim") -> None:
        """Note that a job is done; changes nothing when it is not the worker's any more."""

    def failed(self, claim: "JobClaim", why: str) -> None:
        """Note that an attempt has failed: the job waits for another one, or is given up."""

    def give_back(self, claim: "JobClaim") -> None:
        """Note that a worker has let go of a job: it waits, and no attempt has failed."""

    def due(self) -> "Sequence[JobName]":
        """Give the jobs that may be begun now."""

    def records(self) -> "Sequence[JobRecord]":
        """Tell how each job stands that was ever noted, by name."""


class JobQueue(Protocol):
    """Tells workers of jobs. Any number of threads may call it.

    Both methods raise `QueueUnavailable`.
    """

    def send(self, job: "JobName") -> None:
        """Have a worker look at a job."""

    def waiting(self) -> int:
        """Tell how many messages no worker has taken yet."""
