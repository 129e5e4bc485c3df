"""Testing the routes to the site, and showing how they are."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infrastructure.cli.exit_status import NO_SOURCE, SAVED
from infrastructure.container import check_routes
from shared.config import Settings


def show_routes(settings: Settings, console: Console) -> int:
    """Test every configured route, print a table; the exit status says whether one works."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("route", "address family"):
        table.add_column(name, overflow="fold")
    table.add_column("latency ms", justify="right")
    table.add_column("state", overflow="fold")
    notes, any_works = [], False
    for check in check_routes(settings):
        latency = "" if check.latency_ms is None else f"{check.latency_ms:.0f}"
        state = Text(check.state, style="green" if check.works else "bold red")
        table.add_row(Text(check.route), check.family, latency, state)
        any_works = any_works or check.works
        notes += [f"{check.route}: {check.note}"] if check.note else []
    console.print(table)
    for note in notes:
        console.print(Text(note), soft_wrap=True)
    if not any_works:
        advice = "ROUTES, PROXIES and TOR_SOCKS_URL say which routes there are."
        console.print(Text(f"No route reaches {settings.base_url}. {advice}"), soft_wrap=True)
    return SAVED if any_works else NO_SOURCE
