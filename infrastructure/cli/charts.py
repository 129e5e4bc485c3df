"""The charts that there are, and who gives them."""

import sys

import msgspec
from rich.table import Table

from domain.chart import ChartName
from infrastructure.cli.exit_status import SAVED
from infrastructure.cli.summary import SummaryConsole
from infrastructure.container import charts_of_sources


def show_charts(*, as_json: bool) -> int:
    """Print each chart with its name, what it is, and its sources, on standard output."""
    given = charts_of_sources()
    charts = [
        (chart, [source for source, charts in given.items() if chart in charts])
        for chart in ChartName
    ]
    if as_json:
        for chart, sources in charts:
            line = {"name": chart, "description": chart.description, "sources": sources}
            sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
        return SAVED
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("chart", "what it is", "sources"):
        table.add_column(column)
    for chart, sources in charts:
        table.add_row(chart.value, chart.description, ", ".join(sources))
    SummaryConsole().print(table)
    return SAVED
