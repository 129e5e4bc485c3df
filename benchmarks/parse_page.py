"""Measures what it costs to read a title page: ``python -m benchmarks.parse_page``.

Reads title pages of the demo site, padded to the weight of real ones, in four ways side by side:

* ours: `parse_title`, from the page as received to a checked `Title`;
* json: ``json.loads`` of the whole ``__NEXT_DATA__``, cut out of the page beforehand;
* lxml and html.parser: BeautifulSoup's tree of the whole page by each of these parsers.

The other three make a tree only: finding the facts in it would come on top. Prints the median CPU
time of each way. This compares and does not judge: the exit status is 0.
"""

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bs4 import BeautifulSoup
from rich.console import Console
from rich.table import Table

from benchmarks.options import whole_number
from demo.facts import synthetic_facts
from demo.pages import PageRenderer
from infrastructure.scrapers.imdb_pages import Page, parse_title

OURS = "parse_title (ours)"


@dataclass(frozen=True, slots=True)
class Sample:
    """A title page, and the JSON of its ``__NEXT_DATA__`` alone."""

    page: Page
    next_data: bytes


WAYS: Mapping[str, Callable[[Sample], object]] = {
    OURS: lambda sample: parse_title(sample.page),
    "json.loads, __NEXT_DATA__ only": lambda sample: json.loads(sample.next_data),
    "BeautifulSoup, lxml": lambda sample: _tree(sample, "lxml"),
    "BeautifulSoup, html.parser": lambda sample: _tree(sample, "html.parser"),
}
"""The ways to read a page that are compared; each takes a sample and gives what it has read."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and give the exit status."""
    options = _parser().parse_args(arguments)
    console = Console(highlight=False)
    console.print(
        f"{options.pages} pages of {options.page_bytes / 1e6:g} MB, each read once in every way; "
        f"Python {sys.version.split()[0]}",
        soft_wrap=True,
    )
    medians = {
        way: statistics.median(times)
        for way, times in measure(samples(options.pages, options.page_bytes)).items()
    }
    console.print(_table(medians))
    return 0


def samples(count: int, page_bytes: int) -> list[Sample]:
    """The pages of the first ``count`` titles of the demo, padded to ``page_bytes``."""
    chart = synthetic_facts(count)
    renderer = PageRenderer(chart, page_bytes)
    now = datetime.now(UTC)
    made = []
    for facts in chart.titles:
        body = renderer.title(facts).plain()
        _, _, from_json_on = body.partition(b'<script id="__NEXT_DATA__" type="application/json">')
        next_data, _, _ = from_json_on.partition(b"</script>")
        url = f"demo:/title/{facts.imdb_id}/"
        made.append(Sample(Page(url=url, body=body, source="html", fetched_at=now), next_data))
    return made


def measure(taken: Sequence[Sample]) -> dict[str, list[float]]:
    """CPU seconds that each way takes for each sample.

    The ways take turns, so that a slower stretch of the machine meets all of them, and the garbage
    of one is collected before the next one starts. CPU time, because nothing here waits: other
    programs on the machine then count for less.
    """
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    for sample in taken:
        for way, read in WAYS.items():
            gc.collect()
            started = time.process_time()
            read(sample)
            times[way].append(time.process_time() - started)
    return times


def _tree(sample: Sample, parser: str) -> BeautifulSoup:
    # With the encoding named, it need not be guessed from the whole page.
    return BeautifulSoup(bytes(sample.page.body), parser, from_encoding="utf-8")


def _table(medians: Mapping[str, float]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("way")
    table.add_column("median CPU ms", justify="right")
    table.add_column("times ours", justify="right")
    for way, seconds in medians.items():
        table.add_row(way, f"{seconds * 1000:.1f}", f"{seconds / medians[OURS]:.1f}")
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parse_page", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--pages", type=whole_number, default=25, help="(default: %(default)s)")
    parser.add_argument(
        "--page-bytes",
        type=whole_number,
        default=1_500_000,
        metavar="BYTES",
        help="weight of a page, unpacked (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
