"""``merged_ids.csv``: a row for each old id."""

from pathlib import Path

import pytest

from domain.errors import RepositoryUnavailable
from domain.merged_id import MergedId
from infrastructure.repositories.csv import open_csv_repository
from tests.builders import NOON, title_number

ONE = MergedId(title_number(1), title_number(2), NOON)
HEADER = b"old_id,new_id,seen_at\r\n"
ROW = b"tt0000001,tt0000002,2026-01-01T12:00:00+00:00\r\n"


def test_it_is_made_with_the_first_one(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        assert list(repository.merged_ids()) == []
        assert not (tmp_path / "merged_ids.csv").exists()
        repository.note_merged([ONE])
    assert (tmp_path / "merged_ids.csv").read_bytes() == HEADER + ROW
    assert {path.name for path in tmp_path.glob("*merged*")} == {"merged_ids.csv"}


def test_a_row_that_a_crash_has_torn_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "merged_ids.csv").write_bytes(HEADER + ROW + b"tt0000003,tt00")
    with open_csv_repository(tmp_path) as repository:
        assert list(repository.merged_ids()) == [ONE]


@pytest.mark.parametrize(
    "row",
    [b"tt0000001,tt0000001,2026-01-01T12:00:00+00:00\r\n", b"x,tt0000001,2026\r\n",
     b"tt0000001,tt0000002,soon\r\n"],
)  # fmt: skip
def test_a_row_that_is_not_as_we_write_it_is_named(tmp_path: Path, row: bytes) -> None:
    (tmp_path / "merged_ids.csv").write_bytes(HEADER + row)
    with (
        open_csv_repository(tmp_path) as repository,
        pytest.raises(RepositoryUnavailable, match=r"merged_ids\.csv.*record 2"),
    ):
        repository.merged_ids()
    assert (tmp_path / "merged_ids.csv").read_bytes() == HEADER + row
