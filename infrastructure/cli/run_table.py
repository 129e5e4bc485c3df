"""The history of runs as a table."""

from collections.abc import Collection, Mapping, Sequence

from rich.console import Console, JustifyMethod
from rich.measure import Measurement
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
_COLUMNS = ("when", "run", "what", "from", "asked", "saved", "failed", "seconds", "state")
_NUMBERS = {"asked", "saved", "failed", "seconds"}
_WIDEST = 1000


def show_runs(settings: Settings, limit: int, console: Console) -> int:
    """Print the latest runs that the repositories remember, the newest first; the exit status."""
    openers = repositories_with_data(settings)
    records, unavailable = read_history(openers, limit)
    if records:
        _print_table(console, records)
    elif len(unavailable) < len(openers) or not openers:
        console.print("no run is remembered yet", highlight=False)
    _say_who_is_silent(unavailable, console)
    return INCOMPLETE if unavailable and len(unavailable) == len(openers) else SAVED


def _say_who_is_silent(unavailable: Sequence[RepositoryUnavailable], console: Console) -> None:
    for error in unavailable:
        console.print(Text(f"! could not be asked: {error}", style="yellow"), soft_wrap=True)


def _print_table(console: Console, records: Sequence[RunRecord]) -> None:
    """Print the runs in as many columns as there is room for, the id whole: it is to be copied."""
    for left_out in ((), ("from",), ("from", "when")):  # the id begins with the time
        table = _table(records, left_out)
        wanted = Measurement.get(console, console.options.update(max_width=_WIDEST), table).maximum
        if not console.is_terminal:
            console.width = max(console.width, wanted)
        if wanted <= console.width:
            break
    console.print(table)


def _table(records: Sequence[RunRecord], left_out: Collection[str]) -> Table:
    shown = [number for number, name in enumerate(_COLUMNS) if name not in left_out]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in (_COLUMNS[number] for number in shown):
        justify: JustifyMethod = "right" if name in _NUMBERS else "left"
        table.add_column(
            name, justify=justify, overflow="fold", no_wrap=name not in {"from", "saved"}
        )
    for record in records:
        cells = _row(record)
        table.add_row(*(cells[number] for number in shown))
    return table


def _row(record: RunRecord) -> list[str | Text]:
    run = record.run
    return [
        f"{run.started_at.astimezone():%Y-%m-%d %H:%M}",
        run.run_id,
        run.command if run.chart is None else f"{run.command} {run.chart}",
        ", ".join(run.sources) or _UNKNOWN,
        _UNKNOWN if record.asked is None else str(record.asked),
        _saved(record.saved) if record.finished_at or not record.fetched else str(record.fetched),
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
    if record.is_paused:
        return Text("paused", style="yellow")
    if record.at_work:
        return Text("at work", style="cyan")
    if record.outcome is None:
        return Text("unfinished", style="red")
    state, colour = _STATES[record.outcome]
    return Text(state, style=colour)
