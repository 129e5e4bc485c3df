"""What the database knows of titles that could be fetched again."""

from datetime import timedelta

from application.refresh_plan import RefreshCandidate
from domain.identifiers import NameId
from domain.run import Failure, RunOutcome, RunReport
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.refreshing import open_postgres_candidates
from tests.builders import NOON, a_profile, a_run, a_title, title_number
from tests.databases import execute

DAY = timedelta(days=1)


def known(url: str) -> list[RefreshCandidate]:
    with open_postgres_candidates(url) as opened:
        return list(opened.candidates())


def test_a_title_is_known_by_when_it_was_had_and_how_often_it_had_changed(postgres_url):
    with open_postgres_repository(postgres_url) as repository:
        for day, votes in enumerate((100, 150, 150, 160)):
            title = a_title(1, minutes_later=1440 * day, votes=votes)
            repository.save([title], a_run())
    assert known(postgres_url) == [
        RefreshCandidate(
            imdb_id=title_number(1), first_seen_at=NOON, fetched_at=NOON + 3 * DAY, changes=2
        )
    ]


def test_a_title_without_rating_is_known_since_its_page_was_had(postgres_url):
    with open_postgres_repository(postgres_url) as repository:
        repository.save([a_title(1, rating=None, votes=None)], a_run())
    [only] = known(postgres_url)
    assert (only.first_seen_at, only.changes) == (NOON, 0)


def test_the_last_failure_to_fetch_it_is_known_and_one_to_save_it_is_none(postgres_url):
    later = NOON + 9 * DAY
    with open_postgres_repository(postgres_url) as repository:
        repository.save([a_title(1), a_title(2)], a_run())
        for number, day in enumerate((5, 9, 7)):
            run = a_run(f"run{number}")
            failure = Failure(imdb_id=title_number(1), reason="unavailable", message="HTTP 500")
            repository.begin_run(run, None)
            repository.finish_run(
                RunReport(
                    run=run,
                    finished_at=NOON + day * DAY,
                    outcome=RunOutcome.INCOMPLETE,
                    asked=1,
                    fetched=0,
                    failures=(failure,),
                    fetched_from={},
                    repositories=(),
                )
            )
    execute(
        postgres_url,
        "INSERT INTO failures (run_id, imdb_id, repository, reason, message, reported_at)"
        f" VALUES ('run0', '{title_number(2)}', 'csv', 'x', 'x', now())",
    )
    assert [each.failed_at for each in known(postgres_url)] == [later, None]


def test_a_title_whose_id_was_merged_into_another_one_is_left_out(postgres_url):
    with open_postgres_repository(postgres_url) as repository:
        repository.save([a_title(1), a_title(2)], a_run())
    execute(
        postgres_url,
        "INSERT INTO merged_ids (old_id, new_id, seen_at)"
        f" VALUES ('{title_number(1)}', '{title_number(2)}', now())",
    )
    assert [each.imdb_id for each in known(postgres_url)] == [title_number(2)]


def test_all_titles_are_given_in_the_order_of_their_ids(postgres_url):
    with open_postgres_repository(postgres_url) as repository:
        repository.save([a_title(number) for number in range(1, 1501)], a_run())
    assert [each.imdb_id for each in known(postgres_url)] == list(map(title_number, range(1, 1501)))


def test_people_unknown_come_first_then_those_asked_for_longest_ago(postgres_url):
    with open_postgres_repository(postgres_url) as repository:
        repository.save_profiles([a_profile(n, minutes_later=10 - n) for n in (1, 2)], a_run())
    execute(
        postgres_url,
        "INSERT INTO people (imdb_id, name, fetched_at, run_id) SELECT 'nm000000' || n, 'x', now(),"
        f" '{a_run().run_id}' FROM generate_series(1, 6) n",
        "INSERT INTO person_credits VALUES ('nm0000004', 9), ('nm0000003', 2)"
        " ON CONFLICT (person_id) DO UPDATE SET credits = excluded.credits",
        "INSERT INTO failures (run_id, imdb_id, repository, reason, message, reported_at)"
        f" VALUES ('{a_run().run_id}', 'nm0000005', NULL, 'not_found', '?', now())",
        "INSERT INTO merged_ids VALUES ('nm0000006', 'nm0000001', now())",
    )
    with open_postgres_candidates(postgres_url) as known_people:
        assert known_people.people(10) == [NameId(f"nm000000{n}") for n in (4, 3, 2, 1, 5)]
        assert known_people.people(2) == [NameId("nm0000004"), NameId("nm0000003")]
