"""Checking that everything a run needs is there, and saying what to do when it is not."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

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
from infrastructure.cli.exit_status import INCOMPLETE, NO_SOURCE, SAVED
from infrastructure.container import check_output_dir, open_source, repository_openers
from shared.config import Settings

_ADDRESSES = {"html": "BASE_URL", "graphql": "GRAPHQL_URL"}
_WHEN_BLOCKED = {
    "html": "The site asks for a browser, and this program does not pretend to be one. Try later, "
    "or save the pages from a browser and set SOURCES=saved SAVED_PAGES_DIR=folder.",
}
"""What to do when a source blocks us, where that is not said in its error."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked, how it is, and what to do about it when it is not well."""

    what: str
    well: bool
    state: str
    advice: str = ""


def examine(settings: Settings, console: Console) -> int:
    """Check repositories and sources, print what was found, give the exit status."""
    repositories = _shown(console, (_repository(o, settings) for o in repository_openers(settings)))
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


def _repository(opener: RepositoryOpener, settings: Settings) -> Finding:
    what = f"repository {opener.name}"
    try:
        with opener.open() as repository:
            holds = repository.counts()
            location = repository.location
            if opener.name == "csv":
                check_output_dir(settings)
    except RepositoryUnavailable as error:
        return Finding(what, well=False, state=error.cause)
    return Finding(
        what,
        well=True,
        state=f"{location} holds {holds.titles:,} titles, {holds.people:,} people, "
        f"{holds.credits:,} credits",
    )


def _source(name: str, settings: Settings) -> Finding:
    what = f"source {name}"
    notices: list[str] = []
    try:
        with open_source(name, settings, threading.Event(), notices.append) as source:
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
    state = f"chart {chart.name} has {len(chart.entries)} titles"
    return Finding(what, well=True, state=state, advice="\n   ".join(notices))
