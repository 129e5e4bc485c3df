"""Checking that everything a run needs is there, and saying what to do when it is not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from rich.console import Console
from rich.text import Text

from application.ports import RepositoryOpener
from domain.chart import ChartName
from domain.errors import (
    RepositoryUnavailable,
    RobotsDisallowed,
    SourceBlocked,
    SourceError,
    TitleError,
)
from domain.identifiers import TitleId
from infrastructure.cli.exit_status import INCOMPLETE, NO_SOURCE, SAVED
from infrastructure.container import check_output_dir, open_source, repository_openers
from shared.config import Settings
from shared.wording import counted

_ADDRESSES = {"html": "BASE_URL", "graphql": "GRAPHQL_URL"}
_WHEN_BLOCKED = {
    "html": "The site asks for a browser, and this program does not pretend to be one. Try later, "
    "or save the pages from a browser and set SOURCES=saved SAVED_PAGES_DIR=folder.",
}
"""What to do when a source blocks us, where that is not said in its error."""


_ANY_TITLE = TitleId("tt0111161")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked, how it is, and what to do about it when it is not well."""

    what: str
    well: bool
    state: str
    advice: str = ""


def examine(settings: Settings, console: Console) -> int:
    """Check repositories and sources, print what was found, give the exit status."""
    with _somewhere_to_try(settings) as tried:
        repositories = _shown(
            console, (_repository(opener, settings, tried) for opener in repository_openers(tried))
        )
    sources = _shown(console, (_source(name, settings) for name in settings.sources))
    if not any(finding.well for finding in sources):
        return NO_SOURCE
    return SAVED if all(finding.well for finding in repositories + sources) else INCOMPLETE


def _shown(console: Console, findings: Iterator[Finding]) -> list[Finding]:
    shown = []
    for finding in findings:
        mark, style = ("ok", "green") if finding.well else ("!!", "bold red")
        # Never wrapped: what is told may have to be copied, such as the address of a database.
        console.print(Text(f"{mark} ", style=style), end="")
        console.print(Text(f"{finding.what}: {finding.state}"), soft_wrap=True)
        if finding.advice:
            console.print(Text(f"   {finding.advice}"), soft_wrap=True)
        shown.append(finding)
    return shown


@contextmanager
def _somewhere_to_try(settings: Settings) -> Iterator[Settings]:
    """Give the settings; when there is no ``OUTPUT_DIR`` yet, with one beside it that goes again.

    A name that was misspelt becomes no folder.
    """
    above = next(
        (path for path in settings.output_dir.absolute().parents if path.is_dir()), Path.cwd()
    )
    try:
        if settings.output_dir.exists():
            yield settings
            return
        trial = TemporaryDirectory(dir=above, prefix=".imdb-doctor-")
    except OSError:
        # Whoever opens the repository says what is wrong, and what to do.
        yield settings
        return
    with trial as folder:
        yield msgspec.structs.replace(settings, output_dir=Path(folder))


def _repository(opener: RepositoryOpener, settings: Settings, tried: Settings) -> Finding:
    what = f"repository {opener.name}"
    try:
        with opener.open() as repository:
            holds = repository.counts()
            location = repository.location
            if opener.name == "csv":
                check_output_dir(tried)
    except RepositoryUnavailable as error:
        return Finding(what, well=False, state=error.cause)
    if tried is not settings and (opener.name == "csv" or not settings.database_url):
        return Finding(what, well=True, state=f"{settings.output_dir} is not there yet, and can be")
    return Finding(
        what,
        well=True,
        state=f"{location} holds {counted(holds.titles, 'title')}, "
        f"{counted(holds.people, 'person', 'people')}, {counted(holds.credits, 'credit')}",
    )


def _source(name: str, settings: Settings) -> Finding:
    what = f"source {name}"
    notices: list[str] = []
    try:
        with open_source(name, settings, threading.Event(), notices.append) as source:
            if not source.charts:
                # It tells why when it cannot say anything of any title.
                source.titles([_ANY_TITLE])
                return Finding(what, well=True, state="has titles, and no charts")
            chart = source.chart(ChartName(settings.chart))
    except SourceBlocked as error:
        return Finding(what, well=False, state=str(error), advice=_WHEN_BLOCKED.get(name, ""))
    except RobotsDisallowed as error:
        advice = "Another source may have the titles: see SOURCES."
        return Finding(what, well=False, state=str(error), advice=advice)
    except SourceError as error:
        advice = (
            f"Check the network, {_ADDRESSES.get(name, 'the folder')} and PROXIES (`python main.py "
            "routes` tests each of them); `python main.py demo` works without them."
        )
        return Finding(what, well=False, state=str(error), advice=advice)
    except TitleError as error:
        return Finding(what, well=False, state=str(error))
    state = f"chart {chart.name} has {counted(len(chart.entries), 'title')}"
    return Finding(what, well=True, state=state, advice="\n   ".join(notices))
