"""The file in which titles wait: what goes in comes out, in order, and nothing stays behind."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import SpillUnavailable
from infrastructure.repositories.spill_file import SpillFile, remove_leftovers
from tests.builders import a_title
from tests.strategies import detailed_titles, every_detail, profiles

ROOT = Path(__file__).parents[2]


@pytest.fixture
def spill(tmp_path: Path) -> Iterator[SpillFile]:
    opened = SpillFile("postgres", [tmp_path])
    yield opened
    opened.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.lists(
        st.lists(detailed_titles, max_size=3).map(tuple)
        | st.lists(profiles, max_size=3).map(tuple)
        | st.integers(0, 4),
        max_size=12,
    )
)
def test_batches_come_out_whole_and_in_order_however_they_are_put_and_dropped(
    tmp_path_factory: pytest.TempPathFactory, steps: list
) -> None:
    folder = tmp_path_factory.mktemp("spill")
    spill, expected = SpillFile("csv", [folder]), deque()
    for step in steps:
        if isinstance(step, int):
            count = min(step, len(expected))
            spill.drop(count)
            for _ in range(count):
                expected.popleft()
        else:
            spill.put(step)
            expected.append(step)
        assert spill.first(2) == list(expected)[:2]
        assert spill.first(1000) == list(expected)
    spill.close()
    assert list(folder.iterdir()) == []


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(details=every_detail)
def test_details_of_every_sort_come_out_whole(
    tmp_path_factory: pytest.TempPathFactory, details: tuple
) -> None:
    spill = SpillFile("csv", [tmp_path_factory.mktemp("spill")])
    batch = (a_title(1, details=details), a_title(2))
    spill.put(batch)
    assert spill.first(1) == [batch]
    spill.close()


def test_nothing_is_written_before_titles_wait(spill: SpillFile, tmp_path: Path) -> None:
    assert spill.location == ""
    assert spill.first(9) == []
    assert list(tmp_path.iterdir()) == []


def test_it_is_for_its_owner_only_and_says_what_it_is(spill: SpillFile) -> None:
    spill.put([a_title(1)])
    path = Path(spill.location)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "postgres" in path.name
    assert path.read_bytes().startswith(b"imdb-title-collector spill 2\n")


def test_its_room_is_given_back_when_the_last_batch_is_dropped(spill: SpillFile) -> None:
    spill.put([a_title(1)])
    empty = len(b"imdb-title-collector spill 2\n")
    assert Path(spill.location).stat().st_size > empty
    spill.drop(1)
    assert Path(spill.location).stat().st_size == empty
    spill.put([a_title(2)])
    assert spill.first(2) == [(a_title(2),)]


def test_what_is_in_a_full_file_is_unharmed(tmp_path: Path) -> None:
    spill = SpillFile("csv", [tmp_path], most_bytes=2000)
    kept = []
    with pytest.raises(SpillUnavailable, match="full"):
        for number in range(100):
            spill.put([a_title(number + 1)])
            kept.append((a_title(number + 1),))
    assert 1 < len(kept) < 10
    assert Path(spill.location).stat().st_size <= 2000
    assert spill.first(100) == kept
    spill.close()


def test_the_next_folder_is_taken_when_one_does_not_do(tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.mkdir()
    spill = SpillFile("csv", [tmp_path / "missing", good])
    spill.put([a_title(1)])
    assert Path(spill.location).parent == good
    spill.close()


def test_no_folder_at_all_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SpillUnavailable, match="No such file"):
        SpillFile("csv", [tmp_path / "missing"]).put([a_title(1)])


def test_a_disk_that_is_full_in_the_middle_of_a_batch_harms_no_other(tmp_path: Path) -> None:
    """With a limit on the size of files, which fails as a full disk does: in part first."""
    script = """
import resource, signal, sys
from pathlib import Path
from domain.errors import SpillUnavailable
from infrastructure.repositories.spill_file import SpillFile
from tests.builders import a_title
spill = SpillFile("csv", [Path(sys.argv[1])])
spill.put([a_title(1)])
size = Path(spill.location).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
try:
    spill.put([a_title(2)])
except SpillUnavailable as error:
    print(error)
assert Path(spill.location).stat().st_size == size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10_000, resource.RLIM_INFINITY))
spill.put([a_title(3)])
assert spill.first(9) == [(a_title(1),), (a_title(3),)]
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "File too large" in done.stdout


def test_what_cannot_be_read_any_more_is_said(spill: SpillFile) -> None:
    spill.put([a_title(1)])
    os.truncate(spill.location, 40)
    with pytest.raises(SpillUnavailable, match="cannot be read"):
        spill.first(1)


def test_what_a_killed_run_has_left_is_removed_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    in_use = SpillFile("csv", [tmp_path])
    in_use.put([a_title(1)])
    script = """
import os, signal, sys
from pathlib import Path
from infrastructure.repositories.spill_file import SpillFile
from tests.builders import a_title
spill = SpillFile("csv", [Path(sys.argv[1])])
spill.put([a_title(1)])
print(spill.location, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    left = Path(killed.stdout.strip())
    assert left.exists()
    other = tmp_path / "titles.csv"
    other.write_text("mine")

    remove_leftovers([tmp_path, tmp_path / "missing"])

    assert not left.exists()
    assert other.exists()
    assert in_use.first(1) == [(a_title(1),)]
    assert Path(in_use.location).exists()
    in_use.close()


def test_a_link_in_the_place_of_a_leftover_leads_nowhere(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    link = tmp_path / ".imdb-title-collector-spill-csv-x"
    link.symlink_to(precious)
    remove_leftovers([tmp_path])
    assert precious.read_text() == "mine"
