"""The summary at the end of a run: counts that add up, what failed and why, what to do next."""

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from textwrap import indent

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from application.run_history import WITHOUT_RESUME
from domain.errors import PersonNotFound, TitleNotFound
from domain.identifiers import ImdbId
from domain.run import (
    Failure,
    ProfileCounts,
    RepositoryReport,
    RunOutcome,
    RunReport,
    StoreCounts,
)
from infrastructure.cli.options import given_again
from infrastructure.cli.shown import shown
from infrastructure.container import embedded_database_dir
from shared.config import Settings
from shared.wording import counted

_HEADLINES = {
    RunOutcome.COMPLETE: ("green", "Done: every {one} is saved in every repository"),
    RunOutcome.INCOMPLETE: ("yellow", "Finished, with {many} missing"),
    RunOutcome.NO_SOURCE: ("red", "Stopped: no source gives us {many}"),
    RunOutcome.INTERRUPTED: ("yellow", "Interrupted; what was fetched is saved"),
}
_NAMED_IDS = 8
_NARROWEST = 80
_DOCTOR = "python main.py doctor{options}    see what is wrong with a repository"


class SummaryConsole(Console):
    """Standard output; in a pipe or a log, wide enough for the table.

    A terminal of less than `_NARROWEST` columns wraps the lines itself: tables would be torn.
    Names stay as they are: a folder called ``:cat:`` is no picture of one.
    """

    def __init__(self) -> None:
        super().__init__(width=None if sys.stdout.isatty() else 120, emoji=False)
        self.width = max(self.width, _NARROWEST)

    def on_broken_pipe(self) -> None:
        """Go on in silence: whoever read the summary is gone, and the run is what it is."""
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def print_summary(
    console: Console, report: RunReport, settings: Settings, report_path: Path | None
) -> None:
    """Print the account of a run for a person."""
    colour, headline = _HEADLINES[report.outcome]
    if report.rejected and not (report.detail_failures or _lacks_things(report)):
        headline = "Finished; what was named and is no {one} was left out"
    console.print()
    one = "person" if report.run.is_about_people else "title"
    many = "details of titles" if _lacks_details_only(report) else _unit(report)
    headline = f"{headline.format(one=one, many=many)} ({report.seconds:.1f} s)"
    console.print(Text(headline, style=f"bold {colour}"), soft_wrap=True)
    _paragraph(console, _counts(report))
    if report.repositories:
        console.print(Padding(_repositories(report), (1, 0, 0, 2), expand=False))
    _paragraph(console, [shown(line) for line in _problems(report)])
    _paragraph(console, list(_places(report, settings, report_path)))
    steps = [f"- {step}" for step in _next_steps(report, settings)]
    _paragraph(console, ["Next:", *steps] if steps else [])
    console.print()


def _lacks_details_only(report: RunReport) -> bool:
    return bool(report.detail_failures) and not (report.rejected or _lacks_things(report))


def _lacks_things(report: RunReport) -> bool:
    unsaved = any(kept.error or kept.refused or kept.missing for kept in report.repositories)
    return bool(report.failures or report.not_tried or unsaved)


def _paragraph(console: Console, lines: Sequence[str]) -> None:
    """An empty line, then these lines, indented and never wrapped: they hold paths and commands."""
    if lines:
        console.print(
            "\n" + indent("\n".join(lines), "  "), soft_wrap=True, markup=False, highlight=False
        )


def _counts(report: RunReport) -> list[str]:
    """Asked = already saved + fetched + failed + not tried, and where the titles came from.

    What was already saved is left out of a run that was done in one go.
    """
    failed, not_tried = len(report.failures), len(report.not_tried)
    before = f"already saved {report.already_saved} + " if report.resumed_at else ""
    added = f"{before}fetched {report.fetched} + failed {failed} + not tried {not_tried}"
    lines = [f"asked {report.asked} = {added}"]
    if report.fetched:
        rate = report.fetched / max(report.seconds, 1e-9)
        origin = ", ".join(f"{name} {count}" for name, count in report.fetched_from.items())
        lines.append(f"from {origin}; {rate:.1f} {_unit(report)}/s")
    if report.from_other_sources:
        others = "; ".join(
            f"{name}: {_some(ids)}" for name, ids in report.from_other_sources.items()
        )
        lines.append(f"from {others}")
    if report.slowest:
        slowest = ", ".join(f"{t.imdb_id} {t.seconds:.2f} s" for t in report.slowest[:3])
        lines.append(f"slowest: {slowest}")
    return lines


def _unit(report: RunReport) -> str:
    return "people" if report.run.is_about_people else "titles"


def _repositories(report: RunReport) -> Table:
    """What each repository did with what this run is about, and what it holds of that in all."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("repository")
    before = ("before", "copied") if report.resumed_at else ()
    for name in ("saved", *before, "new", "updated", "unchanged", "refused", "missing"):
        table.add_column(name, justify="right")
    table.add_column("| holds in all")
    for repository in report.repositories:
        table.add_row(*_row(repository, resumed=report.resumed_at is not None))
    return table


def _row(repository: RepositoryReport, *, resumed: bool) -> list[str]:
    numbers = (
        repository.saved,
        *((repository.held_before, repository.copied) if resumed else ()),
        repository.inserted,
        repository.updated,
        repository.unchanged,
        len(repository.refused),
        len(repository.missing),
    )
    return [repository.name, *(str(number) for number in numbers), _held(repository.holds)]


def _held(holds: StoreCounts | ProfileCounts | None) -> str:
    if isinstance(holds, StoreCounts):
        held = (
            (holds.titles, "title"),
            (holds.people, "person", "people"),
            (holds.credits, "credit"),
        )
        return f"| {', '.join(counted(*each) for each in held)}"
    if isinstance(holds, ProfileCounts):
        return (
            f"| {counted(holds.profiles, 'person', 'people')}, {counted(holds.credits, 'credit')}"
        )
    return "| unknown"


def _problems(report: RunReport) -> Iterator[str]:
    yield from (f"! {notice}" for notice in report.notices)
    yield from (f"! {rejected}" for rejected in report.rejected[:_NAMED_IDS])
    if len(report.rejected) > _NAMED_IDS:
        yield f"! and {len(report.rejected) - _NAMED_IDS} more that are no {_unit(report)}"
    for old, new in list(report.merged.items())[:_NAMED_IDS]:
        yield f"! {old} has been merged into {new} and is saved under that id"
    yield from _failures("failed", report.failures)
    yield from _lacking(report)
    for repository in report.repositories:
        if repository.late:
            yield (
                f"! {repository.name} was away for a while: {repository.late} {_unit(report)} that "
                "waited for it are saved"
            )
        if repository.error and repository.error not in report.notices:
            yield f"! {repository.error}"
        yield from _failures(f"refused by {repository.name}", repository.refused)


def _failures(what: str, failures: tuple[Failure, ...]) -> Iterator[str]:
    """Failures by reason, each with its first message and the first few ids."""
    ordered = sorted(failures, key=lambda failure: (failure.reason, failure.imdb_id))
    for reason, group in groupby(ordered, key=lambda failure: failure.reason):
        same = list(group)
        ids = _some([failure.imdb_id for failure in same])
        yield f"! {what}, {reason}: {len(same)} ({ids})"
        yield f"    {same[0].message}"


def _lacking(report: RunReport) -> Iterator[str]:
    """Details that titles are saved without, each with its first reason and the first few ids."""
    ordered = sorted(report.detail_failures, key=lambda failure: (failure.detail, failure.imdb_id))
    for detail, group in groupby(ordered, key=lambda failure: failure.detail):
        same = list(group)
        ids = _some([failure.imdb_id for failure in same])
        yield f"! saved without {detail}, which could not be had: {len(same)} ({ids})"
        yield f"    {same[0].message}"


def _some(ids: Sequence[ImdbId]) -> str:
    """The first few ids, and how many more there are."""
    more = f" and {len(ids) - _NAMED_IDS} more" if len(ids) > _NAMED_IDS else ""
    return f"{', '.join(ids[:_NAMED_IDS])}{more}"


def _places(report: RunReport, settings: Settings, report_path: Path | None) -> Iterator[str]:
    """Where the data is; one line each."""
    embedded = not settings.database_url
    for repository in report.repositories:
        if repository.name == "postgres" and embedded:
            yield f"postgres: embedded, in {embedded_database_dir(settings)}"
        elif repository.location:
            yield f"{repository.name}: {repository.location}"
    if report_path is not None:
        yield f"report: {report_path}"


def _next_steps(report: RunReport, settings: Settings) -> Iterator[str]:
    if report.outcome is RunOutcome.NO_SOURCE:
        yield "python main.py demo    see the whole thing work, without the network"
        yield (
            "save the pages from a browser and read them: "
            "SOURCES=saved SAVED_PAGES_DIR=folder python main.py"
        )
        addresses = {"html": settings.base_url, "graphql": settings.graphql_url}
        asked = report.run.sources if report.run.is_about_people else settings.sources
        for address in (addresses[name] for name in asked if name in addresses):
            yield f"is {address} the right address, and may this machine reach it?"
        yield from (f"{step}, later" for step in _ways_on(report))
        return
    if report.repositories and all(k.error and not k.saved for k in report.repositories):
        yield _DOCTOR.format(options=given_again())
        yield "then the same command once more: nothing is doubled"
        return
    yield from _ways_on(report)
    yield from _mending(report, settings)
    saved_in = {repository.name for repository in report.repositories if repository.saved}
    if "csv" in saved_in:
        name = "profiles.csv" if report.run.is_about_people else "titles.csv"
        yield f"open {settings.output_dir / name}"
    if "postgres" in saved_in:
        yield f"python main.py psql{_data_options(report, settings)}    look into the database"
    if report.run.command == "demo":
        yield "python main.py    the same for real (see the README on limits)"
    elif report.outcome is RunOutcome.COMPLETE:
        yield "python main.py --help    other charts, single titles, settings"


def _ways_on(report: RunReport) -> Iterator[str]:
    """How to get what was not tried or has failed; a run that goes on tries again what failed."""
    missing = {TitleNotFound.reason, PersonNotFound.reason}
    failed = sum(failure.reason not in missing for failure in report.failures)
    if report.run.command in WITHOUT_RESUME:
        if failed or report.not_tried:
            named = " ID..." if report.run.is_about_people else ""
            again = f"python main.py {report.run.command}{given_again()}{named}"
            yield f"{again}    once more: nothing is doubled"
    elif report.not_tried:
        again = f" and the {failed} that failed" if failed else ""
        untried = f"the {len(report.not_tried)} not tried"
        yield f"python main.py resume{given_again()}    fetch {untried}{again}"
    elif not report.asked and report.outcome is RunOutcome.INTERRUPTED:
        yield "the same command once more: nothing had been asked for yet"
    elif not report.asked and report.run.chart is not None:
        yield f"python main.py doctor{given_again()}    ask each source for the chart"
    elif failed:
        yield f"python main.py retry{given_again()}    fetch again the {failed} that failed"
    if report.detail_failures:
        again = f"python main.py titles{given_again()} ID... --with DETAIL"
        yield f"{again}    get a detail that could not be had"


def _mending(report: RunReport, settings: Settings) -> Iterator[str]:
    """What to do when titles are not in every repository."""
    broken = [kept.name for kept in report.repositories if kept.error or kept.missing]
    if broken:
        yield _DOCTOR.format(options=given_again())
    if broken and any(kept.saved and not kept.missing for kept in report.repositories):
        yield (
            f"python main.py repair{_data_options(report, settings, 'repositories')}    "
            "then copy to it what it is missing, without fetching"
        )


def _data_options(report: RunReport, settings: Settings, *others: str) -> str:
    """The options that lead to the data of this run: the demo's is where no setting says."""
    if report.run.command == "demo":
        return f" --output-dir {shlex.quote(str(settings.output_dir))}"
    return given_again("output_dir", "database_url", *others)
