"""People from the API: facts, credits in parts, and what cannot be had, over real HTTP."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import pytest

from application.ports import PersonOutcome
from domain.errors import (
    InvalidTitle,
    PageChanged,
    PersonNotFound,
    RunStopped,
    SourceBlocked,
    SourceUnavailable,
)
from domain.identifiers import NameId
from domain.partial_date import PartialDate
from domain.person_profile import FilmographyCredit, PersonProfile
from infrastructure.http.client import HttpClient
from infrastructure.scrapers.imdb_graphql import Endpoint, ImdbGraphqlPeople
from infrastructure.scrapers.imdb_graphql import person_source as module
from tests.clients import http_client
from tests.servers import Answer, Handler, ScriptedServer, serving
from tests.unit import graphql_answers
from tests.unit import graphql_people as answers

NOW = datetime(2026, 5, 6, tzinfo=UTC)
ONE, TWO, THREE = NameId("nm0000001"), NameId("nm0000002"), NameId("nm0000003")
IDS = [NameId(f"nm{n:07}") for n in range(1, 9)]

Make = Callable[..., ImdbGraphqlPeople]


@pytest.fixture
def http() -> Iterator[HttpClient]:
    with http_client(max_attempts=1, now=lambda: NOW) as client:
        yield client


@pytest.fixture
def make(http: HttpClient) -> Make:
    def source_of(server: ScriptedServer, batch_size: int = 50) -> ImdbGraphqlPeople:
        return ImdbGraphqlPeople(http, endpoint(server), batch_size, print)

    return source_of


def endpoint(server: ScriptedServer) -> Endpoint:
    return Endpoint(url=f"{server.url}/", client_name="us", language="en-US", country="US")


def outcomes_of(make: Make, answer: Answer, ids: Sequence[NameId]) -> Sequence[PersonOutcome]:
    with serving({"/": answer}) as server:
        return make(server).people(ids)


def test_many_people_come_with_one_request_and_with_every_fact(make: Make) -> None:
    with serving({"/": answers.answering()}) as server:
        people = make(server).people(IDS)
        assert server.requests["/"] == 1
    assert [person.imdb_id for person in people if isinstance(person, PersonProfile)] == IDS
    first = people[0]
    assert isinstance(first, PersonProfile)
    assert (first.name, first.biography) == (f"Person {ONE}", "Born.\n\nMoved.")
    assert first.birth_date == PartialDate(year=1964, month=4)
    assert first.death_date == PartialDate(year=2020, month=5, day=3)
    assert (first.birth_place, first.death_place) == ("Stratford", None)
    assert first.professions == ("Actress", "Writer")
    assert (first.known_for, first.total_credits) == (("tt7000004",), 91)
    assert first.filmography == (
        FilmographyCredit(
            category="actress", title_id="tt0000001", title="Title 1", kind="movie", year=1990,
            rating=7.0, votes=12, characters=("Somebody 1",),
        ),
    )  # fmt: skip
    provenance = first.provenance
    assert (provenance.source, provenance.found_by) == ("graphql", "api")
    assert provenance.fetched_at == NOW


def test_what_is_not_known_is_none_or_empty(make: Make) -> None:
    bare = answers.person(ONE)
    for name in bare.keys() - {"id", "nameText"}:
        bare[name] = None
    [person] = outcomes_of(make, answers.answering(**{ONE: bare}), [ONE])
    assert isinstance(person, PersonProfile)
    assert person == PersonProfile(imdb_id=ONE, name=f"Person {ONE}", provenance=person.provenance)


def test_what_else_is_said_of_a_person_is_asked_for_with_the_first_part_only(make: Make) -> None:
    films = [answers.credit(number) for number in range(1, module.FIRST_CREDITS + 2)]
    asked = []

    def answer(handler: Handler) -> None:
        variables = answers.asked(handler)
        asked.append((variables["isFirst"], variables["after"]))
        known = (
            {}
            if variables["isFirst"]
            else {ONE: answers.person(ONE, birthName={"text": "Not read"})}
        )
        answers.answering({ONE: films}, **known)(handler)

    with serving({"/": answer}) as server:
        person, _ = make(server).people([ONE, TWO])
    assert isinstance(person, PersonProfile)
    assert asked == [(True, None), (False, "50")]
    assert len(person.filmography) == len(films)
    assert Counter(fact.category.value for fact in person.facts) == {
        "birth_name": 1, "nickname": 2, "height": 1, "death_cause": 1, "image": 1, "spouse": 1,
        "quote": 1, "other_work": 1, "salary": 1, "external_link": 2,
    }  # fmt: skip


def test_each_role_of_a_credit_counts_in_its_own_category(make: Make) -> None:
    both = answers.credit(
        5,
        answers.role(answers.ACTRESS, "Io", "Self", attributes=[{"text": "voice"}]),
        answers.role(answers.WRITER, text="story by"),
        answers.role(answers.WRITER, text="Writer"),
        episodes=3,
    )
    [person] = outcomes_of(make, answers.answering({ONE: [both]}), [ONE])
    assert isinstance(person, PersonProfile)
    listed = [(c.category, c.characters, c.jobs, c.attributes, c.episodes)
              for c in person.filmography]  # fmt: skip
    assert listed == [
        ("actress", ("Io", "Self"), (), ("voice",), 3),
        ("writer", (), ("story by",), (), 3),
    ]


def test_credits_come_part_by_part_until_all_are_there(make: Make) -> None:
    count = module.FIRST_CREDITS + module.MORE_CREDITS + 7
    films = [answers.credit(number) for number in range(1, count + 1)]
    with serving({"/": answers.answering({TWO: films})}) as server:
        one, two = make(server).people([ONE, TWO])
        assert server.requests["/"] == 3
    assert isinstance(one, PersonProfile)
    assert isinstance(two, PersonProfile)
    assert len(one.filmography) == 1
    assert [c.title_id for c in two.filmography] == [f"tt{n:07}" for n in range(1, count + 1)]


def test_of_somebody_with_very_many_credits_a_bounded_number_is_asked_for(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CREDITS", 400)
    films = [answers.credit(number) for number in range(1, 2000)]
    with serving({"/": answers.answering({ONE: films})}) as server:
        [person] = make(server).people([ONE])
        assert server.requests["/"] == 3
    assert isinstance(person, PersonProfile)
    assert len(person.filmography) == 550
    assert person.total_credits == 91, "what the API says, so that it can be seen what is missing"


@pytest.mark.parametrize(
    "info", [{"hasNextPage": True, "endCursor": None}, {"hasNextPage": True, "endCursor": "x"}]
)
def test_a_list_that_promises_more_and_does_not_lead_on_has_changed(
    make: Make, info: dict[str, object]
) -> None:
    endless = {"total": 9, "edges": [], "pageInfo": info}
    odd = answers.person(ONE, creditsV2=endless)
    [one, two] = outcomes_of(make, answers.answering(**{ONE: odd}), [ONE, TWO])
    assert isinstance(one, PageChanged)
    assert "does not lead on" in str(one)
    assert isinstance(two, PersonProfile)


def refusing_from(number: int, refuse: Answer, answer: Answer) -> Answer:
    return lambda handler: (refuse if handler.number >= number else answer)(handler)


def test_a_person_whose_credits_stop_coming_is_not_taken_for_whole(make: Make) -> None:
    films = [answers.credit(number) for number in range(1, 400)]
    given = answers.answering({ONE: films, THREE: films})
    answer = refusing_from(2, lambda h: h.reply(500), given)
    with serving({"/": answer}) as server:
        one, two, three = make(server).people([ONE, TWO, THREE])
        assert server.requests["/"] == 2, "a source that fails is not asked for others' credits"
    assert isinstance(one, SourceUnavailable)
    assert isinstance(two, PersonProfile)
    assert isinstance(three, SourceUnavailable)


def test_being_blocked_is_raised(make: Make) -> None:
    with pytest.raises(SourceBlocked):
        outcomes_of(make, lambda h: h.reply(403, b"<html>403 Forbidden</html>"), [ONE])


def test_a_part_of_the_credits_that_is_too_complex_has_to_change(make: Make) -> None:
    films = [answers.credit(number) for number in range(1, 400)]
    too_complex = graphql_answers.body(None, graphql_answers.error("too complex", "X"))
    answer = refusing_from(2, lambda h: h.reply(200, too_complex), answers.answering({ONE: films}))
    [outcome] = outcomes_of(make, answer, [ONE])
    assert isinstance(outcome, PageChanged)
    assert "too complex" in str(outcome)


def test_a_batch_that_is_too_complex_is_halved_and_nobody_is_lost(make: Make) -> None:
    sizes = []

    def answer(handler: Handler) -> None:
        sizes.append(len(answers.asked(handler)["ids"]))
        if sizes[-1] > 2:
            error = graphql_answers.error("Query is too complex")
            handler.reply(200, graphql_answers.body(None, error))
        else:
            answers.answering()(handler)

    with serving({"/": answer}) as server:
        source = make(server, batch_size=8)
        people = source.people(IDS)
        assert source.batch_size == 2
    assert [person.imdb_id for person in people if isinstance(person, PersonProfile)] == IDS
    assert sizes == [8, 4, 2, 2, 2, 2]


def test_who_was_deleted_is_not_found_and_the_others_are_there(make: Make) -> None:
    first, second, third = outcomes_of(make, answers.answering(**{TWO: None}), [ONE, TWO, THREE])
    assert isinstance(first, PersonProfile)
    assert isinstance(second, PersonNotFound)
    assert second.imdb_id == TWO
    assert isinstance(third, PersonProfile)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (graphql_answers.error("no", "X", ["names", 1, "bio"]), SourceUnavailable, "bio: no"),
        (graphql_answers.error("none", "NOT_FOUND", ["names", 1]), PersonNotFound, "none"),
    ],
)
def test_a_person_whose_own_part_failed_fails_alone(
    make: Make, error: dict[str, object], kind: type, text: str
) -> None:
    names = [answers.person(imdb_id) for imdb_id in (ONE, TWO, THREE)]
    body = graphql_answers.body({"names": names}, error)
    first, second, third = outcomes_of(make, lambda h: h.reply(200, body), [ONE, TWO, THREE])
    assert isinstance(first, PersonProfile)
    assert isinstance(second, kind)
    assert text in str(second)
    assert TWO in str(second)
    assert isinstance(third, PersonProfile)


@pytest.mark.parametrize(
    "merged",
    [answers.person(THREE), answers.person(ONE, meta={"canonicalId": THREE})],
    ids=["under the new id", "under the old id"],
)
def test_who_was_merged_is_taken_under_the_new_id(make: Make, merged: dict[str, object]) -> None:
    [person, other] = outcomes_of(make, answers.answering(**{ONE: merged}), [ONE, TWO])
    assert isinstance(person, PersonProfile)
    assert person.imdb_id == THREE
    assert isinstance(other, PersonProfile)


def test_people_in_another_order_are_never_taken_for_each_other(make: Make) -> None:
    swapped = answers.answering(**{ONE: answers.person(TWO), TWO: answers.person(ONE)})
    first, second = outcomes_of(make, swapped, [ONE, TWO])
    assert isinstance(first, PageChanged)
    assert f"is {TWO}, not {ONE}" in str(first)
    assert isinstance(second, PageChanged)


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"nameText": None}, PageChanged, "nameText"),
        ({"id": "tt0000001", "meta": None}, InvalidTitle, "tt0000001"),
        ({"creditsV2": {"edges": []}}, PageChanged, "creditsV2"),
        ({"birthDate": {"dateComponents": {"year": 1964, "month": 13}}}, InvalidTitle, "(1964, 13"),
    ],
)
def test_a_person_of_another_shape_is_named_with_the_field_and_harms_nobody(
    make: Make, changes: dict[str, object], kind: type, text: str
) -> None:
    odd = answers.person(TWO, **changes)
    first, second = outcomes_of(make, answers.answering(**{TWO: odd}), [ONE, TWO])
    assert isinstance(first, PersonProfile)
    assert isinstance(second, kind)
    assert text in str(second)


def test_a_person_without_the_list_of_credits_is_of_another_shape(make: Make) -> None:
    odd = answers.person(ONE)
    del odd["creditsV2"]
    [outcome] = outcomes_of(make, answers.answering(**{ONE: odd}), [ONE])
    assert isinstance(outcome, PageChanged)
    assert "creditsV2" in str(outcome)


def test_a_run_that_is_stopped_between_two_parts_is_no_failure_of_the_api() -> None:
    stop = threading.Event()
    films = [answers.credit(number) for number in range(1, 400)]

    def answer(handler: Handler) -> None:
        stop.set()
        answers.answering({ONE: films})(handler)

    with serving({"/": answer}) as server, http_client(stop=stop) as client:
        source = ImdbGraphqlPeople(client, endpoint(server), 1, print)
        with pytest.raises(RunStopped):
            source.people([ONE])
