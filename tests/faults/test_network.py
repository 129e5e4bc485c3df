"""Every fault of the network at a share of the requests: nothing lost, doubled or made up."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.facts import load_facts
from demo.faults import Fault, FaultPlan
from demo.site import DemoSite
from tests.e2e.program import report
from tests.faults.account import Account, Report, account_of
from tests.faults.cases import CASES, Case, Ending
from tests.faults.kept import kept_in_csv, kept_in_postgres
from tests.faults.row import PROPERTY, Row
from tests.faults.running import Ended, run_program

FACTS = load_facts()
IDS = [title.imdb_id for title in FACTS.titles]
SECTION = "network"
SETTINGS: Mapping[str, object] = {
    "sources": "html",
    "requests_per_second": 0,
    "request_timeout_seconds": 2,
    "max_body_megabytes": 4,
}
TRIES = 4
"""The default of MAX_ATTEMPTS."""

SAVED, INCOMPLETE, NO_SOURCE = 0, 1, 3


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


def parameters(case: Case) -> Any:
    expected = pytest.mark.xfail(reason=case.fails_today or "", strict=True)
    return pytest.param(case, id=case.name, marks=[expected] if case.fails_today else [])


@pytest.mark.parametrize("case", [parameters(case) for case in CASES])
def test_a_fault_loses_doubles_and_makes_up_nothing(
    case: Case, tmp_path: Path, postgres_url: str, record_property: Any
) -> None:
    plan = FaultPlan([case.fault, *case.others], share=case.share)
    with DemoSite(FACTS, faults=plan) as site:
        settings = SETTINGS | {"base_url": site.url, "database_url": postgres_url} | case.settings
        ended = run_program(tmp_path, time_limit_seconds=case.time_limit_seconds, **settings)
        requests = Requests.of(site)
    said, account = told(tmp_path, postgres_url, ended, chart=True)
    row = Row.of(
        account, section=SECTION, fault=case.description, share=f"{case.share:.0%}",
        hit=requests.hit, status=ended.status,
    )  # fmt: skip
    record_property(PROPERTY, row.as_json())
    assert (account.lost, account.doubled, account.wrong) == ([], [], [])
    check_ending(case, account, said, requests)
    check_status(ended, account, said)
    assert ended.peak_bytes < case.peak_bytes


def test_a_robots_txt_that_forbids_everything_is_obeyed(
    tmp_path: Path, postgres_url: str, record_property: Any
) -> None:
    """It is asked for once, so a share makes no sense here; nor does a chart, which it forbids."""
    fault = Fault.ROBOTS_FORBID_ALL
    with DemoSite(FACTS, faults=FaultPlan([fault], share=1)) as site:
        settings = SETTINGS | {"base_url": site.url, "database_url": postgres_url}
        ended = run_program(tmp_path, "titles", *IDS, **settings)
        requests = Requests.of(site)
    said, account = told(tmp_path, postgres_url, ended, chart=False)
    row = Row.of(
        account, section=SECTION, fault=fault.description, share="100%", hit=requests.hit,
        status=ended.status,
    )  # fmt: skip
    record_property(PROPERTY, row.as_json())
    assert (account.lost, account.doubled, account.wrong) == ([], [], [])
    assert (requests.hit, dict(requests.answers)) == (1, {})
    assert account.saved == 0
    assert all("robots.txt" in failure["message"] for failure in said["failures"])
    assert ended.status == said["exit_status"] == NO_SOURCE, ended.output
    assert "robots.txt" in ended.output


def told(folder: Path, database_url: str, ended: Ended, *, chart: bool) -> tuple[Report, Account]:
    """The report of a run, and what is found when it is held against repositories and facts."""
    assert "Traceback" not in ended.output
    said = report(folder / "output")
    kept = [kept_in_csv(folder / "output"), kept_in_postgres(database_url)]
    return said, account_of(FACTS.titles, said, kept, chart=chart)


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
