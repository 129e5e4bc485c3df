"""The command that brings the repositories level."""

import logging
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import click
from rich.console import Console
from rich.text import Text

from application.repair import Differences, Progress
from domain.errors import RepositoryUnavailable
from domain.identifiers import ImdbId
from domain.run import RunOutcome, RunReport
from infrastructure.cli.exit_status import INCOMPLETE, INTERRUPTED, OF_OUTCOME, SAVED
from infrastructure.cli.interruption import stop_on_signals
from infrastructure.cli.progress import LogObserver, RunCounts
from infrastructure.container import new_run, open_repair, repositories_with_data
from shared.config import Settings
from shared.log_context import run_log
from shared.wording import counted

logger = logging.getLogger(__name__)

LOG_EVERY_SECONDS = 5.0
_NAMED_IDS = 8
_NOTHING_COPIED = "Interrupted before all was compared: nothing was copied."


@run_log()
def repair_repositories(settings: Settings, *, check: bool, console: Console) -> int:
    """Say in what the repositories differ and, unless ``check``, level them; the exit status."""
    if len(settings.repositories) < 2:
        raise click.UsageError(
            "repair compares repositories, and REPOSITORIES names only "
            f"{settings.repositories[0]}: name two, such as csv,postgres"
        )
    if not repositories_with_data(settings):
        _print(console, [f"There is no data in {settings.output_dir} yet, see OUTPUT_DIR."])
        return SAVED
    stop = threading.Event()
    try:
        with stop_on_signals(stop), _progress() as tell:
            return _repair(settings, stop, tell, console, check=check)
    except RepositoryUnavailable as error:
        if stop.is_set():  # it was no longer waited for
            _print(console, [_NOTHING_COPIED])
            return INTERRUPTED
        raise click.ClickException(str(error)) from error


def _repair(
    settings: Settings, stop: threading.Event, tell: Progress, console: Console, *, check: bool
) -> int:
    names = " and ".join(settings.repositories)
    with open_repair(settings, LogObserver(RunCounts()), stop, tell) as repair:
        found = repair.compare()
        _print(console, list(_described(found, settings.repositories)))
        if stop.is_set():
            _print(console, [_NOTHING_COPIED])
            return INTERRUPTED
        if found.is_level:
            _print(console, [f"{names} hold the same {_counted(found.titles, found.people)}"])
            return SAVED
        if check:
            _print(console, [f"{names} differ in {_share(found)}"])
            return INCOMPLETE
        report = repair.level(found, replace(new_run(settings, "repair"), sources=()))
    _print(console, list(_account(report, found)))
    return OF_OUTCOME[report.outcome]


def _described(found: Differences, names: Sequence[str]) -> Iterator[str]:
    """A line for each kind of difference, sort and repository: how many, and the first few ids."""
    first = names[0]
    kinds: tuple[tuple[str, Mapping[str, list[ImdbId]]], ...] = (
        ("missing in {}", found.missing),
        ("older in {}", found.older),
        ("of the same time, with other facts in {}", found.differing),
    )
    for words, by_name in kinds:
        for name in (name for name in names if by_name.get(name)):
            titles, people = _by_sort(by_name[name])
            if titles:
                yield f"{words.format(name)}: {_listed(titles)}"
            if people:
                yield f"people {words.format(name)}: {_listed(people)}"
    if found.differing:
        yield f"of facts of the same time, those in {first} count"
    for name in (name for name in names if found.merged.get(name)):
        old = [merged.old for merged in found.merged[name]]
        yield f"merged ids that {name} does not know: {_listed(old)}"


def _listed(ids: Sequence[ImdbId]) -> str:
    more = f" and {len(ids) - _NAMED_IDS:,} more" if len(ids) > _NAMED_IDS else ""
    return f"{len(ids):,} ({', '.join(ids[:_NAMED_IDS])}{more})"


def _by_sort(ids: Sequence[ImdbId]) -> tuple[list[ImdbId], list[ImdbId]]:
    """The titles and the people among them."""
    people = [imdb_id for imdb_id in ids if imdb_id.startswith("nm")]
    return [imdb_id for imdb_id in ids if not imdb_id.startswith("nm")], people


def _counted(titles: int, people: int) -> str:
    """How many titles, and people where there are any."""
    some = f" and {counted(people, 'person', 'people')}" if people else ""
    return counted(titles, "title") + some


def _share(found: Differences) -> str:
    titles, people = _by_sort(found.ids)
    share = f"{len(titles):,} of {counted(found.titles, 'title')}"
    of_people = f" and {len(people):,} of {counted(found.people, 'person', 'people')}"
    return share + (of_people if found.people else "")


def _account(report: RunReport, found: Differences) -> Iterator[str]:
    titles, people = _by_sort(found.ids)
    for kept in report.repositories:
        if kept.copied:
            yield f"copied {_things(kept.copied, titles, people)} to {kept.name}"
        for refused in kept.refused:
            yield f"! {kept.name} refused {refused.message}"
        if kept.error:
            yield f"! {kept.error}"
    if report.not_tried:
        left = _things(len(report.not_tried), titles, people)
        yield f"! left: {left}; python main.py repair goes on"
    if report.outcome is RunOutcome.COMPLETE:
        yield f"all repositories are level now ({report.seconds:.1f} s)"


def _things(number: int, titles: Sequence[ImdbId], people: Sequence[ImdbId]) -> str:
    """So many of what is copied: titles, people, or both."""
    if titles and people:
        return f"{number:,} titles and people"
    return counted(number, "title") if titles else counted(number, "person", "people")


def _print(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        console.print(Text(line), soft_wrap=True)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Tell how far it is: on a terminal in a line that is gone at the end, else in log lines."""
    if not sys.stderr.isatty():
        yield _log_now_and_then()
        return
    with Console(stderr=True).status("reading") as status:
        yield lambda what, done, of: status.update(f"{what} {done:,} of {of:,}")


def _log_now_and_then() -> Progress:
    last = time.monotonic()

    def tell(what: str, done: int, of: int) -> None:
        nonlocal last
        if time.monotonic() - last >= LOG_EVERY_SECONDS:
            last = time.monotonic()
            logger.info("%s %d of %d titles and people", what, done, of)

    return tell
