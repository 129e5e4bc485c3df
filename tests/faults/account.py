"""Counts what a run has lost, doubled or got wrong, from all that it leaves behind."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.facts import TitleFacts
from tests.faults.kept import FACT_COLUMNS, Kept, credits_of, facts_of

Report = Mapping[str, Any]
"""A ``run-report.json``."""


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the titles that a run was asked for.

    ``lost``, ``doubled`` and ``wrong`` say in words what is amiss, a line each. A title is lost
    when a repository lacks it and the report names it neither as failed, nor as not tried, nor as
    missing there. It counts as ``saved`` when every repository has it.
    """

    asked: int
    saved: int
    failed: int
    not_tried: int
    lost: Sequence[str]
    doubled: Sequence[str]
    wrong: Sequence[str]


def account_of(
    asked: Sequence[TitleFacts], report: Report, repositories: Sequence[Kept], *, chart: bool
) -> Account:
    """Hold what the repositories keep, and what the report says, against the demo's facts.

    The repositories were empty before the run. With ``chart`` they must have the chart too.
    """
    return Account(
        asked=len(asked),
        saved=len(set.intersection(*(kept.ids for kept in repositories))),
        failed=len(report["failures"]),
        not_tried=len(report["not_tried"]),
        lost=[line for kept in repositories for line in _lost(asked, report, kept)],
        doubled=[*_doubled_in_report(report), *_doubled(repositories)],
        wrong=[
            *_sums(asked, report),
            *(line for kept in repositories for line in _wrong(asked, report, kept, chart=chart)),
            *_differences(repositories),
        ],
    )


def _of(report: Report, kept: Kept) -> Report:
    """A repository's part of the report."""
    [part] = [part for part in report["repositories"] if part["name"] == kept.name]
    return part


def _lost(asked: Iterable[TitleFacts], report: Report, kept: Kept) -> Iterator[str]:
    part = _of(report, kept)
    named = {failure["imdb_id"] for failure in [*report["failures"], *part["refused"]]}
    named |= {*report["not_tried"], *part["missing"]}
    for title in asked:
        if title.imdb_id not in kept.ids | named:
            yield f"{title.imdb_id} is not in {kept.name}, and named nowhere"


def _more_than_once(what: str, keys: Iterable[Hashable]) -> Iterator[str]:
    for key, number in Counter(keys).items():
        if number > 1:
            yield f"{what}: {key} is there {number} times"


def _doubled(repositories: Iterable[Kept]) -> Iterator[str]:
    for kept in repositories:
        yield from _more_than_once(f"titles in {kept.name}", (title[0] for title in kept.titles))
        yield from _more_than_once(f"people in {kept.name}", (person[0] for person in kept.people))
        yield from _more_than_once(f"credits in {kept.name}", (row[:3] for row in kept.credits))
        yield from _more_than_once(f"chart in {kept.name}", (rank for rank, _ in kept.chart))


def _doubled_in_report(report: Report) -> Iterator[str]:
    named = [failure["imdb_id"] for failure in report["failures"]] + report["not_tried"]
    yield from _more_than_once("the report", named)


def _sums(asked: Sequence[TitleFacts], report: Report) -> Iterator[str]:
    """Where the numbers of the report do not add up."""
    given = report["fetched"] + len(report["failures"]) + len(report["not_tried"])
    if not report["asked"] == len(asked) == given:
        yield f"asked for {len(asked)}, the report says {report['asked']} and names {given}"
    if sum(report["fetched_from"].values()) != report["fetched"]:
        yield f"{report['fetched']} fetched, but from sources {report['fetched_from']}"
    for part in report["repositories"]:
        dealt = part["saved"] + len(part["refused"]) + len(part["missing"])
        if dealt != report["fetched"]:
            yield f"{part['name']}: {dealt} of {report['fetched']} titles are accounted for"


def _wrong(
    asked: Sequence[TitleFacts], report: Report, kept: Kept, *, chart: bool
) -> Iterator[str]:
    """Where a repository says something else than the demo, or than the report."""
    by_id = {title.imdb_id: title for title in asked}
    for row in kept.titles:
        yield from _wrong_title(row, by_id, kept.name)
    saved = [by_id[imdb_id] for imdb_id in kept.ids & set(by_id)]
    right = credits_of(saved)
    for credit in right.symmetric_difference(kept.credits):
        yield f"{kept.name}: credit {credit} is {'missing' if credit in right else 'made up'}"
    people = {(person, name) for _, _, _, person, name, _ in right if person is not None}
    for person in set(kept.people) - people:
        yield f"{kept.name}: nobody in a title saved is {person}"
    for imdb_id in {imdb_id for imdb_id, _ in people} - {imdb_id for imdb_id, _ in kept.people}:
        yield f"{kept.name}: {imdb_id} is missing"
    yield from _wrong_report(report, kept)
    ranks = [(title.rank, title.imdb_id) for title in asked] if chart else []
    if sorted(kept.chart) != ranks:
        yield f"{kept.name}: the chart is another"


def _wrong_title(
    row: tuple[Any, ...], by_id: Mapping[str, TitleFacts], where: str
) -> Iterator[str]:
    if row[0] not in by_id:
        yield f"{where}: {row[0]} was never asked for"
        return
    for column, kept, right in zip(FACT_COLUMNS, row, facts_of(by_id[row[0]]), strict=False):
        if kept != right:
            yield f"{where}: {row[0]}: {column} is {kept!r}, not {right!r}"


def _wrong_report(report: Report, kept: Kept) -> Iterator[str]:
    part = _of(report, kept)
    if part["saved"] != len(kept.ids):
        yield f"{kept.name}: the report says {part['saved']} saved, it has {len(kept.ids)}"
    holds = {"titles": kept.titles, "people": kept.people, "credits": kept.credits}
    if part["holds"] != {name: len(rows) for name, rows in holds.items()}:
        yield f"{kept.name}: the report says that it holds {part['holds']}"
    failures = [(failure["imdb_id"], failure["reason"]) for failure in report["failures"]]
    if kept.failures is not None and sorted(kept.failures) != sorted(failures):
        yield f"{kept.name}: it keeps other failures than the report names"
    for imdb_id in {*dict(failures), *report["not_tried"]} & kept.ids:
        yield f"{kept.name}: has {imdb_id}, which the report says was not fetched"


def _differences(repositories: Sequence[Kept]) -> Iterator[str]:
    """Where a repository's rows are not those of the first."""
    first, *others = repositories
    for other in others:
        for what in ("titles", "people", "credits", "chart"):
            rows, of_other = Counter(getattr(first, what)), Counter(getattr(other, what))
            for row in {*(rows - of_other), *(of_other - rows)}:
                yield f"{what}: {first.name} and {other.name} differ in {row}"
