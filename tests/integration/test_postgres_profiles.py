"""Profiles in PostgreSQL: what is refused, what was spoiled by hand, and what rules hold."""

from collections.abc import Iterator

import psycopg2
import pytest

from domain.errors import RepositoryUnavailable
from domain.run import ProfileCounts
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.repository import PostgresRepository
from tests.builders import a_filmography_credit, a_profile, a_run
from tests.databases import execute, rows_of

RUN = a_run(command="people", chart=None)


@pytest.fixture
def repository(postgres_url: str) -> Iterator[PostgresRepository]:
    with open_postgres_repository(postgres_url) as opened:
        opened.begin_run(RUN, None)
        yield opened


def test_a_profile_that_is_refused_leaves_no_trace_and_harms_no_other(
    repository: PostgresRepository, postgres_url: str
) -> None:
    rule = "ALTER TABLE person_filmography ADD CONSTRAINT ours CHECK (title <> 'Title 66')"
    execute(postgres_url, rule)
    people = [a_profile(number) for number in range(1, 8)]
    people[3] = a_profile(4, filmography=(a_profile().filmography[0], a_filmography_credit(66)))
    result = repository.save_profiles(people, RUN)
    assert result.inserted == 6
    [refused] = result.refused
    assert (refused.imdb_id, refused.reason) == ("nm0000004", "invalid_title")
    assert "rule ours" in refused.message
    assert repository.profile_counts() == ProfileCounts(profiles=6, credits=18)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE person_filmography SET kind = 'tvOpera' WHERE position = 1",
        "UPDATE person_facts SET category = 'hobby' WHERE position = 1",
        "UPDATE person_profiles SET birth_month = 2, birth_day = 30",
    ],
)
def test_a_row_that_was_spoiled_by_hand_is_told_and_replaced_by_the_next_save(
    repository: PostgresRepository, postgres_url: str, change: str
) -> None:
    repository.save_profiles([a_profile(1)], RUN)
    execute(postgres_url, change)
    with pytest.raises(RepositoryUnavailable, match=r"person_profiles breaks a rule: nm0000001"):
        list(repository.profiles())
    assert repository.save_profiles([a_profile(1)], RUN).updated == 1
    assert list(repository.profiles()) == [a_profile(1)]


@pytest.mark.parametrize(
    "change",
    [
        "person_profiles SET imdb_id = 'tt0000001'",
        "person_profiles SET name = ''",
        "person_profiles SET birth_year = 0",
        "person_profiles SET birth_year = NULL",
        "person_profiles SET death_month = NULL, death_day = 1",
        "person_profiles SET professions = '{\"\"}'",
        "person_filmography SET title_id = 'nm0000001'",
        "person_filmography SET year = 1873",
        "person_filmography SET rating = 10.1",
        "person_filmography SET episodes = 0",
        "person_filmography SET characters = '{NULL}'",
        "person_filmography SET category = 'actor', title_id = 'tt0000001'",
        "person_facts SET text = ''",
        "person_facts SET category = ''",
        "person_facts SET year = 0",
        "person_facts SET url = ''",
        "person_facts SET related_id = 'co0000001'",
        "person_facts SET position = 1",
    ],
)
def test_the_tables_keep_the_rules_of_the_domain(
    repository: PostgresRepository, postgres_url: str, change: str
) -> None:
    repository.save_profiles([a_profile(1)], RUN)
    with pytest.raises(psycopg2.errors.IntegrityError):
        execute(postgres_url, f"UPDATE {change}")


def test_credits_and_facts_go_with_their_person(
    repository: PostgresRepository, postgres_url: str
) -> None:
    repository.save_profiles([a_profile(1), a_profile(2)], RUN)
    execute(postgres_url, "DELETE FROM person_profiles WHERE imdb_id = 'nm0000001'")
    for table in ("person_filmography", "person_facts"):
        found = rows_of(postgres_url, f"SELECT DISTINCT person_id FROM {table}")
        assert found == [("nm0000002",)]
