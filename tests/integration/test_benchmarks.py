"""Every strategy and system does the whole job, and a run that lost something is told."""

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.contestants import OURS, STRATEGIES, SYSTEMS, Contestant
from benchmarks.correctness import EVERYTHING, problems
from benchmarks.database import new_database
from benchmarks.measured_process import CommandFailed
from benchmarks.parts import STAGES_NAME, STAGES_VARIABLE
from benchmarks.race import Course, race
from benchmarks.systems.job import Job
from benchmarks.systems.saving import CreditRow, TitlePage, TitleRow, save
from demo.facts import TitleFacts, synthetic_facts
from demo.site import DemoSite
from tests.databases import rows_of

ROOT = Path(__file__).parents[2]

TITLES = 3
NEEDED = {
    "asyncio_aiohttp": ["aiohttp"],
    "gevent_pool": ["gevent"],
    "threads_session_orjson": ["orjson"],
    "gevent_orjson": ["gevent", "orjson"],
    "httpx_orjson": ["httpx", "orjson"],
    "aiohttp_orjson": ["aiohttp", "orjson"],
    "scrapy_orjson": ["scrapy", "orjson"],
    "pycurl_reference": ["pycurl"],
}
"""The packages that only the benchmarks have, by the module that needs them."""


def once_each() -> Iterator[Contestant]:
    """Every way once: of the pools of threads the smallest."""
    seen: set[object] = set()
    for contestant in [*SYSTEMS, *STRATEGIES]:
        way = (contestant.command, contestant.settings)
        if way not in seen:
            seen.add(way)
            yield replace(contestant, threads=min(contestant.threads, 3))


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(synthetic_facts(TITLES), page_bytes=100_000) as running:
        yield running


@pytest.fixture
def course(site: DemoSite, postgres_server: str, tmp_path: Path) -> Course:
    return Course(site.url, postgres_server, tmp_path)


def skip_without_packages(contestant: Contestant) -> None:
    module = (contestant.module or "").rpartition(".")[2]
    for package in NEEDED.get(module, []):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} comes with make bench")


@pytest.mark.parametrize("contestant", list(once_each()), ids=lambda contestant: contestant.name)
def test_everybody_saves_every_fact_that_he_claims_to_read(
    course: Course, contestant: Contestant
) -> None:
    skip_without_packages(contestant)
    assert course.run(contestant, TITLES).cpu_seconds > 0


def test_a_run_takes_the_first_titles_only_and_leaves_nothing_behind(
    course: Course, postgres_server: str, tmp_path: Path
) -> None:
    course.run(OURS, 1)
    assert list(tmp_path.iterdir()) == []
    databases = rows_of(postgres_server, "SELECT datname FROM pg_database")
    assert [name for (name,) in databases if name.startswith("benchmark")] == []


def test_strategies_tell_the_time_of_their_stages(course: Course) -> None:
    session = next(strategy for strategy in STRATEGIES if strategy.name == "session")
    told = []
    course.run(
        session,
        TITLES,
        environment={STAGES_VARIABLE: STAGES_NAME},
        look=lambda output: told.append(json.loads((output / STAGES_NAME).read_bytes())),
    )
    assert told[0]["titles"] == TITLES
    assert {"unpack", "decode", "build"} <= told[0]["stages"].keys()
    assert told[0]["stages"]["decode"]["calls"] >= TITLES


# --- who is caught --------------------------------------------------------------------------------


def page_of(facts: TitleFacts) -> TitlePage:
    """What a perfect system has read."""
    credited = [
        CreditRow(facts.imdb_id, category, position, p.imdb_id, p.name, list(p.characters))
        for category, people in (
            ("director", facts.directors),
            ("writer", facts.writers),
            ("cast", facts.cast),
        )
        for position, p in enumerate(people, 1)
    ]
    row = TitleRow(
        imdb_id=facts.imdb_id,
        kind="movie",
        title=facts.title,
        original_title=facts.original_title,
        year=facts.year,
        end_year=None,
        runtime_minutes=facts.runtime_minutes,
        rating=facts.rating,
        votes=facts.votes,
        metascore=facts.metascore,
        certificate=facts.certificate,
        genres=list(facts.genres),
        release_date=None,
        plot=None,
    )
    return TitlePage(row, credited)


PERFECT = [page_of(facts) for facts in synthetic_facts(TITLES).titles]


def problems_of(pages: list[TitlePage], postgres_server: str, folder: Path) -> list[str]:
    with new_database(postgres_server) as url:
        save(Job("http://nowhere.invalid", url, folder / "output", TITLES, 1), pages)
        return problems(folder / "output", url, synthetic_facts(TITLES).titles, EVERYTHING)


def test_nothing_is_wrong_with_a_perfect_system(postgres_server: str, tmp_path: Path) -> None:
    assert problems_of(PERFECT, postgres_server, tmp_path) == []


def with_first_title(**changes: object) -> list[TitlePage]:
    first, *others = PERFECT
    return [first._replace(title=first.title._replace(**changes)), *others]


def with_first_credit(**changes: object) -> list[TitlePage]:
    first, *others = PERFECT
    credited = [first.credits[0]._replace(**changes), *first.credits[1:]]
    return [first._replace(credits=credited), *others]


@pytest.mark.parametrize(
    ("pages", "problem"),
    [
        (PERFECT[1:], "titles, people and credits instead of"),
        (with_first_title(rating=9.2), "2 titles differ"),
        (with_first_title(votes=0), "2 titles differ"),
        (with_first_title(metascore=None), "2 titles differ"),
        (with_first_title(genres=["Drama", "Crime"]), "2 titles differ"),
        (with_first_credit(name="Nobody"), "2 credits differ"),
        (with_first_credit(characters=["Somebody"]), "2 credits differ"),
        (with_first_credit(position=99), "2 credits differ"),
        (with_first_credit(person_id=None), "2 credits differ"),
    ],
)
def test_what_is_lost_or_changed_is_found_in_both_places(
    pages: list[TitlePage], problem: str, postgres_server: str, tmp_path: Path
) -> None:
    found = problems_of(pages, postgres_server, tmp_path)
    for place in ("CSV: ", "PostgreSQL: "):
        assert any(told.startswith(place) and problem in told for told in found), found


def test_a_run_that_saves_nothing_has_failed_and_does_not_run_again(course: Course) -> None:
    idle = replace(OURS, name="idle", command=(*OURS.command[:1], "-c", "print('done')"))
    with pytest.raises(CommandFailed, match=r"titles\.csv"):
        course.run(idle, TITLES)
    results = race(course, {idle: 2, OURS: 2}, TITLES)
    assert results["idle"].runs == []
    assert "titles.csv" in (results["idle"].failure or "")
    assert len(results[OURS.name].runs) == 2
