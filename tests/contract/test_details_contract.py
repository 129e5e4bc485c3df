"""What every `TitleRepository` promises of the details of titles, over the real adapters."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports import BatchResult, TitleRepository, TitleVersion
from domain.details import Detail, DetailName
from domain.details.items import (
    AlternativeTitle,
    Connection,
    CountryReleaseDate,
    Episode,
    FullCredit,
    Keyword,
)
from domain.identifiers import NameId, TitleId
from domain.release_date import ReleaseDate
from domain.title import Title
from tests import strategies
from tests.builders import NOON, a_detail, a_run, a_title, keywords, taglines, title_number
from tests.contract.factories import RepositoryFactory, held, in_billing_order

RUN = a_run()
Save = Callable[..., BatchResult]


@pytest.fixture
def save(repository: TitleRepository) -> Save:
    """Save the titles given, as one batch."""
    repository.begin_run(RUN, None)
    return lambda *titles: repository.save(titles, RUN)


def details_in(repository: TitleRepository, number: int = 1) -> tuple[Detail, ...]:
    return held(repository)[title_number(number)].details


def test_a_title_comes_back_with_its_details(repository: TitleRepository, save: Save) -> None:
    akas = a_detail(
        DetailName.AKAS,
        AlternativeTitle(title="Die Verurteilten", region="DE", types=("imdbDisplay",)),
        AlternativeTitle(title='A "title",\r\nof two lines\t\\N', attributes=("a, b", "[]")),
        is_whole=False,
    )
    title = a_title(1, details=(keywords("prison", "hope"), akas))
    assert save(title, a_title(2)) == BatchResult(inserted=2)
    assert held(repository)[title.imdb_id] == in_billing_order(title)
    assert held(repository)[title_number(2)] == in_billing_order(a_title(2))
    assert list(repository.titles([title.imdb_id])) == [in_billing_order(title)]


def test_that_there_are_none_is_kept(repository: TitleRepository, save: Save) -> None:
    save(a_title(1, details=(keywords(),)))
    assert details_in(repository) == (keywords(),)
    assert save(a_title(1, details=(keywords("one", minutes_later=1),))).updated == 1
    assert save(a_title(1, details=(keywords(minutes_later=2),))).updated == 1
    assert details_in(repository) == (keywords(minutes_later=2),)


def test_names_of_titles_and_people_that_are_not_held(
    repository: TitleRepository, save: Save
) -> None:
    details = (
        a_detail(
            DetailName.FULL_CREDITS,
            FullCredit(category="producer", billing=1, name="X", person_id=NameId("nm9999999")),
        ),
        a_detail(DetailName.EPISODES, Episode(episode_id=title_number(77), season=1, rating=8.0)),
        a_detail(
            DetailName.CONNECTIONS, Connection(category="spoofs", connected_id=title_number(78))
        ),
    )
    save(a_title(1, details=details))
    assert details_in(repository) == details
    assert repository.counts().titles == 1
    assert repository.counts().people == len(a_title().people)


@pytest.mark.parametrize("text", ["1994", "1994-10", "1994-10-14"])
def test_a_date_keeps_its_precision(repository: TitleRepository, save: Save, text: str) -> None:
    date = ReleaseDate.fromisoformat(text)
    detail = a_detail(DetailName.RELEASE_DATES, CountryReleaseDate(country="US", date=date))
    save(a_title(1, details=(detail,)))
    assert details_in(repository) == (detail,)


def test_a_title_without_a_detail_leaves_it_alone(repository: TitleRepository, save: Save) -> None:
    both = (keywords("a"), taglines("b"))
    save(a_title(1, details=both))
    assert save(a_title(1, minutes_later=1, votes=5)) == BatchResult(updated=1)
    newer = a_title(1, minutes_later=2, votes=6, details=(taglines("c", minutes_later=2),))
    assert save(newer) == BatchResult(updated=1)
    assert held(repository)[title_number(1)] == in_billing_order(
        replace(newer, details=(both[0], taglines("c", minutes_later=2)))
    )


def test_a_detail_can_come_later(repository: TitleRepository, save: Save) -> None:
    save(a_title(1), a_title(2))
    assert save(a_title(1, details=(keywords("a"),))) == BatchResult(updated=1)
    assert save(a_title(1, details=(taglines("b"),))) == BatchResult(updated=1)
    assert details_in(repository) == (keywords("a"), taglines("b"))
    assert details_in(repository, 2) == ()


def test_the_newer_detail_counts_whatever_the_age_of_the_title(
    repository: TitleRepository, save: Save
) -> None:
    newest = a_title(1, minutes_later=10, details=(keywords("a", minutes_later=5),))
    save(newest)
    older = a_title(1, votes=1, details=(keywords("b", minutes_later=4),))
    assert save(older) == BatchResult(unchanged=1)
    assert held(repository)[newest.imdb_id] == in_billing_order(newest)
    newer = keywords("b", minutes_later=6)
    assert save(a_title(1, votes=1, details=(newer,))) == BatchResult(updated=1)
    assert held(repository)[newest.imdb_id] == in_billing_order(replace(newest, details=(newer,)))
    assert repository.counts().titles == 1


def test_the_same_detail_read_later_is_unchanged(repository: TitleRepository, save: Save) -> None:
    save(a_title(1, details=(keywords("a"),)))
    assert save(a_title(1, details=(keywords("a", minutes_later=3),))) == BatchResult(unchanged=1)
    assert details_in(repository) == (keywords("a", minutes_later=3),)
    assert save(a_title(1, details=(keywords("a", minutes_later=1),))) == BatchResult(unchanged=1)
    assert details_in(repository) == (keywords("a", minutes_later=3),)


@pytest.mark.parametrize(
    "changed",
    [keywords("b", "a"), keywords("a"), replace(keywords("a", "b"), is_whole=False)],
    ids=["order", "one less", "not whole"],
)
def test_what_changes_a_detail(repository: TitleRepository, save: Save, changed: Detail) -> None:
    save(a_title(1, details=(keywords("a", "b"),)))
    assert save(a_title(1, details=(changed,))) == BatchResult(updated=1)
    assert details_in(repository) == (changed,)


def test_saving_again_changes_nothing(repository: TitleRepository, save: Save) -> None:
    titles = [a_title(n, details=(keywords(f"word {n}"), taglines())) for n in range(1, 6)]
    assert save(*titles) == BatchResult(inserted=5)
    before = held(repository)
    assert save(*titles) == BatchResult(unchanged=5)
    assert held(repository) == before


def test_a_title_twice_in_a_batch(repository: TitleRepository, save: Save) -> None:
    result = save(
        a_title(1, details=(keywords("a"),)),
        a_title(1, minutes_later=1, details=(taglines("b"), keywords("c", minutes_later=1))),
    )
    assert result == BatchResult(inserted=1, updated=1)
    assert details_in(repository) == (keywords("c", minutes_later=1), taglines("b"))


def test_reopening_sees_the_details(repository_factory: RepositoryFactory) -> None:
    with repository_factory() as repository:
        repository.begin_run(RUN, None)
        repository.save([a_title(1, details=(keywords("a"),)), a_title(2)], RUN)
        repository.save([a_title(2, details=(keywords("b"), taglines()))], RUN)
        before = held(repository)
    with repository_factory() as repository:
        assert held(repository) == before
        assert details_in(repository, 2) == (keywords("b"), taglines())


def test_a_second_repository_sees_what_the_first_saves(
    repository_factory: RepositoryFactory, repository: TitleRepository, save: Save
) -> None:
    with repository_factory() as other:
        save(a_title(1), a_title(2, details=(keywords("a"),)))
        assert details_in(other, 2) == (keywords("a"),)
        other.begin_run(RUN, None)
        other.save([a_title(1, details=(keywords("b"),)), a_title(3, details=(taglines(),))], RUN)
        save(a_title(1, details=(taglines("c"),)), a_title(4, details=(taglines("d"),)))
        assert held(other) == held(repository)
        assert details_in(repository) == (keywords("b"), taglines("c"))


def test_saving_while_reading_disturbs_neither(repository: TitleRepository, save: Save) -> None:
    save(*(a_title(number, details=(keywords(f"w{number}"),)) for number in range(1, 11)))
    reading = repository.titles()
    seen = {(title := next(reading)).imdb_id: title.details}
    save(a_title(3, details=(keywords("new", minutes_later=1),)), a_title(11))
    repository.counts()
    seen |= {title.imdb_id: title.details for title in reading}
    assert all(seen[title_number(n)] == (keywords(f"w{n}"),) for n in range(4, 11))
    assert details_in(repository, 3) == (keywords("new", minutes_later=1),)


def test_versions_tell_the_age_of_each_detail(repository: TitleRepository, save: Save) -> None:
    save(a_title(1, details=(taglines(minutes_later=2), keywords("a", minutes_later=1))))
    save(a_title(2), a_title(1, details=(keywords("b", minutes_later=5),)))
    assert sorted(repository.versions()) == [
        TitleVersion(
            title_number(1),
            NOON,
            (
                (DetailName.KEYWORDS, NOON + timedelta(minutes=5)),
                (DetailName.TAGLINES, NOON + timedelta(minutes=2)),
            ),
        ),
        TitleVersion(title_number(2), NOON),
    ]


def test_a_run_has_saved_the_titles_whose_details_it_saved(
    repository: TitleRepository, save: Save
) -> None:
    save(a_title(1, minutes_later=-60, details=(keywords("a"),)), a_title(2, minutes_later=-60))
    assert repository.held_since([title_number(n) for n in (1, 2, 3)], RUN) == {
        title_number(1),
        title_number(2),
    }


def test_a_refused_title_leaves_no_detail(repository: TitleRepository, save: Save) -> None:
    bad = a_title(2, details=(keywords("a"), taglines("b")))
    # No item like this can be made; a repository may check for itself all the same.
    object.__setattr__(bad.details[0].items[0], "users_voted", -1)
    result = save(a_title(1, details=(keywords("x"),)), bad, a_title(3))
    if not result.refused:
        pytest.skip("this repository refuses nothing that the domain lets through")
    assert [failure.imdb_id for failure in result.refused] == [bad.imdb_id]
    assert set(held(repository)) == {title_number(1), title_number(3)}
    assert details_in(repository) == (keywords("x"),)


def test_many_items(repository: TitleRepository, save: Save) -> None:
    many = a_detail(DetailName.KEYWORDS, *(Keyword(keyword=f"word {n}") for n in range(3000)))
    save(a_title(1, details=(many,)))
    assert details_in(repository) == (many,)


_NAMES = (DetailName.AKAS, DetailName.EPISODES, DetailName.BOX_OFFICE, DetailName.QUOTES)
_few_moments = st.integers(0, 3).map(lambda minutes: NOON + timedelta(minutes=minutes))
_few_titles = st.builds(
    lambda number, minutes, votes, details: a_title(
        number, minutes_later=minutes, votes=votes, details=details
    ),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(0, 1),
    strategies.detail_lists(_NAMES, _few_moments),
)


def merged(known: Title | None, title: Title) -> Title:
    """What a repository has of a title when it has saved this version of it as well."""
    if known is None:
        return in_billing_order(title)
    details = {detail.name: detail for detail in known.details}
    for detail in title.details:
        before = details.get(detail.name)
        if before is None or before.provenance.fetched_at <= detail.provenance.fetched_at:
            details[detail.name] = detail
    is_older = title.provenance.fetched_at < known.provenance.fetched_at
    facts = known if is_older else title
    return in_billing_order(replace(facts, details=tuple(details.values())))


def without_sources(title: Title) -> Title:
    """The title with the facts alone, of it and of its details."""
    provenance = a_title().provenance
    details = tuple(replace(detail, provenance=provenance) for detail in title.details)
    return replace(title, provenance=provenance, details=details)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches=st.lists(st.lists(_few_titles, max_size=3), max_size=4))
def test_any_order_of_versions_leaves_the_newest_of_each_part(
    repository: TitleRepository, batches: list[list[Title]]
) -> None:
    run = replace(RUN, run_id="20260101T120000Z-any")
    repository.begin_run(run, None)
    # Examples share the repository: what is held from the one before counts.
    expected: dict[TitleId, Title] = held(repository)
    for batch in batches:
        result = {"inserted": 0, "updated": 0, "unchanged": 0}
        for title in batch:
            before = expected.get(title.imdb_id)
            after = expected[title.imdb_id] = merged(before, title)
            if before is None:
                result["inserted"] += 1
            else:
                is_same = without_sources(after) == without_sources(before)
                result["unchanged" if is_same else "updated"] += 1
        assert repository.save(batch, run) == BatchResult(**result)
        assert held(repository) == expected
    moments = {version.imdb_id: dict(version.details) for version in repository.versions()}
    assert moments == {
        imdb_id: {detail.name: detail.provenance.fetched_at for detail in title.details}
        for imdb_id, title in expected.items()
    }


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(details=strategies.every_detail | strategies.detail_lists())
def test_any_details_come_back(repository: TitleRepository, details: tuple[Detail, ...]) -> None:
    run = replace(RUN, run_id="20260101T120000Z-any")
    repository.begin_run(run, None)
    imdb_id = title_number(1 + repository.counts().titles)
    title = a_title(details=details, imdb_id=imdb_id)
    repository.save([title], run)
    assert list(repository.titles([imdb_id])) == [in_billing_order(title)]
