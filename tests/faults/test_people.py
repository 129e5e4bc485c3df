"""Profiles of people: what a repository lacks after a fault is copied to it by a repair."""

import random
import time

from demo.facts import people_of
from domain.identifiers import NameId
from domain.person_profile import PersonProfile
from infrastructure.repositories.csv import open_csv_repository
from infrastructure.repositories.postgres import open_postgres_repository
from tests.builders import a_filmography_credit, a_profile, a_run
from tests.faults.disks import almost_full_disk
from tests.faults.here import FACTS, Here
from tests.faults.kept import report_in

PEOPLE = sorted(people_of(FACTS))


def kept_in_both(here: Here) -> tuple[dict[NameId, PersonProfile], dict[NameId, PersonProfile]]:
    with (
        open_csv_repository(here.output) as csv,
        open_postgres_repository(here.url) as postgres,
    ):
        both = list(csv.profiles()), list(postgres.profiles())
    in_csv, in_postgres = ({profile.imdb_id: profile for profile in found} for found in both)
    assert [len(in_csv), len(in_postgres)] == [len(found) for found in both], "nobody twice"
    return in_csv, in_postgres


def test_people_that_a_full_disk_lacks_are_named_and_repaired_when_there_is_room(
    here: Here,
) -> None:
    with almost_full_disk(here.output) as ballast:
        program = here.start("people", *PEOPLE, repository_wait_seconds=1, max_threads=50)
        assert program.status() == 1, program.said
        assert "No space left on device" in program.said
        assert "python main.py repair" in program.said
        ballast.unlink()
        report = report_in(here.output, here.url)
        assert report is not None
        missing = {i for part in report["repositories"] for i in part["missing"]}
        assert 0 < len(missing) < len(PEOPLE)
        before, whole = kept_in_both(here)
        assert whole.keys() == set(PEOPLE)
        assert before.keys() == set(PEOPLE) - missing
        for command in (["repair"], ["repair", "--check"]):
            repair = here.start(*command)
            assert repair.status() == 0, repair.said
        assert kept_in_both(here) == (whole, whole)


def test_a_repair_of_people_that_is_killed_again_and_again_ends_level(here: Here) -> None:
    count, dice = 600, random.Random(7)
    films = tuple(a_filmography_credit(n) for n in range(1, 30))
    people = [a_profile(n, filmography=films) for n in range(1, count + 1)]
    older = [a_profile(n, name="Old", minutes_later=-9) for n in range(1, count, 3)]
    newer = [a_profile(n, name="New", minutes_later=9) for n in range(2, count, 3)]
    with open_csv_repository(here.output) as csv:
        csv.save_profiles(people, a_run())
    with open_postgres_repository(here.url) as postgres:
        postgres.save_profiles([*older, *newer], a_run())
    for _ in range(4):
        repair = here.start("repair")
        time.sleep(dice.uniform(0.5, 3))
        repair.end()
        in_csv, in_postgres = kept_in_both(here)
        assert in_csv.keys() >= {profile.imdb_id for profile in people}
        assert in_postgres.keys() >= {profile.imdb_id for profile in older}
    repair = here.start("repair")
    assert repair.status() == 0, repair.said
    expected = {profile.imdb_id: profile for profile in [*people, *newer]}
    assert kept_in_both(here) == (expected, expected)
