"""The composition root: the one place that builds everything from the settings and closes it."""

from infrastructure.container.distributed import (
    distribute,
    distribute_failures,
    distribute_rest,
    embedded_redis,
    open_ledger,
    work,
)
from infrastructure.container.exporting import (
    TEXT_FORMATS,
    ExportFormat,
    open_title_writer,
    write_report,
)
from infrastructure.container.finding import (
    listing_sources,
    open_discovery,
    open_lists,
    open_search,
)
from infrastructure.container.importing import open_dataset_import
from infrastructure.container.jobs import (
    is_working,
    keep_schedule,
    open_jobs,
    send_job,
    timetable,
    work_on_jobs,
)
from infrastructure.container.library import open_imdb
from infrastructure.container.metrics import new_metrics, open_metrics
from infrastructure.container.network import cache_storage, check_routes
from infrastructure.container.reading import (
    Selection,
    latest_runs,
    open_catalogue,
    open_history,
    open_refresh_candidates,
    open_selection,
)
from infrastructure.container.repositories import (
    check_output_dir,
    database_holds_runs_other_than,
    database_url,
    embedded_database_dir,
    has_embedded_database,
    psql_path,
    repositories_with_data,
    repository_openers,
)
from infrastructure.container.run_control import find_run, open_run_control
from infrastructure.container.running import (
    FETCHING_AT_ONCE,
    OF_CHARTS,
    App,
    chosen_details,
    new_run,
    open_app,
    open_people,
    open_repair,
)
from infrastructure.container.sources import (
    charts_of_sources,
    new_circuit,
    open_source,
    person_sources,
)
from infrastructure.container.web import open_web, web_server

__all__ = [
    "FETCHING_AT_ONCE",
    "OF_CHARTS",
    "TEXT_FORMATS",
    "App",
    "ExportFormat",
    "Selection",
    "cache_storage",
    "charts_of_sources",
    "check_output_dir",
    "check_routes",
    "chosen_details",
    "database_holds_runs_other_than",
    "database_url",
    "distribute",
    "distribute_failures",
    "distribute_rest",
    "embedded_database_dir",
    "embedded_redis",
    "find_run",
    "has_embedded_database",
    "is_working",
    "keep_schedule",
    "latest_runs",
    "listing_sources",
    "new_circuit",
    "new_metrics",
    "new_run",
    "open_app",
    "open_catalogue",
    "open_dataset_import",
    "open_discovery",
    "open_history",
    "open_imdb",
    "open_jobs",
    "open_ledger",
    "open_lists",
    "open_metrics",
    "open_people",
    "open_refresh_candidates",
    "open_repair",
    "open_run_control",
    "open_search",
    "open_selection",
    "open_source",
    "open_title_writer",
    "open_web",
    "person_sources",
    "psql_path",
    "repositories_with_data",
    "repository_openers",
    "send_job",
    "timetable",
    "web_server",
    "work",
    "work_on_jobs",
    "write_report",
]
