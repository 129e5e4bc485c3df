"""The counts of the fault suite find what is lost, doubled and wrong; else zeros mean nothing."""

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from demo.facts import load_facts
from tests.faults.account import Account, account_of
from tests.faults.kept import Kept, credits_of, facts_of
from tests.faults.row import Row, summed, table_of

ASKED = load_facts().titles[:5]
SAVED, FAILED, NOT_TRIED = ASKED[:3], ASKED[3], ASKED[4]
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
ORIGIN = ("next_data", MOMENT, "run")


def kept(name: str) -> Kept:
    """Three of five titles, as they should be kept."""
    credits_ = sorted(credits_of(SAVED), key=str)
    return Kept(
        name,
        [(*facts_of(title), "saved" if title is SAVED[2] else "html", *ORIGIN) for title in SAVED],
        sorted({(person, name) for _, _, _, person, name, _ in credits_ if person}),
        credits_,
        [("run", title.rank, title.imdb_id) for title in ASKED],
        [("run", FAILED.imdb_id, "unavailable"), ("another", SAVED[0].imdb_id, "unavailable")],
        every_chart=name == "postgres",
    )


def right() -> tuple[dict[str, Any], list[Kept]]:
    """A run of five titles that went as it should, with one that failed and one not tried."""
    repositories = [kept("csv"), kept("postgres")]
    holds = {
        "titles": 3,
        "people": len(repositories[0].people),
        "credits": len(repositories[0].credits),
    }
    part = {
        "held_before": 0, "copied": 0, "inserted": 2, "updated": 1, "unchanged": 0, "saved": 3,
        "late": 1, "refused": [], "missing": [], "error": None, "holds": holds,
    }  # fmt: skip
    report = {
        "run": {"run_id": "run"},
        "asked": 5,
        "already_saved": 0,
        "fetched": 3,
        "failures": [{"imdb_id": FAILED.imdb_id, "reason": "unavailable", "message": "HTTP 500"}],
        "not_tried": [NOT_TRIED.imdb_id],
        "fetched_from": {"html": 2, "saved": 1},
        "from_other_sources": {"saved": [SAVED[2].imdb_id]},
        "seconds": 1.5,
        "repositories": [{"name": k.name} | copy.deepcopy(part) for k in repositories],
    }
    return report, repositories


def account(change: Callable[[dict[str, Any], list[Kept]], Any]) -> Account:
    report, repositories = right()
    change(report, repositories)
    return account_of(ASKED, report, repositories, chart=True)


def test_a_run_as_it_should_be_has_lost_doubled_and_made_up_nothing() -> None:
    got = account(lambda *_: None)
    assert (got.lost, got.doubled, got.wrong) == ([], [], [])
    assert (got.asked, got.saved, got.failed, got.not_tried, got.missing) == (5, 3, 1, 1, 0)


def test_a_run_that_went_on_adds_what_was_saved_before() -> None:
    def continued(report: dict[str, Any], repositories: list[Kept]) -> None:
        report.update(already_saved=2, fetched=1, fetched_from={"saved": 1}, from_other_sources={})
        for part in report["repositories"]:
            part.update(held_before=1, copied=1, inserted=1, updated=0)
        repositories[1].chart.extend([("killed", t.rank, t.imdb_id) for t in ASKED])

    got = account(continued)
    assert (got.lost, got.doubled, got.wrong) == ([], [], [])


def test_without_a_report_every_title_that_is_not_there_is_lost() -> None:
    _, repositories = right()
    got = account_of(ASKED, None, repositories, chart=True)
    assert (len(got.lost), got.doubled, got.wrong) == (4, [], [])
    assert (got.saved, got.failed, got.not_tried, got.missing) == (3, 0, 0, 0)


def test_a_title_that_is_kept_nowhere_and_named_nowhere_is_lost() -> None:
    for forgotten in ("failures", "not_tried"):
        got = account(lambda report, _, name=forgotten: report[name].clear())
        assert len(got.lost) == 2  # in each repository
        assert got.wrong  # the sums of the report


def test_a_title_that_only_one_repository_has_is_lost_unless_the_other_names_it() -> None:
    gone = SAVED[0].imdb_id

    def drop(_: dict[str, Any], repositories: list[Kept]) -> None:
        repositories[1].titles.pop(0)

    def drop_and_name(report: dict[str, Any], repositories: list[Kept]) -> None:
        drop(report, repositories)
        report["repositories"][1]["missing"].append(gone)
        report["repositories"][1].update(saved=2, inserted=1, error="gone")

    forgotten, named = account(drop), account(drop_and_name)
    assert forgotten.lost == [f"{gone} is not in postgres, and named nowhere"]
    assert (forgotten.saved, forgotten.missing) == (2, 0)
    assert named.lost == []
    assert (named.saved, named.missing) == (2, 1)


@pytest.mark.parametrize("rows", ["titles", "people", "credits", "chart"])
def test_a_row_that_is_there_twice_is_doubled(rows: str) -> None:
    def double(_: dict[str, Any], repositories: list[Kept]) -> None:
        listed = getattr(repositories[0], rows)
        listed.append(listed[0])

    assert [line.split(":")[0] for line in account(double).doubled] == [f"{rows} in csv"]


def test_a_title_that_is_named_twice_is_doubled() -> None:
    got = account(lambda report, _: report["not_tried"].append(FAILED.imdb_id))
    assert got.doubled == [f"the report: {FAILED.imdb_id} is there 2 times"]


@pytest.mark.parametrize("column", range(14))
def test_any_fact_that_is_another_is_wrong(column: int) -> None:
    def change(_: dict[str, Any], repositories: list[Kept]) -> None:
        for each in repositories:
            row = list(each.titles[0])
            row[column] = "something else"
            each.titles[0] = tuple(row)

    assert account(change).wrong


def wrongs() -> dict[str, Callable[[dict[str, Any], list[Kept]], Any]]:
    def in_both(change: Callable[[Kept], Any]) -> Callable[[dict[str, Any], list[Kept]], Any]:
        return lambda _, repositories: [change(each) for each in repositories]

    other = load_facts().titles[9]
    return {
        "a title never asked for": in_both(
            lambda k: k.titles.append((*facts_of(other), "html", *ORIGIN))
        ),
        "a title that failed": in_both(
            lambda k: k.titles.append((*facts_of(FAILED), "html", *ORIGIN))
        ),
        "a credit too few": in_both(lambda k: k.credits.pop()),
        "a credit too many": in_both(
            lambda k: k.credits.append((*k.credits[0][:2], 99, None, "X", ()))
        ),
        "a person too few": in_both(lambda k: k.people.pop()),
        "a person too many": in_both(lambda k: k.people.append(("nm9999999", "Nobody"))),
        "another name": in_both(lambda k: k.people.append((k.people.pop()[0], "Somebody else"))),
        "another rank": in_both(lambda k: k.chart.append(("run", 251, k.chart.pop()[2]))),
        "a rank too few": in_both(lambda k: k.chart.pop()),
        "no chart": in_both(lambda k: k.chart.clear()),
        "the chart of another run only": lambda report, _: report["run"].update(run_id="later"),
        "another source": lambda _, both: [
            each.titles.append((*each.titles.pop()[:-4], "html", *ORIGIN)) for each in both
        ],
        "another source in one of them": lambda _, both: both[1].titles.append(
            (*both[1].titles.pop()[:-4], "html", *ORIGIN)
        ),
        "another time in one of them": lambda _, both: both[1].titles.append(
            (*both[1].titles.pop()[:-2], MOMENT.replace(year=2027), "run")
        ),
        "a failure too few": lambda _, both: both[1].failures.pop(0),
        "another reason": lambda report, _: report["failures"][0].update(reason="blocked"),
        "a sum": lambda report, _: report.update(fetched=4),
        "a count by source": lambda report, _: report.update(fetched_from={"html": 1, "saved": 1}),
        "a source without its titles": lambda report, _: report.update(from_other_sources={}),
        "more late than saved": lambda report, _: report["repositories"][0].update(late=4),
        "a repository that did more than there was to do": lambda report, _: [
            part.update(copied=1, saved=4) for part in report["repositories"]
        ],
        "time that went backwards": lambda report, _: report.update(seconds=-1),
        "a count of titles saved": lambda report, _: report["repositories"][0].update(saved=2),
        "a count of rows held": lambda report, _: report["repositories"][1]["holds"].update(
            people=1
        ),
    }  # fmt: skip


@pytest.mark.parametrize("what", wrongs())
def test_what_is_made_up_or_does_not_add_up_is_wrong(what: str) -> None:
    assert account(wrongs()[what]).wrong


def a_row(**rest: Any) -> Row:
    return Row.of(account(lambda *_: None), section="x", fault="a flood", **rest)


def test_the_table_has_a_line_for_each_row_under_headings_that_fit() -> None:
    row = a_row(share="20%", hit=1234, status="1")
    first, rule, *lines = table_of([row, replace(row, hit=None, lost=3)]).splitlines()
    assert first.count("|") == rule.count("|") == 13
    assert lines == [
        "| a flood | 20% | 1,234 | 5 | 3 | 1 | 1 | 0 | 0 | 0 | 0 | 1 |",
        "| a flood | 20% |  | 5 | 3 | 1 | 1 | 0 | 3 | 0 | 0 | 1 |",
    ]


def test_rows_of_the_same_fault_are_one_line_of_several_runs() -> None:
    killed = [a_row(status="killed, then 0") for _ in range(3)]
    head, _, *lines = table_of(summed([killed[0], a_row(status="0"), *killed[1:]])).splitlines()
    assert "share" not in head
    assert lines == [
        "| a flood | 3 | 15 | 9 | 3 | 3 | 0 | 0 | 0 | 0 | killed, then 0 |",
        "| a flood | 1 | 5 | 3 | 1 | 1 | 0 | 0 | 0 | 0 | 0 |",
    ]
