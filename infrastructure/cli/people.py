"""The command for people: a run, and who was found."""

import threading
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from application.guarded_observer import GuardedObserver
from application.ports import RunObserver
from domain.identifiers import NameId
from domain.partial_date import PartialDate
from domain.person_profile import PersonProfile
from domain.run import PEOPLE, RunReport
from domain.title import Title
from infrastructure.cli.exit_status import OF_OUTCOME
from infrastructure.cli.interruption import stop_on_signals
from infrastructure.cli.progress import RunCounts, observed
from infrastructure.cli.runs import tell_of
from infrastructure.cli.summary import SummaryConsole
from infrastructure.container import new_run, open_people, person_sources
from shared.config import Settings

SHOWN = 20
"""So many people are shown; all are in the files and tables."""

_UNKNOWN = "-"


def scrape_people(settings: Settings, ids: Sequence[NameId], rejected: Sequence[str]) -> int:
    """Fetch and save people, show them, report; give the exit status.

    ``rejected`` has what the user named and is nobody. Raises `InvalidConfiguration` when no chosen
    source gives people.
    """
    run = replace(new_run(settings, PEOPLE), sources=person_sources(settings))
    stop = threading.Event()
    with stop_on_signals(stop):
        with observed(RunCounts()) as shown:
            observer = _FirstPeople(shown)
            with open_people(settings, observer, stop) as people:
                report = people.execute(ids, run, rejected=rejected)
        print_people(SummaryConsole(), observer.people, report)
        tell_of(report, settings)
    return OF_OUTCOME[report.outcome]


class _FirstPeople(GuardedObserver):
    """Keeps the first people who are fetched, to be shown. Told by the run's thread."""

    def __init__(self, observer: RunObserver) -> None:
        super().__init__(observer)
        self.people: list[PersonProfile] = []

    def fetched(self, item: Title | PersonProfile, seconds: float) -> None:
        if isinstance(item, PersonProfile) and len(self.people) < SHOWN:
            self.people.append(item)
        super().fetched(item, seconds)


def print_people(console: Console, people: Sequence[PersonProfile], report: RunReport) -> None:
    """Print a table of people: who they are, what they are known for, and their credits."""
    if not people:
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("id", "name", "born", "died", "professions", "known for", "credits"):
        table.add_column(name, overflow="fold", no_wrap=name == "id")
    for person in people:
        table.add_row(*map(Text, _row(person)))
    console.print()
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    if report.fetched > len(people):
        console.print(f"  and {report.fetched - len(people):,} more", highlight=False)


def _row(person: PersonProfile) -> list[str]:
    titles = {credit.title_id: credit.title for credit in person.filmography}
    known_for = [titles.get(imdb_id, imdb_id) for imdb_id in person.known_for]
    return [
        person.imdb_id,
        person.name,
        _moment(person.birth_date, person.birth_place),
        _moment(person.death_date, person.death_place),
        ", ".join(person.professions) or _UNKNOWN,
        ", ".join(known_for) or _UNKNOWN,
        _credits(person),
    ]


def _moment(date: PartialDate | None, place: str | None) -> str:
    return ", ".join(part for part in (date and date.isoformat(), place) if part) or _UNKNOWN


def _credits(person: PersonProfile) -> str:
    """How many by category, and in all when the source has more than it shows."""
    shown = ", ".join(f"{name} {len(found)}" for name, found in person.by_category.items())
    if person.total_credits is None or person.total_credits <= len(person.filmography):
        return shown or _UNKNOWN
    return f"{shown or _UNKNOWN} (of {person.total_credits:,})"
