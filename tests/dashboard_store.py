"""A store with something to see on every page of the dashboard: for its tests and its pictures."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from demo.facts import TitleFacts, load_facts
from domain.chart import Chart, ChartEntry, ChartName
from domain.details import Detail, DetailName
from domain.details.items import Keyword, Tagline
from domain.identifiers import NameId, TitleId
from domain.partial_date import PartialDate
from domain.person_profile import FilmographyCredit, PersonProfile
from domain.provenance import Provenance
from domain.release_date import ReleaseDate
from domain.run import Failure, RunOutcome, RunReport
from domain.title import Credit, CreditCategory, Title, TitleKind
from infrastructure.repositories.postgres import open_postgres_repository
from tests.builders import NOON, a_run, a_title

DAYS = 14
"""On so many days the chart was kept."""

BUSY = "nm9000000001"
"""Somebody with `EPISODES` credits and a few more."""
EPISODES = 240

UNCREDITED = "nm9000000002"
"""Somebody with a profile, and no credit in any title."""

LAST_RUN = f"202601{DAYS:02}T120000Z-test"
"""It has failures."""

_STEADY = 10
"""So many titles are seen each day, the others on the first and the last."""


def title_of(facts: TitleFacts) -> Title:
    """What a run would save of a title of the demo site."""
    people = {
        CreditCategory.DIRECTOR: facts.directors,
        CreditCategory.WRITER: facts.writers,
        CreditCategory.CAST: facts.cast,
    }
    released = facts.release_date
    return replace(
        a_title(),
        imdb_id=TitleId(facts.imdb_id), title=facts.title, original_title=facts.original_title,
        year=facts.year, rating=facts.rating, votes=facts.votes, metascore=facts.metascore,
        runtime_minutes=facts.runtime_minutes, certificate=facts.certificate, genres=facts.genres,
        release_date=ReleaseDate(year=released.year, month=released.month, day=released.day),
        plot="A plot of our own, so that there is a paragraph to look at: somebody goes "
        "somewhere, meets somebody else, and comes back as another person.",
        credits=tuple(
            Credit(
                category=category, position=position, name=each.name, characters=each.characters,
                person_id=NameId(each.imdb_id) if each.imdb_id else None,
            )
            for category, credited in people.items()
            for position, each in enumerate(credited, 1)
        ),
    )  # fmt: skip


def fill_store(url: str) -> None:
    """Save the demo's titles as fourteen daily runs would have, the last one with failures."""
    titles = [title_of(facts) for facts in load_facts().titles]
    charts = _charts([title.imdb_id for title in titles])
    with open_postgres_repository(url) as database:
        for number, chart in enumerate(charts, 1):
            run = a_run(f"202601{number:02}T120000Z-test", started_at=chart.captured_at)
            database.begin_run(run, chart)
            is_whole = number in (1, DAYS)
            seen = titles if is_whole else titles[:_STEADY]
            database.save([_seen(title, number, chart.captured_at) for title in seen], run)
            if number == DAYS:
                database.save(_episodes(chart.captured_at), run)
                database.save_profiles(_profiles(titles), run)
            seconds = 31 + number * 1.7
            database.finish_run(
                RunReport(
                    run=run,
                    finished_at=run.started_at + timedelta(seconds=seconds),
                    asked=len(titles) + (len(_FAILURES) if number == DAYS else 0),
                    fetched=len(titles),
                    outcome=RunOutcome.INCOMPLETE if number == DAYS else RunOutcome.COMPLETE,
                    fetched_from={"html": len(titles)},
                    failures=_FAILURES if number == DAYS else (),
                )
            )


_FAILURES = (
    *(
        Failure(
            imdb_id=TitleId(f"tt999990{number}"),
            reason="not_found",
            message=f"tt999990{number}: not found at html",
        )
        for number in range(4)
    ),
    Failure(
        imdb_id=TitleId("tt9999999"),
        reason="page_changed",
        message="tt9999999: the page has no title any more, at /title/tt9999999/: "
        "its layout may have changed",
    ),
)


def _charts(ids: Sequence[TitleId]) -> list[Chart]:
    """The chart of each day: neighbours change places, and now and then one falls or leaps."""
    random = Random(7)
    order = [*ids]
    found = []
    for day in range(DAYS):
        for _ in range(12):
            place = min(int(random.expovariate(1 / 25)), len(order) - 2)
            order[place], order[place + 1] = order[place + 1], order[place]
        if day % 4 == 2:
            order.insert(random.randrange(3, 8), order.pop(random.randrange(10, 16)))
        # The last places are not the same titles every day.
        kept = order[:-1] if day % 2 else [*order[:-2], order[-1]]
        entries = tuple(ChartEntry(rank, each) for rank, each in enumerate(kept, 1))
        found.append(Chart(ChartName.TOP, entries, NOON + timedelta(days=day)))
    return found


def _seen(title: Title, day: int, moment: datetime) -> Title:
    """A title as it was on a day: its rating and votes grow, and its details are from elsewhere."""
    rating = title.rating
    if rating is not None:
        rating = round(rating - 0.3 * (DAYS - day) / (DAYS - 1) + (0.1 if day % 5 == 3 else 0), 1)
    votes = None if title.votes is None else title.votes - 1237 * (DAYS - day)
    return replace(
        title,
        rating=rating,
        votes=votes,
        provenance=replace(title.provenance, fetched_at=moment),
        details=_details(moment) if title.imdb_id == "tt0111161" and day == DAYS else (),
    )


def _details(moment: datetime) -> tuple[Detail, ...]:
    origin = Provenance(source="graphql", found_by="api", fetched_at=moment + timedelta(minutes=3))
    return (
        Detail(
            name=DetailName.KEYWORDS, is_whole=True, provenance=origin,
            items=tuple(Keyword(keyword=word) for word in ("friendship", "prison", "hope")),
        ),
        Detail(
            name=DetailName.TAGLINES, is_whole=True, provenance=origin,
            items=(Tagline(text="A slogan of our own."),),
        ),
    )  # fmt: skip


def _episodes(moment: datetime) -> list[Title]:
    """What `BUSY` has done: in front of the camera, and of some behind it as well."""
    host = Credit(
        category=CreditCategory.CAST, position=1, name="Jo Busy", person_id=NameId(BUSY),
        characters=("Self - Host",),
    )  # fmt: skip
    guests = [
        Credit(
            category=CreditCategory.CAST, position=2, name=f"Guest {number}",
            person_id=NameId(f"nm90000001{number:02}"), characters=("Self - Guest",),
        )
        for number in range(12)
    ]  # fmt: skip
    behind = [
        replace(host, category=CreditCategory.WRITER, characters=()),
        replace(host, category=CreditCategory.DIRECTOR, characters=()),
    ]
    return [
        replace(
            a_title(),
            imdb_id=TitleId(f"tt90000{number:05}"), kind=TitleKind.TV_EPISODE,
            title=f"The Long Evening Show, part {number + 1}", original_title=None,
            year=1990 + number // 7 if number % 9 else None, release_date=None, rating=None,
            votes=None, metascore=None, certificate=None, runtime_minutes=50, plot=None,
            genres=("Talk-Show",),
            credits=(host, guests[number % 12], *(behind if number % 6 == 0 else ())),
            provenance=Provenance(source="html", found_by="next_data", fetched_at=moment),
        )
        for number in range(EPISODES)
    ]  # fmt: skip


def _profiles(titles: Sequence[Title]) -> list[PersonProfile]:
    origin = Provenance(
        source="html", found_by="next_data", fetched_at=NOON + timedelta(days=DAYS - 1)
    )
    works = [
        FilmographyCredit(
            category=category, title_id=title.imdb_id, title=title.title, kind=title.kind,
            year=title.year, rating=title.rating, votes=title.votes,
            characters=("Somebody",) if category == "actor" else (),
            jobs=("executive producer",) if category == "producer" else (),
        )
        for category, part in (("actor", titles[:90]), ("producer", titles[40:52]))
        for title in part
    ]  # fmt: skip
    return [
        PersonProfile(
            imdb_id=NameId("nm0000151"), name="Morgan Freeman", provenance=origin,
            birth_date=PartialDate(year=1937, month=6, day=1),
            birth_place="Memphis, Tennessee, USA", professions=("Actor", "Producer"),
            biography="A text of our own, in place of a biography: born in one city, at work in "
            "many, and known for a voice.",
            known_for=tuple(title.imdb_id for title in titles[:1]),
            total_credits=len(works), filmography=tuple(works),
        ),
        PersonProfile(imdb_id=NameId(UNCREDITED), name="Lee Uncredited", provenance=origin),
    ]  # fmt: skip
