"""Runs in this process: their use cases, wired to sources and repositories."""

import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from application.composite_save import CompositeSave
from application.detail_fetcher import FetchLoad
from application.ports import RepositoryOpener, RunObserver, Spill
from application.repair import Progress, Repair
from application.resume_run import ResumeRun
from application.retry_failures import RetryFailures
from application.run_history import RunHistory
from application.scrape_chart import ScrapeChart
from application.scrape_people import ScrapePeople
from application.scrape_titles import ScrapeTitles, utc_now
from application.source_chain import PersonChain, SourceChain
from domain.chart import ChartName
from domain.details import DetailName
from domain.run import PEOPLE, DetailFailure, Run
from infrastructure.container.metrics import counting, watch
from infrastructure.container.repositories import repository_openers
from infrastructure.container.sources import (
    new_circuit,
    open_person_source,
    open_source,
    person_sources,
)
from shared.config import Settings
from shared.log_context import run_log

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

    from infrastructure.monitoring import Metrics


OF_CHARTS = frozenset({"chart", "demo"})
"""The commands whose runs are about a chart."""


FETCHING_AT_ONCE = OF_CHARTS | {"titles", "discover", "list", "refresh"}
"""The commands whose runs need no look at what is kept before they fetch."""


@dataclass(frozen=True, slots=True)
class App:
    """The use cases, wired and open, and the run that they are for."""

    scrape_chart: ScrapeChart
    scrape_titles: ScrapeTitles
    resume_run: ResumeRun
    retry_failures: RetryFailures
    history: RunHistory


def new_run(settings: Settings, command: str) -> Run:
    """A run that begins now; its id sorts by time and is unique.

    Raises `InvalidConfiguration` when it is about people and no chosen source gives any.
    """
    started_at = utc_now()
    return Run(
        run_id=f"{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
        command=command,
        chart=ChartName(settings.chart) if command in OF_CHARTS else None,
        sources=person_sources(settings) if command == PEOPLE else settings.sources,
        started_at=started_at,
        details=() if command == PEOPLE else chosen_details(settings),
    )


def chosen_details(settings: Settings) -> tuple[DetailName, ...]:
    """The details that ``DETAILS`` asks for."""
    if "all" in settings.details:
        return tuple(DetailName)
    return tuple(map(DetailName, settings.details))


@contextmanager
def open_app(
    settings: Settings,
    observer: RunObserver,
    stop: threading.Event,
    *,
    fetches_at_once: bool,
    metrics: "Metrics | None" = None,
) -> Iterator[App]:
    """Wire the use cases; on leaving, wait for the repositories and close what was opened.

    Repositories open in their lanes, while the chart is being read. ``stop`` ends a run early. When
    the use case ``fetches_at_once``, its first source begins already while the rest is made.
    ``metrics`` count what happens, when there are any.
    """
    observer = counting(observer, metrics)
    load = FetchLoad(settings.max_threads)
    with run_log(), ExitStack() as stack:

        def tell(notice: str) -> None:
            chain.tell(notice)  # a source has nothing to say before the chain asks it

        def note(failure: DetailFailure) -> None:
            chain.note_detail_failure(failure)

        opened = (
            open_source(
                name, settings, stop, tell, note,
                read_ahead=fetches_at_once and number == 0, metrics=metrics,
            )
            for number, name in enumerate(settings.sources)
        )  # fmt: skip
        sources = [stack.enter_context(source) for source in opened]
        chain = SourceChain(sources, observer.notice, new_circuit)
        save = stack.enter_context(composite_save(settings, observer, stop))
        watch(metrics, load, save, chain)
        titles = ScrapeTitles(
            chain, save, observer, max_threads=settings.max_threads, stop=stop, load=load
        )
        chart = ScrapeChart(chain, save, observer, titles)
        resume = ResumeRun(
            save, chart, titles,
            sources=settings.sources, details=chosen_details(settings), gives=chain.gives,
        )  # fmt: skip
        yield App(chart, titles, resume, RetryFailures(save, titles), RunHistory(save))


@contextmanager
def open_people(
    settings: Settings,
    observer: RunObserver,
    stop: threading.Event,
    metrics: "Metrics | None" = None,
    guard: "Callable[[cursor], None] | None" = None,
) -> Iterator[ScrapePeople]:
    """Wire the use case for people; as `open_app`. ``guard`` is for the database."""
    observer = counting(observer, metrics)
    load = FetchLoad(settings.max_threads)
    with run_log(), ExitStack() as stack:

        def tell(notice: str) -> None:
            chain.tell(notice)  # a source has nothing to say before the chain asks it

        sources = [
            stack.enter_context(
                open_person_source(
                    name, settings, stop, tell, read_ahead=number == 0, metrics=metrics
                )
            )
            for number, name in enumerate(person_sources(settings))
        ]
        chain = PersonChain(sources, observer.notice, new_circuit)
        save = stack.enter_context(
            composite_save(settings, observer, stop, repository_openers(settings, guard))
        )
        watch(metrics, load, save, chain)
        yield ScrapePeople(
            chain, save, observer, max_threads=settings.max_threads, stop=stop, load=load
        )


@contextmanager
def open_repair(
    settings: Settings, observer: RunObserver, stop: threading.Event, tell: Progress
) -> Iterator[Repair]:
    """Wire the comparison of all chosen repositories, which ``tell`` is told the progress of.

    ``stop`` ends it early, also while a repository that has gone away is waited for.
    """
    with (
        run_log(),
        CompositeSave(
            repository_openers(settings),
            observer,
            wait_seconds=settings.repository_wait_seconds,
            stop=stop,
        ) as save,
    ):
        yield Repair(save, stop, tell)


def composite_save(
    settings: Settings,
    observer: RunObserver,
    stop: threading.Event,
    openers: Sequence[RepositoryOpener] | None = None,
) -> CompositeSave:
    """What saves in all chosen repositories at once, or in those that ``openers`` open.

    ``stop`` ends the wait for a repository that has gone away.
    """
    return CompositeSave(
        repository_openers(settings) if openers is None else openers,
        observer,
        spills=_spills(settings),
        wait_seconds=settings.repository_wait_seconds,
        stop=stop,
    )


def _spills(settings: Settings) -> Callable[[str], Spill]:
    """Give what makes a spill for a repository; first remove what killed runs have left."""
    from infrastructure.repositories.spill_file import SpillFile, remove_leftovers

    try:
        elsewhere = [Path(tempfile.gettempdir())]
    except FileNotFoundError:  # no folder for temporary files can be written
        elsewhere = []
    # Where only databases were asked for, no file is written beside them.
    ours = [] if settings.repositories == ("postgres",) else [settings.output_dir]
    remove_leftovers([*elsewhere, *ours])

    def spill(repository: str) -> Spill:
        # When CSV files cannot be written, it is mostly the disk of OUTPUT_DIR that is full.
        folders = [*elsewhere, *ours] if repository == "csv" else [*ours, *elsewhere]
        return SpillFile(repository, folders)

    return spill
