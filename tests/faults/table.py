"""Runs the fault suite and writes its tables into the page: ``python -m tests.faults.table``.

Every test in this package that hands in a row (`tests.faults.row`) has a line in a table of
docs/reliability.md, between the markers of the row's section; rows of the same fault are summed up
in one. A hundred runs are killed, unless ``KILLS`` says otherwise. Nothing is written, and the exit
status is pytest's, when a test fails.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.page import MarkerMissing, with_section
from tests.e2e.program import ROOT
from tests.faults.row import PROPERTY, Row, summed, table_of

PAGE = ROOT / "docs" / "reliability.md"


class _Rows:
    """Collects the rows of a run of pytest; a plugin."""

    def __init__(self) -> None:
        self.by_section: dict[str, list[Row]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call":
            return
        for name, value in report.user_properties:
            if name == PROPERTY and isinstance(value, dict):
                row = Row(**value)
                self.by_section.setdefault(row.section, []).append(row)


def main(arguments: Sequence[str]) -> int:
    """Run the suite with these further arguments for pytest; give the exit status."""
    os.environ.setdefault("KILLS", "100")
    rows = _Rows()
    suite = str(Path(__file__).parent)
    status = pytest.main([suite, "-q", "--timeout=600", *arguments], plugins=[rows])
    if status != pytest.ExitCode.OK:
        return int(status)
    page = PAGE.read_text("utf-8")
    try:
        for section, listed in rows.by_section.items():
            page = with_section(page, f"faults {section}", table_of(summed(listed)))
    except MarkerMissing as error:
        sys.stderr.write(f"{PAGE}: {error}\n")
        return 1
    PAGE.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
