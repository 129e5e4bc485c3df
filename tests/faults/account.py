"""Counts what a run has lost, doubled or got wrong, from all that it leaves behind."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.facts import TitleFacts
from tests.faults.kept import (
    FACT_COLUMNS,
    CreditRow,
    Kept,
    credits_of,
    facts_of,
    kept_in_csv,
    kept_in_postgres,
    report_in,
)

Report = Mapping[str, Any]
"""A ``run-report.json``, or what PostgreSQL keeps of it."""

BOTH = "csv,postgres"

_SAVED = ("held_before", "copied", "inserted", "updated", "unchanged")


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the titles that a run was asked for.

    ``lost``, ``doubled`` and ``wrong`` say in words what is amiss, a line each. A title is lost
    when a repository lacks it and the report names it neither as failed, nor as not tried, nor as
    missing there. It counts as ``saved`` when every repository has it, as ``missing`` when it was
    fetched and each repository that lacks it is said to.
    """

    asked: int
    saved: int
    failed: int
    not_tried: int
    missing: int
    lost: Sequence[str]
    doubled: Sequence[str]
    wrong: Sequence[str]


def count(
    asked: Sequence[TitleFacts], output: Path, url: str, *, stores: str = BOTH, chart: bool = True
) -> Account:
    """The account of the newest run, from its output folder and its database.

    ``stores`` are its ``REPOSITORIES``.
    """
    readers = {"csv": lambda: kept_in_csv(output), "postgres": lambda: kept_in_postgres(url)}
    repositories = [readers[name]() for name in stores.split(",")]
    report = report_in(output, url if "postgres" in stores else None)
    return account_of(asked, report, repositories, chart=chart)


def assert_all_saved(asked: Sequence[TitleFacts], output: Path, url: str) -> None:
    """Fail unless both repositories have every title once and right, and the report adds up."""
    account = count(asked, output, url)
    assert (account.lost, account.doubled, account.wrong) == ([], [], [])
    assert account.saved == len(asked)


def account_of(
    asked: Sequence[TitleFacts], report: Report | None, repositories: Sequence[Kept], *, chart: bool
) -> Account:
    """Hold what the repositories keep, and what the report says, against the demo's facts.

    Whatever was in the repositories before the run was from others for the same titles. Without a
    report nothing is named. With ``chart`` the repositories must have the chart too.
    """
    unfetched = _unfetched(report)
    # Of two names that a person has, the newer one waits beside the files while a disk is full.
    settled = report is None or not any(part["error"] for part in report["repositories"])
    everywhere = set.intersection(*(kept.ids for kept in repositories))
    lost = {kept.name: list(_lost(asked, report, kept)) for kept in repositories}
    rest = {title.imdb_id for title in asked} - everywhere - set(unfetched)
    return Account(
        asked=len(asked),
        saved=len(everywhere),
        failed=len(report["failures"]) if report else 0,
        not_tried=len(report["not_tried"]) if report else 0,
        missing=len(rest.difference(*lost.values())),
        lost=[
            f"{imdb_id} is not in {name}, and named nowhere"
            for name, ids in lost.items()
            for imdb_id in ids
        ],
        doubled=[*_more_than_once("the report", unfetched), *_doubled(repositories)],
        wrong=[
            *(_sums(asked, report) if report else ()),
            *(line for kept in repositories for line in _wrong(asked, report, kept, chart=chart)),
            *_differences(repositories, names=settled),
        ],
    )


def _unfetched(report: Report | None) -> list[str]:
    """The ids that the report names as failed or as not tried."""
    if report is None:
        return []
    return [*(failure["imdb_id"] for failure in report["failures"]), *report["not_tried"]]


def _of(report: Report, kept: Kept) -> Report:
    """A repository's part of the report."""
    [part] = [part for part in report["repositories"] if part["name"] == kept.name]
    return part


def _saved(part: Report) -> int:
    return sum(part[name] for name in _SAVED)


def _lost(asked: Iterable[TitleFacts], report: Report | None, kept: Kept) -> Iterator[str]:
    named = set(_unfetched(report))
    if report is not None:
        part = _of(report, kept)
        named |= {*(failure["imdb_id"] for failure in part["refused"]), *part["missing"]}
    for title in asked:
        if title.imdb_id not in kept.ids | named:
            yield title.imdb_id


def _more_than_once(what: str, keys: Iterable[Hashable]) -> Iterator[str]:
    for key, number in Counter(keys).items():
        if number > 1:
            yield f"{what}: {key} is there {number} times"


def _doubled(repositories: Iterable[Kept]) -> Iterator[str]:
    for kept in repositories:
        yield from _more_than_once(f"titles in {kept.name}", (title[0] for title in kept.titles))
        yield from _more_than_once(f"people in {kept.name}", (person[0] for person in kept.people))
        yield from _more_than_once(f"credits in {kept.name}", (row[:3] for row in kept.credits))
        yield from _more_than_once(f"chart in {kept.name}", (place[:2] for place in kept.chart))


def _sums(asked: Sequence[TitleFacts], report: Report) -> Iterator[str]:
    """Where the numbers of the report do not add up."""
    done = report["already_saved"] + report["fetched"]
    given = done + len(_unfetched(report))
    if not report["asked"] == len(asked) == given:
        yield f"asked for {len(asked)}, the report says {report['asked']} and names {given}"
    from_sources: Mapping[str, int] = report["fetched_from"]
    if sum(from_sources.values()) != report["fetched"]:
        yield f"{report['fetched']} fetched, but from sources {from_sources}"
    others = {source: len(ids) for source, ids in report["from_other_sources"].items()}
    if len(others) != max(len(from_sources) - 1, 0) or not others.items() <= from_sources.items():
        yield f"from sources {from_sources}, of which {others} are named"
    if report.get("seconds", 0) < 0:
        yield f"it took {report['seconds']} seconds"
    for part in report["repositories"]:
        dealt = _saved(part) + len(part["refused"]) + len(part["missing"])
        if dealt != done:
            yield f"{part['name']}: {dealt} of {done} titles are accounted for"
        if not part["late"] <= _saved(part) == part.get("saved", _saved(part)):
            yield f"{part['name']}: {part['late']} late, {part.get('saved')} saved"


def _wrong(
    asked: Sequence[TitleFacts], report: Report | None, kept: Kept, *, chart: bool
) -> Iterator[str]:
    """Where a repository says something else than the demo, or than the report."""
    by_id = {title.imdb_id: title for title in asked}
    for row in kept.titles:
        yield from _wrong_title(row, by_id, kept.name)
    saved = [by_id[imdb_id] for imdb_id in kept.ids & set(by_id)]
    yield from _wrong_credits(credits_of(saved), kept)
    yield from _wrong_chart(asked if chart else (), report, kept)
    if report is not None:
        yield from _wrong_report(report, kept)


def _wrong_title(
    row: tuple[Any, ...], by_id: Mapping[str, TitleFacts], where: str
) -> Iterator[str]:
    if row[0] not in by_id:
        yield f"{where}: {row[0]} was never asked for"
        return
    for column, kept, right in zip(FACT_COLUMNS, row, facts_of(by_id[row[0]]), strict=False):
        if kept != right:
            yield f"{where}: {row[0]}: {column} is {kept!r}, not {right!r}"


def _wrong_credits(right: set[CreditRow], kept: Kept) -> Iterator[str]:
    """Credits and people that a repository should not have, or lacks."""
    for credit in right.symmetric_difference(kept.credits):
        yield f"{kept.name}: credit {credit} is {'missing' if credit in right else 'made up'}"
    people = {(person, name) for _, _, _, person, name, _ in right if person is not None}
    for person in set(kept.people) - people:
        yield f"{kept.name}: nobody in a title saved is {person}"
    for imdb_id in {imdb_id for imdb_id, _ in people} - {imdb_id for imdb_id, _ in kept.people}:
        yield f"{kept.name}: {imdb_id} is missing"


def _wrong_chart(charted: Sequence[TitleFacts], report: Report | None, kept: Kept) -> Iterator[str]:
    """Charts that are not the demo's; that of the run is missing only where nothing is saved."""
    right = [(title.rank, title.imdb_id) for title in charted]
    by_run: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for run_id, rank, imdb_id in kept.chart:
        by_run[run_id].append((rank, imdb_id))
    for run_id, places in by_run.items():
        if sorted(places) != right:
            yield f"{kept.name}: the chart of {run_id} is another"
    if not right or not kept.titles:
        return
    if not by_run or (kept.every_chart and report and report["run"]["run_id"] not in by_run):
        yield f"{kept.name}: the chart is missing"


def _wrong_report(report: Report, kept: Kept) -> Iterator[str]:
    part = _of(report, kept)
    # A batch may have got through though the answer to it was lost, with the connection.
    held = kept.ids - set(part["missing"]) if part["error"] else kept.ids
    if _saved(part) != len(held):
        yield f"{kept.name}: the report says {_saved(part)} saved, it has {len(held)}"
    holds = {"titles": kept.titles, "people": kept.people, "credits": kept.credits}
    known = part["holds"] is not None or not part["error"]
    if known and part["holds"] != {name: len(rows) for name, rows in holds.items()}:
        yield f"{kept.name}: the report says that it holds {part['holds']}"
    failures = [(failure["imdb_id"], failure["reason"]) for failure in report["failures"]]
    of_run = [rest for run_id, *rest in kept.failures if run_id == report["run"]["run_id"]]
    if not part["error"] and sorted(map(tuple, of_run)) != sorted(failures):
        yield f"{kept.name}: it keeps other failures than the report names"
    for imdb_id in set(_unfetched(report)) & kept.ids:
        yield f"{kept.name}: has {imdb_id}, which the report says was not fetched"
    yield from _wrong_sources(report, kept)


def _wrong_sources(report: Report, kept: Kept) -> Iterator[str]:
    """Titles that are from another source than the report says, which it does of those fetched."""
    others = {
        imdb_id: name for name, ids in report["from_other_sources"].items() for imdb_id in ids
    }
    main = next(iter(set(report["fetched_from"]) - set(others.values())), None)
    for row in kept.titles:
        imdb_id, source = row[0], row[len(FACT_COLUMNS)]
        if imdb_id in others or not report["already_saved"]:
            said = others.get(imdb_id, main)
            if said != source:
                yield f"{kept.name}: {imdb_id} is from {source}, not from {said}"


def _differences(repositories: Sequence[Kept], *, names: bool = True) -> Iterator[str]:
    """Where a repository has other rows of a title or, with ``names``, a person than the first.

    Titles that one of them lacks are left out, and so are their people: a person's name is that of
    the newest title.
    """
    first, *others = repositories
    for other in others:
        titles = first.ids & other.ids
        one, two = _titles_by_person(first), _titles_by_person(other)
        people = {
            person for person in one.keys() & two.keys() if names and one[person] == two[person]
        }
        for what, common in (("titles", titles), ("people", people), ("credits", titles)):
            rows, of_other = Counter(getattr(first, what)), Counter(getattr(other, what))
            for row in {*(rows - of_other), *(of_other - rows)}:
                if row[0] in common:
                    yield f"{what}: {first.name} and {other.name} differ in {row}"


def _titles_by_person(kept: Kept) -> dict[str | None, set[str]]:
    found: dict[str | None, set[str]] = defaultdict(set)
    for title, _, _, person, *_ in kept.credits:
        found[person].add(title)
    return found
