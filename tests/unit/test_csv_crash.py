"""Whatever moment a writer dies at, what it reported saved is whole and nothing is doubled."""

import csv
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from domain.identifiers import TitleId
from domain.title import Person, Title
from infrastructure.repositories.csv import CsvRepository, open_csv_repository, table
from infrastructure.repositories.csv.rows import TitleRows
from tests.builders import a_run, a_title, cast_of, credit, person_number, title_number

RUN = a_run()
TABLES = ("people.csv", "credits.csv", "titles.csv")
"""In the order of writing."""


def version(number: int, minute: int) -> Title:
    """What a title looks like ``minute`` minutes on: facts and credits tell the versions apart."""
    cast = cast_of(*(person_number(number % 5 + n) for n in range(1, 4 + minute % 3)))
    return a_title(number, minutes_later=minute, votes=minute, plot='"\r\n,é', credits=cast)


def held(repository: CsvRepository) -> dict[TitleId, Title]:
    titles = list(repository.titles())
    assert len({title.imdb_id for title in titles}) == len(titles)
    return {title.imdb_id: title for title in titles}


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        _, *rows = csv.reader(stream, strict=True)
    return rows


def assert_files_are_whole(directory: Path) -> None:
    """Read strictly by another reader than ours: nothing torn, nothing doubled, nothing loose."""
    titles = [row[0] for row in rows_of(directory / "titles.csv")]
    people = [row[0] for row in rows_of(directory / "people.csv")]
    credits_ = [tuple(row[:3]) for row in rows_of(directory / "credits.csv")]
    for keys in (titles, people, credits_):
        assert len(set(keys)) == len(keys)
    assert {row[0] for row in credits_} <= set(titles)
    credited = {row[3] for row in rows_of(directory / "credits.csv") if row[3]}
    assert credited <= set(people)


def contents(directory: Path) -> dict[str, list[list[str]]]:
    return {name: sorted(rows_of(directory / name)) for name in TABLES}


def write_until_killed(directory: Path, first: int, reports: Connection) -> None:
    """Save new titles and newer versions of old ones, and report each after it is saved."""
    with open_csv_repository(directory) as repository:
        for minute in count(first):
            batch = [version(minute, minute), version(minute // 2, minute), version(0, minute)]
            repository.save(batch, RUN)
            reports.send(minute)


def kill_a_writer(directory: Path, first: int, reports: int, milliseconds: float) -> int:
    """Kill a writer after some reports, somewhere in its next save; give the last report."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    writer = spawn.Process(target=write_until_killed, args=(directory, first, theirs))
    writer.start()
    theirs.close()
    with ours:
        reported = [ours.recv() for _ in range(reports)]
        # Not later than the next report.
        ours.poll(milliseconds / 1000)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        with suppress(EOFError):
            while True:
                reported.append(ours.recv())
    return max(reported)


def test_a_writer_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    first = 1
    for kill in range(12):
        reported = kill_a_writer(tmp_path, first, reports=1 + kill % 4, milliseconds=kill / 4)
        with open_csv_repository(tmp_path) as repository:
            titles = held(repository)
        assert_files_are_whole(tmp_path)
        assert {title_number(number) for number in range(1, reported + 1)} <= set(titles)
        for title in titles.values():
            assert title.votes is not None
            assert title == version(int(title.imdb_id[2:]), title.votes)
        assert (titles[title_number(0)].votes or 0) >= reported
        first = reported + 1


def small_title(number: int, **changes: Any) -> Title:
    cast = (credit(person_number(number), 1, characters=("é",)), credit('"\r\n', 2))
    facts: dict[str, Any] = {"plot": None, "original_title": None, "genres": (), "credits": cast}
    return a_title(number, **(facts | changes))


@pytest.fixture
def without_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: death of a process does not need it; the waits add up."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="module")
def two_titles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of two titles by name."""
    directory = tmp_path_factory.mktemp("two")
    with open_csv_repository(directory) as repository:
        repository.save([small_title(1), small_title(2)], RUN)
    return {name: (directory / name).read_bytes() for name in TABLES}


def headers(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data[: data.index(b"\n") + 1] for name, data in files.items()}


def put(directory: Path, files: dict[str, bytes]) -> None:
    directory.mkdir(exist_ok=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)


def written_until(
    before: dict[str, bytes], after: dict[str, bytes]
) -> Iterator[tuple[int, dict[str, bytes]]]:
    """Every state of the files while ``before`` becomes ``after``, byte by byte, in order."""
    state = dict(before)
    total = 0
    for name in TABLES:
        for size in range(len(before[name]), len(after[name])):
            yield total, {**state, name: after[name][:size]}
            total += 1
        state[name] = after[name]
    yield total, state


@pytest.mark.usefixtures("without_fsync")
def test_death_at_every_byte_of_an_append(tmp_path: Path, two_titles: dict[str, bytes]) -> None:
    whole = {title.imdb_id: title for title in (small_title(1), small_title(2))}
    for _, state in written_until(headers(two_titles), two_titles):
        put(tmp_path, state)
        with open_csv_repository(tmp_path) as repository:
            assert held(repository).items() <= whole.items()
            repository.save([small_title(2), small_title(1)], RUN)
            assert held(repository) == whole
        assert_files_are_whole(tmp_path)
        assert {n: sorted(r) for n, r in contents(tmp_path).items()} == contents_of(two_titles)


def contents_of(files: dict[str, bytes]) -> dict[str, list[list[str]]]:
    found = {}
    for name, data in files.items():
        _, *rows = csv.reader(data.decode().splitlines(keepends=True), strict=True)
        found[name] = sorted(rows)
    return found


@pytest.mark.usefixtures("without_fsync")
@pytest.mark.parametrize("name", TABLES)
def test_a_file_cut_at_every_byte_is_complete_after_the_next_save(
    tmp_path: Path, two_titles: dict[str, bytes], name: str
) -> None:
    for size in range(len(two_titles[name])):
        put(tmp_path, {**two_titles, name: two_titles[name][:size]})
        with open_csv_repository(tmp_path) as repository:
            repository.save([small_title(1), small_title(2)], RUN)
        assert contents(tmp_path) == contents_of(two_titles)


@pytest.mark.usefixtures("without_fsync")
def test_death_at_every_byte_of_an_update(tmp_path: Path, two_titles: dict[str, bytes]) -> None:
    newer = small_title(1, minutes_later=1, votes=1, credits=cast_of("é"))
    rows = TitleRows.of(newer, RUN.run_id)
    before = headers(two_titles)
    after = {
        "people.csv": before["people.csv"]
        + b"nm0000002,Another Name,2026-01-01T12:01:00+00:00\r\n",
        "credits.csv": before["credits.csv"] + rows.credits,
        "titles.csv": before["titles.csv"] + rows.title,
    }
    size = sum(len(after[name]) - len(before[name]) for name in TABLES)
    for written, state in written_until(before, after):
        put(tmp_path, two_titles)
        put(tmp_path / ".updates", state)
        with open_csv_repository(tmp_path) as repository:
            titles = held(repository)
        assert titles[title_number(2)] == small_title(2)
        assert titles[title_number(1)] == (newer if written == size else small_title(1))
        assert not (tmp_path / ".updates").exists()
        assert_files_are_whole(tmp_path)


class Killed(BaseException):
    """Stands for the death of the process: nothing may catch it to tidy up."""


class DyingFile(FileIO):
    """A file whose writer dies when ``bytes_left`` are written, over all files."""

    bytes_left = 0

    def write(self, data: memoryview) -> int:
        written = super().write(bytes(data)[: DyingFile.bytes_left])
        DyingFile.bytes_left -= written
        if DyingFile.bytes_left == 0:
            raise Killed
        return written


def save_and_die(directory: Path, batch: list[Title], after: int) -> bool:
    """Save, dying after so many bytes; give whether the batch was saved before that."""
    with suppress(Killed), open_csv_repository(directory) as repository:
        DyingFile.bytes_left = after
        repository.save(batch, RUN)
        return True
    return False


@pytest.mark.usefixtures("without_fsync")
def test_death_at_any_write_of_a_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = [version(1, 0), version(2, 0)], [version(1, 2), version(2, 2), version(9, 2)]
    allowed = {title.imdb_id: {title} for title in old}
    for title in new:
        allowed.setdefault(title.imdb_id, set()).add(title)
    saved = False
    for after in count(1, 13):
        directory = tmp_path / str(after)
        with open_csv_repository(directory) as repository:
            repository.save(old, RUN)
        with monkeypatch.context() as patch:
            patch.setattr(table, "FileIO", DyingFile)
            saved = save_and_die(directory, new, after)
        with open_csv_repository(directory) as repository:
            titles = held(repository)
        assert {title.imdb_id for title in old} <= set(titles)
        assert all(title in allowed[title.imdb_id] for title in titles.values())
        assert_files_are_whole(directory)
        if saved:
            break
    assert titles == {title.imdb_id: title for title in new}


@pytest.mark.usefixtures("without_fsync")
def test_no_title_is_held_without_the_name_that_it_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = Person(person_number(1).imdb_id, "New Name")
    old = small_title(1, credits=cast_of(person_number(1)))
    new = [
        small_title(1, minutes_later=1, credits=cast_of(renamed)),
        small_title(2, minutes_later=1, credits=cast_of(renamed)),
    ]
    saved = False
    for after in count(1, 13):
        directory = tmp_path / str(after)
        with open_csv_repository(directory) as repository:
            repository.save([old], RUN)
        with monkeypatch.context() as patch:
            patch.setattr(table, "FileIO", DyingFile)
            saved = save_and_die(directory, new, after)
        with open_csv_repository(directory) as repository:
            is_held = any(title in held(repository).values() for title in new)
        names = [row[1] for row in rows_of(directory / "people.csv")]
        assert names == ["New Name"] or not is_held
        if saved:
            break
    assert names == ["New Name"]


@contextmanager
def death_at_call(monkeypatch: pytest.MonkeyPatch, method: str, call: int) -> Iterator[None]:
    """Die instead of the ``call``-th use of a method of `Path`."""
    original = getattr(Path, method)
    calls = count(1)

    def dies(self: Path, *args: object, **options: object) -> object:
        if next(calls) == call:
            raise Killed
        return original(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, method, dies)
        try:
            yield
        except Killed:
            return
    pytest.fail(f"Path.{method} was not called {call} times")


@pytest.mark.parametrize(
    ("method", "call"), [(m, c) for m in ("replace", "unlink") for c in (1, 2, 3)]
)
def test_a_merge_that_is_killed_is_done_at_the_next_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, call: int
) -> None:
    newer = [version(1, 8), version(2, 7), version(4, 5)]
    with open_csv_repository(tmp_path) as repository:
        repository.save([version(number, 0) for number in range(5)], RUN)
    with death_at_call(monkeypatch, method, call), open_csv_repository(tmp_path) as repository:
        repository.save(newer, RUN)
    with open_csv_repository(tmp_path) as repository:
        assert held(repository) == {
            title.imdb_id: title for title in [version(0, 0), version(3, 0), *newer]
        }
    assert_files_are_whole(tmp_path)
    assert not (tmp_path / ".updates").exists()


def test_another_repository_carries_on_after_a_killed_merge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_csv_repository(tmp_path) as survivor:
        survivor.save([version(number, 0) for number in range(3)], RUN)
        with death_at_call(monkeypatch, "replace", 2), open_csv_repository(tmp_path) as other:
            other.save([version(1, 4)], RUN)
        assert survivor.save([version(1, 2), version(2, 3)], RUN).unchanged == 1
        assert {t.votes for t in held(survivor).values()} == {0, 4, 3}
    assert_files_are_whole(tmp_path)


def save_two_versions_and_die(directory: Path) -> None:
    with open_csv_repository(directory) as repository:
        repository.save([version(1, 0)], RUN)
        repository.save([version(1, 1)], RUN)
        raise Killed


def test_updates_outlive_an_error_in_the_block(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        save_two_versions_and_die(tmp_path)
    assert (tmp_path / ".updates").exists()
    with open_csv_repository(tmp_path) as repository:
        assert held(repository) == {title_number(1): version(1, 1)}
