"""Fetching again what has most likely changed."""

import sys
from datetime import datetime, timedelta

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from application.refresh_plan import RefreshCandidate, RefreshPlan, plan_refresh
from application.scrape_titles import utc_now
from domain.errors import NoHistory, RepositoryUnavailable
from infrastructure.cli.exit_status import INCOMPLETE, SAVED
from infrastructure.cli.runs import run_and_report
from infrastructure.cli.shown import shown
from infrastructure.cli.summary import SummaryConsole
from infrastructure.container import open_refresh_candidates
from shared.config import Settings

_SHOWN = 10
_DAY = timedelta(days=1)
_COLUMNS: dict[str, JustifyMethod] = {
    "id": "left",
    "fetched": "left",
    "days ago": "right",
    "changes seen": "right",
    "changes expected": "right",
}


def refresh(
    settings: Settings, *, budget: int, least_age: timedelta, only_shown: bool, profile: bool
) -> int:
    """Fetch again at most ``budget`` titles, those first of which we have missed most changes.

    With ``only_shown`` nothing is fetched. Gives the exit status.
    """
    try:
        with open_refresh_candidates(settings) as known:
            plan = plan_refresh(
                known.candidates(), budget=budget, now=utc_now(), least_age=least_age
            )
    except (NoHistory, RepositoryUnavailable) as error:
        sys.stderr.write(f"{shown(str(error))}\n")
        return INCOMPLETE
    console = SummaryConsole()
    console.print(_told(plan), highlight=False, soft_wrap=True)
    if only_shown and plan.chosen:
        _print_first(console, plan)
    if only_shown or not plan.chosen:
        return SAVED
    return run_and_report(
        settings,
        "refresh",
        lambda app, run: app.scrape_titles.execute(plan.ids, run),
        profile=profile,
    )


def _told(plan: RefreshPlan) -> str:
    if not plan.considered:
        return "No title is held yet: nothing can be refreshed."
    if not plan.due:
        return f"All {plan.considered:,} titles were asked for lately: nothing is due."
    share = plan.changes_chosen / plan.changes_due if plan.changes_due else 1.0
    return (
        f"{len(plan.chosen):,} of {plan.due:,} titles that are due are fetched, out of "
        f"{plan.considered:,}: {share:.0%} of the changes that are expected."
    )


def _print_first(console: Console, plan: RefreshPlan) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name, justify in _COLUMNS.items():
        table.add_column(name, justify=justify)
    for candidate in plan.chosen[:_SHOWN]:
        table.add_row(*_row(candidate, plan.made_at))
    console.print()
    console.print(table)
    if len(plan.chosen) > _SHOWN:
        console.print(Text(f"and {len(plan.chosen) - _SHOWN:,} more", style="dim"))


def _row(candidate: RefreshCandidate, now: datetime) -> tuple[str, ...]:
    return (
        candidate.imdb_id,
        f"{candidate.fetched_at.astimezone():%Y-%m-%d %H:%M}",
        f"{(now - candidate.fetched_at) / _DAY:.1f}",
        f"{candidate.changes:,}",
        f"{candidate.expected_changes(now):.2f}",
    )
