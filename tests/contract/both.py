"""CSV and PostgreSQL at once, through `CompositeSave`, as one repository for the contract suite."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from application.composite_save import CompositeSave
from application.ports import BatchResult, RepositoryOpener, TitleRepository
from domain.chart import Chart
from domain.identifiers import NameId
from domain.run import RepositoryReport, Run, RunReport, StoreCounts
from domain.title import Title
from tests.contract.factories import (
    CsvFactory,
    PostgresFactory,
    RepositoryFactory,
    in_billing_order,
)
from tests.fakes import RecordingObserver


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

    def begin_run(self, run: Run, chart: Chart | None) -> None:
        self._save.begin_run(run, chart)

    def save(
        self, batch: Sequence[Title], run: Run, when_sent: Callable[[], None] | None = None
    ) -> BatchResult:
        self._save.save(batch, run)
        after = self._save.settle()
        assert [report.error for report in after] == [None] * len(after)
        # With other writers at work the two may see different titles first.
        first, second = (_result(*reports) for reports in zip(self._before, after, strict=True))
        assert _total(first) == _total(second) == len(batch)
        self._before = after
        return first

    def finish_run(self, report: RunReport) -> None:
        self._save.finish_run(report)

    def titles(self) -> Iterator[Title]:
        first, second = (
            {title.imdb_id: in_billing_order(title) for title in reader.titles()}
            for reader in self._readers
        )
        assert first == second
        self._people()
        yield from first.values()

    def counts(self) -> StoreCounts:
        first, second = (reader.counts() for reader in self._readers)
        assert first == second
        return first


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
