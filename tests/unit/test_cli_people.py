import io
from datetime import timedelta
from typing import Any

from rich.console import Console

from domain.identifiers import NameId
from domain.partial_date import PartialDate
from domain.person_fact import PersonFact, PersonFactCategory
from domain.person_profile import PersonProfile
from domain.run import (
    Failure,
    ProfileCounts,
    RepositoryReport,
    RunOutcome,
    RunReport,
)
from infrastructure.cli.people_table import print_people
from infrastructure.cli.progress import RunCounts, observed
from infrastructure.cli.summary import print_summary
from infrastructure.cli.title_ids import read_name_ids
from shared.config import load_settings
from tests.builders import NOON, a_profile, a_run


def a_report(**changes: Any) -> RunReport:
    given: dict[str, Any] = {
        "run": a_run(command="people", chart=None),
        "finished_at": NOON + timedelta(seconds=2),
        "outcome": RunOutcome.COMPLETE,
        "asked": 1,
        "fetched": 1,
        "fetched_from": {"html": 1},
        "repositories": (
            RepositoryReport(
                name="csv", inserted=1, holds=ProfileCounts(profiles=1250, credits=9000)
            ),
        ),
    }
    return RunReport(**(given | changes))


HOSTILE = "\x1b[2J\x9b31mred\r\x07"


def people_shown(*people: PersonProfile, **changes: Any) -> list[str]:
    out = io.StringIO()
    print_people(Console(file=out, width=220), people, a_report(**changes))
    return out.getvalue().splitlines()


def summary(report: RunReport) -> str:
    out = io.StringIO()
    settings = load_settings({"repositories": "csv"}, env_file=None)
    print_summary(Console(file=out, width=120), report, settings, None)
    return out.getvalue()


def test_a_person_is_shown_in_a_row_by_the_names_of_the_titles() -> None:
    [_, _, row] = people_shown(a_profile(1, birth_date=PartialDate(year=-496)))
    assert row.split("  ")[1:3] == ["nm0000001", "Person 1"]
    assert "-0496, Manhattan, New York City" in row
    assert "Writer, Producer" in row
    assert "Title 2, Title 1" in row
    assert "actor 2, writer 1 (of 91)" in row


def test_the_cause_of_a_death_is_shown_beside_it() -> None:
    cause = PersonFact(category=PersonFactCategory.DEATH_CAUSE, text="old age")
    [_, _, row] = people_shown(a_profile(1, birth_date=None, birth_place=None, facts=(cause,)))
    assert "1702-04, Norwalk, Connecticut, USA, of old age" in row


def test_what_is_unknown_of_a_person_is_a_dash() -> None:
    bare = PersonProfile(imdb_id=NameId("nm0000001"), name="X", provenance=a_profile().provenance)
    [_, _, row] = people_shown(bare)
    assert row.split() == ["nm0000001", "X", "-", "-", "-", "-", "-"]


def test_a_title_that_is_not_among_the_credits_is_shown_by_its_id() -> None:
    [_, _, row] = people_shown(a_profile(1, filmography=(), total_credits=None))
    assert "tt0000002, tt0000001  -" in row


def test_of_many_people_the_first_are_shown_and_the_others_counted() -> None:
    lines = people_shown(a_profile(1), a_profile(2), fetched=1500)
    assert lines[-1] == "  and 1,498 more"
    assert people_shown() == []


def test_the_summary_speaks_of_people() -> None:
    text = summary(a_report())
    assert "Done: every person is saved in every repository (2.0 s)" in text
    assert "0.5 people/s" in text
    assert "1,250 people, 9,000 credits" in text
    assert "profiles.csv" in text
    assert "title" not in text.replace("single titles", "")


def test_the_summary_says_how_to_get_who_is_missing() -> None:
    failure = Failure(imdb_id=NameId("nm0000009"), reason="unavailable", message="HTTP 500")
    text = summary(a_report(asked=2, failures=(failure,), outcome=RunOutcome.INCOMPLETE))
    assert "Finished, with people missing" in text
    assert "failed, unavailable: 1 (nm0000009)" in text
    assert "python main.py people ID...    once more: nothing is doubled" in text
    assert "resume" not in text
    assert "retry" not in text


def test_people_are_named_by_arguments_and_on_standard_input() -> None:
    lines = io.BytesIO(b"nm0000002 https://www.imdb.com/name/nm0000003/\ntt0000001\n")
    ids, problems = read_name_ids(["nm0000001", "-", "nm5"], lines)
    assert ids == ["nm0000001", "nm0000002", "nm0000003"]
    assert len(problems) == 2
    assert "is a title, not a person: python main.py titles takes it" in problems[0]
    assert "'nm5'" in problems[1]


def test_only_addresses_that_were_asked_for_people_are_doubted() -> None:
    settings = load_settings({"repositories": "csv"}, env_file=None)
    run = a_run(command="people", chart=None, sources=("html",))
    report = a_report(
        run=run,
        outcome=RunOutcome.NO_SOURCE,
        fetched=0,
        fetched_from={},
        not_tried=(NameId("nm0000151"),),
    )
    output = io.StringIO()
    print_summary(Console(file=output, width=120), report, settings, None)
    assert settings.base_url in output.getvalue()
    assert settings.graphql_url not in output.getvalue()


def test_what_a_page_says_moves_no_cursor():
    told = Failure(imdb_id=NameId("nm0000001"), reason="page_changed", message=HOSTILE)
    report = a_report(failures=(told,), notices=(HOSTILE,), rejected=(HOSTILE,))
    out = io.StringIO()
    print_people(Console(file=out, width=220), [a_profile(name=HOSTILE)], report)
    print_summary(
        Console(file=out, width=220), report, load_settings({}, env_file=None), report_path=None
    )
    assert out.getvalue().count("31mred") == 4
    assert not set(out.getvalue()) & set("\x1b\x9b\r\x07")


def test_what_a_source_says_moves_no_cursor(caplog, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    with observed(RunCounts()) as observer:
        observer.notice(HOSTILE)
    [line] = caplog.messages
    assert "red" in line
    assert line.isprintable()
