"""The report: a page with plots and tables of the titles that are held."""

import sys
from datetime import UTC, datetime

from application.title_filter import parse_filter
from application.title_statistics import TitleStatistics
from domain.errors import ExportFailed, InvalidSelection, NoTitles, RepositoryUnavailable
from infrastructure.cli.exit_status import INCOMPLETE, SAVED
from infrastructure.cli.out_file import out_file
from infrastructure.cli.shown import shown
from infrastructure.container import open_selection, write_report
from shared.config import RepositoryName, Settings
from shared.wording import counted

_NAMES = {"csv": "CSV files", "postgres": "PostgreSQL"}


def report_on(
    settings: Settings, *, out: str | None, repository: RepositoryName | None, where: str | None
) -> int:
    """Write the page; give the exit status. Raises `InvalidSelection` for what is wrong."""
    try:
        condition = parse_filter(where) if where is not None else None
    except InvalidSelection as error:
        raise InvalidSelection(f"--where: {error}") from error
    path = out_file(settings, out, "report.html")
    found = TitleStatistics()
    try:
        with open_selection(settings, repository) as selection:
            found.add(selection.selected(condition, ()))
            origin = _NAMES[selection.name]
        if found.titles:
            origin = origin if where is None else f"{origin}, where {where}"
            write_report(found, path, made_at=datetime.now(UTC), origin=origin)
    except (NoTitles, ExportFailed, RepositoryUnavailable) as error:
        sys.stderr.write(f"{shown(str(error))}\n")
        return INCOMPLETE
    if not found.titles:
        wanted = "" if where is None else " of which the filter is true"
        sys.stderr.write(f"there are no titles{wanted} to report on: no page was written\n")
        return INCOMPLETE
    sys.stderr.write(f"a report on {counted(found.titles, 'title')} is in {shown(str(path))}\n")
    return SAVED
