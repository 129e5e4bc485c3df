"""The command that imports IMDb's dataset files: how it goes, and its account."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from application.ports import DatasetProgress
from domain.datasets import (
    DatasetFilter,
    DatasetName,
    FileAccount,
    ImportOutcome,
    ImportReport,
    check_choice,
)
from domain.errors import DatasetsUnusable, RepositoryUnavailable
from domain.title import TitleKind
from infrastructure.cli.exit_status import INCOMPLETE, SAVED
from infrastructure.cli.shown import shown
from infrastructure.cli.summary import SummaryConsole
from infrastructure.container import open_dataset_import
from shared.config import Settings
from shared.wording import counted

logger = logging.getLogger(__name__)

LOG_EVERY_SECONDS = 5.0

KINDS = (*(kind.value for kind in TitleKind), "tvPilot")
"""The kinds of titles that the files know: those of the site, and one more."""

_UNKNOWN = "-"
_COUNTS = ("lines", "loaded", "filtered", "rejected", "inserted", "updated", "unchanged", "removed")


def names_from(text: str | None) -> tuple[DatasetName, ...]:
    """The files that a list such as ``title.basics,title.ratings`` names; all for ``None``.

    Raises `ValueError` for anything else.
    """
    if text is None:
        return tuple(DatasetName)
    parts = [part.strip().removesuffix(".gz").removesuffix(".tsv") for part in text.split(",")]
    known = [name.value for name in DatasetName]
    unknown = [part for part in parts if part not in known]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(known)}")
    return tuple(dict.fromkeys(map(DatasetName, parts)))


def kinds_from(text: str | None) -> tuple[str, ...]:
    """The kinds of titles that a list such as ``movie,tvSeries`` names; raises `ValueError`."""
    if text is None:
        return ()
    parts = [part.strip() for part in text.split(",")]
    unknown = [part for part in parts if part not in KINDS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(KINDS)}")
    return tuple(dict.fromkeys(parts))


def import_datasets(
    settings: Settings,
    *,
    folder: Path | None,
    names: Sequence[DatasetName],
    choice: DatasetFilter,
    checks_ids: bool,
    as_json: bool,
) -> int:
    """Import dataset files and print the account; give the exit status."""
    try:
        check_choice(names, choice)
        with _progress() as progress, open_dataset_import(settings, folder, progress) as imports:
            report = imports.execute(names, choice, checks_ids=checks_ids)
    except DatasetsUnusable as error:
        raise click.UsageError(str(error)) from error
    except RepositoryUnavailable as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        # JSON is UTF-8 (RFC 8259, 8.1), whatever the terminal's encoding.
        sys.stdout.buffer.write(msgspec.json.encode(report_as_json(report)) + b"\n")
    else:
        _print_report(SummaryConsole(), report)
    for account in report.files:
        if account.problem:
            sys.stderr.write(f"{account.name}: {shown(account.problem)}\n")
    return SAVED if report.is_complete else INCOMPLETE


def report_as_json(report: ImportReport) -> dict[str, Any]:
    """The account as JSON types; what is not known is ``null``."""
    return {
        "seconds": round(report.seconds, 3),
        "files": [
            {
                "name": account.name.value,
                "outcome": account.outcome.value,
                **{count: getattr(account, count) for count in _COUNTS},
                "unknown_titles": account.unknown_titles,
                "unknown_names": account.unknown_names,
                "problem": account.problem or None,
            }
            for account in report.files
        ],
    }


def _print_report(console: Console, report: ImportReport) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("file")
    for heading in (*_COUNTS, "unknown ids"):
        table.add_column(heading, justify="right")
    for account in report.files:
        table.add_row(*_cells(account))
    console.print(table)
    imported = [a for a in report.files if a.outcome is ImportOutcome.IMPORTED]
    rows = sum(account.lines for account in imported)
    rate = f", {rows / report.seconds:,.0f} a second" if rows and report.seconds > 0 else ""
    console.print()
    what = f"{counted(rows, 'row')} of {counted(len(imported), 'file')}"
    console.print(
        Text(f"{what} in {report.seconds:.1f} s{rate}"),
        soft_wrap=True,
    )
    if any(account.rejected for account in report.files):
        _print_hint(console)


def _cells(account: FileAccount) -> list[str]:
    if account.outcome is ImportOutcome.FAILED:
        return [account.name.value, "failed"]
    unknown = [n for n in (account.unknown_titles, account.unknown_names) if n is not None]
    counts = [f"{getattr(account, count):,}" for count in _COUNTS]
    return [account.name.value, *counts, f"{sum(unknown):,}" if unknown else _UNKNOWN]


def _print_hint(console: Console) -> None:
    console.print(
        "Rejected lines: "
        'python main.py psql -c "SELECT * FROM imdb_datasets.rejects ORDER BY file, line LIMIT 20"',
        soft_wrap=True,
        markup=False,
        highlight=False,
    )


class LogProgress:
    """Tells how an import goes in log lines: one of each file every `LOG_EVERY_SECONDS`.

    Any number of threads may call it; one lock guards the times.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[DatasetName, float] = {}

    def __call__(self, name: DatasetName, step: str, done: int, total: int) -> None:
        """Log the step of a file, with its share."""
        now = self._clock()
        with self._lock:
            if now - self._told.setdefault(name, now) < LOG_EVERY_SECONDS:
                return
            self._told[name] = now
        logger.info("%s: %s, %d %%", name, step, 100 * done // max(total, 1))


@contextmanager
def _progress() -> Iterator[DatasetProgress]:
    """Bars with rate and time left if standard error is a terminal, else log lines."""
    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield LogProgress()
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    bars = Progress(*columns, console=console, transient=True)
    tasks: dict[tuple[DatasetName, str], TaskID] = {}
    lock = threading.Lock()

    def show(name: DatasetName, step: str, done: int, total: int) -> None:
        with lock:
            if (name, step) not in tasks:
                for (other, earlier), task in tuple(tasks.items()):
                    if other is name:
                        bars.remove_task(task)
                        del tasks[other, earlier]
                tasks[name, step] = bars.add_task(f"{step} {name.value}", total=total)
        bars.update(tasks[name, step], completed=done, total=total)

    bars.start()
    try:
        yield show
    finally:
        with suppress(OSError):  # the terminal has gone; the account is still to come
            bars.stop()
