"""Where a fault of our own side happens: a folder, a database, a site, and the programs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.facts import load_facts
from demo.site import DemoSite
from tests.faults.account import BOTH, Account, count
from tests.faults.kept import report_in
from tests.faults.program import LONGEST_SECONDS, Program

FACTS = load_facts()
IDS = frozenset(title.imdb_id for title in FACTS.titles)
ASKED = len(IDS)
OUR_SIDE = "our side"
"""The section of the page with the tables of these faults."""


@dataclass(frozen=True)
class Here:
    """A case's own folder and database, and the site that the programs ask."""

    folder: Path
    url: str
    site: DemoSite
    started: list[Program] = field(default_factory=list)

    @property
    def output(self) -> Path:
        return self.folder / "output"

    def start(self, *arguments: str, folder: Path | None = None, **given: object) -> Program:
        """Start the program, with the case's site and database unless told otherwise."""
        settings = {"base_url": self.site.url, "database_url": self.url} | given
        self.started.append(Program(folder or self.folder, *arguments, **settings))
        return self.started[-1]

    @contextmanager
    def at_request(self, number: int) -> Iterator[None]:
        """Do the block once the site has had so many more requests, of the run begun in it."""
        before = len(self.site.requests)
        yield
        assert self.site.wait_for_requests(before + number, LONGEST_SECONDS)

    def end(self) -> None:
        """Make sure that nothing of a case that failed goes on."""
        for program in self.started:
            program.end()

    def account(self, url: str | None = None, *, stores: str = BOTH) -> Account:
        """The account of the newest run."""
        return count(FACTS.titles, self.output, url or self.url, stores=stores)

    def part_of(self, repository: str) -> dict[str, Any]:
        """A repository's part of the newest run's report."""
        report = report_in(self.output, self.url)
        assert report is not None
        [part] = [part for part in report["repositories"] if part["name"] == repository]
        return dict(part)

    def leftovers(self) -> list[Path]:
        """Spill files in the output folder."""
        return list(self.output.glob(".*spill*"))
