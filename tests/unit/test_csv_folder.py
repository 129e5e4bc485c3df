"""A folder that cannot be used, or holds what is not ours: a clear error, and nothing harmed."""

import csv
import errno
import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import pytest

from domain.errors import RepositoryUnavailable
from domain.merged_id import MergedId
from domain.title import Person
from infrastructure.repositories.csv import open_csv_repository, table
from tests.builders import NOON, a_chart, a_run, a_title, cast_of, person_number, title_number

RUN = a_run()
NOBODY = 65534
FILES = ["titles.csv", "people.csv", "credits.csv", "chart.csv", "merged_ids.csv"]


def fill(directory: Path) -> None:
    with open_csv_repository(directory) as repository:
        repository.begin_run(RUN, a_chart(1))
        repository.save([a_title(number) for number in (1, 2, 3)], RUN)
        repository.note_merged([MergedId(title_number(9), title_number(1), NOON)])


def snapshot(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("*.csv")}


def refusal(directory: Path) -> RepositoryUnavailable:
    """The error that opening the folder gives."""
    with pytest.raises(RepositoryUnavailable) as caught, open_csv_repository(directory):
        pass
    return caught.value


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "foreign",
    [b"name;votes\r\nX;1\r\n", b"name", b"\xff\xfe\x00\x01", b"\xef\xbb\xbfimdb_id,name\r\n"],
)
def test_a_file_of_another_program_is_never_touched(
    tmp_path: Path, name: str, foreign: bytes
) -> None:
    (tmp_path / name).write_bytes(foreign)
    error = refusal(tmp_path)
    assert f"{tmp_path / name} is not one of this program's files" in str(error)
    assert "OUTPUT_DIR" in str(error)
    assert not error.transient
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: foreign}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (b",fetched_at", b"", "it lacks fetched_at)"),
        (b",fetched_at", b",fetched_at,my notes", "it has 'my notes' too many)"),
        (b"imdb_id,name", b"name,imdb_id", "its columns are in another order)"),
        (b"\r\n", b"\r\r\n", "'imdb_id,name,fetched_at')"),
    ],
)
def test_what_a_hand_has_changed_in_the_header_is_named(
    tmp_path: Path, before: bytes, after: bytes, told: str
) -> None:
    header = b"imdb_id,name,fetched_at\r\n"
    (tmp_path / "people.csv").write_bytes(header.replace(before, after))
    assert told in str(refusal(tmp_path))


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("year", "1994.0", "'1994.0' is not a whole number"),
        ("rating", "9,3", "'9,3' is not a number"),
    ],
)
def test_a_number_that_a_spreadsheet_has_changed_is_told_in_words(
    tmp_path: Path, column: str, cell: str, told: str
) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(rating=8)], RUN)
    path = tmp_path / "titles.csv"
    with path.open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    row[header.index(column)] = cell
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, row])
    error = str(refusal(tmp_path))
    assert f"titles.csv, record 2 (the header is record 1): {told}" in error


@pytest.mark.parametrize("name", FILES)
def test_a_file_whose_header_is_torn_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # Hundreds of waits for the disk add up.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    fill(tmp_path)
    header = (tmp_path / name).read_bytes().partition(b"\n")[0]
    for size in range(len(header) + 1):
        (tmp_path / name).write_bytes(header[:size])
        fill(tmp_path)
        with open_csv_repository(tmp_path) as repository:
            assert repository.counts().titles == 3
            assert repository.counts().people == len(a_title().people)


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(b"mine")
    for directory in (tmp_path / "output", tmp_path / "output" / "below"):
        assert "a file stands where" in str(refusal(directory))
    assert (tmp_path / "output").read_bytes() == b"mine"


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "titles.csv").mkdir()
    assert "a folder stands where the file should be" in str(refusal(tmp_path))


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    assert "shorter OUTPUT_DIR" in str(refusal(tmp_path / ("x" * 300)))


@contextmanager
def without_rights(directory: Path) -> Iterator[None]:
    """Be a user who may not write to the folder, also when the tests run as root."""
    directory.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        directory.chmod(0o755)


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    directory = tmp_path / "output"
    directory.mkdir()
    with without_rights(directory):
        error = refusal(directory)
    assert str(directory) in str(error)
    assert "right to write" in str(error)
    assert not error.may_pass


def test_a_folder_locked_by_another_program(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path, lock_timeout_seconds=0.02) as repository:
        repository.save([a_title(1)], RUN)
        with (tmp_path / ".lock").open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            with pytest.raises(RepositoryUnavailable) as caught:
                repository.save([a_title(2)], RUN)
        assert str(tmp_path / ".lock") in str(caught.value)
        assert "0.02 s" in str(caught.value)
        assert caught.value.transient
        assert repository.save([a_title(2)], RUN).inserted == 1


class FullDisk(FileIO):
    """A file on a disk with room for a few bytes, once `is_full` names it."""

    is_full = ""

    def write(self, data: memoryview) -> int:
        if Path(str(self.name)).name == FullDisk.is_full:
            super().write(bytes(data)[:7])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


@pytest.mark.parametrize("full", ["people.csv", "credits.csv", "titles.csv"])
@pytest.mark.parametrize(
    ("number", "person"),
    [(4, person_number(50)), (1, Person(person_number(1).imdb_id, "New Name"))],
    ids=["new title and person", "title and person held already"],
)
def test_a_full_disk_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str, number: int, person: Person
) -> None:
    fill(tmp_path)
    before = snapshot(tmp_path)
    title = a_title(number, minutes_later=1, credits=cast_of(person))
    monkeypatch.setattr(table, "FileIO", FullDisk)
    with open_csv_repository(tmp_path) as repository:
        monkeypatch.setattr(FullDisk, "is_full", full)
        with pytest.raises(RepositoryUnavailable, match="free some space") as caught:
            repository.save([title], RUN)
        assert (caught.value.transient, caught.value.may_pass) == (False, True)
        assert snapshot(tmp_path) == before
        monkeypatch.setattr(FullDisk, "is_full", "")
        result = repository.save([title], RUN)
        assert (result.inserted, result.updated) == ((1, 0) if number == 4 else (0, 1))
        assert title in list(repository.titles())


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let no file grow over ``size`` bytes; Python ignores the signal that comes with it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_limit_on_file_sizes_harms_nothing(tmp_path: Path) -> None:
    fill(tmp_path)
    before = snapshot(tmp_path)
    more = [a_title(number) for number in range(4, 40)]
    with open_csv_repository(tmp_path) as repository:
        with (
            file_size_limit(len(before["titles.csv"]) + 300),
            pytest.raises(RepositoryUnavailable, match="limit on file sizes"),
        ):
            repository.save(more, RUN)
        assert snapshot(tmp_path) == before
        assert repository.save(more, RUN).inserted == len(more)


def test_no_room_to_merge_keeps_files_and_updates(tmp_path: Path) -> None:
    fill(tmp_path)
    before = snapshot(tmp_path)
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title(2, minutes_later=1, votes=1)], RUN)
        with (
            file_size_limit(len(before["titles.csv"]) - 100),
            pytest.raises(RepositoryUnavailable, match="limit on file sizes"),
        ):
            repository.merge_updates()
        assert snapshot(tmp_path) == before
        assert not list(tmp_path.rglob("*.merged"))
    with open_csv_repository(tmp_path) as repository:
        assert [title.votes for title in repository.titles()][1] == 1


def damage(path: Path, old: bytes, new: bytes) -> bytes:
    """Edit a file by hand, once; give what it is then."""
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "old", "new", "record"),
    [
        ("titles.csv", b"tt0000002,movie,", b"tt0000002,", 3),
        ("titles.csv", b"tt0000002,movie,", b"tt0000002,film,", 3),
        ("titles.csv", b"tt0000002,", b"tt2,", 3),
        ("titles.csv", b"tt0000002,", b"tt0000001,", 3),
        ("titles.csv", b",9.3,", b",11.3,", 2),
        ("titles.csv", b",9.3,", b",good,", 2),
        ("titles.csv", b",142,", b",2h22,", 2),
        ("titles.csv", b"1994-10-14", b"14 Oct 1994", 2),
        ("titles.csv", b"+00:00", b"", 2),
        ("titles.csv", b'[""Drama""', b"[Drama", 2),
        ("titles.csv", b"Title 2", b'"Title 2', 3),
        ("titles.csv", b"Title 2", b'Ti"tle 2', 3),
        ("titles.csv", b"Title 2", b"\xff", 3),
        ("people.csv", b"nm0000001,Person 1", b"nm0000001", 2),
        ("people.csv", b"nm0000001,", b"Nobody,", 2),
        ("people.csv", b"nm0000001,Person 1", b'nm0000001,"Person 1', 2),
        ("people.csv", b"nm0000002", b"nm0000001", 3),
        ("people.csv", b"+00:00", b"", 2),
        ("people.csv", b"2026-01-01T12:00:00+00:00", b"", 2),
        ("credits.csv", b"director,1", b"director,first", 2),
        ("credits.csv", b"director", b"boss", 2),
        ("credits.csv", b"director,1,nm0000001,", b"director,1,", 2),
        ("credits.csv", b"tt0000001,cast", b"tt0000003,cast", 4),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_kept(
    tmp_path: Path, name: str, old: bytes, new: bytes, record: int
) -> None:
    fill(tmp_path)
    damaged = damage(tmp_path / name, old, new)
    error = refusal(tmp_path)
    assert f"{tmp_path / name}, record {record} " in str(error)
    assert (tmp_path / name).read_bytes() == damaged


def test_an_edit_while_open_is_noticed(tmp_path: Path) -> None:
    fill(tmp_path)
    with open_csv_repository(tmp_path) as repository:
        path = tmp_path / "titles.csv"
        edited = path.read_bytes().replace(b",9.3,", b",1.0,", 1)
        path.with_suffix(".edit").write_bytes(edited)
        path.with_suffix(".edit").replace(path)
        assert next(repository.titles()).rating == 1.0
        path.unlink()
        with pytest.raises(RepositoryUnavailable, match="put that file back"):
            repository.save([a_title(1)], RUN)
