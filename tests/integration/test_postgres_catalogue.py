"""Looking through titles and people in PostgreSQL: every page, in order, whatever is in them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.catalogue import (
    Collaborator,
    Page,
    PersonQuery,
    PersonSort,
    TitleQuery,
    TitleSort,
)
from application.ports import Catalogue
from domain.chart import ChartName
from domain.discovery import Span
from domain.errors import InvalidCursor, InvalidFilter, RepositoryUnavailable
from domain.identifiers import NameId
from domain.merged_id import MergedId
from domain.provenance import Provenance
from domain.run import RunOutcome, RunReport
from domain.title import CreditCategory, Title, TitleKind
from infrastructure.repositories.postgres import open_postgres_repository, title_pages
from infrastructure.repositories.postgres.catalogue import open_postgres_catalogue
from infrastructure.repositories.postgres.title_pages import EFFORT, Effort
from tests.builders import (
    NOON,
    a_chart,
    a_profile,
    a_run,
    a_title,
    cast_of,
    credit,
    keywords,
    person_number,
    title_number,
)
from tests.databases import drop_database, execute, new_database, rows_of

SORTS = [(sort, descending) for sort in TitleSort for descending in (False, True)]


def save(url: str, *titles: Title) -> None:
    with open_postgres_repository(url) as repository:
        repository.save(titles, a_run())
        repository.finish_run(
            RunReport(
                run=a_run(), finished_at=NOON, outcome=RunOutcome.COMPLETE, asked=len(titles),
                fetched=len(titles), fetched_from={"html": len(titles)},
            )
        )  # fmt: skip


@pytest.fixture
def catalogue(postgres_url: str) -> Iterator[Catalogue]:
    with open_postgres_catalogue(postgres_url) as opened:
        yield opened


def all_pages(ask: Callable[[str | None], Page[Any]]) -> list[Any]:
    """Every item of all pages, one after another."""
    page = ask(None)
    found = [*page.items]
    while page.next is not None:
        page = ask(page.next)
        assert page.items
        found += page.items
    return found


def all_titles(catalogue: Catalogue, query: TitleQuery) -> list[str]:
    items = all_pages(lambda after: catalogue.titles(replace(query, after=after)))
    return [item.imdb_id for item in items]


def sort_value(title: Title, sort: TitleSort) -> Any:
    value: Any = sort.field.value(title)
    return value.lower()[:200] if sort is TitleSort.TITLE else value


def is_wanted(title: Title, query: TitleQuery) -> bool:
    """What a query means, of titles with words of letters and spaces."""
    words = f"{title.title} {title.original_title or ''}".lower().split()
    *whole, last = (query.text or "").lower().split() or [""]
    return (
        all(word in words for word in whole)
        and any(word.startswith(last) for word in words)
        and (not query.kinds or title.kind in query.kinds)
        and set(query.genres) <= set(title.genres)
        and all(
            value is not None
            and (span.low is None or value >= span.low)
            and (span.high is None or value <= span.high)
            for name, span in query.spans.items()
            for value in [getattr(title, name)]
        )
        and (query.person is None or query.person in {c.person_id for c in title.credits})
    )


def in_order(titles: Sequence[Title], sort: TitleSort, *, descending: bool) -> list[str]:
    """The ids as they are to be listed: unknown at the end, those by the lower id."""
    known = [title for title in titles if sort_value(title, sort) is not None]
    known.sort(key=lambda title: (sort_value(title, sort), title.imdb_id), reverse=descending)
    unknown = sorted(title.imdb_id for title in titles if sort_value(title, sort) is None)
    return [title.imdb_id for title in known] + unknown


WORDS = st.lists(st.sampled_from(["Ab", "abc", "Été", "война", "X"]), min_size=1, max_size=3)
TEXTS = WORDS.map(" ".join)
SMALL = st.integers(0, 3)


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


@st.composite
def stores(draw: st.DrawFn) -> list[Title]:
    """Titles that have many values in common, and of which much is unknown."""
    ids = draw(st.lists(st.integers(1, 10**8), max_size=12, unique=True))
    return [
        a_title(
            number,
            title=draw(TEXTS),
            original_title=draw(optional(TEXTS)),
            kind=draw(st.sampled_from([TitleKind.MOVIE, TitleKind.SHORT])),
            year=draw(optional(st.integers(1990, 1992))),
            rating=draw(optional(st.sampled_from([0.0, 7.3, 8.0, 10]))),
            votes=draw(optional(SMALL)),
            metascore=draw(optional(SMALL)),
            runtime_minutes=draw(optional(st.integers(1, 3))),
            genres=draw(st.lists(st.sampled_from(["Drama", 'Quo"ted', "War"]), max_size=2)),
            credits=cast_of(*map(person_number, draw(st.lists(SMALL, max_size=2)))),
            provenance=Provenance(
                source="html",
                found_by="dom",
                fetched_at=NOON + timedelta(microseconds=draw(SMALL)),
            ),
        )
        for number in ids
    ]


@st.composite
def spans(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Span[Any]:
    low, high = draw(optional(values)), draw(optional(values))
    return Span(low, high) if low is None or high is None or low <= high else Span(high, low)


QUERIES = st.builds(
    TitleQuery,
    text=optional(st.sampled_from(["ab", "abc x", "été", "во", "x ab", "nothing"])),
    kinds=st.lists(st.sampled_from([TitleKind.MOVIE, TitleKind.SHORT]), max_size=2).map(tuple),
    genres=st.lists(st.sampled_from(["Drama", 'Quo"ted']), max_size=2).map(tuple),
    years=spans(st.integers(1990, 1992)),
    ratings=spans(st.sampled_from([0, 7.3, 8.0, 10.0])),
    votes=spans(SMALL),
    metascores=spans(SMALL),
    runtimes=spans(st.integers(1, 3)),
    person=optional(st.integers(1, 4).map(lambda number: person_number(number).imdb_id)),
    sort=st.sampled_from(TitleSort),
    descending=st.booleans(),
    limit=st.integers(1, 4),
)
ALL = st.builds(
    TitleQuery,
    sort=st.sampled_from(TitleSort),
    descending=st.booleans(),
    limit=st.integers(1, 4),
    years=st.just(Span()) | spans(st.integers(1990, 1992)),
)


@pytest.fixture(scope="module")
def shared_url(postgres_server: str) -> Iterator[str]:
    url = new_database(postgres_server)
    yield url
    drop_database(postgres_server, url)


EFFORTS = {
    "as it is": EFFORT,
    "by walking": Effort(walk=0, row=0),
    "by short walks": Effort(walk=1e-9, row=0, margin=0, least_walk=1),
    "by gathering": Effort(walk=1e9, row=1e9, entry=0, gathered_row=0, gathered=100),
    "by gathering in vain": Effort(
        walk=1e3, row=1e3, entry=0, gathered_row=0, gathered=0, margin=0, least_walk=2
    ),
    "by picking": Effort(walk=1, row=0, entry=1e9),
}  # fmt: skip


@pytest.mark.parametrize("effort", EFFORTS.values(), ids=EFFORTS)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(titles=stores(), queries=st.lists(QUERIES | ALL, min_size=3, max_size=6))
def test_paging_gives_every_title_once_and_in_order(
    shared_url: str, effort: Effort, titles: list[Title], queries: list[TitleQuery]
) -> None:
    with (
        open_postgres_repository(shared_url) as repository,
        open_postgres_catalogue(shared_url) as catalogue,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(title_pages, "EFFORT", effort)
        execute(shared_url, "DELETE FROM titles")
        repository.save(titles, a_run())
        execute(shared_url, "ANALYZE titles")
        for query in queries:
            wanted = [title for title in titles if is_wanted(title, query)]
            expected = in_order(wanted, query.sort, descending=query.descending)
            assert all_titles(catalogue, query) == expected


@pytest.mark.parametrize(("sort", "descending"), SORTS)
def test_rows_that_change_between_pages_move_no_others(
    catalogue: Catalogue, postgres_url: str, sort: TitleSort, descending: bool
) -> None:
    titles = [
        a_title(number, minutes_later=number, title=f"t{number}", year=2000 + number,
                rating=number / 2, votes=number, metascore=number, runtime_minutes=number)
        for number in range(1, 10)
    ]  # fmt: skip
    save(postgres_url, *titles)
    query = TitleQuery(sort=sort, descending=descending, limit=3)
    first = catalogue.titles(query)
    # The last of the page goes, and one comes to the front of it.
    execute(postgres_url, f"DELETE FROM titles WHERE imdb_id = '{first.items[-1].imdb_id}'")
    extreme = 100 if descending else 0
    newcomer = a_title(
        99, minutes_later=extreme, title=f"t{extreme}", year=1950 + extreme, rating=extreme / 10,
        votes=extreme, metascore=extreme, runtime_minutes=extreme or 1,
    )  # fmt: skip
    save(postgres_url, newcomer)

    rest = all_pages(lambda after: catalogue.titles(replace(query, after=after or first.next)))

    expected = in_order(titles, sort, descending=descending)[3:]
    assert [title.imdb_id for title in rest if title.imdb_id != title_number(99)] == expected


ODD = [
    "<script>alert('x')</script> & co",
    "'; DROP TABLE titles; --",
    'Quotes "and" %s \\ {braces} %(x)s',
    "Ωmega été 映画 🎬",
    "e\u0301te\u0301",
    "a" * 3000,
]


@pytest.mark.parametrize("sort", TitleSort)
def test_odd_titles_are_given_as_they_are(
    catalogue: Catalogue, postgres_url: str, sort: TitleSort
) -> None:
    save(postgres_url, *(a_title(number, title=title) for number, title in enumerate(ODD, 1)))
    query = TitleQuery(sort=sort, descending=False, limit=1)
    found = all_pages(lambda after: catalogue.titles(replace(query, after=after)))
    assert {item.imdb_id: item.title for item in found} == {
        title_number(number): title for number, title in enumerate(ODD, 1)
    }


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Spider-Man", "spider m"),
        ("Spider-Man", "SPIDER-MAN"),
        ("Apollo-13", "apollo 13"),
        ("Example.com", "com"),
        ("The Godfather", "godf"),
        ("The Godfather", "godfather the"),
        ("Amélie", "amél"),
        ("Schindler's List", "schindler's"),
        ("<b>Bold</b>", "bold"),
        ("война и мир", "МИР"),
        ("映画", "映画"),
        ("2.5 Men", "2.5"),
        ("100% \\ %s", "100%"),
        ("A & B | C", "b & c | !a"),
        ("x:* y", "x:*"),
    ],
)
def test_titles_are_found_by_their_words(
    catalogue: Catalogue, postgres_url: str, title: str, text: str
) -> None:
    save(postgres_url, a_title(1, title=title), a_title(2, title="Another"))
    found = catalogue.titles(TitleQuery(text=text))
    assert [item.title for item in found.items] == [title]


def test_titles_are_found_by_their_original_title(catalogue: Catalogue, postgres_url: str) -> None:
    save(postgres_url, a_title(1, title="Seven Samurai", original_title="Shichinin no samurai"))
    assert catalogue.titles(TitleQuery(text="shichinin seven")).items
    assert not catalogue.titles(TitleQuery(text="ninin")).items


@pytest.mark.parametrize("text", ["'", "x' OR '1'='1", "a & | b", ":*", "\\", "ª", "<->", "%s"])
def test_a_text_is_never_read_as_a_language(
    catalogue: Catalogue, postgres_url: str, text: str
) -> None:
    save(postgres_url, a_title(1, title="Another"))
    try:
        query = TitleQuery(text=text)
    except InvalidFilter:
        return
    assert catalogue.titles(query).items == ()


def test_a_cursor_is_for_its_own_order_only(catalogue: Catalogue, postgres_url: str) -> None:
    save(postgres_url, a_title(1), a_title(2))
    cursor = catalogue.titles(TitleQuery(limit=1)).next
    assert cursor is not None
    for sort, descending in SORTS:
        if (sort, descending) != (TitleSort.VOTES, True):
            with pytest.raises(InvalidCursor, match="sorted by"):
                TitleQuery(sort=sort, descending=descending, after=cursor)


def test_a_title_with_all_that_is_known(catalogue: Catalogue, postgres_url: str) -> None:
    title = a_title(1, details=(keywords("heist"),))
    save(postgres_url, title, a_title(2))
    assert catalogue.title(title_number(1)) == title
    assert catalogue.title(title_number(2)) == a_title(2)
    assert catalogue.credits(title_number(1)) == title.credits
    assert catalogue.title(title_number(3)) is None
    assert catalogue.credits(title_number(3)) is None


def test_a_title_without_credits_has_none(catalogue: Catalogue, postgres_url: str) -> None:
    save(postgres_url, a_title(1, credits=()))
    assert catalogue.credits(title_number(1)) == ()


def test_merged_ids_lead_to_the_new_ones(catalogue: Catalogue, postgres_url: str) -> None:
    old, new = title_number(8), title_number(1)
    former, person = person_number(8).imdb_id, person_number(1).imdb_id
    with open_postgres_repository(postgres_url) as repository:
        repository.save([a_title(1)], a_run())
        repository.note_merged([MergedId(old, new, NOON), MergedId(former, person, NOON)])
    assert catalogue.merged_into(old) == new
    assert catalogue.merged_into(new) is None
    found = catalogue.title(old)
    assert found is not None
    assert found.imdb_id == new
    assert catalogue.credits(old) == found.credits
    assert {i: s.imdb_id for i, s in catalogue.summaries([old, new, title_number(9)]).items()} == {
        old: new,
        new: new,
    }
    entry, filmography = catalogue.person(former), catalogue.filmography(former)
    assert entry is not None
    assert entry.summary.imdb_id == person
    assert filmography is not None
    assert len(filmography.items) == 1
    assert catalogue.collaborators(former) == catalogue.collaborators(person)


def test_people_by_name_and_by_credits(catalogue: Catalogue, postgres_url: str) -> None:
    people = [person_number(number) for number in range(1, 8)]
    save(postgres_url, *(a_title(n, credits=cast_of(*people[: 1 + n % 7])) for n in range(1, 20)))
    (expected,) = rows_of(
        postgres_url,
        "SELECT json_object_agg(person_id, n) FROM"
        " (SELECT person_id, count(*) AS n FROM credits GROUP BY 1) AS counted",
    )[0]
    for sort in PersonSort:
        for descending in (False, True):
            for text in (None, "person", "per"):
                query = PersonQuery(text=text, sort=sort, descending=descending, limit=2)
                found = all_pages(
                    lambda after, query=query: catalogue.people(replace(query, after=after))
                )
                keys = [
                    (person.name if sort is PersonSort.NAME else person.credits, person.imdb_id)
                    for person in found
                ]
                assert keys == sorted(keys, reverse=descending)
                assert {person.imdb_id: person.credits for person in found} == expected
    assert [p.name for p in catalogue.people(PersonQuery(text="person 3")).items] == ["Person 3"]


def test_credits_are_counted_as_they_come_and_go(catalogue: Catalogue, postgres_url: str) -> None:
    def counted() -> dict[str, int]:
        return {person.imdb_id: person.credits for person in catalogue.people(PersonQuery()).items}

    ones, twos = person_number(1), person_number(2)
    save(postgres_url, a_title(1, credits=cast_of(ones, twos, "No Id")), a_title(2, credits=()))
    assert counted() == {ones.imdb_id: 1, twos.imdb_id: 1}
    save(postgres_url, a_title(1, minutes_later=1, credits=cast_of(twos, twos)))
    assert counted() == {ones.imdb_id: 0, twos.imdb_id: 2}
    execute(postgres_url, "DELETE FROM titles")
    assert counted() == {ones.imdb_id: 0, twos.imdb_id: 0}


def test_a_person_with_and_without_profile(catalogue: Catalogue, postgres_url: str) -> None:
    with open_postgres_repository(postgres_url) as repository:
        repository.save([a_title(1)], a_run())
        repository.save_profiles([a_profile(1), a_profile(5)], a_run())
    both, credited = catalogue.person(NameId("nm0000001")), catalogue.person(NameId("nm0000002"))
    profiled = catalogue.person(NameId("nm0000005"))
    assert both is not None
    assert (both.summary.credits, both.profile) == (1, a_profile(1))
    assert credited is not None
    assert (credited.summary.name, credited.profile) == ("Person 2", None)
    assert profiled is not None
    assert (profiled.summary.name, profiled.summary.credits) == ("Person 5", 0)
    assert catalogue.person(NameId("nm0000006")) is None
    assert catalogue.filmography(NameId("nm0000006")) is None
    assert catalogue.filmography(NameId("nm0000005")) == Page(())


def test_a_filmography_newest_first_by_pages(catalogue: Catalogue, postgres_url: str) -> None:
    somebody = person_number(1)
    both = (credit(somebody, 1, category=CreditCategory.DIRECTOR), credit(somebody, 1))
    years = [2001, None, 1999, 2001, None, 1874]
    titles = [a_title(n, year=year, credits=both) for n, year in enumerate(years, 1)]
    save(postgres_url, *titles)
    for limit in (1, 3, 4, 12, 200):

        def ask(after: str | None, limit: int = limit) -> Page[Any]:
            page = catalogue.filmography(somebody.imdb_id, limit=limit, after=after)
            assert page is not None
            return page

        found = [(line.title.year, line.title.imdb_id, line.category) for line in all_pages(ask)]
        assert found == sorted(found, key=lambda line: (-(line[0] or 0), line[1], line[2]))
        assert len(set(found)) == 12

        def ask_one(after: str | None, limit: int = limit) -> Page[Any]:
            page = catalogue.filmography(
                somebody.imdb_id, category=CreditCategory.CAST, limit=limit, after=after
            )
            assert page is not None
            return page

        cast = [(line.title.year, line.title.imdb_id, line.category) for line in all_pages(ask_one)]
        assert cast == [line for line in found if line[2] is CreditCategory.CAST]
    assert catalogue.credit_counts(somebody.imdb_id) == {
        CreditCategory.DIRECTOR: 6, CreditCategory.CAST: 6,
    }  # fmt: skip
    assert catalogue.credit_counts(person_number(9).imdb_id) == {}
    with pytest.raises(InvalidFilter):
        catalogue.filmography(somebody.imdb_id, limit=0)
    for cursor in ("x", catalogue.titles(TitleQuery(sort=TitleSort.YEAR, limit=1)).next):
        with pytest.raises(InvalidCursor):
            catalogue.filmography(somebody.imdb_id, after=cursor)


def test_collaborators_are_those_of_most_titles(catalogue: Catalogue, postgres_url: str) -> None:
    one, two, three = map(person_number, (1, 2, 3))
    save(
        postgres_url,
        a_title(1, credits=cast_of(one, two, two)),
        a_title(2, credits=cast_of(one, two, three, "No Id")),
        a_title(3, credits=cast_of(three)),
    )
    assert catalogue.collaborators(one.imdb_id) == [
        Collaborator(imdb_id=two.imdb_id, name=two.name, titles=2),
        Collaborator(imdb_id=three.imdb_id, name=three.name, titles=1),
    ]


def test_charts_and_overview(catalogue: Catalogue, postgres_url: str) -> None:
    assert catalogue.charts() == []
    assert catalogue.overview().titles == 0
    with open_postgres_repository(postgres_url) as repository:
        for day, chart in enumerate([a_chart(1, 2, 3), a_chart(1, 2)]):
            later = replace(chart, captured_at=NOON + timedelta(days=day))
            repository.begin_run(a_run(f"run{day}"), later)
        repository.begin_run(a_run("tv"), a_chart(9, name=ChartName.TOP_TV))
        repository.save([a_title(1), a_title(2, kind=TitleKind.SHORT)], a_run())
    assert [(c.chart, c.newest.run_id, c.entries) for c in catalogue.charts()] == [
        (ChartName.TOP, "run1", 2),
        (ChartName.TOP_TV, "tv", 1),
    ]
    overview = catalogue.overview()
    assert (overview.titles, overview.people, overview.credits) == (2, 2, 6)
    assert overview.kinds == {TitleKind.MOVIE: 1, TitleKind.SHORT: 1}


def test_many_threads_share_few_connections(postgres_url: str) -> None:
    save(postgres_url, *(a_title(number) for number in range(1, 30)))
    at_once = threading.Barrier(12)
    with open_postgres_catalogue(postgres_url, pool_size=2) as catalogue:

        def ask(_: int) -> list[str]:
            at_once.wait()
            return all_titles(catalogue, TitleQuery(limit=5))

        with ThreadPoolExecutor(12) as threads:
            found = list(threads.map(ask, range(12)))
        name = "application_name = 'imdb-title-collector' AND datname = current_database()"
        opened = rows_of(postgres_url, f"SELECT count(*) FROM pg_stat_activity WHERE {name}")
    assert all(ids == found[0] for ids in found)
    assert len(set(found[0])) == 29
    assert opened[0][0] <= 2


def test_a_connection_that_was_lost_is_replaced(catalogue: Catalogue, postgres_url: str) -> None:
    save(postgres_url, a_title(1))
    assert catalogue.titles(TitleQuery()).items
    execute(
        postgres_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    assert catalogue.titles(TitleQuery()).items


def test_a_question_that_takes_too_long_is_given_up(postgres_url: str) -> None:
    save(postgres_url, a_title(1))
    with open_postgres_catalogue(postgres_url, statement_seconds=0.1) as catalogue:
        execute(
            postgres_url,
            "ALTER TABLE titles RENAME TO real_titles",
            "CREATE VIEW titles AS SELECT real_titles.* FROM real_titles, pg_sleep(60)",
        )
        with pytest.raises(RepositoryUnavailable) as caught:
            catalogue.titles(TitleQuery())
    assert caught.value.transient
