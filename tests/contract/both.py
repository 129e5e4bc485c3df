"""CSV and PostgreSQL at once, through `CompositeSave`, as one repository for the contract suite."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from application.composite_save import CompositeSave
from application.ports import BatchResult, RepositoryOpener, TitleRepository, TitleVersion
from domain.chart import Chart
from domain.identifiers import NameId, TitleId
from domain.merged_id import MergedId
from domain.person_profile import PersonProfile
from domain.run import (
    Failure,
    ProfileCounts,
    RepositoryReport,
    Run,
    RunRecord,
    RunReport,
    StoreCounts,
)
from domain.title import Title
from tests.contract.factories import (
    CsvFactory,
    PostgresFactory,
    RepositoryFactory,
    in_billing_order,
)
from tests.fakes import RecordingObserver

_Answer = TypeVar("_Answer")


class BothRepositories:
    """Saves through the lanes, and reads both repositories: they must agree on everything."""

    name = "csv+postgres"
    location = "both"

    def __init__(
        self,
        save: CompositeSave,
        readers: Sequence[TitleRepository],
        people: Callable[[], dict[NameId, str]],
    ) -> None:
        self._save = save
        self._readers = readers
        self._people = people
        self._before = save.settle()

    def begin_run(
        self, run: Run, chart: Chart | None, asked: Sequence[TitleId] | None = None
    ) -> None:
        self._save.begin_run(run, chart, asked)
        assert self._errors() == [None, None]

    def save(
        self, batch: Sequence[Title], run: Run, when_sent: Callable[[], None] | None = None
    ) -> BatchResult:
        self._save.save(batch, run)
        after = self._save.settle()
        assert self._errors() == [None, None]
        # With other writers at work the two may see different titles first.
        first, second = (_result(*reports) for reports in zip(self._before, after, strict=True))
        assert _total(first) == _total(second) == len(batch)
        self._before = after
        return first

    def finish_run(self, report: RunReport) -> None:
        self._save.finish_run(report)

    def runs(self, limit: int) -> Sequence[RunRecord]:
        return self._agreed(lambda reader: list(reader.runs(limit)))

    def run(self, run_id: str) -> RunRecord | None:
        return self._agreed(lambda reader: reader.run(run_id))

    def asked_in(self, run_id: str) -> Sequence[TitleId] | None:
        return self._agreed(lambda reader: reader.asked_in(run_id))

    def chart_of(self, run_id: str) -> Chart | None:
        return self._agreed(lambda reader: reader.chart_of(run_id))

    def failures_of(self, run_id: str) -> Sequence[Failure]:
        return self._agreed(lambda reader: reader.failures_of(run_id))

    def held_since(self, ids: Collection[TitleId], run: Run) -> frozenset[TitleId]:
        return self._agreed(lambda reader: reader.held_since(ids, run))

    def note_merged(self, merged: Sequence[MergedId]) -> None:
        self._save.note_merged(merged)
        assert self._errors() == [None, None]

    def merged_ids(self) -> Sequence[MergedId]:
        return self._agreed(
            lambda reader: sorted(reader.merged_ids(), key=lambda merged: merged.old)
        )

    def versions(self) -> Iterator[TitleVersion]:
        yield from self._agreed(lambda reader: sorted(reader.versions()))

    def _agreed(self, question: Callable[[TitleRepository], _Answer]) -> _Answer:
        first, second = (question(reader) for reader in self._readers)
        assert first == second
        return first

    def _errors(self) -> list[str | None]:
        return [report.error for report in self._save.settle()]

    def titles(self, ids: Collection[TitleId] | None = None) -> Iterator[Title]:
        first, second = (
            {title.imdb_id: in_billing_order(title) for title in reader.titles(ids)}
            for reader in self._readers
        )
        assert first == second
        self._people()
        yield from first.values()

    def counts(self) -> StoreCounts:
        return self._agreed(lambda reader: reader.counts())

    def save_profiles(self, batch: Sequence[PersonProfile], run: Run) -> BatchResult:
        return self.save(batch, run)  # type: ignore[arg-type]  # the lanes tell them apart

    def profile_versions(self) -> Iterator[tuple[NameId, datetime]]:
        yield from self._agreed(lambda reader: sorted(reader.profile_versions()))

    def profiles(self, ids: Collection[NameId] | None = None) -> Iterator[PersonProfile]:
        found = self._agreed(lambda reader: {p.imdb_id: p for p in reader.profiles(ids)})
        yield from found.values()

    def profile_counts(self) -> ProfileCounts:
        return self._agreed(lambda reader: reader.profile_counts())


def _total(result: BatchResult) -> int:
    return result.inserted + result.updated + result.unchanged + len(result.refused)


def _result(before: RepositoryReport, after: RepositoryReport) -> BatchResult:
    return BatchResult(
        inserted=after.inserted - before.inserted,
        updated=after.updated - before.updated,
        unchanged=after.unchanged - before.unchanged,
        refused=after.refused[len(before.refused) :],
    )


@dataclass(frozen=True)
class BothFactory:
    """Opens both, for saving in lanes and for reading."""

    directory: Path
    url: str

    @property
    def _factories(self) -> tuple[RepositoryFactory, ...]:
        return CsvFactory(self.directory), PostgresFactory(self.url)

    def people(self) -> dict[NameId, str]:
        first, second = (factory.people() for factory in self._factories)
        assert first == second
        return first

    @contextmanager
    def __call__(self) -> Iterator[TitleRepository]:
        openers = [
            RepositoryOpener(name, factory)
            for name, factory in zip(("csv", "postgres"), self._factories, strict=True)
        ]
        with ExitStack() as stack:
            readers = [stack.enter_context(factory()) for factory in self._factories]
            save = stack.enter_context(CompositeSave(openers, RecordingObserver()))
            yield BothRepositories(save, readers, self.people)
