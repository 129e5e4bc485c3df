"""The people that a run has found, as a table."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from domain.partial_date import PartialDate
from domain.person_fact import PersonFactCategory
from domain.person_profile import PersonProfile
from domain.run import RunReport
from infrastructure.cli.shown import shown

_UNKNOWN = "-"


def print_people(console: Console, people: Sequence[PersonProfile], report: RunReport) -> None:
    """Print a table of people: who they are, what they are known for, and their credits."""
    if not people:
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("id", "name", "born", "died", "professions", "known for", "credits"):
        table.add_column(name, overflow="fold", no_wrap=name == "id")
    for person in people:
        table.add_row(*(Text(shown(cell)) for cell in _row(person)))
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
        _moment(person.death_date, person.death_place, *_causes(person)),
        ", ".join(person.professions) or _UNKNOWN,
        ", ".join(known_for) or _UNKNOWN,
        _credits(person),
    ]


def _moment(date: PartialDate | None, *others: str | None) -> str:
    return ", ".join(part for part in (date and date.isoformat(), *others) if part) or _UNKNOWN


def _causes(person: PersonProfile) -> list[str]:
    return [f"of {fact.text}" for fact in person.facts_of(PersonFactCategory.DEATH_CAUSE)]


def _credits(person: PersonProfile) -> str:
    """How many by category, and in all when the source has more than it shows."""
    counts = ", ".join(f"{name} {len(found)}" for name, found in person.by_category.items())
    if person.total_credits is None or person.total_credits <= len(person.filmography):
        return counts or _UNKNOWN
    return f"{counts or _UNKNOWN} (of {person.total_credits:,})"
