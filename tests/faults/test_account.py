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
from tests.faults.row import Row, table_of

ASKED = load_facts().titles[:5]
SAVED, FAILED, NOT_TRIED = ASKED[:3], ASKED[3], ASKED[4]
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


def kept(name: str) -> Kept:
    """Three of five titles, as they should be kept."""
    credits_ = sorted(credits_of(SAVED), key=str)
    return Kept(
        name,
        [(*facts_of(title), "next_data", MOMENT, "run") for title in SAVED],
        sorted({(person, name) for _, _, _, person, name, _ in credits_ if person}),
        credits_,
        [(title.rank, title.imdb_id) for title in ASKED],
        [(FAILED.imdb_id, "unavailable")] if name == "postgres" else None,
    )


def right() -> tuple[dict[str, Any], list[Kept]]:
    """A run of five titles that went as it should, with one that failed and one not tried."""
    repositories = [kept("csv"), kept("postgres")]
    holds = {
        "titles": 3,
        "people": len(repositories[0].people),
        "credits": len(repositories[0].credits),
    }
    part = {"saved": 3, "refused": [], "missing": [], "holds": holds}
    report = {
        "asked": 5,
        "fetched": 3,
        "failures": [{"imdb_id": FAILED.imdb_id, "reason": "unavailable", "message": "HTTP 500"}],
        "not_tried": [NOT_TRIED.imdb_id],
        "fetched_from": {"html": 3},
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
    assert (got.asked, got.saved, got.failed, got.not_tried) == (5, 3, 1, 1)


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
        report["repositories"][1]["saved"] = 2

    assert account(drop).lost == [f"{gone} is not in postgres, and named nowhere"]
    assert account(drop).saved == 2
    assert account(drop_and_name).lost == []


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
            lambda k: k.titles.append((*facts_of(other), "next_data", MOMENT, "run"))
        ),
        "a title that failed": in_both(
            lambda k: k.titles.append((*facts_of(FAILED), "next_data", MOMENT, "run"))
        ),
        "a credit too few": in_both(lambda k: k.credits.pop()),
        "a credit too many": in_both(
            lambda k: k.credits.append((*k.credits[0][:2], 99, None, "X", ()))
        ),
        "a person too few": in_both(lambda k: k.people.pop()),
        "a person too many": in_both(lambda k: k.people.append(("nm9999999", "Nobody"))),
        "another name": in_both(lambda k: k.people.append((k.people.pop()[0], "Somebody else"))),
        "another rank": in_both(lambda k: k.chart.append((251, k.chart.pop()[1]))),
        "another time in one of them": lambda _, both: both[1].titles.append(
            (*both[1].titles.pop()[:-2], MOMENT.replace(year=2027), "run")
        ),
        "a failure too few": lambda _, both: both[1].failures.pop(),
        "another reason": lambda report, _: report["failures"][0].update(reason="blocked"),
        "a sum": lambda report, _: report.update(fetched=4),
        "a source": lambda report, _: report.update(fetched_from={"html": 2}),
        "a count of titles saved": lambda report, _: report["repositories"][0].update(saved=2),
        "a count of rows held": lambda report, _: report["repositories"][1]["holds"].update(
            people=1
        ),
    }  # fmt: skip


@pytest.mark.parametrize("what", wrongs())
def test_what_is_made_up_or_does_not_add_up_is_wrong(what: str) -> None:
    assert account(wrongs()[what]).wrong


def test_the_table_has_a_line_for_each_row_under_headings_that_fit() -> None:
    row = Row.of(
        account(lambda *_: None), section="x", fault="a flood", share="20%", hit=1234, status=1
    )
    first, rule, *lines = table_of([row, replace(row, hit=None, lost=3)]).splitlines()
    assert first.count("|") == rule.count("|") == 12
    assert lines == [
        "| a flood | 20% | 1,234 | 5 | 3 | 1 | 1 | 0 | 0 | 0 | 1 |",
        "| a flood | 20% |  | 5 | 3 | 1 | 1 | 3 | 0 | 0 | 1 |",
    ]
