"""What the files of profiles are, and what crashes and hands may do to them."""

import csv
import errno
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from domain.errors import RepositoryUnavailable
from domain.identifiers import NameId
from domain.person_profile import PersonProfile
from domain.run import ProfileCounts
from infrastructure.repositories.csv import open_csv_repository
from infrastructure.repositories.csv.table import CsvTable
from tests.builders import a_filmography_credit, a_person_fact, a_profile, a_run, a_title
from tests.e2e.program import rows

RUN = a_run(command="people", chart=None)


def save(folder: Path, *profiles: PersonProfile) -> None:
    with open_csv_repository(folder) as repository:
        repository.save_profiles(profiles, RUN)


def held(folder: Path) -> dict[NameId, PersonProfile]:
    with open_csv_repository(folder) as repository:
        return {profile.imdb_id: profile for profile in repository.profiles()}


def test_no_file_of_profiles_is_made_without_a_profile(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.save([a_title()], RUN)
        assert repository.profile_counts() == ProfileCounts(profiles=0, credits=0)
        assert list(repository.profiles()) == []
    assert not list(tmp_path.glob("profiles*"))
    assert not list(tmp_path.glob("filmography*"))


def test_the_files_are_as_the_documentation_says(tmp_path: Path) -> None:
    save(tmp_path, a_profile(1))
    (person,) = rows(tmp_path, "profiles.csv")
    assert person == {
        "imdb_id": "nm0000001",
        "name": "Person 1",
        "birth_date": "1620-12-10",
        "birth_place": "Manhattan, New York City, New York, USA",
        "death_date": "1702-04",
        "death_place": "Norwalk, Connecticut, USA",
        "professions": '["Writer", "Producer"]',
        "biography": 'Born, with a comma and a "quote".\n\nA second paragraph.',
        "known_for": '["tt0000002", "tt0000001"]',
        "total_credits": "91",
        "credits": "3",
        "facts": "2",
        "source": "html",
        "found_by": "next_data",
        "fetched_at": "2026-01-01T12:00:00+00:00",
        "run_id": RUN.run_id,
    }
    first, _, bare = rows(tmp_path, "filmography.csv")
    assert first == {
        "person_id": "nm0000001",
        "category": "actor",
        "title_id": "tt0000001",
        "title": "Title 1",
        "kind": "tvSeries",
        "year": "2004",
        "end_year": "2008",
        "rating": "8.5",
        "votes": "51586",
        "characters": '["Andy", "Self, \\"himself\\""]',
        "jobs": '["story by"]',
        "attributes": '["uncredited"]',
        "episodes": "3",
    }
    assert [name for name, cell in bare.items() if cell] == [
        "person_id", "category", "title_id", "title",
    ]  # fmt: skip


def test_the_file_of_facts_is_as_the_documentation_says(tmp_path: Path) -> None:
    save(tmp_path, a_profile(1))
    award, quote = rows(tmp_path, "person_facts.csv")
    assert award == {
        "person_id": "nm0000001",
        "category": "award_win",
        "text": "Prize: Best Play (Title 2)",
        "year": "1650",
        "url": "https://example.org/prize",
        "related_id": "tt0000002",
    }
    assert quote["text"] == 'Two,\n"lines".'
    assert (quote["year"], quote["url"], quote["related_id"]) == ("", "", "")


def of_an_earlier_version(folder: Path, *people: PersonProfile) -> None:
    """Make the files as versions of this program wrote them that knew no facts."""
    save(folder, *people)
    path = folder / "profiles.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [name for name in found[0] if name != "facts"])
        writer.writeheader()
        writer.writerows({k: v for k, v in row.items() if k != "facts"} for row in found)
    (folder / "person_facts.csv").unlink()


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_files_without_facts_are_read_and_added_to(tmp_path: Path, line_end: bytes) -> None:
    one, two = a_profile(1, facts=()), a_profile(2, facts=())
    of_an_earlier_version(tmp_path, one, two)
    path = tmp_path / "profiles.csv"
    path.write_bytes(path.read_bytes().replace(b"run_id\r\n", b"run_id" + line_end, 1))
    assert held(tmp_path) == {"nm0000001": one, "nm0000002": two}
    newer = a_profile(1, minutes_later=1)
    save(tmp_path, newer, a_profile(3))
    assert held(tmp_path) == {"nm0000001": newer, "nm0000002": two, "nm0000003": a_profile(3)}
    assert [row["facts"] for row in rows(tmp_path, "profiles.csv")] == ["2", "0", "2"]
    assert {path.name for path in tmp_path.iterdir()} >= {"profiles.csv", "person_facts.csv"}
    assert not list(tmp_path.glob(".profiles*"))


def test_any_end_of_a_file_without_facts_may_be_lost(tmp_path: Path) -> None:
    people = [a_profile(number, facts=()) for number in (1, 2)]
    of_an_earlier_version(tmp_path, *people)
    whole = {path: path.read_bytes() for path in tmp_path.glob("*.csv")}
    cut = tmp_path / "profiles.csv"
    for left in range(0, len(whole[cut]), 7):
        for path in tmp_path.glob("*.csv"):
            path.unlink()
        for path, content in whole.items():
            path.write_bytes(content)
        cut.write_bytes(whole[cut][:left])
        save(tmp_path, *people)
        assert held(tmp_path) == {profile.imdb_id: profile for profile in people}


def test_a_full_disk_leaves_a_file_without_facts_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_an_earlier_version(tmp_path, a_profile(1, facts=()))
    before = (tmp_path / "profiles.csv").read_bytes()

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(RepositoryUnavailable, match="free some space"):
            save(tmp_path, a_profile(2))
    assert (tmp_path / "profiles.csv").read_bytes() == before
    assert not list(tmp_path.glob(".profiles*"))
    assert set(held(tmp_path)) == {"nm0000001"}


@pytest.mark.parametrize("renamed", range(4))
def test_a_merge_that_is_killed_between_two_files_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renamed: int
) -> None:
    """Newer versions with more rows, and with fewer: each file may be old or new."""
    one, two = a_profile(1), a_profile(2)
    save(tmp_path, one, two, a_profile(3))
    more = a_profile(1, minutes_later=1, facts=one.facts * 2, filmography=one.filmography[:1])
    fewer = a_profile(
        2, minutes_later=1, facts=two.facts[:1],
        filmography=tuple(a_filmography_credit(number) for number in range(1, 9)),
    )  # fmt: skip
    whole = Path.replace
    done = []

    def killed(path: Path, target: Path) -> Path:
        if path.name.endswith(".merged"):
            if len(done) == renamed:
                raise Killed
            done.append(path)
        return whole(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with suppress(Killed):
            save(tmp_path, more, fewer)
    assert len(done) == min(renamed, 3)
    expected = {"nm0000001": more, "nm0000002": fewer, "nm0000003": a_profile(3)}
    assert held(tmp_path) == expected
    assert not (tmp_path / ".profile-updates").exists()


class Killed(BaseException):
    """What stands for a process that ends at once."""


def test_newer_facts_are_in_the_files_once_the_run_is_over(tmp_path: Path) -> None:
    save(tmp_path, a_profile(1), a_profile(2))
    save(tmp_path, a_profile(1, minutes_later=1, name="Now"))
    assert [row["name"] for row in rows(tmp_path, "profiles.csv")] == ["Now", "Person 2"]
    assert len(rows(tmp_path, "filmography.csv")) == 6
    assert not (tmp_path / ".profile-updates").exists()


def write_until_killed(folder: Path, first: int, reports: Connection) -> None:
    """Save new people and newer versions of old ones, and report each after it is saved."""
    with open_csv_repository(folder) as repository:
        for minute in count(first):
            batch = [version(minute, minute), version(minute // 2, minute), version(0, minute)]
            repository.save_profiles(batch, RUN)
            reports.send(minute)


def version(number: int, minute: int) -> PersonProfile:
    """A person as of a minute, whose every part tells which minute that is."""
    return a_profile(
        number + 1,
        minutes_later=minute,
        total_credits=minute,
        filmography=tuple(a_filmography_credit(n, votes=minute) for n in range(1, 2 + minute % 5)),
        facts=tuple(a_person_fact(text=f"In {minute}") for _ in range(minute % 4)),
    )


def test_a_writer_killed_again_and_again_loses_nobody(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    first = 1
    for kill in range(8):
        ours, theirs = spawn.Pipe(duplex=False)
        writer = spawn.Process(target=write_until_killed, args=(tmp_path, first, theirs))
        writer.start()
        theirs.close()
        with ours:
            reported = [ours.recv() for _ in range(1 + kill % 4)]
            ours.poll(kill / 4000)
            assert writer.pid is not None
            os.kill(writer.pid, signal.SIGKILL)
            writer.join()
            with suppress(EOFError):
                while True:
                    reported.append(ours.recv())
        found = held(tmp_path)
        assert {f"nm{n + 1:07d}" for n in range(first, max(reported) + 1)} <= set(found)
        for imdb_id, profile in found.items():
            assert profile.total_credits is not None
            assert profile == version(int(imdb_id[2:]) - 1, profile.total_credits)
        assert (found[NameId("nm0000001")].total_credits or 0) >= max(reported)
        first = max(reported) + 1


def test_a_removal_of_updates_that_was_stopped_is_finished(tmp_path: Path) -> None:
    save(tmp_path, a_profile(1), a_profile(2))
    updates = tmp_path / ".profile-updates"
    updates.mkdir()
    for name in ("filmography.csv", "person_facts.csv"):
        (updates / name).write_bytes((tmp_path / name).read_bytes())
    assert held(tmp_path) == {profile.imdb_id: profile for profile in (a_profile(1), a_profile(2))}
    assert not updates.exists()


@pytest.mark.parametrize("name", ["profiles.csv", "filmography.csv", "person_facts.csv"])
def test_whatever_a_power_cut_takes_off_an_end_the_others_are_whole(
    tmp_path: Path, name: str
) -> None:
    save(tmp_path, a_profile(1), a_profile(2), a_profile(3))
    whole = {path: path.read_bytes() for path in sorted(tmp_path.glob("*.csv"))}
    cut = tmp_path / name
    for left in range(0, len(whole[cut]), 7):
        for path, content in whole.items():
            path.write_bytes(content)
        cut.write_bytes(whole[cut][:left])
        with open_csv_repository(tmp_path) as repository:
            found = {profile.imdb_id: profile for profile in repository.profiles()}
            for imdb_id, profile in found.items():
                assert profile == a_profile(int(imdb_id[2:]))
            repository.save_profiles([a_profile(n) for n in (1, 2, 3)], RUN)
        assert held(tmp_path) == {f"nm000000{n}": a_profile(n) for n in (1, 2, 3)}
        assert len(rows(tmp_path, "filmography.csv")) == 9
        assert len(rows(tmp_path, "person_facts.csv")) == 6


def test_rows_of_a_person_that_was_deleted_by_hand_are_left_out(tmp_path: Path) -> None:
    save(tmp_path, a_profile(1, biography=None), a_profile(2, biography=None))
    path = tmp_path / "profiles.csv"
    header, _, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(header + second)
    assert list(held(tmp_path)) == ["nm0000002"]
    save(tmp_path, a_profile(1))
    assert set(held(tmp_path)) == {"nm0000001", "nm0000002"}
    assert len(rows(tmp_path, "filmography.csv")) == 6


def changed(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("profiles.csv", b"1620-12-10", b"1620-13-10", r"record 2 .*is not a date"),
        ("profiles.csv", b"2026-01-01T12:00:00+00:00", b"noon", r"record 2 "),
        ("profiles.csv", b"nm0000002", b"nm0000001", r"record 3 .*stands there twice"),
        ("profiles.csv", b",91,3,", b",91,2,", r"tells of 2 credits of nm0000001, and 3"),
        ("profiles.csv", b",3,2,", b",3,1,", r"tells of 1 facts of nm0000001, and 2"),
        ("person_facts.csv", b"award_win", b"award_loss", r"record 2 .*award_loss"),
        ("person_facts.csv", b"nm0000002", b"nm0000001", r"tells of 2 facts"),
        ("filmography.csv", b"tvSeries", b"tvOpera", r"record 2 .*tvOpera"),
        ("filmography.csv", b"nm0000002,actor", b"nm0000001,actor", r"tells of 3 credits"),
        ("filmography.csv", b"nm0000001,writer", b"nm,writer", r"record 4 "),
        ("profiles.csv", b"imdb_id,name", b"name,imdb_id", r"not one of this program's files"),
    ],
)
def test_what_somebody_spoils_is_named_and_left_alone(
    tmp_path: Path, name: str, old: bytes, new: bytes, told: str
) -> None:
    save(tmp_path, a_profile(1), a_profile(2))
    changed(tmp_path / name, old, new)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(RepositoryUnavailable, match=told):
        save(tmp_path, a_profile(3))
    assert (tmp_path / name).read_bytes() == before


def test_profiles_that_were_taken_away_are_asked_back(tmp_path: Path) -> None:
    save(tmp_path, a_profile(1))
    (tmp_path / "profiles.csv").unlink()
    with pytest.raises(RepositoryUnavailable, match=r"put that file back, or move both away"):
        save(tmp_path, a_profile(2))
    assert len(rows(tmp_path, "filmography.csv")) == 3


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every write to profiles.csv takes half of it, and then the disk is full."""
    append = CsvTable.append

    def fail(table: CsvTable, records: bytes) -> None:
        if table.path.name != "profiles.csv" or not records:
            return append(table, records)
        append(table, records[: len(records) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(table.path))

    with monkeypatch.context() as patch:
        patch.setattr(CsvTable, "append", fail)
        yield


def test_a_full_disk_leaves_the_files_as_they_were(tmp_path: Path, request: object) -> None:
    save(tmp_path, a_profile(1))
    before = {path: path.read_bytes() for path in tmp_path.glob("*.csv")}
    assert isinstance(request, pytest.FixtureRequest)
    request.getfixturevalue("full_disk")
    with open_csv_repository(tmp_path) as repository:
        with pytest.raises(RepositoryUnavailable, match="free some space"):
            repository.save_profiles([a_profile(2)], RUN)
        assert {path: path.read_bytes() for path in tmp_path.glob("*.csv")} == before
        assert list(repository.profiles()) == [a_profile(1)]
