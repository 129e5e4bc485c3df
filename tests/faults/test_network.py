"""Every fault of the network at a share of the requests: nothing lost, doubled or made up."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.facts import load_facts
from demo.faults import Fault, FaultPlan
from demo.site import DemoSite
from tests.databases import drop_database, new_database
from tests.e2e.program import report
from tests.faults.account import Account, Report, count
from tests.faults.cases import CASES, Case, Ending
from tests.faults.row import HandIn
from tests.faults.running import Ended, run_program

FACTS = load_facts()
IDS = [title.imdb_id for title in FACTS.titles]
SECTION = "network"
SETTINGS: Mapping[str, object] = {
    "sources": "html",
    "requests_per_second": 0,
    "max_body_megabytes": 4,
}
TRIES = 4
"""The default of MAX_ATTEMPTS."""

SAVED, INCOMPLETE, NO_SOURCE = 0, 1, 3

WAITING, WORKING = 4, 2
"""Runs at the same time: those that mostly wait, and those that keep a core busy."""


@dataclass(frozen=True, slots=True)
class Requests:
    """What a site was asked for: requests that a fault hit, and the answers that each title got.

    Which of a title's answers was the last to be read is not known: a program that has waited too
    long asks again, and may be served before the request that it gave up.
    """

    hit: int
    answers: Mapping[str, list[Fault | None]]

    @classmethod
    def of(cls, site: DemoSite) -> "Requests":
        pages = {f"/title/{imdb_id}/": imdb_id for imdb_id in IDS}
        answers: dict[str, list[Fault | None]] = defaultdict(list)
        for record in site.requests:
            if record.path in pages:
                answers[pages[record.path]].append(record.fault)
        return cls(sum(record.fault is not None for record in site.requests), answers)

    @property
    def hit_titles(self) -> set[str]:
        """Titles of which at least one answer was a fault."""
        return {imdb_id for imdb_id, faults in self.answers.items() if any(faults)}

    @property
    def never_right(self) -> set[str]:
        """Titles that were asked for and got nothing but faults."""
        return {imdb_id for imdb_id, faults in self.answers.items() if all(faults)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case: how the program ended, what the site was asked for, what is left."""

    ended: Ended
    requests: Requests
    said: Report
    account: Account


def have(plan: FaultPlan, folder: Path, server: str, *arguments: str, **given: Any) -> Outcome:
    """Run the program against a site with a fault, with a database of its own."""
    url = new_database(server)
    try:
        with DemoSite(FACTS, faults=plan) as site:
            settings = SETTINGS | {"base_url": site.url, "database_url": url} | given
            ended = run_program(folder, *arguments, **settings)
            requests = Requests.of(site)
        assert "Traceback" not in ended.output
        said = report(folder / "output")
        account = count(FACTS.titles, folder / "output", url, chart=not arguments)
        return Outcome(ended, requests, said, account)
    finally:
        drop_database(server, url)


@pytest.fixture(scope="module")
def outcome_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_server: str
) -> Iterator[Callable[[Case], Outcome]]:
    """Gives what came of a case. All that are tested run from now on, several at a time."""

    def begin(case: Case) -> Future[Outcome]:
        plan = FaultPlan([case.fault, *case.others], share=case.share)
        folder = tmp_path_factory.mktemp("case")
        given = {"time_limit_seconds": case.time_limit_seconds, **case.settings}
        pool = waiting if case.waits else working
        return pool.submit(have, plan, folder, postgres_server, **given)

    tested = [
        item.callspec.params["case"]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.module is request.module
        and hasattr(item, "callspec")
    ]
    with ThreadPoolExecutor(WAITING) as waiting, ThreadPoolExecutor(WORKING) as working:
        begun = {case.name: begin(case) for case in tested}
        yield lambda case: begun[case.name].result()
        for future in begun.values():
            future.cancel()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_loses_doubles_and_makes_up_nothing(
    case: Case, outcome_of: Callable[[Case], Outcome], hand_in: HandIn
) -> None:
    got = outcome_of(case)
    hand_in(
        got.account, section=SECTION, fault=case.description, share=f"{case.share:.0%}",
        hit=got.requests.hit, status=str(got.ended.status),
    )  # fmt: skip
    check_ending(case, got.account, got.said, got.requests)
    check_status(got.ended, got.account, got.said)
    assert got.ended.peak_bytes < case.peak_bytes


def test_a_robots_txt_that_forbids_everything_is_obeyed(
    tmp_path: Path, postgres_server: str, hand_in: HandIn
) -> None:
    """It is asked for once, so a share makes no sense here; nor does a chart, which it forbids."""
    fault = Fault.ROBOTS_FORBID_ALL
    got = have(FaultPlan([fault], share=1), tmp_path, postgres_server, "titles", *IDS)
    hand_in(
        got.account, section=SECTION, fault=fault.description, share="100%",
        hit=got.requests.hit, status=str(got.ended.status),
    )  # fmt: skip
    assert (got.requests.hit, dict(got.requests.answers)) == (1, {})
    assert got.account.saved == 0
    assert all("robots.txt" in failure["message"] for failure in got.said["failures"])
    assert got.ended.status == got.said["exit_status"] == NO_SOURCE, got.ended.output
    assert "robots.txt" in got.ended.output


def check_ending(case: Case, account: Account, said: Report, requests: Requests) -> None:
    """The titles that failed are those that were hit, and the report says why."""
    failed = {failure["imdb_id"] for failure in said["failures"]}
    asked = set(requests.answers)
    assert requests.hit > 0
    assert {failure["reason"] for failure in said["failures"]} <= case.reasons
    assert [f["message"] for f in said["failures"] if case.says not in f["message"]] == []
    assert failed & asked <= requests.hit_titles
    if case.ending is Ending.HARMLESS:
        assert failed == set()
    elif case.ending is Ending.SOME_TITLES_FAIL:
        assert set() < failed < requests.hit_titles
    else:
        assert requests.never_right <= failed
    if case.ending is Ending.RUN_STOPS:
        assert 0 < account.not_tried < account.asked
        return
    assert account.not_tried == 0
    assert asked == set(IDS)
    assert account.saved == account.asked - len(failed)
    if case.ending is Ending.TRIED_AGAIN:
        assert {len(requests.answers[imdb_id]) for imdb_id in failed} <= {TRIES}


def check_status(ended: Ended, account: Account, said: Report) -> None:
    """The exit status says what came of the run, and the report says the same."""
    right = NO_SOURCE if account.not_tried else INCOMPLETE if account.failed else SAVED
    assert ended.status == said["exit_status"] == right, ended.output
