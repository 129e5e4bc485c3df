"""The answers, as declared in OpenAPI; made from the domain's values.

Times are in UTC, runtimes in minutes; what is unknown is ``null`` or an empty list. Those that are
asked for most are not made into the models that describe them, which takes long, but into plain
values of the same names; tests hold them against the models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from application.catalogue import (
    ChartSummary,
    Collaborator,
    CreditLine,
    Page,
    PersonEntry,
    TitleSummary,
)
from domain.chart import ChartName
from domain.details import Detail, Item, fields_of
from domain.history import ChartDiff, RankChange, Snapshot, TitleHistory
from domain.identifiers import TitleId
from domain.partial_date import PartialDate
from domain.person_profile import PersonProfile
from domain.provenance import Provenance
from domain.run import Failure, RunOutcome, RunRecord
from domain.title import CreditCategory, Title, TitleKind

Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""A moment, shown in UTC."""

_EXAMPLES: dict[str, Any] = {
    "imdb_id": "tt0111161",
    "kind": "movie",
    "title": "The Shawshank Redemption",
    "original_title": "The Shawshank Redemption",
    "year": 1994,
    "end_year": None,
    "runtime_minutes": 142,
    "rating": 9.3,
    "votes": 3_000_000,
    "metascore": 82,
    "certificate": "R",
    "genres": ["Drama"],
}


class Answer(BaseModel):
    """What all answers have in common: they can be made from objects with the same names."""

    model_config = ConfigDict(from_attributes=True)


class TitleLine(Answer):
    """The main facts of a title."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"example": _EXAMPLES | {"fetched_at": "2026-11-22T08:15:00Z"}},
    )

    imdb_id: str
    kind: TitleKind
    title: str
    original_title: str | None
    year: int | None
    end_year: int | None
    runtime_minutes: int | None
    rating: float | None = Field(description="From 0 to 10.")
    votes: int | None
    metascore: int | None = Field(description="From 0 to 100.")
    certificate: str | None
    genres: list[str]
    fetched_at: Moment


class TitlePage(Answer):
    """Some titles, and how to get the next ones."""

    items: list[TitleLine]
    next: str | None = Field(description="Send it as `after` for the next page; null at the end.")


class Origin(Answer):
    """Where facts came from, and when."""

    source: str = Field(examples=["html"])
    found_by: str = Field(examples=["next_data"])
    fetched_at: Moment


class CreditOut(Answer):
    """Somebody's part in a title; without an id when the source gave none."""

    category: CreditCategory
    position: int = Field(description="In the order of billing, from 1 on.")
    person_id: str | None = Field(examples=["nm0000151"])
    name: str = Field(examples=["Morgan Freeman"])
    characters: list[str] = Field(examples=[["Ellis Boyd 'Red' Redding"]])


class DetailOut(Answer):
    """All items of one detail; `is_whole` is false when the source had more."""

    is_whole: bool
    origin: Origin
    items: list[dict[str, JsonValue]]


class TitleOut(TitleLine):
    """A title with all that is known of it."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra=None)

    release_date: str | None = Field(
        description="As far as it is known: a year, a month or a day.", examples=["1994-10-14"]
    )
    plot: str | None
    origin: Origin
    credits: list[CreditOut]
    details: dict[str, DetailOut]


class CreditList(Answer):
    """The credits of a title."""

    imdb_id: str
    credits: list[CreditOut]


class RatingSeen(Answer):
    """The rating that a title had from a moment on."""

    observed_at: Moment
    rating: float | None
    votes: int | None


class RankSeen(Answer):
    """The rank that a title had in a chart at a moment."""

    chart: ChartName
    run_id: str
    captured_at: Moment
    rank: int


class History(Answer):
    """A title over time, the oldest first."""

    imdb_id: str
    title: str | None
    year: int | None
    ratings: list[RatingSeen]
    ranks: list[RankSeen]

    @classmethod
    def of(cls, found: TitleHistory) -> "History":
        """Make it from the domain's."""
        return cls.model_validate(found)


class PersonLine(Answer):
    """A person, and how many credits they have in the titles held."""

    imdb_id: str = Field(examples=["nm0000151"])
    name: str = Field(examples=["Morgan Freeman"])
    credits: int


class PersonPage(Answer):
    """Some people, and how to get the next ones."""

    items: list[PersonLine]
    next: str | None = Field(description="Send it as `after` for the next page; null at the end.")


class FactOut(Answer):
    """What is said of a person besides."""

    category: str
    text: str
    year: int | None
    url: str | None
    related_id: str | None


class ProfileOut(Answer):
    """Who somebody is, when their page was fetched."""

    origin: Origin
    birth_date: str | None
    birth_place: str | None
    death_date: str | None
    death_place: str | None
    professions: list[str]
    biography: str | None
    known_for: list[str]
    total_credits: int | None
    facts: list[FactOut]

    @classmethod
    def of(cls, profile: PersonProfile) -> "ProfileOut":
        """Make it from the domain's."""
        return cls(
            origin=_origin(profile.provenance),
            birth_date=_date(profile.birth_date),
            birth_place=profile.birth_place,
            death_date=_date(profile.death_date),
            death_place=profile.death_place,
            professions=list(profile.professions),
            biography=profile.biography,
            known_for=list(profile.known_for),
            total_credits=profile.total_credits,
            facts=[FactOut.model_validate(fact) for fact in profile.facts],
        )


class CreditInTitle(Answer):
    """A person's part in a title that is held."""

    title: TitleLine
    category: CreditCategory
    position: int
    name: str = Field(description="As credited in the title.")
    characters: list[str]


class CollaboratorOut(Answer):
    """Somebody with a part in so many of the same titles."""

    imdb_id: str
    name: str
    titles: int


class PersonOut(PersonLine):
    """A person, with a page of their credits in the titles held, the newest title first."""

    profile: ProfileOut | None = Field(description="null when their page was never fetched.")
    filmography: list[CreditInTitle]
    next: str | None = Field(description="Send it as `after` for more of the filmography.")
    collaborators: list[CollaboratorOut]


def title_values(title: Title) -> dict[str, object]:
    """A title as `TitleOut` describes it."""
    released = title.release_date
    return {name: getattr(title, name) for name in _EXAMPLES} | {
        "fetched_at": title.provenance.fetched_at,
        "release_date": None if released is None else released.isoformat(),
        "plot": title.plot,
        "origin": title.provenance,
        "credits": title.credits,
        "details": {detail.name: _detail_values(detail) for detail in title.details},
    }


def person_values(
    entry: PersonEntry, films: Page[CreditLine], collaborators: Sequence[Collaborator]
) -> dict[str, object]:
    """A person as `PersonOut` describes them."""
    profile, summary = entry.profile, entry.summary
    return {
        "imdb_id": summary.imdb_id,
        "name": summary.name,
        "credits": summary.credits,
        "profile": None if profile is None else ProfileOut.of(profile),
        "filmography": films.items,
        "next": films.next,
        "collaborators": collaborators,
    }


class ChartLine(Answer):
    """A chart that is kept."""

    chart: ChartName
    description: str = Field(examples=["the 250 best films"])
    run_id: str = Field(description="The run that has kept it last.")
    captured_at: Moment
    entries: int

    @classmethod
    def of(cls, summary: ChartSummary) -> "ChartLine":
        """Make it from the catalogue's."""
        return cls(
            chart=summary.chart,
            description=summary.chart.description,
            run_id=summary.newest.run_id,
            captured_at=summary.newest.captured_at,
            entries=summary.entries,
        )


class ChartList(Answer):
    """The charts that are kept."""

    items: list[ChartLine]


class RankedTitle(Answer):
    """A rank of a chart; the title is null when it was never fetched."""

    rank: int
    imdb_id: str
    title: TitleLine | None


class ChartOut(Answer):
    """A chart as a run found it."""

    chart: ChartName
    run_id: str
    captured_at: Moment
    entries: list[RankedTitle]

    @classmethod
    def of(cls, snapshot: Snapshot, titles: Mapping[TitleId, TitleSummary]) -> "ChartOut":
        """Make it from the domain's."""
        entries = [
            RankedTitle(rank=each.rank, imdb_id=each.title_id, title=_line(titles, each.title_id))
            for each in snapshot.chart.entries
        ]
        return cls(
            chart=snapshot.chart.name,
            run_id=snapshot.run_id,
            captured_at=snapshot.chart.captured_at,
            entries=entries,
        )


class SnapshotOut(Answer):
    """When a chart stood so, and how many titles were in it."""

    run_id: str
    captured_at: Moment
    titles: int


class RankMove(Answer):
    """A title's rank before and after; null where it was not in the chart."""

    imdb_id: str
    title: str | None
    before: int | None
    after: int | None


class DiffOut(Answer):
    """What has become of a chart; only the first `depth` ranks are compared."""

    chart: ChartName
    before: SnapshotOut
    after: SnapshotOut
    depth: int
    rose: list[RankMove]
    fell: list[RankMove]
    entered: list[RankMove]
    left: list[RankMove]

    @classmethod
    def of(cls, diff: ChartDiff, names: Mapping[TitleId, str]) -> "DiffOut":
        """Make it from the domain's."""

        def moves(changes: Sequence[RankChange]) -> list[RankMove]:
            return [
                RankMove(
                    imdb_id=change.title_id,
                    title=names.get(change.title_id),
                    before=change.before,
                    after=change.after,
                )
                for change in changes
            ]

        return cls(
            chart=diff.after.chart.name,
            before=_snapshot(diff.before),
            after=_snapshot(diff.after),
            depth=diff.depth,
            rose=moves(diff.rose),
            fell=moves(diff.fell),
            entered=moves(diff.entered),
            left=moves(diff.left),
        )


class RunLine(Answer):
    """A run, and how it went; what is not known before its end is null."""

    run_id: str = Field(examples=["20261122T081500Z-1a2b3c4d"])
    command: str = Field(examples=["chart"])
    chart: ChartName | None
    sources: list[str]
    details: list[str]
    started_at: Moment
    resumed_at: Moment | None
    finished_at: Moment | None
    at_work: bool
    is_paused: bool
    outcome: RunOutcome | None
    seconds: float | None
    asked: int | None = Field(description="Titles (or people) that it was asked for.")
    already_saved: int | None
    fetched: int | None
    failed: int | None
    not_tried: int | None
    saved: dict[str, int] = Field(description="How many each repository held at its end.")

    @classmethod
    def of(cls, record: RunRecord) -> "RunLine":
        """Make it from the domain's."""
        return cls(**_run_values(record))


class RunList(Answer):
    """The latest runs, the newest first."""

    items: list[RunLine]


class FailureOut(Answer):
    """What could not be fetched, and why."""

    imdb_id: str
    reason: str = Field(examples=["not_found"])
    message: str


class RunOut(RunLine):
    """A run, with what it could not fetch."""

    failures: list[FailureOut]

    @classmethod
    def of_run(cls, record: RunRecord, failures: Sequence[Failure]) -> "RunOut":
        """Make it from the domain's."""
        return cls(
            **_run_values(record),
            failures=[FailureOut.model_validate(failure) for failure in failures],
        )


def _run_values(record: RunRecord) -> dict[str, Any]:
    run = record.run
    facts = asdict(record)
    del facts["run"]
    return facts | {
        "run_id": run.run_id,
        "command": run.command,
        "chart": run.chart,
        "sources": list(run.sources),
        "details": [detail.value for detail in run.details],
        "started_at": run.started_at,
        "seconds": record.seconds,
        "not_tried": record.not_tried,
        "saved": dict(record.saved),
    }


def _detail_values(detail: Detail) -> dict[str, object]:
    return {
        "is_whole": detail.is_whole,
        "origin": detail.provenance,
        "items": [_item(item) for item in detail.items],
    }


def _origin(provenance: Provenance) -> Origin:
    return Origin.model_validate(provenance)


def _line(titles: Mapping[TitleId, TitleSummary], imdb_id: TitleId) -> TitleLine | None:
    found = titles.get(imdb_id)
    return None if found is None else TitleLine.model_validate(found)


def _snapshot(snapshot: Snapshot) -> SnapshotOut:
    return SnapshotOut(
        run_id=snapshot.run_id,
        captured_at=snapshot.chart.captured_at,
        titles=len(snapshot.chart.entries),
    )


def _date(known: PartialDate | None) -> str | None:
    return None if known is None else known.isoformat()


def _item(item: Item) -> dict[str, JsonValue]:
    return {field.name: _plain(getattr(item, field.name)) for field in fields_of(type(item))}


def _plain(value: Any) -> JsonValue:
    match value:
        case PartialDate() | date():
            return value.isoformat()
        case tuple():
            return [_plain(each) for each in value]
    plain: JsonValue = value
    return plain
