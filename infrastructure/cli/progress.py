"""How a run goes: a live display on a terminal, plain log lines elsewhere."""

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from application.ports import BatchResult
from domain.person_profile import PersonProfile
from domain.run import Failure, Run
from domain.title import Title
from infrastructure.cli.shown import shown
from shared.log_context import in_log_context

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

logger = logging.getLogger(__name__)

LOG_EVERY_SECONDS = 5.0


class RunCounts:
    """Counts of a running run. Called by the run's thread and by the lanes; one lock guards it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.began = time.monotonic()
        self.has_begun = False
        self.asked: int | None = None
        self.unit = "titles"
        self.done = 0
        self.failures = 0
        self.saved_by: dict[str, int] = {}

    def start(self, run: Run, asked: int | None) -> None:
        """The fetching begins now."""
        with self._lock:
            self.began, self.asked, self.has_begun = time.monotonic(), asked, True
            self.unit = "people" if run.is_about_people else "titles"

    def add_done(self, *, failed: bool) -> None:
        """One more title was fetched or has failed."""
        with self._lock:
            self.done += 1
            self.failures += failed

    def add_saved(self, repository: str, titles: int) -> None:
        """A repository has saved this many more titles."""
        with self._lock:
            self.saved_by[repository] = self.saved_by.get(repository, 0) + titles

    def saved(self) -> str:
        """What each repository has saved up to now."""
        with self._lock:
            return " ".join(f"{name} {count}" for name, count in sorted(self.saved_by.items()))

    def fields(self) -> dict[str, object]:
        """The same as `describe`, as fields of a log record; ``rate`` is per second."""
        with self._lock:
            return {
                "done": self.done,
                "asked": self.asked,
                "failures": self.failures,
                "rate": round(self.done / max(time.monotonic() - self.began, 1e-9), 2),
                "saved": dict(self.saved_by),
            }

    def describe(self) -> str:
        """One line: fetched, saved per repository, failed, titles a second, time left."""
        with self._lock:
            seconds = max(time.monotonic() - self.began, 1e-9)
            parts = [f"fetched {self.done - self.failures}"]
            if self.asked is not None:
                parts[0] += f" of {self.asked}"
            parts += [f"saved {name} {count}" for name, count in sorted(self.saved_by.items())]
            parts.append(f"failed {self.failures}")
            rate = self.done / seconds
            parts.append(f"{rate:.1f} {self.unit}/s")
            if self.asked is not None and rate > 0 and self.done < self.asked:
                parts.append(f"about {(self.asked - self.done) / rate:.0f} s left")
        return ", ".join(parts)


class LogObserver:
    """Tells how a run goes in log lines: its beginning, and what the user should know.

    Each title has a line of `application.detail_fetcher`, at DEBUG.
    """

    def __init__(self, counts: RunCounts) -> None:
        self._counts = counts

    def started(self, run: Run, asked: int | None) -> None:
        """Log the beginning of the run."""
        self._counts.start(run, asked)
        sources = ", ".join(run.sources)
        extra = {"asked": asked, "sources": list(run.sources)}
        logger.info(
            "run %s: %s %s from %s", run.run_id, asked, self._counts.unit, sources, extra=extra
        )

    def fetched(self, item: Title | PersonProfile, seconds: float) -> None:
        """Count a title."""
        self._counts.add_done(failed=False)

    def failed(self, failure: Failure) -> None:
        """Count a failure; the summary names them all."""
        self._counts.add_done(failed=True)

    def saved(self, repository: str, result: BatchResult) -> None:
        """Count what a repository saved."""
        self._counts.add_saved(repository, result.inserted + result.updated + result.unchanged)

    def notice(self, message: str) -> None:
        """Log what the user should know."""
        logger.warning("%s", shown(message))


class _SteadySummary:
    """Logs the counts of a run every `LOG_EVERY_SECONDS`, also while nothing arrives.

    From a thread of its own, until the end of the block.
    """

    def __init__(self, counts: RunCounts) -> None:
        self._counts = counts
        self._over = threading.Event()
        self._thread = threading.Thread(target=in_log_context(self._log), name="summary")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _log(self) -> None:
        while not self._over.wait(LOG_EVERY_SECONDS):
            if self._counts.has_begun:
                fields = self._counts.fields()
                logger.info("%s", self._counts.describe(), extra=fields)


class LiveObserver:
    """Shows how a run goes on a terminal, with a bar. Thread-safe, as rich's display is."""

    def __init__(self, counts: RunCounts, progress: "Progress", first: str) -> None:
        self._counts = counts
        self._progress = progress
        self._task: TaskID = progress.add_task(first, total=None, counts="", rate="", left="")

    def started(self, run: Run, asked: int | None) -> None:
        """Show the bar for this many titles, or people."""
        self._counts.start(run, asked)
        # All fields: those that are not named here are gone.
        self._progress.reset(
            self._task, total=asked, description=self._counts.unit, counts="", rate="", left="left"
        )

    def fetched(self, item: Title | PersonProfile, seconds: float) -> None:
        """Move the bar."""
        self._counts.add_done(failed=False)
        self._show()

    def failed(self, failure: Failure) -> None:
        """Move the bar and count the failure."""
        self._counts.add_done(failed=True)
        self._show()

    def saved(self, repository: str, result: BatchResult) -> None:
        """Show what a repository has saved."""
        self._counts.add_saved(repository, result.inserted + result.updated + result.unchanged)
        self._show()

    def notice(self, message: str) -> None:
        """Print what the user should know above the bar."""
        from rich.text import Text

        self._progress.console.print(Text(f"! {shown(message)}", style="yellow"))

    def _show(self) -> None:
        counts = self._counts
        failed = f"  [red]failed {counts.failures}[/red]" if counts.failures else ""
        saved = f"saved {counts.saved() or '0'}{failed}"
        rate = f"{counts.done / max(time.monotonic() - counts.began, 1e-9):.1f}/s"
        self._progress.update(self._task, completed=counts.done, counts=saved, rate=rate)


@contextmanager
def observed(
    counts: RunCounts, first: str = "starting", *, lines_only: bool = False
) -> Iterator[LogObserver | LiveObserver]:
    """Give an observer: a live display if standard error is a terminal, else log lines.

    ``first`` is what the display says is being done before the run knows what to fetch. With
    ``lines_only`` there is no display on a terminal either: lines for machines are never wrapped.
    """
    console = None if lines_only else _terminal()
    if console is None:
        with _SteadySummary(counts):
            yield LogObserver(counts)
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[left]}"),
    )
    progress = Progress(*columns, console=console, transient=True)
    progress.start()
    try:
        yield LiveObserver(counts, progress, first)
    finally:
        with suppress(OSError):  # the terminal has gone; the report of the run is still to come
            progress.stop()


def _terminal() -> "Console | None":
    """Standard error, when it is a terminal that can show a display."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console

    console = Console(stderr=True)
    return None if not console.is_terminal or console.is_dumb_terminal else console
