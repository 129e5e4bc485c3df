"""Details in CSV files: what an analyst finds, what a crash leaves, what somebody has changed."""

import csv
import multiprocessing
import os
import signal
from contextlib import suppress
from dataclasses import replace
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from domain.details import DetailName
from domain.details.items import AlternativeTitle, BoxOfficeFigure, BoxOfficeKind, Episode
from domain.errors import RepositoryUnavailable
from domain.identifiers import TitleId
from domain.release_date import ReleaseDate
from domain.title import Title
from infrastructure.repositories.csv import CsvRepository, open_csv_repository, table
from tests.builders import a_detail, a_run, a_title, keywords, taglines, title_number
from tests.contract.factories import in_billing_order
from tests.unit.test_csv_crash import DyingFile, Killed, death_at_call, rows_of

RUN = a_run()


def held(directory: Path) -> dict[TitleId, Title]:
    with open_csv_repository(directory) as repository:
        return held_in(repository)


def held_in(repository: CsvRepository) -> dict[TitleId, Title]:
    titles = list(repository.titles())
    assert len({title.imdb_id for title in titles}) == len(titles)
    return {title.imdb_id: title for title in titles}


def saved(directory: Path, *titles: Title) -> None:
    with open_csv_repository(directory) as repository:
        repository.save(titles, RUN)


def records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def assert_files_agree(directory: Path) -> None:
    """Read strictly by another reader: each row of the ledger has its rows, and no row is loose."""
    titles = {row[0] for row in rows_of(directory / "titles.csv")}
    if not (directory / "details.csv").exists():
        return
    ledger = {(row[0], row[1]): int(row[2]) for row in rows_of(directory / "details.csv")}
    assert {imdb_id for imdb_id, _ in ledger} <= titles
    found: dict[tuple[str, str], list[str]] = {}
    for name in DetailName:
        if (path := directory / f"{name}.csv").exists():
            for row in rows_of(path):
                found.setdefault((row[0], name.value), []).append(row[1])
    assert found == {
        key: [str(place) for place in range(1, items + 1)] for key, items in ledger.items() if items
    }
    assert len(ledger) == len(rows_of(directory / "details.csv"))


def test_a_run_without_details_makes_no_file_for_them(tmp_path: Path) -> None:
    saved(tmp_path, a_title(1))
    saved(tmp_path, a_title(1, minutes_later=1, votes=1))
    made = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert made == {"titles.csv", "people.csv", "credits.csv"}


def test_what_an_analyst_finds(tmp_path: Path) -> None:
    akas = a_detail(
        DetailName.AKAS,
        AlternativeTitle(title="A", region="DE", types=("x", 'y"z'), is_original=False),
        AlternativeTitle(title="B", is_original=True),
        is_whole=False,
    )
    money = BoxOfficeFigure(kind=BoxOfficeKind.BUDGET, amount=25_000_000, currency="USD")
    episode = Episode(
        episode_id=title_number(9), season=1, air_date=ReleaseDate(year=1994, month=10), rating=9
    )
    saved(
        tmp_path,
        a_title(
            1,
            details=(
                akas,
                a_detail(DetailName.BOX_OFFICE, money),
                a_detail(DetailName.EPISODES, episode),
                taglines(),
            ),
        ),
    )
    assert rows_of(tmp_path / "akas.csv") == [
        ["tt0000001", "1", "A", "DE", "", '["x", "y\\"z"]', "", "false"],
        ["tt0000001", "2", "B", "", "", "", "", "true"],
    ]
    (figure,) = records(tmp_path / "box_office.csv")
    assert figure == {
        "title_id": "tt0000001", "position": "1", "kind": "budget", "amount": "25000000",
        "currency": "USD", "date": "",
    }  # fmt: skip
    (found,) = records(tmp_path / "episodes.csv")
    assert (found["air_date"], found["rating"], found["votes"]) == ("1994-10", "9.0", "")
    ledger = {row["detail"]: row for row in records(tmp_path / "details.csv")}
    assert {name: (row["items"], row["is_whole"]) for name, row in ledger.items()} == {
        "akas": ("2", "false"),
        "box_office": ("1", "true"),
        "episodes": ("1", "true"),
        "taglines": ("0", "true"),
    }
    assert ledger["akas"]["fetched_at"] == "2026-01-01T12:00:00+00:00"
    assert ledger["akas"]["run_id"] == RUN.run_id
    assert not (tmp_path / "taglines.csv").exists()


def test_newer_versions_take_the_place_of_the_older_ones(tmp_path: Path) -> None:
    saved(tmp_path, a_title(1, details=(keywords("a", "b"),)), a_title(2, details=(taglines("t"),)))
    saved(
        tmp_path,
        a_title(1, details=(keywords(minutes_later=1),)),
        a_title(2, details=(keywords("c"),)),
    )
    assert [row[0] for row in rows_of(tmp_path / "details.csv")] == [
        "tt0000001", "tt0000002", "tt0000002",
    ]  # fmt: skip
    assert [row[2] for row in rows_of(tmp_path / "keywords.csv")] == ["c"]
    assert not (tmp_path / ".updates").exists()
    assert_files_agree(tmp_path)


# Whatever moment a writer dies at.


def version(number: int, minute: int) -> Title:
    """What a title looks like ``minute`` minutes on: its facts and details tell the versions."""
    details = [keywords(*(f"k{minute}\r\n{n}" for n in range(minute % 3)), minutes_later=minute)]
    if minute % 2:
        details.append(taglines(f'"{minute}', minutes_later=minute))
    return in_billing_order(
        a_title(number, minutes_later=minute, votes=minute, details=tuple(details))
    )


def write_until_killed(directory: Path, first: int, reports: Connection) -> None:
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
        ours.poll(milliseconds / 1000)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        with suppress(EOFError):
            while True:
                reported.append(ours.recv())
    return max(reported)


def is_a_version(title: Title) -> bool:
    """Whether a title is what one version made of it, taglines of an earlier one left alone."""
    known = version(int(title.imdb_id[2:]), title.votes or 0)
    details = {detail.name: detail for detail in title.details}
    return {d.name: d for d in known.details}.items() <= details.items() and (
        title.provenance == known.provenance
    )


def test_a_writer_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    first = 1
    for kill in range(10):
        reported = kill_a_writer(tmp_path, first, reports=1 + kill % 4, milliseconds=kill / 3)
        titles = held(tmp_path)
        assert_files_agree(tmp_path)
        assert {title_number(number) for number in range(1, reported + 1)} <= set(titles)
        assert all(map(is_a_version, titles.values()))
        assert (titles[title_number(0)].votes or 0) >= reported
        first = reported + 1


@pytest.fixture
def without_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: death of a process does not need it; the waits add up."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def save_and_die(directory: Path, batch: list[Title], after: int) -> bool:
    """Save, dying after so many bytes; give whether the batch was saved before that."""
    with suppress(Killed), open_csv_repository(directory) as repository:
        DyingFile.bytes_left = after
        repository.save(batch, RUN)
        return True
    return False


def small(number: int, minute: int, *words: str) -> Title:
    details = (keywords(*words, minutes_later=minute), taglines("é", minutes_later=minute))
    return a_title(
        number, minutes_later=minute, votes=minute, plot=None, credits=(), details=details
    )


@pytest.mark.usefixtures("without_fsync")
def test_death_at_any_write_of_a_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = a_title(3, credits=(), plot=None)
    old = [small(1, 0, "a"), small(2, 0), bare]
    only_details = a_title(3, votes=9, minutes_later=-1, details=(keywords("late"),))
    new = [small(1, 2, "b", "c"), small(2, 2), small(9, 2, "d"), only_details]
    with_details = {bare.imdb_id: a_title(3, credits=(), plot=None, details=(keywords("late"),))}
    after_all = {**{title.imdb_id: title for title in new}, **with_details}
    before = {title.imdb_id: title for title in old}
    saved_all = False
    for after in count(1, 19):
        directory = tmp_path / str(after)
        saved(directory, *old)
        with monkeypatch.context() as patch:
            patch.setattr(table, "FileIO", DyingFile)
            saved_all = save_and_die(directory, new, after)
        titles = held(directory)
        # Each title as it was, or as it was to be, with all of its details.
        assert all(
            title in (before.get(imdb_id), after_all[imdb_id]) for imdb_id, title in titles.items()
        )
        assert before.keys() <= titles.keys()
        assert_files_agree(directory)
        with open_csv_repository(directory) as repository:
            repository.save(new, RUN)
            assert held_in(repository) == after_all
        assert_files_agree(directory)
        if saved_all:
            break
    assert titles == after_all


@pytest.mark.parametrize(
    ("method", "call"),
    [("replace", call) for call in range(1, 8)] + [("unlink", call) for call in range(1, 6)],
)
def test_a_merge_that_is_killed_is_finished_at_the_next_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, call: int
) -> None:
    # More than a crash of a save could leave without their rows in the ledger.
    many = [a_title(number, plot=None) for number in range(10, 130)]
    saved(tmp_path, version(1, 1), version(2, 2), *many)
    newer = [
        version(1, 5),
        version(2, 4),
        *(in_billing_order(replace(t, votes=1, details=(keywords("w"),)))
          for t in many),
    ]  # fmt: skip
    with death_at_call(monkeypatch, method, call), open_csv_repository(tmp_path) as repository:
        repository.save(newer, RUN)
    titles = held(tmp_path)
    assert titles == {title.imdb_id: title for title in newer}
    assert_files_agree(tmp_path)
    assert not (tmp_path / ".updates").exists()


def test_another_repository_finishes_a_killed_merge_before_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_csv_repository(tmp_path) as survivor:
        survivor.save([version(1, 1)], RUN)
        # The first is the marker's: from then on the new files count.
        with death_at_call(monkeypatch, "replace", 2), open_csv_repository(tmp_path) as other:
            other.save([version(1, 5)], RUN)
        survivor.save([version(2, 2)], RUN)
        assert held_in(survivor) == {title_number(1): version(1, 5), title_number(2): version(2, 2)}
    assert held(tmp_path) == {title_number(1): version(1, 5), title_number(2): version(2, 2)}


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, version(1, 2))
    sizes = {path.name: path.stat().st_size for path in tmp_path.glob("*.csv")}

    def full(self: table.CsvTable, records: bytes) -> None:
        if records and self.path.name == "titles.csv":
            raise OSError(28, "No space left on device")
        append(self, records)

    append = table.CsvTable.append
    with open_csv_repository(tmp_path) as repository:
        with monkeypatch.context() as patch:
            patch.setattr(table.CsvTable, "append", full)
            with pytest.raises(RepositoryUnavailable, match="No space left"):
                repository.save([version(2, 2), version(3, 2)], RUN)
        assert {p.name: p.stat().st_size for p in tmp_path.glob("*.csv")} == sizes
        repository.save([version(3, 3)], RUN)
        assert held_in(repository) == {
            title_number(1): version(1, 2),
            title_number(3): version(3, 3),
        }


# What a power cut takes away, and what people do to the files.


@pytest.mark.usefixtures("without_fsync")
@pytest.mark.parametrize("name", ["keywords.csv", "details.csv"])
def test_a_file_that_a_power_cut_has_shortened_is_whole_after_the_next_save(
    tmp_path: Path, name: str
) -> None:
    titles = [small(1, 0, "a", "b"), small(2, 0, "c"), small(3, 0)]
    saved(tmp_path / "whole", *titles)
    whole = (tmp_path / "whole" / name).read_bytes()
    header = whole.index(b"\n") + 1
    expected = {title.imdb_id: title for title in titles}
    for size in range(header, len(whole), 7):
        directory = tmp_path / str(size)
        saved(directory, *titles)
        os.truncate(directory / name, size)
        for imdb_id, title in held(directory).items():
            assert set(title.details) <= set(expected[imdb_id].details)
        assert_files_agree(directory)
        saved(directory, *titles)
        assert held(directory) == expected
        assert_files_agree(directory)


def test_a_title_deleted_by_hand_takes_its_details_along(tmp_path: Path) -> None:
    saved(tmp_path, *(a_title(n, credits=(), details=(keywords(f"w{n}"),)) for n in (1, 2, 3)))
    path = tmp_path / "titles.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if not line.startswith(b"tt0000002")))
    assert set(held(tmp_path)) == {title_number(1), title_number(3)}
    assert [row[2] for row in rows_of(tmp_path / "keywords.csv")] == ["w1", "w3"]
    assert_files_agree(tmp_path)


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8", newline="")


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("keywords.csv", "tt0000001,1,a", "tt0000001,1,", "the rows of tt0000001: keyword None"),
        ("keywords.csv", "tt0000001,2,b,,\n", "", r"tt0000001 has 1 rows.*tells of 2"),
        ("keywords.csv", "tt0000001,2,b,,\n", "tt0000001,3,b,,\n", "position '3' comes where 2"),
        ("keywords.csv", "b,,", "b,,,", "6 cells instead of 5"),
        ("details.csv", "keywords,2,true", "keywords,two,true", "'two' is not a number"),
        ("details.csv", "keywords,2,true", "keywords,1,true", "has 2 rows.*tells of 1"),
        ("details.csv", "keywords,2,true", "keywords,2,maybe", "neither true nor false"),
        ("details.csv", "keywords,2,true", "words,2,true", "'words' is not a valid DetailName"),
        ("details.csv", "title_id,detail", "title,detail", "is not one of this program's files"),
        ("keywords.csv", "title_id,position", "a,b", "is not one of this program's files"),
    ],
)
def test_what_was_changed_by_hand_is_named(
    tmp_path: Path, name: str, old: str, new: str, problem: str
) -> None:
    saved(tmp_path, a_title(1, details=(keywords("a", "b"),)), a_title(2, details=(keywords("c"),)))
    path = tmp_path / name
    # As an editor leaves it.
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    changed(path, old, new)
    before = path.read_bytes()
    with pytest.raises(RepositoryUnavailable, match=problem) as caught:
        held(tmp_path)
    assert name in str(caught.value)
    assert path.read_bytes() == before


def test_flags_as_a_spreadsheet_writes_them_are_read(tmp_path: Path) -> None:
    title = a_title(1, details=(keywords("a"),))
    saved(tmp_path, title)
    changed(tmp_path / "details.csv", "keywords,1,true", "keywords,1,TRUE")
    assert held(tmp_path) == {title.imdb_id: in_billing_order(title)}


def test_rows_whose_ledger_was_taken_away_are_left_alone(tmp_path: Path) -> None:
    saved(tmp_path, a_title(1, details=(keywords("a"),)))
    (tmp_path / "details.csv").unlink()
    before = (tmp_path / "keywords.csv").read_bytes()
    with pytest.raises(RepositoryUnavailable, match=r"of which details.csv tells nothing"):
        held(tmp_path)
    assert (tmp_path / "keywords.csv").read_bytes() == before


def test_a_detail_is_forgotten_when_its_file_is_removed(tmp_path: Path) -> None:
    saved(tmp_path, *(a_title(n, details=(keywords("a"), taglines("b"))) for n in range(1, 150)))
    (tmp_path / "keywords.csv").unlink()
    assert {title.details for title in held(tmp_path).values()} == {(taglines("b"),)}
    assert_files_agree(tmp_path)
    saved(tmp_path, a_title(1, details=(keywords("c"),)))
    assert held(tmp_path)[title_number(1)].details == (keywords("c"), taglines("b"))


def test_many_titles_taken_away_leave_their_details_alone(tmp_path: Path) -> None:
    saved(tmp_path, *(a_title(n, credits=(), details=(keywords("a"),)) for n in range(1, 150)))
    path = tmp_path / "titles.csv"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    before = (tmp_path / "details.csv").read_bytes()
    with pytest.raises(RepositoryUnavailable, match=r"details of titles that titles.csv does not"):
        held(tmp_path)
    assert (tmp_path / "details.csv").read_bytes() == before


def test_a_file_of_somebody_else_is_in_the_way_of_that_detail_only(tmp_path: Path) -> None:
    theirs = tmp_path / "akas.csv"
    theirs.write_text("mine\n")
    saved(tmp_path, a_title(1))
    with (
        open_csv_repository(tmp_path) as repository,
        pytest.raises(RepositoryUnavailable, match="akas.csv is not one of this program's files"),
    ):
        akas = a_detail(DetailName.AKAS, AlternativeTitle(title="A"))
        repository.save([a_title(2, details=(akas,))], RUN)
    assert theirs.read_text() == "mine\n"
