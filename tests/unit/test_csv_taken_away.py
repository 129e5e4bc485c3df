"""A file that somebody took away, or that a spreadsheet has saved."""

import codecs
from pathlib import Path

import pytest

from domain.errors import RepositoryUnavailable
from infrastructure.repositories.csv import open_csv_repository
from infrastructure.repositories.csv.title_set import MOST_TITLES_AT_ONCE
from tests.builders import a_run, a_title


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with more titles than are ever written in one go."""
    with open_csv_repository(tmp_path) as repository:
        titles = [a_title(number) for number in range(1, MOST_TITLES_AT_ONCE + 20)]
        assert repository.save(titles, a_run()).inserted == len(titles)
    return tmp_path


def assert_refused_and_kept(folder: Path, told: str) -> None:
    before = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
    with pytest.raises(RepositoryUnavailable, match=told), open_csv_repository(folder):
        pytest.fail("it opened")
    assert {path.name: path.read_bytes() for path in folder.glob("*.csv")} == before


def test_credits_are_kept_when_the_titles_are_taken_away(folder: Path) -> None:
    (folder / "titles.csv").unlink()
    assert_refused_and_kept(folder, "put that file back")


@pytest.mark.parametrize("kept_lines", [0, 1, 5])
def test_credits_are_kept_when_most_titles_are_deleted(folder: Path, kept_lines: int) -> None:
    path = folder / "titles.csv"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:kept_lines]))
    with pytest.raises(RepositoryUnavailable, match="put that file back"):
        with open_csv_repository(folder):
            pytest.fail("it opened")
    lines = (folder / "credits.csv").read_bytes().splitlines()
    assert len(lines) == 1 + 3 * (MOST_TITLES_AT_ONCE + 19)


def test_a_file_with_a_byte_order_mark_is_named_as_such(folder: Path) -> None:
    path = folder / "titles.csv"
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert_refused_and_kept(folder, "byte order mark")
