"""Other names of people who are known already."""

import csv
from pathlib import Path

from domain.identifiers import NameId
from domain.title import Person
from infrastructure.repositories.csv import open_csv_repository
from infrastructure.repositories.csv.table import CsvTable
from tests.builders import a_run, a_title, cast_of, person_number

KNOWN = person_number(1)
TITLES = 40


def named(name: str, number: int):
    """A title that credits the known person under a name, later than those before it."""
    person = Person(KNOWN.imdb_id, name)
    return a_title(number, minutes_later=number, credits=cast_of(person, person_number(number + 9)))


def names_in(folder: Path) -> dict[NameId, str]:
    with (folder / "people.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, strict=True))
    assert len({row["imdb_id"] for row in rows}) == len(rows)
    return {NameId(row["imdb_id"]): row["name"] for row in rows}


def test_the_latest_name_counts_and_a_person_is_one_row(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        for number in range(1, TITLES):
            repository.save([named(f"Name {number % 3}", number)], a_run())
        assert repository.counts().people == TITLES
    assert names_in(tmp_path)[KNOWN.imdb_id] == f"Name {(TITLES - 1) % 3}"


def test_a_name_that_goes_back_and_forth_does_not_rewrite_the_titles(
    tmp_path: Path, monkeypatch
) -> None:
    opened: list[str] = []
    original = CsvTable.open

    def counting(self: CsvTable) -> None:
        opened.append(self.path.name)
        original(self)

    with open_csv_repository(tmp_path) as repository:
        repository.save([named("Name 0", 1)], a_run())
        monkeypatch.setattr(CsvTable, "open", counting)
        for number in range(2, TITLES):
            repository.save([named(f"Name {number % 2}", number)], a_run())
    assert opened.count("credits.csv") <= 1  # that of the updates
    assert opened.count("people.csv") <= 2  # and that which got the last name


def test_names_left_by_a_killed_writer_are_taken_over(tmp_path: Path) -> None:
    with open_csv_repository(tmp_path) as repository:
        repository.save([named("Old", 1)], a_run())
        repository.save([named("Newer", 2)], a_run())
        repository.save([named("Newest", 3)], a_run())
        copy = tmp_path.with_name("copy")
        copy.mkdir()
        for path in [*tmp_path.glob("*.csv"), *tmp_path.glob(".updates/*.csv")]:
            target = copy / path.relative_to(tmp_path)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(path.read_bytes())
    with open_csv_repository(copy):
        assert names_in(copy)[KNOWN.imdb_id] == "Newest"
    assert not (copy / ".updates").exists()
