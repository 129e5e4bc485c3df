"""Faults of our own side: whatever happens, no title is lost, doubled or wrong without a word."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.our_side import ASKED, CASES, NotPossibleHere, Place, Row, place, row_of

INCOMPLETE = {
    "sigterm",
    "server_gone_for_good",
    "disk_stays_full",
    "read_only_folder",
}
"""Here titles are missing in the end, and named; everywhere else all are saved everywhere."""


@pytest.fixture(scope="module")
def here() -> Iterator[Place]:
    # Not below pytest's folder: a server that root starts runs as another account.
    with tempfile.TemporaryDirectory(prefix="imdb-faults-") as folder, place(Path(folder)) as made:
        yield made


@pytest.mark.parametrize("name", CASES)
def test_no_title_is_lost_doubled_or_wrong(here: Place, name: str) -> None:
    try:
        row = row_of(name, here)
    except NotPossibleHere as why:
        pytest.skip(str(why))
    if name not in INCOMPLETE:
        assert row == Row(row.fault, saved=ASKED, named=0)
        return
    assert row == Row(row.fault, saved=row.saved, named=row.named)
    assert row.named == ASKED - row.saved > 0
