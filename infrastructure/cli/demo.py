"""The demo: a replica of the site on loopback, scraped through the real pipeline."""

from pathlib import Path

import msgspec
from rich.console import Console

from domain.chart import ChartName
from domain.errors import InvalidConfiguration, RepositoryUnavailable
from infrastructure.cli.runs import run_and_report
from infrastructure.container import database_holds_runs_other_than
from shared.config import Settings
from shared.setting_values import WebAddress

COMMAND = "demo"


def run_demo(
    settings: Settings, *, delay_seconds: float, page_bytes: int | None, profile: bool
) -> int:
    """Serve the replica, scrape it into ``OUTPUT_DIR/demo``, print the summary; the exit status.

    The demo's data is kept apart from the user's: in a folder of its own, and in a database only
    when that holds nothing but earlier demos; raises `InvalidConfiguration` otherwise.
    """
    from demo.facts import load_facts
    from demo.site import DemoSite

    facts = load_facts()
    folder = settings.output_dir / COMMAND
    console = Console(stderr=True)
    _refuse_a_database_in_use(settings)
    with DemoSite(facts, delay_seconds=delay_seconds, page_bytes=page_bytes) as site:
        console.print(
            f"Demo: a replica of the site at {site.url} with the Top 250 as of {facts.captured}.",
            f"What it gives is the demo's data, kept apart from yours in {folder}.",
            sep="\n",
            highlight=False,
            soft_wrap=True,
        )
        return run_and_report(
            _for_demo(settings, site.url, folder),
            COMMAND,
            lambda app, run: app.scrape_chart.execute(ChartName.TOP, settings.limit, run),
            profile=profile,
        )


def _for_demo(settings: Settings, url: str, folder: Path) -> Settings:
    """The settings, with what makes a demo: the replica, no rate limit, a folder of its own."""
    return msgspec.structs.replace(
        settings,
        sources=("html",),
        base_url=WebAddress(url),
        routes=("direct",),
        chart=ChartName.TOP.value,
        requests_per_second=0.0,
        output_dir=folder,
    )


def _refuse_a_database_in_use(settings: Settings) -> None:
    """Keep the demo out of a database that a user's own runs are kept in."""
    if not settings.database_url or "postgres" not in settings.repositories:
        return
    try:
        in_use = database_holds_runs_other_than(COMMAND, settings)
    except RepositoryUnavailable:
        return  # the run itself says so, and saves to the other repository
    if in_use:
        problem = (
            "DATABASE_URL: this database holds data of your own, and the demo keeps its data "
            "apart: run it without DATABASE_URL, or name an empty database"
        )
        raise InvalidConfiguration([problem])
