"""The history of runs as a table."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from application.run_history import read_history
from domain.errors import RepositoryUnavailable
from domain.run import RunOutcome, RunRecord
from infrastructure.cli.exit_status import INCOMPLETE, SAVED
from infrastructure.container import repositories_with_data
from shared.config import Settings

_STATES = {
    RunOutcome.COMPLETE: ("complete", "green"),
    RunOutcome.INCOMPLETE: ("incomplete", "yellow"),
    RunOutcome.NO_SOURCE: ("no source", "red"),
    RunOutcome.INTERRUPTED: ("interrupted", "yellow"),
}
_UNKNOWN = "-"


def show_runs(settings: Settings, limit: int, console: Console) -> int:
    """Print the latest runs that the repositories remember, the newest first; the exit status."""
    openers = repositories_with_data(settings)
    records, unavailable = read_history(openers, limit)
    if records:
        console.print(_table(records))
    elif len(unavailable) < len(openers) or not openers:
        console.print("no run is remembered yet", highlight=False)
    _say_who_is_silent(unavailable, console)
    return INCOMPLETE if unavailable and len(unavailable) == len(openers) else SAVED


def _say_who_is_silent(unavailable: Sequence[RepositoryUnavailable], console: Console) -> None:
    for error in unavailable:
        console.print(Text(f"! could not be asked: {error}", style="yellow"), soft_wrap=True)


def _table(records: Sequence[RunRecord]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("when", "run", "what", "from"):
        table.add_column(name, overflow="fold")
    for name in ("asked", "saved", "failed", "seconds"):
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("state", overflow="fold")
    for record in records:
        table.add_row(*_row(record))
    return table


def _row(record: RunRecord) -> list[str | Text]:
    run = record.run
    return [
        f"{run.started_at.astimezone():%Y-%m-%d %H:%M}",
        run.run_id,
        run.command if run.chart is None else f"{run.command} {run.chart}",
        ", ".join(run.sources) or _UNKNOWN,
        _UNKNOWN if record.asked is None else str(record.asked),
        _saved(record.saved),
        _UNKNOWN if record.failed is None else str(record.failed),
        _UNKNOWN if record.seconds is None else f"{record.seconds:.1f}",
        _state(record),
    ]


def _saved(by_repository: Mapping[str, int]) -> str:
    """One number when all repositories have the same; what is not known is not made up."""
    counts = set(by_repository.values())
    if len(counts) > 1:
        return ", ".join(f"{name} {count}" for name, count in by_repository.items())
    return str(counts.pop()) if counts else _UNKNOWN


def _state(record: RunRecord) -> Text:
    if record.at_work:
        return Text("at work", style="cyan")
    if record.outcome is None:
        return Text("unfinished", style="red")
    state, colour = _STATES[record.outcome]
    return Text(state, style=colour)
